"""What waits to be sent to a chat, and what goes first."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from enum import IntEnum, StrEnum
from itertools import takewhile
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

TEXT_LENGTH: Final = 4096
"""Of one message, in UTF-16 units, as Telegram counts."""
ALBUM_SIZE: Final = 10


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
    RETIRE = "retire"
    """Have a card that was left behind by a transfer say so."""
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
    length: int = 0
    """Of a text, as Telegram counts it."""
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
    is_internal: bool = False
    """Of an album's part: it is for no customer, and so none of the album is."""
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
    """A kind of message that no bot can send on."""
    GONE = "gone"
    """Its writer has deleted it before it was sent."""
    UNCONFIRMED = "unconfirmed"
    """Sending was cut short twice: it may have arrived."""
    AWAY = "away"
    """Telegram did not take it for a long time."""


class UndeliveredError(Exception):
    """Telegram does not take it, and will not by waiting."""

    def __init__(self, reason: Undelivered) -> None:
        super().__init__(reason)
        self.reason = reason


class MovedError(Exception):
    """It belongs into another chat by now."""

    def __init__(self, chat_id: int) -> None:
        super().__init__("moved")
        self.chat_id = chat_id


def next_to_send(
    waiting: Iterable[Outgoing],
    *,
    is_late: bool,
    is_whole: Callable[[Sequence[Outgoing]], bool],
) -> list[Outgoing]:
    """What leaves next in one chat: one thing, an album, or texts of one customer in a row, which
    become one message when `is_late`. Empty when nothing can leave yet.

    Within a conversation the order stays; only its card goes before everything, and what brings
    the card up to date waits for everything. is_whole: whether no more parts of an album are
    expected.
    """
    by_conversation: dict[str, list[Outgoing]] = {}
    first = []
    for item in sorted(waiting, key=lambda item: item.order):
        if item.what in (What.CARD, What.REFRESH, What.RETIRE):
            first.append([item])
        else:
            by_conversation.setdefault(item.conversation_id, []).append(item)
    for items in by_conversation.values():
        together = _together(items, is_late=is_late)
        if items[0].what is not What.PART or is_whole(together):
            first.append(together)
    return min(first, key=lambda items: (items[0].priority, items[0].order), default=[])


def _together(items: Sequence[Outgoing], *, is_late: bool) -> list[Outgoing]:
    head = items[0]
    if head.what is What.PART:
        parts = takewhile(lambda item: item.album == head.album and item.what is What.PART, items)
        return list(parts)[:ALBUM_SIZE]
    if head.what is not What.TEXT or not is_late:
        return [head]
    # Room for who writes, and a line break each.
    taken, length = [head], 2 * len(head.header) + head.length
    for item in items[1:]:
        length += item.length + 1
        if item.what is not What.TEXT or item.reply_to or length > TEXT_LENGTH:
            break
        taken.append(item)
    return taken


def telegram_length(text: str) -> int:
    """How long Telegram says it is: UTF-16 units."""
    return len(text.encode("utf-16-le")) // 2
