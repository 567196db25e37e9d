"""Telegram's errors, translated to reasons that a sender can understand."""

from typing import Final

from aiogram.exceptions import (
    TelegramAPIError,
    TelegramEntityTooLarge,
    TelegramForbiddenError,
)

from bot.domain.outgoing import Undelivered

# Parts of Telegram's own descriptions, in lower case.
_REASONS: Final = (
    ("too long", Undelivered.TOO_LONG),
    ("too_long", Undelivered.TOO_LONG),
    ("too big", Undelivered.TOO_BIG),
    ("too large", Undelivered.TOO_BIG),
    ("message to copy not found", Undelivered.GONE),
    ("message to forward not found", Undelivered.GONE),
    ("can't be edited", Undelivered.TOO_OLD),
    ("can't be deleted", Undelivered.TOO_OLD),
    ("message to edit not found", Undelivered.TOO_OLD),
    ("message to delete not found", Undelivered.TOO_OLD),
    ("no text in the message to edit", Undelivered.TOO_OLD),
    ("chat not found", Undelivered.BLOCKED),
    ("user is deactivated", Undelivered.BLOCKED),
)
# After these errors nothing can be sent to the chat; the message itself is not at fault.
_CLOSED: Final = (
    "chat not found",
    "not enough rights to send",
    "have no rights to send",
    "need administrator rights",
    "chat_write_forbidden",
    "group chat was deactivated",
)


def undelivered_of(error: TelegramAPIError) -> Undelivered:
    """Return the reason why Telegram refused one message."""
    if isinstance(error, TelegramForbiddenError):
        return Undelivered.BLOCKED
    if isinstance(error, TelegramEntityTooLarge):
        return Undelivered.TOO_BIG
    said = error.message.lower()
    return next((reason for part, reason in _REASONS if part in said), Undelivered.NOT_COPIED)


def closes_group(error: TelegramAPIError) -> bool:
    """Return True if the group takes no message of ours at all."""
    return isinstance(error, TelegramForbiddenError) or _says(error, *_CLOSED)


def is_topic_gone(error: TelegramAPIError) -> bool:
    return _says(error, "message thread not found", "topic_deleted", "topic_id_invalid")


def is_not_modified(error: TelegramAPIError) -> bool:
    return _says(error, "not modified", "not_modified")


def cannot_be_copied(error: TelegramAPIError) -> bool:
    return _says(error, "can't be copied")


def _says(error: TelegramAPIError, *parts: str) -> bool:
    said = error.message.lower()
    return any(part in said for part in parts)
