"""Calls to Telegram that post a message in a chat, and edit it there."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import (
    InlineKeyboardMarkup,
    InputMediaAnimation,
    InputMediaAudio,
    InputMediaDocument,
    InputMediaPhoto,
    InputMediaVideo,
    ReplyParameters,
)

from bot.domain.outgoing import (
    CAPTION_LENGTH,
    TEXT_LENGTH,
    Outgoing,
    OutgoingKind,
    Undelivered,
    telegram_length,
)
from handlers.relay.refusals import cannot_be_copied, is_not_modified, refusal_of

Visual = InputMediaPhoto | InputMediaVideo | InputMediaAnimation
Media = Visual | InputMediaAudio | InputMediaDocument
_VISUAL: Final[dict[str, type[Visual]]] = {
    "photo": InputMediaPhoto,
    "video": InputMediaVideo,
    "animation": InputMediaAnimation,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Target of a message: chat, topic, and message to reply to."""

    chat_id: int = 0
    topic_id: int | None = None
    reply_to: int = 0
    needs_reply: bool = False
    """True if Telegram shall refuse the message when the one to reply to was deleted."""
    may_forward: bool = False
    """True if a message that cannot be copied may be forwarded, with its origin shown."""
    buttons: InlineKeyboardMarkup | None = None
    """Below a text or a copy."""

    @property
    def reply(self) -> ReplyParameters | None:
        if not self.reply_to:
            return None
        return ReplyParameters(
            message_id=self.reply_to, allow_sending_without_reply=not self.needs_reply
        )


class TopicsOffError(Exception):
    """The group no longer has topics; no part of the message was posted in it."""


async def post(bot: Bot, items: Sequence[Outgoing], place: Place) -> list[int]:
    """Post the items and return the message ids: one for all, or one per item of an album."""
    head = items[0]
    if head.what is OutgoingKind.TEXT:
        posted = await bot.send_message(
            place.chat_id,
            _text(items, has_header=place.topic_id is None),
            message_thread_id=place.topic_id,
            reply_parameters=place.reply,
            reply_markup=place.buttons,
        )
        if place.topic_id is not None and not posted.is_topic_message:
            # Telegram ignores the topic then, and nothing would show who writes.
            await bot.delete_message(place.chat_id, posted.message_id)
            raise TopicsOffError
        return [posted.message_id]
    if head.what is OutgoingKind.PART and len(items) > 1:
        album = await bot.send_media_group(
            place.chat_id,
            # An album holds no animations.
            [
                media
                for item in items
                if not isinstance(media := _media(item), InputMediaAnimation)
            ],
            message_thread_id=place.topic_id,
            reply_parameters=place.reply,
        )
        return [message.message_id for message in album]
    return [await _copy(bot, head, place)]


async def change(bot: Bot, item: Outgoing, chat_id: int, message_id: int, place: Place) -> bool:
    """Edit the message to match `item`. Return False if Telegram cannot edit it."""
    try:
        if item.has_text:
            header = item.header if place.topic_id is None else ""
            await bot.edit_message_text(
                _fitting(header or item.speaker, item),
                chat_id=chat_id,
                message_id=message_id,
                reply_markup=place.buttons,
            )
        elif item.file:
            await bot.edit_message_media(
                _media(item), chat_id=chat_id, message_id=message_id, reply_markup=place.buttons
            )
        else:
            await bot.edit_message_caption(
                chat_id=chat_id,
                message_id=message_id,
                caption=_caption(item) or None,
                reply_markup=place.buttons,
            )
    except TelegramBadRequest as error:
        if is_not_modified(error):
            return True
        if refusal_of(error).reason in (Undelivered.TOO_OLD, Undelivered.TOO_LONG):
            return False
        raise
    return True


async def _copy(bot: Bot, item: Outgoing, place: Place) -> int:
    is_named = bool(item.speaker) and _fits(item.speaker, item)
    if is_named and item.has_text:
        said = await bot.send_message(
            place.chat_id,
            _fitting(item.speaker, item),
            message_thread_id=place.topic_id,
            reply_parameters=place.reply,
        )
        return said.message_id
    try:
        copied = await bot.copy_message(
            place.chat_id,
            item.source_chat_id,
            item.source_message_id,
            # Without a name, as it is: Telegram copies captions that no bot may write.
            caption=_caption(item) if is_named else None,
            show_caption_above_media=(item.file and item.file.show_caption_above_media) or None,
            message_thread_id=place.topic_id,
            reply_parameters=place.reply,
            reply_markup=place.buttons,
        )
    except TelegramBadRequest as error:
        if place.buttons:
            # Some kinds take none, such as games.
            return await _copy(bot, item, replace(place, buttons=None))
        if not place.may_forward or not cannot_be_copied(error):
            raise
        forwarded = await bot.forward_message(
            place.chat_id,
            item.source_chat_id,
            item.source_message_id,
            message_thread_id=place.topic_id,
        )
        return forwarded.message_id
    return copied.message_id


def _text(items: Sequence[Outgoing], *, has_header: bool) -> str:
    head = items[0]
    lines = "\n".join(item.html for item in items)
    if len(items) > 1:
        return (head.header if has_header else "") + lines
    return _fitting(head.header if has_header else "", head)


def _fitting(header: str, item: Outgoing) -> str:
    """Return the text with its header; without it if the header makes it too long."""
    return (header if _fits(header, item) else "") + item.html


def _caption(item: Outgoing) -> str:
    """Return the caption with the attendant's name; without it if that makes it too long."""
    return _fitting(item.speaker if item.html else "", item)


def _fits(header: str, item: Outgoing) -> bool:
    is_text = item.has_text or item.what is OutgoingKind.TEXT
    # The length includes tags, so it is a few characters more than Telegram counts.
    longest = TEXT_LENGTH if is_text else CAPTION_LENGTH
    return item.length + telegram_length(header) <= longest


def _media(item: Outgoing) -> Media:
    file, caption = item.file, _caption(item) or None
    if file is None:
        raise RuntimeError("a part of an album has its file")
    if visual := _VISUAL.get(file.type):
        return visual(
            media=file.file_id,
            caption=caption,
            has_spoiler=file.has_spoiler or None,
            show_caption_above_media=file.show_caption_above_media or None,
        )
    other = InputMediaAudio if file.type == "audio" else InputMediaDocument
    return other(media=file.file_id, caption=caption)
