"""Use cases: identify the customer of an open conversation, by a document that came late."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import datetime

from bot.domain.conversation import (
    Attendant,
    Conversation,
    ConversationEvent,
    EventKind,
    Identification,
    Identity,
    LookupState,
    fingerprint,
)
from bot.domain.registration import Registration
from bot.domain.tax_id import TaxId
from bot.usecases.attending.attend import AlreadyClosed, Done, Gone
from bot.usecases.attending.register_prospect import RegisterProspect
from bot.usecases.attending.show_card import ShowCard
from bot.usecases.attending.verify_by_hand import OtherRegistration
from bot.usecases.customer.current_chat import CurrentChat
from bot.usecases.customer.identify import Found, Identify, LookUp, NotConsulted
from bot.usecases.customer.introduce import ConfirmPhone, NotVerified, Verified
from bot.usecases.customer.open_conversation import FIRST_RETRY
from bot.usecases.ports import Chats, Conversations


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentifyConversation:
    """Takes document and telephone of an open conversation's customer; the card follows."""

    identify: Identify
    confirm_phone: ConfirmPhone
    register_prospect: RegisterProspect
    conversations: Conversations
    show_card: ShowCard
    clock: Callable[[], datetime]

    async def __call__(self, current: CurrentChat, conversation: Conversation) -> None:
        """Look up the document that `Identify.note` stored in the chat."""
        await self.identify(current)
        await self._follow(current, conversation)

    async def confirm(
        self, current: CurrentChat, conversation: Conversation, phone: str | None
    ) -> Verified | NotVerified:
        """Compare the telephone of the Telegram account with those on record."""
        outcome = await self.confirm_phone(current, phone)
        await self._follow(current, conversation)
        return outcome

    async def _follow(self, current: CurrentChat, conversation: Conversation) -> None:
        """Bring conversation and card up to date with the chat."""
        chat = await current.get()
        registration = await current.registration()
        now = self.clock()
        owed = LookupState(since=now, next_at=now + FIRST_RETRY) if chat.lookup_owed else None
        known = replace(chat.customer, name=chat.customer.name or conversation.customer.name)
        followed = identified(conversation, known, registration, owed)
        await self.conversations.identify(followed)
        await self.show_card.refresh(await self.register_prospect.in_lock(followed))


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchDocument:
    """Switches a conversation to another document that its customer sent.

    The chat stays with the document that it had: tomorrow the same person writes again.
    """

    look_up: LookUp
    chats: Chats
    conversations: Conversations
    register_prospect: RegisterProspect
    show_card: ShowCard
    holding: Callable[[int], AbstractAsyncContextManager[object]]
    """Holds the lock of a chat: its messages wait while its conversation is changed."""
    clock: Callable[[], datetime]

    async def mark(self, conversation: Conversation, tax_id: TaxId) -> str:
        """Store the document as the one to switch to; return its mark for the button."""
        await self.conversations.set_other_document(conversation.id, tax_id.key)
        return fingerprint(tax_id)

    async def __call__(
        self, conversation_id: str, mark: str, attendant: Attendant, *, group_id: int
    ) -> Done | AlreadyClosed | OtherRegistration | Gone:
        """Switch to the document with this mark. Safe to repeat.

        OtherRegistration: the customer has sent yet another document since.
        """
        conversation = await self.conversations.get(conversation_id)
        if conversation is None or conversation.group_id != group_id:
            return Gone()
        other = conversation.other_document
        tax_id = TaxId.of_key(other) if other else None
        if tax_id is None or fingerprint(tax_id) != mark:
            here = conversation.customer.tax_id
            is_done = here is not None and fingerprint(here) == mark
            return Done(conversation) if is_done else OtherRegistration()
        if not conversation.is_open:
            return AlreadyClosed(conversation)
        outcome = await self.look_up(tax_id)
        async with self.holding(conversation.chat_id):
            now = await self.conversations.get(conversation_id)
            if now is None or now.other_document != other:
                return OtherRegistration()
            registration = outcome.registration if isinstance(outcome, Found) else None
            switched = await self._switched(
                now, tax_id, registration, owed=isinstance(outcome, NotConsulted)
            )
            event = ConversationEvent(
                at=self.clock(),
                by=f"user:{attendant.id}",
                what=EventKind.SWITCHED,
                detail=attendant.name,
            )
            await self.conversations.identify(switched, event)
            switched = await self.register_prospect.in_lock(switched)
        await self.show_card.refresh(switched)
        return Done(switched)

    async def _switched(
        self,
        conversation: Conversation,
        tax_id: TaxId,
        registration: Registration | None,
        *,
        owed: bool,
    ) -> Conversation:
        before, now = conversation.customer, self.clock()
        chat = await self.chats.get(conversation.chat_id)
        customer = Identification(
            tax_id=tax_id, identity=Identity.UNVERIFIED, phone=before.phone, name=before.name
        )
        if chat and chat.customer.tax_id == tax_id:
            # Back to the chat's own document, with its proof.
            customer = replace(chat.customer, phone=before.phone, name=before.name)
        lookup = LookupState(since=now, next_at=now + FIRST_RETRY) if owed else None
        return replace(identified(conversation, customer, registration, lookup), other_document="")


def identified(
    conversation: Conversation,
    customer: Identification,
    registration: Registration | None,
    lookup: LookupState | None,
) -> Conversation:
    """Return the conversation of this customer. lookup: what is still due."""
    return replace(
        conversation,
        customer=replace(customer, registration_id=registration.id if registration else None),
        priority=bool(registration and registration.goes_first_in(conversation.department_id)),
        lookup=lookup,
        card_version=registration.version if registration else 0,
    )
