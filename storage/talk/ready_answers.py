"""Ready answers: few, so they are read whole."""

from pymongo.errors import DuplicateKeyError

from bot.domain.label import Written
from bot.domain.ready_answer import ReadyAnswer
from storage.engine.connection import Database, Document, translated
from storage.engine.repeating import insert_once, replace_once


class ReadyAnswers:
    """The ready answers; a short word is unique within a department, and among those for all."""

    def __init__(self, database: Database):
        self._answers = database["ready_answers"]

    async def all(self) -> tuple[ReadyAnswer, ...]:
        """Return all answers by word."""
        with translated():
            documents = await self._answers.find({}).to_list(None)
        answers = map(_read, documents)
        return tuple(sorted(answers, key=lambda one: (one.key, one.department_id or "", one.id)))

    async def add(self, answer: ReadyAnswer) -> bool:
        """Return True if it was stored; False if its department has the word, or its id exists."""
        with translated():
            return await insert_once(self._answers, _written(answer))

    async def change(self, before: ReadyAnswer, after: ReadyAnswer) -> Written:
        """Replace `before`, as it was read, by `after`, which has the next version."""
        with translated():
            try:
                seen: Document = {"_id": before.id, "version": before.version}
                if await replace_once(self._answers, seen, _written(after)):
                    return Written.DONE
            except DuplicateKeyError:
                return Written.TAKEN
            stored = await self._answers.find_one({"_id": before.id})
        return Written.DONE if stored == _written(after) else Written.STALE

    async def delete(self, seen: ReadyAnswer) -> bool:
        """Delete this version; return False when another one is stored."""
        with translated():
            await self._answers.delete_one({"_id": seen.id, "version": seen.version})
            return await self._answers.find_one({"_id": seen.id}) is None


def _written(answer: ReadyAnswer) -> Document:
    # One string, because compound indexes are not all right on the embedded server.
    word_key = f"{answer.department_id or ''}:{answer.key}"
    return {"_id": answer.id, **answer.model_dump(exclude={"id"}), "word_key": word_key}


def _read(document: Document) -> ReadyAnswer:
    values = {name: value for name, value in document.items() if name != "word_key"}
    return ReadyAnswer.model_validate(values | {"id": values.pop("_id")})
