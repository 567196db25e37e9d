"""What customers wrote before their conversation, until it opens or a day has passed."""

from datetime import datetime

from pymongo import DeleteOne, ReplaceOne

from bot.domain.outgoing import Content
from storage.engine.batching import Write
from storage.engine.connection import Collection, Database, Document, translated
from storage.engine.repeating import update_once


class KeptMessages:
    """One document for each message, so that an update handled twice keeps it once."""

    def __init__(self, database: Database) -> None:
        self._kept: Collection = database["kept_messages"]
        self._write = Write(self._kept)

    async def put(self, chat_id: int, content: Content, *, at: datetime) -> None:
        key = _key(chat_id, content.source_message_id)
        document = {"_id": key, "chat_id": chat_id, "at": at, "content": _stored(content)}
        await self._write(ReplaceOne({"_id": key}, document, upsert=True))

    async def change(self, chat_id: int, content: Content) -> bool:
        """Return True if the message was kept, and is kept with this content now."""
        with translated():
            return await update_once(
                self._kept,
                {"_id": _key(chat_id, content.source_message_id)},
                {"$set": {"content": _stored(content)}},
            )

    async def drop(self, chat_id: int, message_id: int) -> None:
        await self._write(DeleteOne({"_id": _key(chat_id, message_id)}))

    async def of(self, chat_id: int, *, since: datetime) -> list[Content]:
        """Return the messages of the chat that were kept since then, oldest first."""
        with translated():
            documents = await self._kept.find({"chat_id": chat_id}).to_list(None)
        # The server deletes what is older, but not at once.
        kept = [Content.model_validate(one["content"]) for one in documents if one["at"] >= since]
        return sorted(kept, key=lambda content: content.source_message_id)

    async def forget(self, chat_id: int) -> None:
        with translated():
            await self._kept.delete_many({"chat_id": chat_id})


def _key(chat_id: int, message_id: int) -> str:
    return f"{chat_id}:{message_id}"


def _stored(content: Content) -> Document:
    return content.model_dump(mode="json", exclude_defaults=True)
