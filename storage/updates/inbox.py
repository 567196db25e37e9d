"""The inbox: every update is stored here before it is handled."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from bot.domain.errors import RefusedError
from bot.domain.retention import SET_ASIDE_KEPT
from storage.engine.batching import Batched, InsertOne
from storage.engine.connection import Collection, Database, Document, translated
from storage.engine.fencing import FencedUpdate, take_over

# The fields of a message that stay without its content.
_ENVELOPE: Final = ("message_id", "date", "chat", "from")
_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
# Telegram's own are numbers.
_CHAT_LENGTH: Final = 64


class Inbox:
    """Updates by bot and update id; `pending` holds the chat's key while there is work to do."""

    def __init__(self, database: Database) -> None:
        self._inbox: Collection = database["inbox"]
        self._insert = InsertOne(self._inbox)
        self._pending = Batched(self._inbox, self._pending_of)
        self._update = FencedUpdate(self._inbox)

    async def add(
        self, bot_id: int, updates: Sequence[tuple[int, str, Document]], *, at: datetime
    ) -> list[bool | RefusedError]:
        """Store each (update id, chat key, payload); return, for each, True if it was new.

        An update that is stored already stays as it is. For one that no document can hold the
        answer is the error; it waits like the others, with an empty payload. When storing fails,
        no later update of the same chat is stored: it would be handled first.
        """
        of_chats: dict[str, list[Document]] = {}
        for update_id, chat_key, payload in updates:
            document = {
                "_id": _key(bot_id, update_id),
                "update_id": update_id,
                "pending": chat_key,
                "payload": payload,
                "received_at": at,
                "attempts": 0,
            }
            of_chats.setdefault(chat_key, []).append(document)
        answers: dict[int, bool | RefusedError] = {}
        adding = [self._add_in_order(documents, answers) for documents in of_chats.values()]
        for error in await asyncio.gather(*adding, return_exceptions=True):
            if error is not None:
                raise error
        return [answers[update_id] for update_id, _, _ in updates]

    async def _add_in_order(
        self, documents: Sequence[Document], answers: dict[int, bool | RefusedError]
    ) -> None:
        for document in documents:
            answers[document["update_id"]] = await self._add_one(document)

    async def _add_one(self, document: Document) -> bool | RefusedError:
        try:
            return await self._insert(document)
        except RefusedError as error:
            chat_key = document["pending"][:_CHAT_LENGTH].encode(errors="replace").decode()
            bare = document | {"pending": chat_key, "payload": {}}
            return error if await self._insert(bare) else False

    async def pending_chats(self) -> list[str]:
        """Return the keys of the chats that have work."""
        with translated():
            documents = await self._inbox.find({"pending": {"$gt": ""}}, {"pending": 1}).to_list(
                None
            )
        return list(dict.fromkeys(document["pending"] for document in documents))

    async def waiting(self) -> tuple[int, int]:
        """Return how many updates are pending, and how many are set aside."""
        with translated():
            pending = await self._inbox.count_documents({"pending": {"$gt": ""}})
            aside = await self._inbox.count_documents({"set_aside_at": {"$gte": _EVER}})
        return pending, aside

    async def pending_of(self, chat_key: str) -> list[tuple[int, Document, int]]:
        """Return the chat's pending updates as (update id, payload, failed attempts), oldest
        first."""
        return await self._pending(chat_key)

    async def _pending_of(
        self, chat_keys: Sequence[str]
    ) -> Sequence[list[tuple[int, Document, int]]]:
        with translated():
            documents: list[Document] = await self._inbox.find(
                {"pending": {"$in": list(dict.fromkeys(chat_keys))}}
            ).to_list(None)
        documents.sort(key=lambda document: document["update_id"])
        return [
            [
                (d["update_id"], d["payload"], d["attempts"])
                for d in documents
                if d["pending"] == key
            ]
            for key in chat_keys
        ]

    async def done(self, bot_id: int, update_id: int, *, at: datetime) -> None:
        """Mark the update as done and delete its payload: texts that people wrote are not kept
        here.

        The mark stays, so that a repeat of the update is recognised.
        """
        change = {"$set": {"done_at": at}, "$unset": {"pending": "", "payload": ""}}
        await self._update([_key(bot_id, update_id)], change)

    async def forget_content(self, bot_id: int, update_id: int) -> None:
        """Delete the content of the update's message; keep its id, date, chat and sender.

        If the update is handled again, it comes without the text.
        """
        key = {"_id": _key(bot_id, update_id)}
        with translated():
            document = await self._inbox.find_one(key)
            message = (document or {}).get("payload", {}).get("message")
            if message is None:
                return
            envelope = {name: message[name] for name in _ENVELOPE if name in message}
            payload = {"update_id": update_id, "message": envelope}
            await self._inbox.update_one(key, {"$set": {"payload": payload}})

    async def failed(self, bot_id: int, update_id: int, *, attempts: int, error: str) -> None:
        """Store the number of failed attempts and the last error."""
        change = {"$set": {"attempts": attempts, "error": error}}
        await self._update([_key(bot_id, update_id)], change)

    async def set_aside(self, bot_id: int, update_id: int, *, at: datetime) -> None:
        """Set the update aside, so that it no longer blocks its chat; keep the payload for
        `SET_ASIDE_KEPT`."""
        change = {
            "$set": {"set_aside_at": at, "ends_at": at + SET_ASIDE_KEPT},
            "$unset": {"pending": ""},
        }
        await self._update([_key(bot_id, update_id)], change)

    async def take_over(self, chat_key: str, number: int) -> None:
        """Fence off the last holder of the chat's lease from the updates that wait."""
        await take_over(self._inbox, {"pending": chat_key}, number)


def _key(bot_id: int, update_id: int) -> str:
    return f"{bot_id}:{update_id}"
