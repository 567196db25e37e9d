"""The customer card, and what those who bring it about need of the outside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from bot.domain.conversation import Attendant, Conversation, Department, Link
from bot.domain.label import Tag
from bot.domain.outgoing import Outgoing
from bot.domain.registration import Registration


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
