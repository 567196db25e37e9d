"""Use cases: a conversation opens, its card reaches the attendants, it ends."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol
from zoneinfo import ZoneInfo

import structlog

from bot.domain.conversation import (
    Attendant,
    Chat,
    Conversation,
    Department,
    Identity,
    LookupState,
    RelayedMessage,
    new_protocol,
)
from bot.domain.errors import RefusedError, TryLaterError
from bot.domain.registration import Registration
from bot.usecases.identify import Chats
from bot.usecases.introduce import Registrations

FIRST_RETRY: Final = timedelta(seconds=5)
_RECENT: Final = 3
_PROTOCOL_DRAWS: Final = 10

logger = structlog.get_logger()


class Conversations(Protocol):
    """Where conversations are kept."""

    async def get(self, conversation_id: str) -> Conversation | None: ...

    async def open_in(self, chat_id: int) -> Conversation | None:
        """The open one of this chat; there is at most one."""

    async def add(self, conversation: Conversation) -> bool:
        """Whether it was stored; False when the protocol is taken or the chat has one open."""

    async def latest_of(self, registration_id: str, *, count: int) -> list[Conversation]:
        """Newest first."""

    async def claim(self, conversation_id: str, attendant: Attendant, *, at: datetime) -> bool:
        """Whether this attendant has it now."""

    async def close(self, conversation_id: str, by: str | None, *, at: datetime) -> bool:
        """Whether it was open until now."""

    async def set_customer_told(self, conversation_id: str) -> None:
        """Remember that the customer knows of the end."""

    async def set_card(self, conversation_id: str, message_id: int) -> None: ...

    async def identify(self, conversation: Conversation) -> None:
        """Store who the customer is by now, and the look-up that is still owed."""

    async def owed_lookups(self, *, until: datetime) -> list[Conversation]: ...

    async def relay(self, message: RelayedMessage) -> None:
        """Remember that a message in a group belongs to a conversation."""

    async def behind(self, group_id: int, message_id: int) -> Conversation | None:
        """The conversation that a message in a group belongs to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """Ficha: what an attendant sees of a customer."""

    conversation: Conversation
    registration: Registration | None
    recent: tuple[Conversation, ...] = ()
    """Earlier conversations, newest first."""


class Desk(Protocol):
    """The attendants' group."""

    async def show(self, card: Card) -> int:
        """Post the card; returns its message id. Raises RefusedError when the group is closed to
        us, TryLaterError when it cannot be reached now."""

    async def refresh(self, card: Card) -> None:
        """Edit the posted card to what is known now; a card that somebody deleted stays so."""


