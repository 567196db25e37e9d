"""The inbox: every update is here before anything is done about it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pymongo.errors import BulkWriteError

from storage.connection import Collection, Database, Document, translated

_DUPLICATE_KEY = 11000


class Inbox:
    """Updates by bot and update id; `pending` names the chat while there is work to do."""

    def __init__(self, database: Database) -> None:
        self._inbox: Collection = database["inbox"]

    async def add(
        self, bot_id: int, updates: Sequence[tuple[int, str, dict[str, Any]]], *, at: datetime
    ) -> None:
        """Store (update id, chat key, payload) each; one that is there already stays as it is."""
        documents = [
            {
                "_id": _key(bot_id, update_id),
                "update_id": update_id,
                "pending": chat_key,
                "payload": payload,
                "received_at": at,
                "attempts": 0,
            }
            for update_id, chat_key, payload in updates
        ]
        if not documents:
            return
        with translated():
            try:
                await self._inbox.insert_many(documents, ordered=False)
            except BulkWriteError as error:
                if any(e["code"] != _DUPLICATE_KEY for e in error.details["writeErrors"]):
                    raise

    async def pending_chats(self) -> list[str]:
        """Keys of the chats that have work."""
        with translated():
            documents = await self._inbox.find({"pending": {"$gt": ""}}, {"pending": 1}).to_list(
                None
            )
        return list(dict.fromkeys(document["pending"] for document in documents))

    async def pending_of(self, chat_key: str) -> list[tuple[int, dict[str, Any], int]]:
        """(update id, payload, failed attempts) of one chat, oldest first."""
        with translated():
            documents: list[Document] = await self._inbox.find({"pending": chat_key}).to_list(None)
        documents.sort(key=lambda document: document["update_id"])
        return [(d["update_id"], d["payload"], d["attempts"]) for d in documents]

    async def done(self, bot_id: int, update_id: int, *, at: datetime) -> None:
        """Only a mark stays, to know the update again: what a person wrote is not kept here."""
        with translated():
            await self._inbox.update_one(
                {"_id": _key(bot_id, update_id)},
                {"$set": {"done_at": at}, "$unset": {"pending": "", "payload": ""}},
            )

    async def failed(self, bot_id: int, update_id: int, *, attempts: int, error: str) -> None:
        """Remember one more failed attempt and its error."""
        with translated():
            await self._inbox.update_one(
                {"_id": _key(bot_id, update_id)}, {"$set": {"attempts": attempts, "error": error}}
            )

    async def set_aside(self, bot_id: int, update_id: int, *, at: datetime) -> None:
        """Out of the way of the chat's later updates, payload kept for whoever looks into it."""
        with translated():
            await self._inbox.update_one(
                {"_id": _key(bot_id, update_id)},
                {"$set": {"set_aside_at": at}, "$unset": {"pending": ""}},
            )


def _key(bot_id: int, update_id: int) -> str:
    return f"{bot_id}:{update_id}"
