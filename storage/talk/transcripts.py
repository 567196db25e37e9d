"""The words of conversations, which stay in the outbox after their messages are sent."""

from typing import Final

from bot.domain.outgoing import SAID
from bot.domain.transcript import Said, Words
from storage.engine.connection import Collection, Database, Document, translated

_READ: Final = ("words", "what", "order", "waiting", "failed_at")


class Transcripts:
    """The messages of people, by conversation; an index of the outbox ends them."""

    def __init__(self, database: Database) -> None:
        self._outbox: Collection = database["outbox"]

    async def of(self, conversation_id: str) -> tuple[Said, ...]:
        """Return what was said, as it was written, oldest first."""
        with translated():
            documents = await self._outbox.find(
                {"conversation_id": conversation_id}, dict.fromkeys(_READ, 1)
            ).to_list(None)
        written = [one for one in documents if "words" in one and one["what"] in SAID]
        written.sort(key=lambda one: (one["words"]["at"], one.get("order", 0)))
        return tuple(map(_read, written))

    async def edit(self, item_id: str, words: Words) -> None:
        """Keep the latest words of a message; nothing happens if it is not kept."""
        await self._change(
            item_id,
            {
                "$set": {
                    "words.text": words.text,
                    "words.kind": words.kind,
                    "words.is_edited": True,
                }
            },
        )

    async def erase(self, item_id: str) -> None:
        """Delete the text of a message; only that there was one stays."""
        await self._change(
            item_id, {"$set": {"words.is_deleted": True}, "$unset": {"words.text": ""}}
        )

    async def _change(self, item_id: str, change: Document) -> None:
        with translated():
            await self._outbox.update_one({"_id": item_id, "words.at": {"$exists": True}}, change)


def _read(document: Document) -> Said:
    return Said(
        words=Words.model_validate(document["words"]),
        waits="waiting" in document,
        is_undelivered="failed_at" in document,
    )
