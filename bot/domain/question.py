"""Questions of the bot to attendants in a group."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.domain.conversation import Attendant


class Subject(StrEnum):
    """The subject of a question to an attendant."""

    NOTE = "note"
    REASON = "reason"
    """The reason of a transfer."""
    CORRECTION = "correction"
    """The right value of a field of the registration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question that the bot asks an attendant in a group; the attendant replies to it.

    It is kept after the answer, so that a late reply to it is never sent to the customer.
    """

    group_id: int
    message_id: int
    about: Subject
    conversation_id: str
    asked: Attendant
    asked_at: datetime
    target: str = ""
    """For a transfer, its target.

    `d.<first characters of the department's id>`, `a.<user id>`, or `q.` for back into the queue.
    """
    holder_id: int | None = None
    """The attendant who had claimed the conversation when the question was asked."""
    menu_id: int | None = None
    """For a transfer or a correction: the message that offered the choice."""
    path: str = "fixed_note"
    """For a correction, the path of its field."""
    note_before: str | None = None
    added: str | None = None
    """For a note the text to add, for a correction the new value, empty to clear the field.

    `note_before` is the value on record when "Guardar?" was asked.
    """
    proposal: int = 0
    """Number of the newest proposal; only that one can be confirmed."""
    done: bool = False
