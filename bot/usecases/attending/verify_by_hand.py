"""Use case: an attendant verifies the identity of a customer, or takes the proof back."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import datetime

from bot.domain.conversation import (
    Attendant,
    Conversation,
    ConversationEvent,
    EventKind,
    Identity,
    VerifiedBy,
)
from bot.domain.proof import checked
from bot.domain.registration import Registration
from bot.usecases.attending.attend import AlreadyClosed, Done, Gone
from bot.usecases.attending.show_card import ShowCard
from bot.usecases.ports import Chats, Conversations, Registrations, Verifications


@dataclass(frozen=True, slots=True)
class Verifiable:
    """The attendant may verify the customer as this registration."""

    conversation: Conversation
    registration: Registration


@dataclass(frozen=True, slots=True)
class AlreadyVerified:
    conversation: Conversation


@dataclass(frozen=True, slots=True)
class NotVerifiedNow:
    """There is no proof that could be taken back."""


@dataclass(frozen=True, slots=True)
class NothingToVerify:
    """There is no registration that the customer could be verified for."""


@dataclass(frozen=True, slots=True)
class OtherRegistration:
    """The chat or the conversation belongs to another registration by now."""


Refusal = (
    AlreadyVerified | NotVerifiedNow | NothingToVerify | OtherRegistration | AlreadyClosed | Gone
)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyByHand:
    chats: Chats
    conversations: Conversations
    registrations: Registrations
    show_card: ShowCard
    verifications: Verifications
    holding: Callable[[int], AbstractAsyncContextManager[object]]
    """Holds the lock of a chat: its messages wait while its verification is stored."""
    clock: Callable[[], datetime]

    async def whom(self, conversation_id: str, *, group_id: int) -> Verifiable | Refusal:
        """Return the registration that the attendant has to confirm, or the reason against it."""
        conversation = await self.conversations.get(conversation_id)
        if conversation is None or conversation.group_id != group_id:
            return Gone()
        registration = (
            await self.registrations.by_id(conversation.customer.registration_id)
            if conversation.customer.registration_id
            else None
        )
        now = checked(conversation, registration, at=self.clock())
        if now.customer.identity is Identity.VERIFIED:
            return AlreadyVerified(conversation)
        if not conversation.is_open:
            return AlreadyClosed(conversation)
        return Verifiable(conversation, registration) if registration else NothingToVerify()

    async def __call__(
        self, conversation_id: str, registration_mark: str, attendant: Attendant, *, group_id: int
    ) -> Done | Refusal:
        """Verify the customer as the registration that the attendant was shown.

        registration_mark: the beginning of the id of that registration.
        Safe to repeat: the attendant who verified it gets Done again.
        """
        found = await self.whom(conversation_id, group_id=group_id)
        outcome: Done | Refusal
        if isinstance(found, Verifiable):
            async with self.holding(found.conversation.chat_id):
                outcome = await self._verify(
                    conversation_id, registration_mark, attendant, group_id
                )
        else:
            outcome = found
        if (
            isinstance(outcome, AlreadyVerified)
            and outcome.conversation.customer.verifier == attendant
        ):
            outcome = Done(outcome.conversation)
        if isinstance(outcome, Done):
            await self.show_card.refresh(outcome.conversation)
        return outcome

    async def take_back(
        self, conversation_id: str, attendant: Attendant, *, group_id: int | None
    ) -> Done | Refusal:
        """Take the proof from the customer's chat, by whatever it was verified.

        group_id: None for an admin outside the group. Works below a closed conversation too: the
        chat would be verified in the next one. Safe to repeat.
        """
        conversation = await self.conversations.get(conversation_id)
        if conversation is None or group_id not in (None, conversation.group_id):
            return Gone()
        async with self.holding(conversation.chat_id):
            outcome = await self._take_back(conversation_id, attendant)
        if isinstance(outcome, Done):
            await self.show_card.refresh(outcome.conversation)
            current = await self.conversations.open_in(conversation.chat_id)
            if current and current.id != conversation_id:
                await self.show_card.refresh(current)
        return outcome

    async def _take_back(self, conversation_id: str, attendant: Attendant) -> Done | Refusal:
        conversation = await self.conversations.get(conversation_id)
        if conversation is None:
            return Gone()
        last = conversation.events[-1] if conversation.events else None
        if conversation.customer.identity is not Identity.VERIFIED:
            is_ours = last and (last.what, last.by) == (
                EventKind.UNVERIFIED,
                f"user:{attendant.id}",
            )
            return Done(conversation) if is_ours else NotVerifiedNow()
        chat = await self.chats.get(conversation.chat_id)
        if chat is None or chat.customer.registration_id != conversation.customer.registration_id:
            return OtherRegistration()
        event = ConversationEvent(
            at=self.clock(),
            by=f"user:{attendant.id}",
            what=EventKind.UNVERIFIED,
            detail=attendant.name,
        )
        unproven = replace(chat, customer=chat.customer.unproven())
        if not await self.verifications.store(conversation, unproven, event):
            return OtherRegistration()
        return Done(conversation)

    async def _verify(
        self, conversation_id: str, registration_mark: str, attendant: Attendant, group_id: int
    ) -> Done | Refusal:
        found = await self.whom(conversation_id, group_id=group_id)
        if not isinstance(found, Verifiable):
            return found
        registration, conversation = found.registration, found.conversation
        chat = await self.chats.get(conversation.chat_id)
        if (
            chat is None
            or chat.customer.registration_id != registration.id
            or chat.customer.tax_id != conversation.customer.tax_id
            or not registration.id.startswith(registration_mark)
        ):
            return OtherRegistration()
        now = self.clock()
        event = ConversationEvent(
            at=now, by=f"user:{attendant.id}", what=EventKind.VERIFIED, detail=attendant.name
        )
        proven = chat.customer.verified(VerifiedBy.ATTENDANT, at=now, verifier=attendant)
        if not await self.verifications.store(conversation, replace(chat, customer=proven), event):
            return OtherRegistration()
        return Done(conversation)
