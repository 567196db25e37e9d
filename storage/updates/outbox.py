"""The outbox: messages wait here until Telegram has confirmed them."""

import asyncio
from collections.abc import Container, Sequence
from datetime import UTC, datetime
from typing import Final

from pymongo import UpdateOne

from bot.domain.outgoing import Outgoing, Undelivered
from storage.engine.batching import FindOne, InsertOne, Write
from storage.engine.connection import Collection, Database, Document, translated
from storage.engine.fencing import FencedUpdate, take_over

# Below every chat id, and a number: a range keeps the read in the index.
_LOWEST_CHAT: Final = -(2**63)
_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
# Texts that people wrote are deleted once they are sent. The rest stays as a mark, to recognise
# the id.
_CONTENT: Final = ("html", "header", "speaker", "file")


class Outbox:
    """Messages by id; `waiting` holds the chat's id while there is work to do."""

    def __init__(self, database: Database) -> None:
        self._outbox: Collection = database["outbox"]
        self._insert = InsertOne(self._outbox)
        self._write = Write(self._outbox)
        self._begin = FencedUpdate(self._outbox)
        self._find = FindOne(self._outbox)

    async def add(self, items: Sequence[Outgoing], *, begun: Container[str] = ()) -> list[bool]:
        """Store the items and return, for each, True if its id was new; a known id stays
        unchanged.

        begun: the ids of those that are stored with one attempt more.
        """
        documents = [_written(item) for item in items]
        for document in documents:
            document["attempts"] += document["_id"] in begun
        return await asyncio.gather(*(self._insert(document) for document in documents))

    async def waiting_in(self, chat_id: int) -> list[Outgoing]:
        """Return the items that wait for this chat, in no order."""
        with translated():
            documents = await self._outbox.find({"waiting": chat_id}).to_list(None)
        return [_read(document) for document in documents]

    async def waiting(self) -> list[tuple[int, datetime]]:
        """Return the chat and the time of storing of every item that waits."""
        with translated():
            documents = await self._outbox.find(
                {"waiting": {"$gte": _LOWEST_CHAT}}, {"waiting": 1, "put_at": 1}
            ).to_list(None)
        return [(document["waiting"], document["put_at"]) for document in documents]

    async def begin(self, items: Sequence[Outgoing]) -> None:
        """Store the attempts of each item; called before the call to Telegram.

        Raises LostError if another replica has taken over the chat: it may be sending them.
        """
        await asyncio.gather(*(self._begin([item.id], _counted(item)) for item in items))

    async def take_over(self, chat_id: int, number: int) -> None:
        """Fence off the last holder of the chat's lease from the messages that wait."""
        await take_over(self._outbox, {"waiting": chat_id}, number)

    async def count(self, items: Sequence[Outgoing]) -> None:
        """Store the attempts and refusals of each item."""
        await asyncio.gather(
            *(self._write(UpdateOne({"_id": item.id}, _counted(item))) for item in items)
        )

    async def undelivered(self) -> int:
        """Return how many items were not delivered and are still stored."""
        with translated():
            return int(await self._outbox.count_documents({"failed_at": {"$gte": _EVER}}))

    async def done(self, ids: Sequence[str], *, at: datetime, said: Container[str] = ()) -> None:
        """Mark the items as confirmed by Telegram and delete their content.

        said: the ids of those whose words stay, for the transcript.
        """
        gone = {"waiting": "", "trace": "", **dict.fromkeys(_CONTENT, "")}
        # Each has one moment only, by which an index ends it.
        kept: Document = {"$set": {"said_at": at}, "$unset": gone}
        change: Document = {"$set": {"done_at": at}, "$unset": gone | {"words": ""}}
        await self._change([one for one in ids if one in said], kept)
        await self._change([one for one in ids if one not in said], change)

    async def fail(self, ids: Sequence[str], reason: Undelivered, *, at: datetime) -> None:
        """Mark the items as not delivered: they block no later ones and can be sent again."""
        change = {
            "$set": {"failed_at": at, "reason": str(reason), "together": list(ids)},
            "$unset": {"waiting": ""},
        }
        await self._change(ids, change)

    async def move(self, ids: Sequence[str], chat_id: int) -> None:
        """Move the items to another chat: the group of their department has changed."""
        change = {"$set": {"chat_id": chat_id, "waiting": chat_id}}
        await self._change(ids, change)

    async def _change(self, ids: Sequence[str], change: Document) -> None:
        await asyncio.gather(*(self._write(UpdateOne({"_id": one}, change)) for one in ids))

    async def one_waiting(self, item_id: str) -> Outgoing | None:
        """Return the item if it still waits to be sent, else None."""
        document = await self._find(item_id)
        return _read(document) if document and "waiting" in document else None

    async def failed(self, item_id: str) -> list[Outgoing]:
        """Return an item that was not delivered and is still stored, with the rest of its
        album."""
        document = await self._find(item_id)
        ids = document.get("together", [item_id]) if document else []
        found = await asyncio.gather(*(self._find(one) for one in ids))
        return [_read(document) for document in found if document and "failed_at" in document]

    async def again(self, item_id: str, *, notice: tuple[int, int]) -> bool:
        """Return True if the item waits once more; of several concurrent presses only one
        succeeds."""
        with translated():
            document = await self._outbox.find_one({"_id": item_id})
            if document is None or "failed_at" not in document:
                return False
            result = await self._outbox.update_one(
                {"_id": item_id, "failed_at": document["failed_at"]},
                {
                    "$set": {"waiting": document["chat_id"], "attempts": 0, "notice": notice},
                    "$unset": {"failed_at": "", "reason": "", "refusals": ""},
                },
            )
        return bool(result.modified_count)


def _counted(item: Outgoing) -> Document:
    # Set, not incremented: the write can be repeated.
    return {"$set": {"attempts": item.attempts, "refusals": item.refusals}}


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
    values = {k: v for k, v in document.items() if k in Outgoing.model_fields}
    return Outgoing.model_validate(values | {"id": document["_id"]})
