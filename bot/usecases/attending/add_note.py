"""Use case: an attendant adds to the fixed note of the customer's registration."""

from dataclasses import dataclass, replace
from typing import Final

from bot.domain.conversation import Conversation
from bot.domain.errors import TryLaterError
from bot.domain.question import Question
from bot.domain.registration import NOTE_LENGTH, Registration, read_note
from bot.usecases.attending.attend import Gone
from bot.usecases.attending.show_card import ShowCard
from bot.usecases.ports import Conversations, Questions, Registrations
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
    """The conversation has no registration to keep a note on."""


@dataclass(frozen=True, slots=True)
class CanBeNoted:
    conversation: Conversation
    registration: Registration


@dataclass(frozen=True, slots=True)
class NothingToAdd:
    """The text has no readable characters."""


@dataclass(frozen=True, slots=True)
class TooLong:
    """Together with the existing note it would have `length` characters."""

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
    """The note was changed since it was shown; `confirm` is the new proposal."""

    confirm: ToConfirm | TooLong


@dataclass(frozen=True, slots=True)
class AnsweredBefore:
    """This question was answered before, or a newer proposal has replaced this one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddNote:
    questions: Questions
    conversations: Conversations
    registrations: Registrations
    show_card: ShowCard
    edit: EditRegistration

    async def begin(
        self, conversation_id: str, *, group_id: int
    ) -> CanBeNoted | NoRegistration | Gone:
        """Return the registration to keep a note on; the conversation may be closed."""
        conversation = await self.conversations.get(conversation_id)
        if conversation is None or conversation.group_id != group_id:
            return Gone()
        registration = await self._registration(conversation)
        return CanBeNoted(conversation, registration) if registration else NoRegistration()

    async def propose(
        self, question: Question, text: str
    ) -> ToConfirm | TooLong | NothingToAdd | NoRegistration | Gone:
        """Store the proposed note with the question; it is written only after "Sim"."""
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
        """Write the proposed note, with `by` as its author; safe to repeat."""
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
                    await self.show_card.refresh(found.conversation)
                    return Saved(saved)
                case ChangedMeanwhile():
                    continue  # perhaps only another field has changed
                case TaxIdTaken():
                    raise RuntimeError("a note has no tax id")
                case _:
                    return NoRegistration()
        raise TryLaterError("a registration changes too quickly to be noted")

    async def drop(self, question: Question) -> bool:
        """Drop the proposal; return True if the question was unanswered until now."""
        return await self.questions.finish(question.group_id, question.message_id)

    async def _propose(
        self, question: Question, registration: Registration, added: str
    ) -> ToConfirm | TooLong:
        before = registration.fixed_note or ""
        length = len(_joined(before, added))
        if length > NOTE_LENGTH:
            return TooLong(length)
        proposed = replace(
            question, note_before=before, added=added, proposal=question.proposal + 1
        )
        await self.questions.put(proposed)
        return ToConfirm(registration, before, added, proposed)

    async def _registration(self, conversation: Conversation) -> Registration | None:
        if conversation.customer.registration_id is None:
            return None
        return await self.registrations.by_id(conversation.customer.registration_id)


def _joined(before: str, added: str) -> str:
    return f"{before}\n{added}" if before else added
