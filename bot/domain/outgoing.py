"""The items of the outbox, and the order in which they are sent to a chat."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from enum import IntEnum, StrEnum
from itertools import takewhile
from typing import Final

from pydantic import BaseModel, ConfigDict

from bot.domain.errors import RefusedError
from bot.domain.transcript import Words

TEXT_LENGTH: Final = 4096
"""Maximum length of one message, in UTF-16 code units, as Telegram counts."""
CAPTION_LENGTH: Final = 1024
ALBUM_SIZE: Final = 10


class Priority(IntEnum):
    """Sending priority under a rate limit; lower values go first."""

    CARD = 0
    CUSTOMER = 1
    """A message from a customer."""
    ANSWER = 2
    PROGRESS = 3
    """Edits of existing messages; a delay does no harm."""


class OutgoingKind(StrEnum):
    """The action of an outbox item."""

    CARD = "card"
    """Post the conversation's card; in a forum, create its topic as well."""
    REFRESH = "refresh"
    """Update card and topic to the state at the time of sending."""
    RETIRE = "retire"
    """Mark the old card after a transfer as moved."""
    TEXT = "text"
    COPY = "copy"
    """Copy any message that Telegram can copy."""
    PART = "part"
    """One file of an album, sent together with the album's other files."""
    EDIT = "edit"
    """Apply the sender's edit to a message that was sent before."""
    DELETE = "delete"
    SAY = "say"
    """Send a sentence of Balcão itself."""
    UNSAY = "unsay"
    """Delete a sentence of Balcão itself in the group."""


SAID: Final = (OutgoingKind.TEXT, OutgoingKind.COPY, OutgoingKind.PART)
"""The messages of people; an edit changes the words of one of these."""


class File(BaseModel):
    """A file in Telegram, as part of an album or of an edit."""

    model_config = ConfigDict(frozen=True)

    type: str
    file_id: str
    has_spoiler: bool
    show_caption_above_media: bool


class Content(BaseModel):
    """The parts of a message that are stored in order to send it on."""

    model_config = ConfigDict(frozen=True)

    what: OutgoingKind
    source_chat_id: int = 0
    source_message_id: int = 0
    """The source message, which is copied or forwarded."""
    reply_to: int = 0
    """The message in the source chat to which it replies."""
    html: str = ""
    """The text or caption, as HTML."""
    length: int = 0
    """The length of text or caption in UTF-16 code units."""
    has_text: bool = False
    """For an edit or a copy: True if its words are a text, False for a caption."""
    header: str = ""
    """The sender's name as HTML, if the target chat does not show it otherwise."""
    speaker: str = ""
    """The attendant's name as HTML, before text or caption; empty if customers do not see it."""
    origin: str = ""
    """From whom the customer forwarded it, as a line of HTML; empty if Telegram shows that."""
    album: str = ""
    file: File | None = None
    """For a part of an album, or an edit."""
    is_repeat: bool = False
    """True if it was sent in a conversation whose subject it is not, and is sent once more."""
    words: Words | None = None
    """What a person wrote in it, for the transcript; None where no words are kept."""


class Outgoing(Content):
    """One outbox item, stored until Telegram confirms it."""

    id: str
    """Idempotency key: items with the same id are sent once."""
    chat_id: int
    """The target: a department's group or a customer's private chat."""
    conversation_id: str
    """Empty for a sentence that belongs to none."""
    priority: Priority
    order: int = 0
    """The order within a conversation; it increases with the id of the source update."""
    put_at: datetime
    attempts: int = 0
    """Number of attempts started. No attempt starts beyond the outbox's limit."""
    refusals: int = 0
    """How often Telegram has refused it, for a reason that we do not know, while it took
    others."""
    is_internal: bool = False
    """For a part of an album: it is an internal comment, so no part goes to the customer."""
    below: int = 0
    """The message in `chat_id` to which it is sent as a reply, where that is known already; or
    the sentence that it deletes.

    For a REFRESH: the message from which it takes the card's buttons, and nothing else. Versions
    before this one refresh the card instead.
    """
    again: str = ""
    """For a sentence: the id of the item that its button sends again."""
    notice: tuple[int, int] | None = None
    """Group and id of the message that said that it was not delivered, if it is sent again."""
    switch_to: str = ""
    """For a sentence: the fingerprint of the document that its button switches to."""
    has_more: bool = False
    """For a sentence: True if a button below it shows all that was said."""
    corrects: bool = False
    """For a sentence: True if its buttons correct the registration."""
    trace: str = ""
    """The place of what put it in a trace, which its sending belongs to; empty without traces."""

    @property
    def lane(self) -> str:
        """Return the key of the items of this chat that wait for each other."""
        is_apart = self.what in (OutgoingKind.REFRESH, OutgoingKind.RETIRE)
        return self.id if is_apart else self.conversation_id

    @property
    def is_said(self) -> bool:
        """Return True if the transcript keeps its words once it is sent."""
        return self.words is not None and self.what in SAID


