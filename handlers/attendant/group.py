"""The bot's messages in a department's group, and the attendant behind a callback query."""

import structlog
from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import (
    ForceReply,
    InlineKeyboardMarkup,
    MaybeInaccessibleMessageUnion,
    Message,
    ReplyParameters,
    User,
)

from bot.domain.conversation import Attendant

logger = structlog.get_logger()


async def below(
    bot: Bot,
    message: MaybeInaccessibleMessageUnion,
    text: str,
    *,
    keyboard: InlineKeyboardMarkup | ForceReply | None = None,
) -> Message:
    """Post a text below a message, even if Telegram no longer shows that message to bots."""
    place = ReplyParameters(message_id=message.message_id, allow_sending_without_reply=True)
    topic_id = None
    if isinstance(message, Message) and message.is_topic_message:
        topic_id = message.message_thread_id
    return await bot.send_message(
        message.chat.id,
        text,
        message_thread_id=topic_id,
        reply_parameters=place,
        reply_markup=keyboard,
    )


async def edit(
    bot: Bot,
    chat_id: int,
    message_id: int,
    text: str,
    markup: InlineKeyboardMarkup | None = None,
) -> None:
    """Edit a message of ours; log it if the text is unchanged or the message was deleted."""
    try:
        await bot.edit_message_text(
            text, chat_id=chat_id, message_id=message_id, reply_markup=markup
        )
    except TelegramBadRequest as error:
        logger.info("message not edited", reason=error.message)


def attendant_of(user: User) -> Attendant:
    return Attendant(id=user.id, name=user.full_name)
