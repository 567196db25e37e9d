"""Use case: admins create, change and delete the ready answers."""

import secrets
from dataclasses import dataclass
from enum import Enum
from typing import TypedDict, Unpack

from bot.domain.label import Written
from bot.domain.ready_answer import (
    ReadyAnswer,
    fill,
    is_too_long,
    plain,
    read_word,
    unknown_places,
)
from bot.usecases.ports import ReadyAnswers


class Refusal(Enum):
    """Reasons for which an answer is not created, changed or deleted."""

    NO_WORD = "no_word"
    """The word is too short or too long, or has more than letters and digits."""
    TAKEN = "taken"
    """The department has an answer with this word, or all departments have one."""
    NO_TEXT = "no_text"
    """Nothing is left for a customer whose name is not used."""
    TOO_LONG = "too_long"
    UNKNOWN_PLACE = "unknown_place"
    """The text has a place in braces that nothing fills."""
    STALE = "stale"
    """The answer was changed or deleted since it was read."""


class _NewValues(TypedDict, total=False):
    word: str
    html: str
    department_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ManageReadyAnswers:
    """A method that changes an answer takes it as it was shown to the admin."""

    answers: ReadyAnswers

    async def all(self) -> tuple[ReadyAnswer, ...]:
        return await self.answers.all()

    async def get(self, answer_id: str) -> ReadyAnswer | None:
        return next((one for one in await self.answers.all() if one.id == answer_id), None)

    async def check_word(self, text: str, department_id: str | None) -> str | Refusal:
        """Return the word as it would be stored, or the reason against it."""
        word = read_word(text)
        if word is None:
            return Refusal.NO_WORD
        asked = ReadyAnswer(id="", word=word, html="", department_id=department_id)
        there = {(one.department_id, one.key) for one in await self.answers.all()}
        return Refusal.TAKEN if (department_id, asked.key) in there else word

    async def create(
        self, word: str, html: str, department_id: str | None
    ) -> ReadyAnswer | Refusal:
        checked = _checked(html)
        if isinstance(checked, Refusal):
            return checked
        answer = ReadyAnswer(
            id=secrets.token_hex(6), word=word, html=checked, department_id=department_id
        )
        return answer if await self.answers.add(answer) else Refusal.TAKEN

    async def set_word(self, seen: ReadyAnswer, text: str) -> ReadyAnswer | Refusal:
        word = read_word(text)
        return Refusal.NO_WORD if word is None else await self._change(seen, word=word)

    async def set_text(self, seen: ReadyAnswer, html: str) -> ReadyAnswer | Refusal:
        checked = _checked(html)
        if isinstance(checked, Refusal):
            return checked
        return await self._change(seen, html=checked)

    async def set_department(
        self, seen: ReadyAnswer, department_id: str | None
    ) -> ReadyAnswer | Refusal:
        return await self._change(seen, department_id=department_id)

    async def delete(self, seen: ReadyAnswer) -> Refusal | None:
        return None if await self.answers.delete(seen) else Refusal.STALE

    async def _change(
        self, seen: ReadyAnswer, **values: Unpack[_NewValues]
    ) -> ReadyAnswer | Refusal:
        after = seen.model_copy(update={**values, "version": seen.version + 1})
        match await self.answers.change(seen, after):
            case Written.DONE:
                return after
            case Written.TAKEN:
                return Refusal.TAKEN
            case Written.STALE:
                return Refusal.STALE


def _checked(html: str) -> str | Refusal:
    html = html.strip()
    if unknown_places(html):
        return Refusal.UNKNOWN_PLACE
    if is_too_long(html):
        return Refusal.TOO_LONG
    if not any(map(str.isalnum, plain(fill(html, name=None, protocol="")))):
        return Refusal.NO_TEXT
    return html
