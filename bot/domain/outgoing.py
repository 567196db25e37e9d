"""What waits to be sent to a chat, and what goes first."""

from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict


class Priority(IntEnum):
    """What goes first where there is not room for everything; lower is earlier."""

    CARD = 0
    CUSTOMER = 1
    """What a customer wrote."""
    ANSWER = 2
    PROGRESS = 3
    """Edits of what is there already: they lose nothing by waiting."""


class What(StrEnum):
    """What is to be done."""

    CARD = "card"
    """Post the card of the conversation, with its topic in a forum."""
    REFRESH = "refresh"
    """Bring card and topic to what is known when its turn comes."""
    TEXT = "text"
    COPY = "copy"
    """Any message that Telegram copies."""
    PART = "part"
    """One file of an album: sent together with its neighbours."""
    EDIT = "edit"
    """A message that was sent before has been changed by whoever wrote it."""
    DELETE = "delete"
    SAY = "say"
    """A sentence of Balcão's own."""


class Outgoing(BaseModel):
    """One thing to be sent, kept until Telegram has confirmed it."""

    model_config = ConfigDict(frozen=True)

    id: str
    """Put twice under one id it is sent once."""
    chat_id: int
    """Where it goes: a department's group or a customer's private chat."""
    conversation_id: str
    what: What
    priority: Priority
    order: int = 0
    """Rises with the updates that they come from: the order within a conversation."""
    put_at: datetime
    attempts: int = 0
    """How often sending has begun; more than the allowed is never begun."""
    source_chat_id: int = 0
    source_message_id: int = 0
    """The message that is sent on."""
    reply_to: int = 0
    """The message of the source's chat that it replies to."""
    album: str = ""
    html: str = ""
    """Text or caption."""
    has_text: bool = False
    """Of an edit: it changes a text, else a caption."""
    header: str = ""
    """Who writes, as HTML, where the place does not say it."""
    file: dict[str, Any] | None = None
    """Of an album's part: type, file_id and flags."""
    below: int = 0
    """Of a sentence: the message of `chat_id` below which it stands."""
    again: str = ""
    """Of a sentence: the id of what can be sent again by its button."""


class Undelivered(StrEnum):
    """Why something was not sent, as far as Telegram says."""

    BLOCKED = "blocked"
    """The person has blocked the bot or deleted the account."""
    TOO_LONG = "too_long"
    TOO_OLD = "too_old"
    """Telegram lets nobody change or delete it any more."""
    TOO_BIG = "too_big"
    NOT_COPIED = "not_copied"
    """A kind of message that no bot can send on, or one that was deleted meanwhile."""
    UNCONFIRMED = "unconfirmed"
    """Sending was cut short twice: it may have arrived."""
    AWAY = "away"
    """Telegram did not take it for a long time."""
