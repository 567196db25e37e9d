"""Questions to attendants in their groups, by the message that asked."""

from typing import Final

from pydantic import TypeAdapter
from pymongo import ReplaceOne

from bot.domain.question import Question
from storage.engine.batching import FindOne, Write
from storage.engine.connection import Collection, Database, Document, translated
from storage.engine.repeating import update_once

_QUESTION: Final = TypeAdapter(Question)


class Questions:
    """Pending and answered questions; old ones expire by themselves."""

    def __init__(self, database: Database) -> None:
        self._questions: Collection = database["questions"]
        self._find = FindOne(self._questions)
        self._write = Write(self._questions)

    async def get(self, group_id: int, message_id: int) -> Question | None:
        document = await self._find(_key(group_id, message_id))
        return _QUESTION.validate_python(document) if document else None

    async def put(self, question: Question) -> None:
        """Store the whole question; the caller handles the group's updates one at a time."""
        key = _key(question.group_id, question.message_id)
        document: Document = {"_id": key, **_QUESTION.dump_python(question)}
        await self._write(ReplaceOne({"_id": key}, document, upsert=True))

    async def finish(self, group_id: int, message_id: int) -> bool:
        """Return True if the question was unanswered until now."""
        query: Document = {"_id": _key(group_id, message_id), "done": False}
        with translated():
            return await update_once(self._questions, query, {"$set": {"done": True}})


def _key(group_id: int, message_id: int) -> str:
    return f"{group_id}:{message_id}"
