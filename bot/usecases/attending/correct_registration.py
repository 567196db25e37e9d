"""Use case: an attendant corrects the customer's registration, or adds to its fixed note."""

from dataclasses import dataclass, replace
from typing import Final

from bot.domain.conversation import Conversation
from bot.domain.errors import TryLaterError
from bot.domain.question import Question, Subject
from bot.domain.registration import NOTE_LENGTH, Registration
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
    """The conversation has no registration that could be corrected."""


@dataclass(frozen=True, slots=True)
class CanBeCorrected:
    conversation: Conversation
    registration: Registration


@dataclass(frozen=True, slots=True)
class SameAsBefore:
    """The field has this value already."""


@dataclass(frozen=True, slots=True)
class TooLong:
    """Together with the existing note it would have `length` characters."""

    length: int


@dataclass(frozen=True, slots=True)
class ToConfirm:
    registration: Registration
    question: Question


@dataclass(frozen=True, slots=True)
class Saved:
    conversation: Conversation
    registration: Registration
    is_proof: bool
    """False for a telephone that confirms no identity yet."""


@dataclass(frozen=True, slots=True)
class ProposalPast:
    """The field was changed since it was shown; `confirm` is the new proposal."""

    confirm: ToConfirm | TooLong | SameAsBefore


@dataclass(frozen=True, slots=True)
class AnsweredBefore:
    """This question was answered before, or a newer proposal has replaced this one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectRegistration:
    questions: Questions
    conversations: Conversations
    registrations: Registrations
    show_card: ShowCard
    edit: EditRegistration

    async def begin(
        self, conversation_id: str, *, group_id: int
    ) -> CanBeCorrected | NoRegistration | Gone:
        """Return the registration to correct; the conversation may be closed."""
        conversation = await self.conversations.get(conversation_id)
        if conversation is None or conversation.group_id != group_id:
            return Gone()
        registration = await self._registration(conversation)
        return CanBeCorrected(conversation, registration) if registration else NoRegistration()

    async def propose(
        self, question: Question, value: str
    ) -> ToConfirm | TooLong | SameAsBefore | NoRegistration | Gone:
        """Store the proposal with the question; it is written only after it is confirmed.

        value: as `bot.domain.fields` reads it; empty to leave the field empty.
        """
        found = await self.begin(question.conversation_id, group_id=question.group_id)
        if not isinstance(found, CanBeCorrected):
            return found
        return await self._propose(question, found.registration, value)

    async def save(
        self, question: Question, *, proposal: int, by: str
    ) -> Saved | ProposalPast | AnsweredBefore | NoRegistration | Gone:
        """Write the proposal, with `by` as its author; safe to repeat.

        A telephone confirms an identity only if an admin enters it.
        """
        if question.done or question.added is None or question.proposal != proposal:
            return AnsweredBefore()
        for _ in range(_ROUNDS):
            found = await self.begin(question.conversation_id, group_id=question.group_id)
            if not isinstance(found, CanBeCorrected):
                return found
            registration, before = found.registration, question.note_before or ""
            after = proposed_value(question)
            if value_to_correct(registration, question.path) not in (before, after):
                again = await self._propose(question, registration, question.added)
                return ProposalPast(again)
            outcome = await self.edit(
                registration.id,
                read_version=registration.version,
                values={question.path: after or None},
                by=by,
                confirms_phones=by.startswith("admin:"),
            )
            match outcome:
                case Edited(saved) | Unchanged(saved):
                    await self.questions.finish(question.group_id, question.message_id)
                    await self.show_card.refresh(found.conversation)
                    is_proof = after not in saved.chat_phones
                    return Saved(found.conversation, saved, is_proof)
                case ChangedMeanwhile():
                    continue  # perhaps only another field has changed
                case TaxIdTaken():
                    raise RuntimeError("a tax id is not corrected here")
                case _:
                    return NoRegistration()
        raise TryLaterError("a registration changes too quickly to be corrected")

    async def drop(self, question: Question) -> bool:
        """Drop the proposal; return True if the question was unanswered until now."""
        return await self.questions.finish(question.group_id, question.message_id)

    async def _propose(
        self, question: Question, registration: Registration, value: str
    ) -> ToConfirm | TooLong | SameAsBefore:
        before = value_to_correct(registration, question.path)
        proposed = replace(
            question, note_before=before, added=value, proposal=question.proposal + 1
        )
        after = proposed_value(proposed)
        if after == before:
            return SameAsBefore()
        if len(after) > NOTE_LENGTH:
            return TooLong(len(after))
        await self.questions.put(proposed)
        return ToConfirm(registration, proposed)

    async def _registration(self, conversation: Conversation) -> Registration | None:
        if conversation.customer.registration_id is None:
            return None
        return await self.registrations.by_id(conversation.customer.registration_id)


def value_to_correct(registration: Registration, path: str) -> str:
    """Return the value of a field that attendants correct; empty if it has none."""
    value = registration.value(path)
    return value if isinstance(value, str) else ""


def proposed_value(question: Question) -> str:
    """Return the value that the field is to have: of a note, with what is added to it."""
    before, value = question.note_before or "", question.added or ""
    return f"{before}\n{value}" if question.about is Subject.NOTE and before else value
