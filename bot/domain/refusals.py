"""Telegram's refusals, by its own descriptions: what each refuses, and why.

Source: the descriptions that the Bot API server (tdlib/telegram-bot-api, td) writes itself, and
the UPPER_CASE codes that it passes on from Telegram's servers. docs/relay.md shows the table.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bot.domain.outgoing import Undelivered


class Refused(StrEnum):
    """What a refusal stops."""

    MESSAGE = "message"
    """This message or change alone."""
    KIND = "kind"
    """Messages of this kind in this chat; others arrive."""
    TOPIC = "topic"
    """All messages to this topic."""
    CHAT = "chat"
    """All messages to this chat."""
    RIGHT = "right"
    """What needs a right that the bot lacks here. For a message: all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """The meaning of a description."""

    what: Refused
    phrase: str
    """The words by which it was recognised: they mean the same, and are safe for a log."""
    reason: Undelivered = Undelivered.NOT_COPIED
    kind: str = ""
    """For a kind: its name in English and singular, for example `photo` or `video note`."""
    is_closed: bool = False
    """For a topic: it is closed, not gone."""


# Parts of descriptions in lower case; the first that is found counts. aiogram-dialog knows some by
# their whole sentence.
_PHRASES: Final[tuple[tuple[Refused, Undelivered, tuple[str, ...]], ...]] = (
    (
        Refused.MESSAGE,
        Undelivered.TOO_LONG,
        ("too long", "too_long"),
    ),
    (
        Refused.MESSAGE,
        Undelivered.TOO_BIG,
        ("too big", "too large", "too_big", "too_large", "file_parts_invalid"),
    ),
    (
        Refused.MESSAGE,
        Undelivered.GONE,
        ("message to copy not found", "message to forward not found"),
    ),
    (
        Refused.MESSAGE,
        Undelivered.TOO_OLD,
        (
            "message can't be edited",
            "message can't be deleted",
            "can't be edited",
            "can't be deleted",
            "message to edit not found",
            "message to delete not found",
            "no text in the message to edit",
            "no caption in the message to edit",
            "no media in the message to edit",
            "message_edit_time_expired",
            "message_author_required",
            "message_delete_forbidden",
            "message_id_invalid",
        ),
    ),
    (
        Refused.MESSAGE,
        Undelivered.NOT_COPIED,
        (
            "can't be copied",
            "can't be forwarded",
            "can't be sent",
            "chat_forwards_restricted",
            "protected content",
            "quiz_correct_answer",
            "can't parse",
            "entity_bounds_invalid",
            "entities_too_long",
            "must be non-empty",
            "text is empty",
            "message_empty",
            "media_empty",
            "media_invalid",
            "wrong file",
            "wrong remote file",
            "wrong http url",
            "file_reference",
            "file_id_invalid",
            "photo_invalid_dimensions",
            "image_process_failed",
            "can't use the media",
            "button_data_invalid",
            "button_type_invalid",
            "button_user_privacy_restricted",
        ),
    ),
    (
        Refused.TOPIC,
        Undelivered.NOT_COPIED,
        ("thread not found", "topic_deleted", "topic_id_invalid", "topic_closed"),
    ),
    (
        Refused.CHAT,
        Undelivered.BLOCKED,
        (
            "chat not found",
            "chat_write_forbidden",
            "chat_restricted",
            "chat_forbidden",
            "chat_invalid",
            "chat_id_invalid",
            "chat_guest_send_forbidden",
            "channel_private",
            "channel_invalid",
            "channel_public_group_na",
            "peer_id_invalid",
            "user_id_invalid",
            "user_is_blocked",
            "user_is_bot",
            "user_deactivated",
            "user_banned_in_channel",
            "user_privacy_restricted",
            "privacy_premium_required",
            "allow_payment_required",
            "you_blocked_user",
            "deactivated",
            "blocked by the user",
            "bot was kicked",
            "is not a member",
            "can't initiate conversation",
            "can't send messages to",
            "chat was deleted",
            "chat is restricted",
            "upgraded to a supergroup",
            "no rights to send a message",
            "no write access to the chat",
        ),
    ),
    (
        Refused.RIGHT,
        Undelivered.BLOCKED,
        ("need administrator rights", "chat_admin_required", "not enough rights"),
    ),
    # Of calls that send nothing: the caller asked for too much, or too late.
    (
        Refused.MESSAGE,
        Undelivered.NOT_COPIED,
        (
            "message is not modified",
            "not modified",
            "not_modified",
            "query is too old and response timeout expired or query id is invalid",
            "query is too old",
            "query_id_invalid",
            "message identifier is not specified",
            "message to react not found",
            "message to pin not found",
            "message to unpin not found",
            "message to be replied not found",
            "message to reply not found",
            "reply message not found",
            "replied message not found",
            "reaction_invalid",
            "reactions_too_many",
            "reaction_empty",
            "not a forum",
            "user not found",
            "member not found",
            "participant_id_invalid",
            "user_not_participant",
            "member list is inaccessible",
            "invalid user_id",
            "wrong file_id",
            "invalid file_id",
        ),
    ),
)
_PHRASE_KINDS: Final = re.compile(
    r"(?:not enough rights|have no rights) to send (?P<kind>[a-z ]+?)(?: to the chat)?$"
    r"|user restricted receiving of (?P<received>[a-z ]+)"
)
_CODE_KINDS: Final = re.compile(
    r"\bchat_send_(?P<kind>[a-z]+)_forbidden\b|\b(?P<received>[a-z]+)_messages_forbidden\b"
)
# Telegram's codes write some kinds otherwise than its sentences do.
_SAME_KIND: Final = {
    "gif": "animation",
    "doc": "document",
    "music": "audio",
    "roundvideo": "video note",
    "voice message": "voice",
    "voice note": "voice",
    "video message": "video note",
}
_TEXTS: Final = frozenset({"plain", "text message", "message", "a message", "text"})
_WAIT: Final = re.compile(r"retry after (?P<s>[0-9]{1,9})|_WAIT_(?P<s2>[0-9]{1,9})\b")
_CODE: Final = re.compile(r"[A-Z][A-Z0-9_]{3,60}")


