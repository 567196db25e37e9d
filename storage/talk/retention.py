"""Old conversations go, and with them what belongs to them."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Final

from pymongo.errors import DuplicateKeyError

from bot.domain.retention import RetentionRun
from storage.engine.connection import Collection, Database, translated
from storage.engine.scan import scan

# Each of their documents names its conversation in `conversation_id`, which is indexed.
_BELONGING: Final = ("relayed", "outbox", "questions")
_AT_ONCE: Final = 50
_KEY: Final = "retention"


class Retention:
    """Where replicas agree on who deletes today, and the deleting itself."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._conversations: Collection = database["conversations"]
        self._meta: Collection = database["meta"]

    async def last(self) -> RetentionRun | None:
        """The run that was begun last, of whichever replica."""
        with translated():
            document = await self._meta.find_one({"_id": _KEY})
        return RetentionRun.model_validate(document) if document else None

    async def begin(self, run: RetentionRun, *, after: RetentionRun | None) -> bool:
        """Whether it is ours; False when somebody has begun one since `after` was read."""
        document = run.model_dump() | {"_id": _KEY}
        with translated():
            if after is None:
                try:
                    await self._meta.insert_one(document)
                except DuplicateKeyError:
                    return False
                return True
            result = await self._meta.replace_one(
                {"_id": _KEY, "began_at": after.began_at}, document
            )
        return bool(result.matched_count)

    async def end(self, run: RetentionRun) -> None:
        """What it did; nothing when another one has begun since."""
        began_at = run.began_at.replace(microsecond=run.began_at.microsecond // 1000 * 1000)
        with translated():
            await self._meta.replace_one(
                {"_id": _KEY, "began_at": began_at}, run.model_dump() | {"_id": _KEY}
            )

    async def closed_before(self, moment: datetime) -> AsyncIterator[Sequence[str]]:
        """Ids of closed conversations, a batch at a time.

        By a walk through all of them: an index on when they were closed would cost every
        conversation more than one look a day does.
        """
        async for documents in scan(self._database, "conversations"):
            ids = [
                str(document["_id"])
                for document in documents
                if (closed_at := document.get("closed_at")) is not None
                and closed_at < moment
                # Whom the ERP still has to tell of is not lost with it.
                and document.get("lookup") is None
            ]
            if ids:
                yield ids

    async def delete(self, ids: Sequence[str], *, closed_before: datetime) -> tuple[int, int]:
        """How many conversations and messages went.

        The conversation goes last: killed in between, it is found again with what is left.
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
