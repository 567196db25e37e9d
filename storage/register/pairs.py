"""Double entries that a search has found, and those that an admin knows to be two people.

Both end by TTL: what was found with the search of some time later, and what an admin said with his
memory of it.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Final

from bson.raw_bson import RawBSONDocument
from pymongo import ReplaceOne

from bot.domain.pairs import Outline, Pair, PairPage, PairReason
from bot.domain.registration import ErpRef
from storage.engine.connection import Collection, Database, Document, translated
from storage.engine.key_space import HIGHEST
from storage.engine.scan import scan

_AT_ONCE: Final = 100
_PHONES: Final = ("mobile", "home", "commercial")


class Pairs:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._pairs: Collection = database["pairs"]

    async def page(self, *, start: str | None, count: int) -> PairPage:
        """Return one page, the likeliest first; `start` is the `next` of the page before."""
        with translated():
            found = (
                await self._pairs.find({"rank": {"$gte": start or "", "$lt": HIGHEST}})
                .sort("rank", 1)
                .limit(count + 1)
                .to_list(None)
            )
        following = found[count]["rank"] if len(found) > count else None
        return PairPage(tuple(map(_read, found[:count])), following)

    async def count(self) -> int:
        with translated():
            listed: Document = {"rank": {"$gte": "", "$lt": HIGHEST}}
            return int(await self._pairs.count_documents(listed))

    async def get(self, pair_id: str) -> Pair | None:
        with translated():
            document: Document | None = await self._pairs.find_one({"_id": pair_id})
        return _read(document) if document else None

    async def replace(self, pairs: Sequence[Pair], *, at: datetime) -> int:
        """Store these in place of what was listed; return how many are listed now."""
        with translated():
            old = await self._pairs.find(
                {"rank": {"$gte": "", "$lt": HIGHEST}}, {"_id": 1}
            ).to_list(None)
        known = await self._different([pair.id for pair in pairs])
        new = {pair.id: _listed(pair, at) for pair in pairs if pair.id not in known}
        writes = [ReplaceOne({"_id": key}, one, upsert=True) for key, one in new.items()]
        gone = [one["_id"] for one in old if one["_id"] not in new]
        with translated():
            for start in range(0, len(writes), _AT_ONCE):
                await self._pairs.bulk_write(writes[start : start + _AT_ONCE], ordered=False)
            for start in range(0, len(gone), _AT_ONCE):
                some = gone[start : start + _AT_ONCE]
                # Not those that were marked since.
                await self._pairs.delete_many({"_id": {"$in": some}, "different_at": None})
        return len(new)

    async def _different(self, ids: Sequence[str]) -> set[str]:
        known = set()
        for start in range(0, len(ids), _AT_ONCE):
            with translated():
                found = await self._pairs.find(
                    {"_id": {"$in": list(ids[start : start + _AT_ONCE])}}, {"different_at": 1}
                ).to_list(None)
            known |= {one["_id"] for one in found if one.get("different_at")}
        return known

    async def drop(self, pair_id: str) -> None:
        with translated():
            await self._pairs.delete_one({"_id": pair_id, "different_at": None})

    async def mark_different(self, pair_id: str, *, by: str, at: datetime) -> None:
        """Keep the pair from being listed, for as long as that is remembered."""
        change: Document = {
            "$set": {"different_at": at, "by": by},
            "$unset": {"rank": "", "at": ""},
        }
        with translated():
            await self._pairs.update_one({"_id": pair_id}, change)

    async def unmark(self, pair: Pair, *, at: datetime) -> None:
        with translated():
            await self._pairs.replace_one({"_id": pair.id}, _listed(pair, at), upsert=True)


class Outlines:
    """Reads the whole register in closed windows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def outlines(self) -> AsyncIterator[Sequence[Outline]]:
        async for documents in scan(self._database, "registrations"):
            yield [_outline(document) for document in documents]


def _outline(document: RawBSONDocument) -> Outline:
    phones = document["phones"]
    return Outline(
        document["_id"],
        document["name"],
        "tax_id" in document,
        tuple(phones[name] for name in _PHONES if phones.get(name)),
        document.get("email"),
        frozenset(ErpRef.model_validate(dict(ref)) for ref in document.get("erp_refs", ())),
    )


def _listed(pair: Pair, at: datetime) -> Document:
    return {
        "_id": pair.id,
        "first_id": pair.first_id,
        "second_id": pair.second_id,
        "reasons": sorted(pair.reasons),
        "rank": f"{pair.rank}:{pair.id}",
        "at": at,
    }


def _read(document: Document) -> Pair:
    reasons = frozenset(map(PairReason, document["reasons"]))
    return Pair(document["first_id"], document["second_id"], reasons)