def find_refusal(description: str) -> Refusal | None:
    """Return the meaning of Telegram's description, or None for one that is not known.

    A text that is refused as a kind refuses the chat: nothing that we write arrives there.
    """
    said = description.lower().strip()
    # Libraries know the codes in upper case.
    shown = description.strip() if description.isascii() else said
    if found := _PHRASE_KINDS.search(said) or _CODE_KINDS.search(said):
        kind = _singular(found["kind"] or found["received"])
        if kind in _TEXTS:
            return Refusal(
                what=Refused.CHAT, phrase=shown[slice(*found.span())], reason=Undelivered.BLOCKED
            )
        return Refusal(
            what=Refused.KIND,
            phrase=shown[slice(*found.span())],
            reason=Undelivered.NOT_ALLOWED,
            kind=kind,
        )
    for what, reason, phrases in _PHRASES:
        for phrase in phrases:
            if (at := said.find(phrase)) >= 0:
                return Refusal(
                    what=what,
                    phrase=shown[at : at + len(phrase)],
                    reason=reason,
                    is_closed=phrase == "topic_closed",
                )
    return None


def asked_to_wait_s(description: str) -> int | None:
    """Return the seconds that the description asks to wait, or None."""
    found = _WAIT.search(description)
    return int(found["s"] or found["s2"]) if found else None


def code_of(description: str) -> str:
    """Return Telegram's UPPER_CASE code if the description is one, else an empty text.

    Other descriptions can quote what a person wrote, so they are not for the log.
    """
    code = description.rpartition(": ")[2]
    return code if _CODE.fullmatch(code) else ""


def _singular(kind: str) -> str:
    one = kind.strip()
    one = "story" if one == "stories" else one.removesuffix("s")
    return _SAME_KIND.get(one, one)
