"""The customer card, and what those who bring it about need of the outside."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.domain.conversation import Conversation, Department
from bot.domain.label import Tag
from bot.domain.registration import Registration


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
