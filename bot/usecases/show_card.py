"""Use case: the card of a conversation reaches the attendants and stays true."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Protocol

from bot.domain.conversation import Attendant, Conversation, Department, Link
from bot.domain.label import Tag
from bot.domain.outgoing import Outgoing, Priority, What
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

    async def set_card(self, conversation: Conversation) -> None:
        """Store where its card is, and its topic."""

    async def move(self, conversation_id: str, group_id: int) -> None:
        """It goes on in another group, where it has no card yet."""

    async def identify(self, conversation: Conversation) -> None:
        """Store who the customer is by now, and the look-up that is still owed."""

    async def owed_lookups(self, *, until: datetime) -> list[Conversation]: ...

    async def in_topic(self, group_id: int, topic_id: int) -> Conversation | None:
        """The conversation whose topic this is."""


class Links(Protocol):
    async def add(self, links: Sequence[Link]) -> None:
        """Remember which messages stand for which."""

    async def of_group(self, group_id: int, message_id: int) -> Link | None: ...

    async def of_customer(self, chat_id: int, message_id: int) -> Link | None: ...


class Outbox(Protocol):
    async def put(self, *items: Outgoing) -> None:
        """Have them sent, each in its turn; what was put once under an id is not put again."""

    async def waiting(self, item_id: str) -> Outgoing | None:
        """One that is not sent yet."""

    async def failed(self, item_id: str) -> list[Outgoing]:
        """What was not delivered together with this, itself included."""

    async def again(self, item_id: str) -> bool:
        """Whether something that was not delivered is sent once more by this."""

    def retry(self, chat_id: int) -> None:
        """A chat may take things again."""


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

    async def open_topic(self, card: Card) -> Conversation:
        """In a group with topics, make the conversation's own unless there is one; returns the
        conversation with where it is. Raises as `show`."""

    async def show(self, card: Card) -> Conversation:
        """Post the card, in its topic if there is one; returns the conversation with where it is.
        Raises RefusedError when the group is closed to us, TryLaterError when it cannot be
        reached now."""

    async def refresh(self, card: Card) -> Conversation:
        """Edit card and topic to what is known now; what somebody deleted stays so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawCard:
    """Brings a conversation's card to the desk and keeps it true, at once."""

    conversations: Conversations
    registrations: Registrations
    links: Links
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
        conversation = await self.in_its_group(conversation)
        if conversation.card_message_id is not None:
            return conversation
        card = await self.card_of(conversation)
        opened = await self.desk.open_topic(card)
        if opened != conversation:
            # Before the card: a topic must not be forgotten by a crash between the two.
            await self.conversations.set_card(opened)
        shown = await self.desk.show(replace(card, conversation=opened))
        await self.conversations.set_card(shown)
        await self.links.add(
            [
                Link(
                    group_id=shown.group_id,
                    message_id=shown.card_message_id or 0,
                    conversation_id=shown.id,
                )
            ]
        )
        return shown

    async def in_its_group(self, conversation: Conversation) -> Conversation:
        """The conversation where its department's group is now, without a card if that is new."""
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
        return conversation.model_copy(
            update={
                "group_id": group_id,
                "card_message_id": None,
                "topic_id": None,
                "topic_shown": "",
            }
        )

    async def refresh(self, conversation_id: str) -> None:
        """Edit the card to what is known now."""
        conversation = await self.conversations.get(conversation_id)
        if conversation and conversation.card_message_id is not None:
            shown = await self.desk.refresh(await self.card_of(conversation))
            if shown != conversation:
                await self.conversations.set_card(shown)

    async def retire(self, conversation: Conversation) -> None:
        """Edit the card that its last transfer left behind, and close its topic."""
        transfer = conversation.transfer
        if transfer is None or transfer.from_card is None:
            return
        left = conversation.model_copy(
            update={
                "group_id": transfer.from_group,
                "card_message_id": transfer.from_card,
                "topic_id": transfer.from_topic,
                "topic_shown": transfer.from_topic_shown,
            }
        )
        await self.desk.refresh(replace(await self.card_of(left), moved=True))

    async def topic_is_gone(self, conversation: Conversation) -> Conversation:
        """Somebody has deleted the topic, and the card with it: both are made anew."""
        lost = conversation.model_copy(
            update={"card_message_id": None, "topic_id": None, "topic_shown": ""}
        )
        await self.conversations.set_card(lost)
        return await self.post(lost)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowCard:
    """Has cards posted and brought up to date, each in its turn: nobody waits for Telegram."""

    draw: DrawCard
    outbox: Outbox
    clock: Callable[[], datetime]

    @property
    def conversations(self) -> Conversations:
        return self.draw.conversations

    @property
    def registrations(self) -> Registrations:
        return self.draw.registrations

    @property
    def departments(self) -> Departments:
        return self.draw.departments

    async def card_of(self, conversation: Conversation) -> Card:
        """The card with everything as it is now."""
        return await self.draw.card_of(conversation)

    async def post(self, conversation: Conversation) -> Conversation:
        """Have it posted, unless it is there already."""
        if conversation.card_message_id is None:
            await self._put(conversation, What.CARD, Priority.CARD)
        return conversation

    async def refresh(self, conversation_id: str) -> None:
        """Have it edited to what is known when its turn comes."""
        conversation = await self.draw.conversations.get(conversation_id)
        if conversation and conversation.card_message_id is not None:
            await self._put(conversation, What.REFRESH, Priority.PROGRESS)

    async def retire(self, conversation: Conversation) -> None:
        """Have the card that its last transfer left behind say where it went."""
        transfer = conversation.transfer
        if transfer and transfer.from_card is not None:
            await self._put(
                conversation, What.RETIRE, Priority.PROGRESS, group_id=transfer.from_group
            )

    async def _put(
        self,
        conversation: Conversation,
        what: What,
        priority: Priority,
        *,
        group_id: int | None = None,
    ) -> None:
        await self.outbox.put(
            Outgoing(
                # What is done is told by the conversation, so that doing it again does nothing.
                id=f"{what}:{uuid.uuid4().hex}",
                chat_id=conversation.group_id if group_id is None else group_id,
                conversation_id=conversation.id,
                what=what,
                priority=priority,
                put_at=self.clock(),
            )
        )
