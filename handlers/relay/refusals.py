"""The meaning of an error of Telegram's that the calls to it let through."""

from aiogram.exceptions import TelegramAPIError

from bot.domain.refusals import Refusal, Refused, find_refusal


def refusal_of(error: TelegramAPIError) -> Refusal:
    """Return what Telegram refuses; only refusals that are known arrive here."""
    return find_refusal(error.message) or Refusal(what=Refused.MESSAGE, phrase="")


def closes_chat(refusal: Refusal) -> bool:
    """Return True if the chat takes no message of ours at all."""
    return refusal.what in (Refused.CHAT, Refused.RIGHT)


def is_not_modified(error: TelegramAPIError) -> bool:
    return "modified" in refusal_of(error).phrase.lower()


def is_reply_gone(error: TelegramAPIError) -> bool:
    """Return True if the message to reply to was deleted."""
    phrase = refusal_of(error).phrase.lower()
    return "repl" in phrase and phrase.endswith("not found")


def is_deleted_before(error: TelegramAPIError) -> bool:
    return "to delete not found" in refusal_of(error).phrase


def cannot_be_copied(error: TelegramAPIError) -> bool:
    return "can't be copied" in refusal_of(error).phrase
