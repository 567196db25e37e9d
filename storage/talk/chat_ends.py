"""The end of chats of people who came once and left nothing: no registration, no conversation."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from bson.raw_bson import RawBSONDocument

from bot.domain.retention import CHATS_KEPT
from storage.engine.connection import Collection, Database, Document, translated
from storage.engine.repeating import delete_once
from storage.engine.scan import scan

_AT_ONCE: Final = 100


class ChatEnds:
    """Deletes the chats that are of no use any more; the person is greeted anew if he returns."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._chats: Collection = database["chats"]

    async def __call__(self, now: datetime) -> int:
        """Return how many were deleted."""
        deleted = 0
        async for documents in scan(self._database, "chats"):
            old = [one for one in documents if _is_old(one, now)]
            for start in range(0, len(old), _AT_ONCE):
                for chat in await self._without_owner(old[start : start + _AT_ONCE]):
                    deleted += await self._delete(chat)
        return deleted

    async def _without_owner(self, chats: Sequence[RawBSONDocument]) -> list[RawBSONDocument]:
        """Return those without a conversation and without a registration that exists."""
        talking = await self._there("conversations", "chat_id", [one["_id"] for one in chats])
        linked = {one["registration_id"] for one in chats if one.get("registration_id")}
        registered = await self._there("registrations", "_id", list(linked))
        return [
            one
            for one in chats
            if one["_id"] not in talking and one.get("registration_id") not in registered
        ]

    async def _there(self, collection: str, field: str, keys: Sequence[object]) -> set[object]:
        if not keys:
            return set()
        with translated():
            found = (
                await self._database[collection]
                .find({field: {"$in": list(keys)}}, {field: 1})
                .to_list(None)
            )
        return {one[field] for one in found}

    async def _delete(self, chat: RawBSONDocument) -> int:
        # Unless the person has come back at this moment.
        as_read: Document = {"_id": chat["_id"]}
        as_read |= {name: chat.get(name) for name in ("registration_id", "privacy_notice_at")}
        with translated():
            return int(await delete_once(self._chats, as_read))


def _is_old(chat: RawBSONDocument, now: datetime) -> bool:
    if chat.get("lookup_owed"):
        return False
    before = now - CHATS_KEPT
    moments = [chat[name] for name in ("privacy_notice_at", "verified_at") if chat.get(name)]
    on = chat.get("attempts_on")
    return max(moments, default=before) <= before and (not on or on < before.date().isoformat())
