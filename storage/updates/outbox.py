"""The outbox: what is to be sent waits here until Telegram has confirmed it."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from pymongo import UpdateOne

from bot.domain.outgoing import Outgoing, Undelivered
from storage.engine.batching import FindOne, InsertOne, Write
from storage.engine.connection import Collection, Database, Document, translated

# A number and so above every chat's: a range keeps the read in the index.
_LOWEST_CHAT: Final = -(2**63)
# Nothing that people wrote stays after it was sent; the mark does, to know the id again.
_CONTENT: Final = ("html", "header", "file")


class Outbox:
    """Things to send by id; `waiting` names the chat while there is work to do."""

    def __init__(self, database: Database) -> None:
        self._outbox: Collection = database["outbox"]
        self._insert = InsertOne(self._outbox)
        self._write = Write(self._outbox)
        self._find = FindOne(self._outbox)

    async def add(self, items: Sequence[Outgoing]) -> list[bool]:
        """Store them, saying of each whether it was new; one that was there ever stays so."""
        return await asyncio.gather(*(self._insert(_written(item)) for item in items))

    async def waiting_in(self, chat_id: int) -> list[Outgoing]:
        """What waits for this chat, in no order."""
        with translated():
            documents = await self._outbox.find({"waiting": chat_id}).to_list(None)
        return [_read(document) for document in documents]

    async def waiting(self) -> list[tuple[int, datetime]]:
        """Chat and moment of everything that waits."""
        with translated():
            documents = await self._outbox.find(
                {"waiting": {"$gte": _LOWEST_CHAT}}, {"waiting": 1, "put_at": 1}
            ).to_list(None)
        return [(document["waiting"], document["put_at"]) for document in documents]

    async def begin(self, ids: Sequence[str]) -> None:
        """Count one more attempt; comes before the call."""
        await asyncio.gather(
            *(self._write(UpdateOne({"_id": one}, {"$inc": {"attempts": 1}})) for one in ids)
        )

    async def not_begun(self, ids: Sequence[str]) -> None:
        """Telegram has surely not taken it: the attempt does not count."""
        await asyncio.gather(
            *(self._write(UpdateOne({"_id": one}, {"$inc": {"attempts": -1}})) for one in ids)
        )

    async def done(self, ids: Sequence[str], *, at: datetime) -> None:
        """Confirmed by Telegram."""
        change = {
            "$set": {"done_at": at},
            "$unset": {"waiting": "", **dict.fromkeys(_CONTENT, "")},
        }
        await asyncio.gather(*(self._write(UpdateOne({"_id": one}, change)) for one in ids))

    async def fail(self, ids: Sequence[str], reason: Undelivered, *, at: datetime) -> None:
        """Not delivered: out of the way of what comes later, kept to be sent again."""
        change = {
            "$set": {"failed_at": at, "reason": str(reason), "together": list(ids)},
            "$unset": {"waiting": ""},
        }
        await asyncio.gather(*(self._write(UpdateOne({"_id": one}, change)) for one in ids))

    async def move(self, ids: Sequence[str], chat_id: int) -> None:
        """It goes to another chat: the group of its department has changed."""
        change = {"$set": {"chat_id": chat_id, "waiting": chat_id}}
        await asyncio.gather(*(self._write(UpdateOne({"_id": one}, change)) for one in ids))

    async def one_waiting(self, item_id: str) -> Outgoing | None:
        """One that is not sent yet."""
        document = await self._find(item_id)
        return _read(document) if document and "waiting" in document else None

    async def failed(self, item_id: str) -> list[Outgoing]:
        """One that was not delivered and is kept, with the rest of its album."""
        document = await self._find(item_id)
        ids = document.get("together", [item_id]) if document else []
        found = await asyncio.gather(*(self._find(one) for one in ids))
        return [_read(document) for document in found if document and "failed_at" in document]

    async def again(self, item_id: str) -> bool:
        """Whether it waits once more; only one of those who press at once does it."""
        with translated():
            document = await self._outbox.find_one({"_id": item_id})
            if document is None or "failed_at" not in document:
                return False
            result = await self._outbox.update_one(
                {"_id": item_id, "failed_at": document["failed_at"]},
                {
                    "$set": {"waiting": document["chat_id"], "attempts": 0},
                    "$unset": {"failed_at": "", "reason": ""},
                },
            )
        return bool(result.modified_count)


def _written(item: Outgoing) -> Document:
    document = item.model_dump(exclude_defaults=True, exclude={"id"})
    return document | {
        "_id": item.id,
        "waiting": item.chat_id,
        "what": str(item.what),
        "priority": int(item.priority),
        "attempts": item.attempts,
    }


def _read(document: Document) -> Outgoing:
    values: dict[str, Any] = {k: v for k, v in document.items() if k in Outgoing.model_fields}
    return Outgoing.model_validate(values | {"id": document["_id"]})
