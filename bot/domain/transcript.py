"""What customers and attendants say in a conversation, kept for some days."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from bot.domain.conversation import Conversation


class Words(BaseModel):
    """One message of a person; of a file only its kind and its caption."""

    model_config = ConfigDict(frozen=True)

    at: datetime
    """When it was written, as Telegram says."""
    by: str = ""
    """The attendant's name; empty for the customer."""
    kind: str = "text"
    """Telegram's name for the kind of message."""
    text: str = ""
    is_edited: bool = False
    is_deleted: bool = False
    """Its writer took it back: the text is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A message with what became of it."""

    words: Words
    waits: bool = False
    """It is not sent yet."""
    is_undelivered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    conversation: Conversation
    said: tuple[Said, ...] = ()
    """As it was written, oldest first."""
    kept_days: int
    """For so many days words are kept; 0 if they are not."""
    is_partial: bool = False
    """It began so long ago that its first words are gone."""


def in_old_group(said: Iterable[Said]) -> tuple[Said, ...]:
    """Return what a transfer brings along.

    What the customer wrote and nobody has received yet reaches the new group by itself.
    """
    return tuple(one for one in said if one.words.by or not one.waits)