class Undelivered(StrEnum):
    """The reason why an item was not delivered, as far as Telegram gives one."""

    BLOCKED = "blocked"
    """The recipient has blocked the bot or deleted the account."""
    TOO_LONG = "too_long"
    TOO_OLD = "too_old"
    """The message is too old to be edited or deleted in Telegram."""
    TOO_BIG = "too_big"
    NOT_COPIED = "not_copied"
    """A bot cannot copy this kind of message."""
    NOT_ALLOWED = "not_allowed"
    """The chat takes no messages of this kind from the bot."""
    GONE = "gone"
    """Its sender deleted the message before it was sent."""
    UNCONFIRMED = "unconfirmed"
    """Two attempts were interrupted: it may have arrived."""
    AWAY = "away"
    """Telegram refused the item again and again, for a reason that we do not know."""


class UndeliveredError(Exception):
    """Telegram refuses the item, and a retry does not help."""

    def __init__(self, reason: Undelivered) -> None:
        super().__init__(reason)
        self.reason = reason


class MovedError(Exception):
    """The item now belongs to another chat."""

    def __init__(self, chat_id: int) -> None:
        super().__init__("moved")
        self.chat_id = chat_id


class ChatClosedError(RefusedError):
    """The whole chat takes no message of the bot: its items wait."""


def _never(_: str) -> int:
    return 0


def next_to_send(
    waiting: Iterable[Outgoing],
    *,
    is_late: bool,
    is_whole: Callable[[Sequence[Outgoing]], bool],
    served: Callable[[str], int] = _never,
) -> list[Outgoing]:
    """Return the items of one chat to send next, together; empty when none can be sent yet.

    They are one item, one album, or, when `is_late`, consecutive texts of one customer, which
    are joined into one message. Of the conversations whose next item has the same priority, the
    one that was served longest ago goes first. The order within a conversation is kept, with two
    exceptions: its card goes first, and updates of the card go last.

    is_whole: returns True if no more parts of the album are expected. served: returns a number
    that is higher for a conversation that was served later; 0 for one that was not.
    """
    by_conversation: dict[str, list[Outgoing]] = {}
    first = []
    for item in sorted(waiting, key=lambda item: item.order):
        if item.what in (OutgoingKind.CARD, OutgoingKind.REFRESH, OutgoingKind.RETIRE):
            first.append([item])
        else:
            by_conversation.setdefault(item.conversation_id, []).append(item)
    for items in by_conversation.values():
        together = _together(items, is_late=is_late)
        if items[0].what is not OutgoingKind.PART or is_whole(together):
            first.append(together)
    return min(
        first,
        key=lambda items: (items[0].priority, served(items[0].conversation_id), items[0].order),
        default=[],
    )


def _together(items: Sequence[Outgoing], *, is_late: bool) -> list[Outgoing]:
    head = items[0]
    if head.what is OutgoingKind.PART:
        parts = takewhile(
            lambda item: item.album == head.album and item.what is OutgoingKind.PART, items
        )
        return list(parts)[:ALBUM_SIZE]
    is_customers = head.what is OutgoingKind.TEXT and head.priority is Priority.CUSTOMER
    if not is_customers or not is_late or head.refusals:
        return [head]
    # Leave room for the sender's name and one line break per text.
    taken, length = [head], 2 * len(head.header) + head.length
    for item in items[1:]:
        length += item.length + 1
        if item.what is not OutgoingKind.TEXT or item.reply_to or length > TEXT_LENGTH:
            break
        if (item.attempts, item.refusals) != (head.attempts, 0):
            break  # they would be given up together
        taken.append(item)
    return taken


def telegram_length(text: str) -> int:
    """Return the length of the text as Telegram counts it, in UTF-16 code units."""
    return len(text.encode("utf-16-le")) // 2
