"""The parts of a message that are stored in order to send it on."""

from typing import Final

import structlog
from aiogram import html
from aiogram.enums import ContentType
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import (
    Chat,
    Message,
    MessageOriginChannel,
    MessageOriginChat,
    MessageOriginHiddenUser,
    MessageOriginUser,
    ReactionTypeEmoji,
    User,
)

from bot.domain.errors import TryLaterError
from bot.domain.outgoing import Content, File, OutgoingKind, telegram_length
from bot.domain.transcript import Words
from handlers.relay import texts

logger = structlog.get_logger()

INTERNAL: Final = "//"
"""Prefix of an internal comment: such a text of an attendant stays among the attendants."""

_ALBUM_TYPES: Final = ("photo", "video", "audio", "document")


def customer_content(message: Message, user: User) -> Content:
    """Return the content of a customer's message; texts as HTML, so that they can be joined."""
    words = _words(message)
    if message.text is None:
        copied = _copied(message, words)
        return copied.model_copy(update={"origin": origin_of(message)})
    return Content(
        what=OutgoingKind.TEXT,
        source_chat_id=message.chat.id,
        source_message_id=message.message_id,
        reply_to=answered(message)[1],
        html=message.html_text,
        length=telegram_length(message.text),
        header=header_of(user),
        origin=origin_of(message),
        words=words,
    )


def attendant_content(message: Message, *, speaker: str = "") -> Content:
    """Return the content of an attendant's message.

    speaker: as `speaker_of` returns it.
    """
    return _copied(message, _words(message, by=_writer(message)), speaker=speaker)


def _copied(message: Message, words: Words, *, speaker: str = "") -> Content:
    """Return the content of a message that Telegram copies, which it does with all but albums."""
    file = _file(message)
    is_part = message.media_group_id is not None and file is not None
    written = message.text or message.caption or ""
    return Content(
        what=OutgoingKind.PART if is_part else OutgoingKind.COPY,
        source_chat_id=message.chat.id,
        source_message_id=message.message_id,
        reply_to=answered(message)[1],
        html=message.html_text if written and (is_part or speaker) else "",
        length=telegram_length(written),
        has_text=message.text is not None,
        speaker=speaker if written else "",
        album=message.media_group_id or "" if is_part else "",
        file=file if is_part or (speaker and written) else None,
        words=words,
    )


def words_alone(message: Message) -> str:
    """Return the words of a message that is nothing else; a sticker as its emoji.

    Empty for what was forwarded: those are somebody else's words.
    """
    if message.forward_origin:
        return ""
    if message.sticker:
        return message.sticker.emoji or "🙂"
    return message.text or ""


def edited_content(message: Message, *, header: str = "", speaker: str = "") -> Content:
    """Return the content of a message that was edited after it had been sent."""
    written = message.text or message.caption
    return Content(
        what=OutgoingKind.EDIT,
        source_chat_id=message.chat.id,
        source_message_id=message.message_id,
        has_text=message.text is not None,
        html=message.html_text if written else "",
        length=telegram_length(written or ""),
        header=header,
        speaker=speaker,
        file=_file(message),
        words=_words(message),
    )


def has_words_or_file(message: Message) -> bool:
    """Return True if the edit is to be sent on.

    A live location that moves also arrives as edits, which are not sent on.
    """
    return bool(message.text or message.voice or _file(message))


def header_of(user: User) -> str:
    """Return the customer's name as a heading, for use where neither topic nor card shows it."""
    return f"💬 {html.bold(html.quote(user.full_name))}\n"


def speaker_of(message: Message) -> str:
    """Return the first name of the attendant who writes, to be put before the words.

    Empty for an administrator who writes in the group's name.
    """
    if message.from_user is None or message.sender_chat:
        return ""
    return speaking(message.from_user)


def speaking(user: User) -> str:
    return f"{html.bold(html.quote(user.first_name))}: "


def origin_of(message: Message) -> str:
    """Return from whom the message was forwarded, as a line; empty if it was not.

    Empty also for a kind that is forwarded once more, with its origin shown.
    """
    origin = message.forward_origin
    is_hidden_quiz = message.poll and message.poll.type == "quiz"
    if (
        origin is None
        or message.story
        or message.checklist
        or message.paid_media
        or is_hidden_quiz
    ):
        return ""
    match origin:
        case MessageOriginUser():
            name = origin.sender_user.full_name
        case MessageOriginHiddenUser():
            name = origin.sender_user_name
        case MessageOriginChat():
            name = _signed(origin.sender_chat, origin.author_signature)
        case MessageOriginChannel():
            name = _signed(origin.chat, origin.author_signature)
        case _:
            name = "outra conversa"
    return f"{texts.FORWARDED_FROM} {html.bold(html.quote(name))}\n"


def _signed(chat: Chat, signature: str | None) -> str:
    return " · ".join(filter(None, (chat.full_name, signature)))


def is_internal(message: Message) -> bool:
    """Return True if an attendant marked the message as not for the customer."""
    return (message.text or message.caption or "").startswith(INTERNAL)


async def kept_internal(message: Message) -> None:
    """React to the comment, to show that it was seen and stays in the group."""
    try:
        await message.react([ReactionTypeEmoji(emoji=texts.NOTE_KEPT)])
    except (TelegramBadRequest, TryLaterError) as error:
        # A group can allow other reactions only. The comment stays internal even without one.
        logger.info("no reaction", error=type(error).__name__)


def answered(message: Message) -> tuple[int | None, int]:
    """Return the topic of a message, and the id of the message it replies to; 0 for none."""
    # In a topic, every message replies to the topic's first message. Elsewhere, the thread id of a
    # reply is the id of the message that it replies to.
    topic_id = message.message_thread_id if message.is_topic_message else None
    reply = message.reply_to_message
    return topic_id, reply.message_id if reply and reply.message_id != topic_id else 0


def _words(message: Message, *, by: str = "") -> Words:
    return Words(
        at=message.date,
        by=by,
        kind=ContentType(message.content_type).value,
        text=message.text or message.caption or "",
    )


def _writer(message: Message) -> str:
    """Return the attendant's name; the group's for one who writes as the group."""
    if message.sender_chat and message.sender_chat.title:
        return message.sender_chat.title
    return message.from_user.full_name if message.from_user else "?"


def _file(message: Message) -> File | None:
    """Return the file of an album or an edited message; None for every other kind of message."""
    for kind in (*_ALBUM_TYPES, "animation"):
        found = getattr(message, kind)
        if kind == "document" and message.animation:
            continue
        if found:
            largest = found[-1] if kind == "photo" else found
            return File(
                type=kind,
                file_id=largest.file_id,
                has_spoiler=bool(message.has_media_spoiler),
                show_caption_above_media=bool(message.show_caption_above_media),
            )
    return None
