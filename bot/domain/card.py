"""The customer card, and the line of a customer in a queue."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.domain.conversation import Conversation, Department
from bot.domain.label import Tag
from bot.domain.registration import Registration


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """One conversation in a queue."""

    conversation: Conversation
    registration: Registration | None

    @property
    def name(self) -> str:
        """Return the customer's name, as on the card."""
        return self.registration.name if self.registration else self.conversation.shown_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """Ficha: the data about a customer that the attendants see."""

    conversation: Conversation
    registration: Registration | None
    recent: tuple[Conversation, ...] = ()
    """Earlier conversations, newest first."""
    tags: tuple[Tag, ...] = ()
    priority_departments: tuple[Department, ...] = ()
    departments: Mapping[str, Department] = field(default_factory=dict)
    """All departments, by id."""
    elsewhere: tuple[Conversation, ...] = ()
    """Open conversations of the same registration in other chats or departments."""
    has_erp: bool = False
    proof_ended: bool = False
    """What proved the identity has changed on record, or is too old: it is not verified now."""
    moved: bool = False
    """The conversation was moved to another group: the card shows the target and no buttons."""

    @property
    def name(self) -> str:
        """Return the customer's name: that of the registration if there is one."""
        return self.registration.name if self.registration else self.conversation.shown_name
