"""Leases on documents: each has one owner at a time, over any number of replicas."""

from collections.abc import Collection as Some
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Generic, TypeVar

from bot.domain.lease import Lease
from storage.engine.batching import InsertOne
from storage.engine.connection import Collection, Document, translated

Id = TypeVar("Id")
_LEASE: Final = {"owner": 1, "until": 1, "wanted": 1, "wake": 1, "number": 1}
# A version that does not know `wake` releases the lease, which is as right.
_ASKED: Final = {"wanted": "", "wake": ""}


class Leases(Generic[Id]):
    """The leases of a collection, by `_id`, in the fields `owner` and `until` of its documents."""

    def __init__(
        self,
        collection: Collection,
        *,
        are_documents: bool = False,
        versioned: bool = False,
        freed: datetime | None = None,
        among: Document | None = None,
        are_asked_for: bool = True,
    ) -> None:
        """are_documents: a document is nothing but its lease, so it exists only while it has an
        owner. versioned: every write of a document raises its `version`, that of a lease too.
        freed: the end that a released lease gets. among: the documents that can have an owner.
        are_asked_for: False for leases that nobody gives up because another one waits."""
        self._collection = collection
        self._insert = InsertOne(collection) if are_documents else None
        self._versioned = versioned
        self._freed = freed
        self._among = among or {}
        self._are_asked_for = are_documents and are_asked_for

    async def acquire(
        self,
        key: Id,
        owner: str,
        *,
        now: datetime,
        lease: timedelta,
        above: int = 0,
        wake: bool = False,
    ) -> Lease | None:
        """Return the lease if it was free, had expired or is the owner's; else None, and its owner
        is asked to release it, or with `wake` only to look for new work.

        `owner` has it until `now + lease` then. Its number is higher than `above`, and than that
        of its last holder. A lease that was released leaves no document, and no number; the clock
        gives a higher one. If the clock was set back, a write is refused for the number of a
        document, and the lease is acquired again above that one.
        """
        number = max(int(now.timestamp() * 1e6), above + 1)
        values: Document = {"owner": owner, "until": now + lease}
        if self._insert is not None:
            values["number"] = number
            if await self._insert({"_id": key, **values}):
                return Lease(number)
        with translated():
            found = await self._collection.find_one({"_id": key}, _LEASE)
            if found is None:
                return None
            before = {name: found.get(name) for name in ("owner", "until")}
            # Its own: the answer to an earlier attempt was lost.
            is_mine = before["owner"] == owner
            is_free = not before["owner"] or not before["until"] or before["until"] < now
            if not is_free and not is_mine:
                if self._are_asked_for:
                    await self._ask(found, wake=wake)
                return None
            if self._insert is not None:
                values["number"] = number = max(number, found.get("number", 0) + 1)
            change = self._change(values) | {"$unset": _ASKED}
            result = await self._collection.update_one({"_id": key, **before}, change)
        if not result.matched_count:
            return None
        return Lease(number, is_takeover=bool(before["owner"]) and not is_mine)

    async def _ask(self, found: Document, *, wake: bool) -> None:
        if found.get("wanted") and (wake or not found.get("wake")):
            return
        change: Document = {"$set": {"wanted": True, **({"wake": True} if wake else {})}}
        if not wake:
            change["$unset"] = {"wake": ""}
        await self._collection.update_one({"_id": found["_id"], "owner": found["owner"]}, change)

    async def wanted(self, owner: str) -> dict[Id, bool]:
        """Return the keys of the owner's leases that another one has tried to acquire, and for
        each True if a look for new work is enough.

        They are marked only where a document is nothing but its lease.
        """
        with translated():
            documents = await self._collection.find(
                {"wanted": True}, {"owner": 1, "wake": 1}
            ).to_list(None)
        return {
            found["_id"]: found.get("wake", False)
            for found in documents
            if found["owner"] == owner
        }

    async def looked(self, keys: Sequence[Id], owner: str) -> None:
        """Forget that the owner was asked to look for new work; called before it looks."""
        asked = {"_id": {"$in": list(keys)}, "owner": owner, "wake": True}
        with translated():
            await self._collection.update_many(asked, {"$unset": _ASKED})

    async def renew(
        self, keys: Sequence[Id], owner: str, *, now: datetime, lease: timedelta
    ) -> list[Id]:
        """Renew the leases that the owner still has, until `now + lease`; return their keys."""
        mine = {"_id": {"$in": list(keys)}, "owner": owner}
        with translated():
            await self._collection.update_many(mine, self._change({"until": now + lease}))
            documents = await self._collection.find(mine, {"_id": 1}).to_list(None)
        return [document["_id"] for document in documents]

    async def release(
        self, keys: Sequence[Id], owner: str, numbers: Some[int] | None = None
    ) -> None:
        """Release the leases, except those that another owner has acquired meanwhile.

        numbers: those of the leases, so that one that the same owner has acquired anew meanwhile
            stays, too.
        """
        mine: Document = {"_id": {"$in": list(keys)}, "owner": owner}
        if numbers is not None and self._insert is not None:
            mine["number"] = {"$in": list(numbers)}
        with translated():
            if self._insert is not None:
                await self._collection.delete_many(mine)
            else:
                await self._collection.update_many(
                    mine, self._change({"owner": None, "until": self._freed})
                )

    async def owner_of(self, key: Id) -> str | None:
        """Return who has the lease, or had it when it expired; None if it is released."""
        with translated():
            found = await self._collection.find_one({"_id": key}, {"owner": 1})
        return (found or {}).get("owner")

    async def owners(self) -> list[tuple[Id, str]]:
        """Return (key, owner) of every lease."""
        with translated():
            documents = await self._collection.find(self._among, {"owner": 1}).to_list(None)
        return [(found["_id"], found["owner"]) for found in documents if found.get("owner")]

    def _change(self, values: Document) -> Document:
        return {"$set": values} | ({"$inc": {"version": 1}} if self._versioned else {})
