"""Retention: deletes old conversations and the documents that belong to them."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Final

from bot.domain.retention import RetentionRun
from storage.engine.connection import Collection, Database, Document, translated
from storage.engine.repeating import insert_once, replace_once
from storage.engine.scan import scan

# The documents of these collections name their conversation in `conversation_id`, which is
# indexed.
_BELONGING: Final = ("relayed", "outbox", "questions")
_AT_ONCE: Final = 50


class DailyRuns:
    """The runs of something that is done once a day, on which replicas agree who does it."""

    def __init__(self, database: Database, key: str) -> None:
        """key: the name under which the latest run is stored."""
        self._meta: Collection = database["meta"]
        self._key = key

    async def last(self) -> RetentionRun | None:
        """Return the run that began last, of any replica."""
        with translated():
            document = await self._meta.find_one({"_id": self._key})
        return RetentionRun.model_validate(document) if document else None

    async def begin(self, run: RetentionRun, *, after: RetentionRun | None) -> bool:
        """Return True if this run is the caller's; False if another began since `after` was
        read."""
        document = run.model_dump() | {"_id": self._key}
        with translated():
            if after is None:
                return await insert_once(self._meta, document)
            seen: Document = {"_id": self._key, "began_at": after.began_at}
            return await replace_once(self._meta, seen, document)

    async def end(self, run: RetentionRun) -> None:
        """Store the result of the run, unless another one has begun since."""
        began_at = run.began_at.replace(microsecond=run.began_at.microsecond // 1000 * 1000)
        with translated():
            await self._meta.replace_one(
                {"_id": self._key, "began_at": began_at}, run.model_dump() | {"_id": self._key}
            )


class Retention(DailyRuns):
    """The deletion of old conversations, and its run of the day."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, "retention")
        self._database = database
        self._conversations: Collection = database["conversations"]

    async def closed_before(self, moment: datetime) -> AsyncIterator[Sequence[str]]:
        """Yield the ids of conversations that were closed before then, in batches.

        Scans all conversations: an index on the time of closing would cost every conversation more
        than one scan a day does.
        """
        async for documents in scan(self._database, "conversations"):
            ids = [
                str(document["_id"])
                for document in documents
                if (closed_at := document.get("closed_at")) is not None
                and closed_at < moment
                # Keep it while an ERP look-up is due, or the person would be lost with it.
                and document.get("lookup") is None
            ]
            if ids:
                yield ids

    async def delete(self, ids: Sequence[str], *, closed_before: datetime) -> tuple[int, int]:
        """Delete conversations with what belongs to them; return how many conversations and
        messages.

        The conversation is deleted last: if the process is killed in between, the next run finds
        it with the rest.
        """
        conversations = messages = 0
        for start in range(0, len(ids), _AT_ONCE):
            some = list(ids[start : start + _AT_ONCE])
            with translated():
                for name in _BELONGING:
                    result = await self._database[name].delete_many(
                        {"conversation_id": {"$in": some}}
                    )
                    messages += result.deleted_count
                result = await self._conversations.delete_many(
                    {"_id": {"$in": some}, "closed_at": {"$lt": closed_before}}
                )
            conversations += result.deleted_count
        return conversations, messages
