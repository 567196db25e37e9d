"""Use case: an attendant adds to the fixed note of the customer's registration."""

from dataclasses import dataclass
from typing import Final

from bot.domain.conversation import Conversation, Question
from bot.domain.errors import TryLaterError
from bot.domain.registration import NOTE_LENGTH, Registration, read_note
from bot.usecases.attending.attend import Gone
from bot.usecases.attending.show_card import ShowCard
from bot.usecases.ports import Questions
from bot.usecases.register.edit_registration import (
    ChangedMeanwhile,
    Edited,
    EditRegistration,
    TaxIdTaken,
    Unchanged,
)

_ROUNDS: Final = 5


@dataclass(frozen=True, slots=True)
class NoRegistration:
    """There is nothing to keep a note on."""


@dataclass(frozen=True, slots=True)
class CanBeNoted:
    conversation: Conversation
    registration: Registration


@dataclass(frozen=True, slots=True)
class NothingToAdd:
    """The words hold nothing that can be read."""


@dataclass(frozen=True, slots=True)
class TooLong:
    """With what is there already it would be this long."""

    length: int


@dataclass(frozen=True, slots=True)
class ToConfirm:
    registration: Registration
    before: str
    added: str
    question: Question


@dataclass(frozen=True, slots=True)
class Saved:
    registration: Registration


@dataclass(frozen=True, slots=True)
class NotePast:
    """The note is not any more as it was shown: it is to be confirmed anew."""

    confirm: ToConfirm | TooLong


@dataclass(frozen=True, slots=True)
class AnsweredBefore:
    """This question has had its answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddNote:
    questions: Questions
    show_card: ShowCard
    edit: EditRegistration

    async def begin(
        self, conversation_id: str, *, group_id: int
    ) -> CanBeNoted | NoRegistration | Gone:
        """Whether this conversation has a registration to keep a note on; a closed one too."""
        conversation = await self.show_card.conversations.get(conversation_id)
        if conversation is None or conversation.group_id != group_id:
            return Gone()
        registration = await self._registration(conversation)
        return CanBeNoted(conversation, registration) if registration else NoRegistration()

    async def propose(
        self, question: Question, text: str
    ) -> ToConfirm | TooLong | NothingToAdd | NoRegistration | Gone:
        """What the note would be; kept with the question, and not on record before "Sim"."""
        added = read_note(text)
        if not added:
            return NothingToAdd()
        found = await self.begin(question.conversation_id, group_id=question.group_id)
        if not isinstance(found, CanBeNoted):
            return found
        return await self._propose(question, found.registration, added)

    async def save(
        self, question: Question, *, proposal: int, by: str
    ) -> Saved | NotePast | AnsweredBefore | NoRegistration | Gone:
        """Write what was proposed, with `by` as its author; safe to repeat."""
        if question.done or question.added is None or question.proposal != proposal:
            return AnsweredBefore()
        for _ in range(_ROUNDS):
            found = await self.begin(question.conversation_id, group_id=question.group_id)
            if not isinstance(found, CanBeNoted):
                return found
            registration, before = found.registration, question.note_before or ""
            after = _joined(before, question.added)
            there = registration.fixed_note or ""
            if there not in (before, after):
                again = await self._propose(question, registration, question.added)
                return NotePast(again)
            outcome = await self.edit(
                registration.id,
                read_version=registration.version,
                values={"fixed_note": after},
                by=by,
            )
            match outcome:
                case Edited(saved) | Unchanged(saved):
                    await self.questions.finish(question.group_id, question.message_id)
                    await self.show_card.refresh(question.conversation_id)
                    return Saved(saved)
                case ChangedMeanwhile():
                    continue  # perhaps another field alone
                case TaxIdTaken():
                    raise RuntimeError("a note has no tax id")
                case _:
                    return NoRegistration()
        raise TryLaterError("a registration changes too quickly to be noted")

    async def drop(self, question: Question) -> bool:
        """Whether it was still to be answered."""
        return await self.questions.finish(question.group_id, question.message_id)

    async def _propose(
        self, question: Question, registration: Registration, added: str
    ) -> ToConfirm | TooLong:
        before = registration.fixed_note or ""
        length = len(_joined(before, added))
        if length > NOTE_LENGTH:
            return TooLong(length)
        proposed = question.model_copy(
            update={"note_before": before, "added": added, "proposal": question.proposal + 1}
        )
        await self.questions.put(proposed)
        return ToConfirm(registration, before, added, proposed)

    async def _registration(self, conversation: Conversation) -> Registration | None:
        if conversation.registration_id is None:
            return None
        return await self.show_card.registrations.by_id(conversation.registration_id)


def _joined(before: str, added: str) -> str:
    return f"{before}\n{added}" if before else added
