"""The rights that the bot has and needs in a group."""

from dataclasses import dataclass
from enum import StrEnum


class Right(StrEnum):
    """The rights that the bot needs in a department's group."""

    ADMINISTRATOR = "administrator"
    """Needed to receive every message.

    Without it, Telegram sends the bot only the replies to its own messages, unless the bot's
    privacy mode is off.
    """
    DELETE = "can_delete_messages"
    PIN = "can_pin_messages"
    TOPICS = "can_manage_topics"
    """Needed only in a group with topics."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupAccess:
    title: str
    missing: tuple[Right, ...] = ()
