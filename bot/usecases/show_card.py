"""Use case: the card of a conversation reaches the attendants and stays true."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Protocol

from bot.domain.conversation import Attendant, Conversation, Department, RelayedMessage
from bot.domain.label import Tag
from bot.domain.registration import Registration
from bot.usecases.introduce import Registrations

_RECENT: Final = 3


class Conversations(Protocol):
    """Where conversations are kept."""

    async def get(self, conversation_id: str) -> Conversation | None: ...

    async def open_in(self, chat_id: int) -> Conversation | None:
        """The open one of this chat; there is at most one."""

    async def add(self, conversation: Conversation) -> bool:
        """Whether it was stored; False when the protocol is taken or the chat has one open."""

    async def latest_of(self, registration_id: str, *, count: int) -> list[Conversation]:
        """Newest first."""

    async def claim(
        self,
        conversation_id: str,
        attendant: Attendant,
        *,
        at: datetime,
        in_group: int | None = None,
    ) -> bool:
        """Whether this attendant has it now."""

    async def close(
        self,
        conversation_id: str,
        by: Attendant | None,
        *,
        at: datetime,
        in_group: int | None = None,
    ) -> bool:
        """Whether it was open until now."""

    async def set_customer_told(self, conversation_id: str) -> None:
        """Remember that the customer knows of the end."""

    async def set_card(self, conversation_id: str, message_id: int) -> None: ...

    async def move(self, conversation_id: str, group_id: int) -> None:
        """It goes on in another group, where it has no card yet."""

    async def identify(self, conversation: Conversation) -> None:
        """Store who the customer is by now, and the look-up that is still owed."""

    async def owed_lookups(self, *, until: datetime) -> list[Conversation]: ...

    async def relay(self, message: RelayedMessage) -> None:
        """Remember that a message in a group belongs to a conversation."""

    async def behind(self, group_id: int, message_id: int) -> Conversation | None:
        """The conversation that a message in a group belongs to."""


class Tags(Protocol):
    async def all(self) -> Sequence[Tag]: ...


class Departments(Protocol):
    async def all(self) -> Sequence[Department]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """Ficha: what an attendant sees of a customer."""

    conversation: Conversation
    registration: Registration | None
    recent: tuple[Conversation, ...] = ()
    """Earlier conversations, newest first."""
    tags: tuple[Tag, ...] = ()
    priority_departments: tuple[Department, ...] = ()
    departments: Mapping[str, Department] = field(default_factory=dict)
    """All of them, by id."""
    elsewhere: tuple[Conversation, ...] = ()
    """Open ones of the same registration in another chat or department."""
    has_erp: bool = False
    moved: bool = False
    """The conversation has left this group: the card says where to, and offers nothing."""


class OpenConversations(Protocol):
    async def open_of(self, registration_id: str) -> Sequence[Conversation]:
        """The open ones of a registration, in whichever chat and department."""


class Desk(Protocol):
    """The attendants' group."""

    async def show(self, card: Card) -> int:
        """Post the card; returns its message id. Raises RefusedError when the group is closed to
        us, TryLaterError when it cannot be reached now."""

    async def refresh(self, card: Card) -> None:
        """Edit the posted card to what is known now; a card that somebody deleted stays so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowCard:
    """Brings a conversation's card to the desk and keeps it true."""

    conversations: Conversations
    registrations: Registrations
    desk: Desk
    tags: Tags
    departments: Departments
    queue: OpenConversations
    has_erp: bool = False

    async def card_of(self, conversation: Conversation) -> Card:
        """The card with the registration and the earlier conversations as they are now."""
        departments = {one.id: one for one in await self.departments.all()}
        card = Card(
            conversation=conversation,
            registration=None,
            departments=departments,
            has_erp=self.has_erp,
        )
        if not conversation.registration_id:
            return card
        registration = await self.registrations.by_id(conversation.registration_id)
        latest = await self.conversations.latest_of(
            conversation.registration_id, count=_RECENT + 1
        )
        known = replace(
            card,
            recent=tuple(one for one in latest if one.id != conversation.id)[:_RECENT],
            elsewhere=tuple(
                one
                for one in await self.queue.open_of(conversation.registration_id)
                if one.id != conversation.id
            ),
        )
        if registration is None:
            return known
        return replace(
            known,
            registration=registration,
            tags=tuple(t for t in await self.tags.all() if t.id in registration.tags),
            priority_departments=tuple(
                d for d in departments.values() if d.id in registration.priority_departments
            ),
        )

    async def post(self, conversation: Conversation) -> Conversation:
        """Post it unless it is there already; a reply to it answers the customer.

        Where the department's group is now: it may be another than when the conversation began.
        """
        conversation = await self._in_its_group(conversation)
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

    async def _in_its_group(self, conversation: Conversation) -> Conversation:
        group_id = next(
            (
                d.group_id
                for d in await self.departments.all()
                if d.id == conversation.department_id
            ),
            None,
        )
        if group_id is None or group_id == conversation.group_id:
            return conversation
        await self.conversations.move(conversation.id, group_id)
        return conversation.model_copy(update={"group_id": group_id, "card_message_id": None})

    async def refresh(self, conversation_id: str) -> None:
        """Edit the card to what is known now."""
        conversation = await self.conversations.get(conversation_id)
        if conversation and conversation.card_message_id is not None:
            await self.desk.refresh(await self.card_of(conversation))