class AdminAlerts(Protocol):
    async def group_unreachable(self, department: Department) -> None:
        """Tell the admins that cards do not reach a group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowCard:
    """Brings a conversation's card to the desk and keeps it true."""

    conversations: Conversations
    registrations: Registrations
    desk: Desk

    async def card_of(self, conversation: Conversation) -> Card:
        """The card with the registration and the earlier conversations as they are now."""
        if not conversation.registration_id:
            return Card(conversation=conversation, registration=None)
        registration = await self.registrations.by_id(conversation.registration_id)
        latest = await self.conversations.latest_of(
            conversation.registration_id, count=_RECENT + 1
        )
        earlier = tuple(other for other in latest if other.id != conversation.id)
        return Card(conversation=conversation, registration=registration, recent=earlier[:_RECENT])

    async def post(self, conversation: Conversation) -> Conversation:
        """Post it unless it is there already; a reply to it answers the customer."""
        if conversation.card_message_id is not None:
            return conversation
        message_id = await self.desk.show(await self.card_of(conversation))
        await self.conversations.set_card(conversation.id, message_id)
        await self.conversations.relay(
            RelayedMessage(
                group_id=conversation.group_id,
                message_id=message_id,
                conversation_id=conversation.id,
            )
        )
        return conversation.model_copy(update={"card_message_id": message_id})

    async def refresh(self, conversation_id: str) -> None:
        """Edit the card to what is known now."""
        conversation = await self.conversations.get(conversation_id)
        if conversation and conversation.card_message_id is not None:
            await self.desk.refresh(await self.card_of(conversation))


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenConversation:
    """From the choice of department on, the customer talks to people."""

    chats: Chats
    conversations: Conversations
    show_card: ShowCard
    alerts: AdminAlerts
    clock: Callable[[], datetime]
    timezone: ZoneInfo

    async def __call__(
        self, chat_id: int, department: Department, *, profile_name: str
    ) -> Conversation:
        """The chat's open conversation, a new one unless there is one; safe to repeat.

        The customer gets his protocol even while the group cannot be reached: the card is posted
        with his next message, and the admins are told.
        """
        conversation = await self.conversations.open_in(chat_id)
        if conversation is None:
            chat = await self.chats.get(chat_id) or Chat(id=chat_id)
            conversation = await self._added(chat, department, profile_name)
        try:
            return await self.show_card.post(conversation)
        except RefusedError as error:
            logger.error("group unreachable", group=department.group_id, error=str(error))
            await self.alerts.group_unreachable(department)
            return conversation

    async def _added(self, chat: Chat, department: Department, profile_name: str) -> Conversation:
        now = self.clock()
        registrations = self.show_card.registrations
        registration = (
            await registrations.by_id(chat.registration_id) if chat.registration_id else None
        )
        for _ in range(_PROTOCOL_DRAWS):
            conversation = Conversation(
                id=uuid.uuid4().hex,
                protocol=new_protocol(now, self.timezone),
                chat_id=chat.id,
                department_id=department.id,
                group_id=department.group_id,
                identity=chat.identity,
                tax_id=chat.tax_id,
                registration_id=registration.id if registration else None,
                shown_name=chat.given_name or profile_name,
                phone=chat.phone,
                priority=_has_priority(registration, department.id),
                lookup=LookupState(since=now, next_at=now + FIRST_RETRY)
                if chat.lookup_owed
                else None,
                opened_at=now,
            )
            if await self.conversations.add(conversation):
                return conversation
            if there := await self.conversations.open_in(chat.id):
                return there
        raise TryLaterError("no free protocol number was drawn")


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentifyConversation:
    """A conversation learns late who its customer is: the ERP answered after all."""

    conversations: Conversations
    registrations: Registrations
    show_card: ShowCard

    async def __call__(
        self, conversation: Conversation, chat: Chat, lookup: LookupState | None
    ) -> None:
        """Bring conversation and card to what the chat is linked to by now."""
        registration = (
            await self.registrations.by_id(chat.registration_id) if chat.registration_id else None
        )
        identified = conversation.model_copy(
            update={
                "identity": chat.identity,
                "registration_id": registration.id if registration else None,
                "priority": _has_priority(registration, conversation.department_id),
                "lookup": lookup,
            }
        )
        await self.conversations.identify(identified)
        if lookup is None:
            await self.show_card.refresh(conversation.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """/sair and "não sou eu": the chat forgets whom it was linked to."""

    chats: Chats
    conversations: Conversations
    show_card: ShowCard
    clock: Callable[[], datetime]

    async def __call__(self, chat_id: int) -> Conversation | None:
        """The conversation that this ended, if one was open."""
        conversation = await self.conversations.open_in(chat_id)
        if conversation:
            await self.conversations.close(conversation.id, None, at=self.clock())
            await self.show_card.refresh(conversation.id)
        chat = await self.chats.get(chat_id)
        if chat:
            await self.chats.put(
                chat.model_copy(
                    update={
                        "tax_id": None,
                        "registration_id": None,
                        "identity": Identity.NOT_IDENTIFIED,
                        "lookup_owed": False,
                        "phone": None,
                        "given_name": None,
                    }
                )
            )
        return conversation


def _has_priority(registration: Registration | None, department_id: str) -> bool:
    return bool(registration and department_id in registration.priority_departments)
