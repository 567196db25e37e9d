"""What the bot may do in a group, and what it needs there."""

from dataclasses import dataclass
from enum import StrEnum


class Right(StrEnum):
    """What a department's group must let the bot do."""

    ADMINISTRATOR = "administrator"
    """To see every message: otherwise Telegram shows it only replies to itself, unless its
    privacy mode is off."""
    DELETE = "can_delete_messages"
    PIN = "can_pin_messages"
    TOPICS = "can_manage_topics"
    """Only in a group with topics."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupAccess:
    title: str
    missing: tuple[Right, ...] = ()

    @property
    def is_administrator(self) -> bool:
        return Right.ADMINISTRATOR not in self.missing
