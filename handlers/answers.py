"""Rules for every chat: callback queries are answered, and some errors may end an update."""

from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from aiogram import Bot, Router
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError
from aiogram.filters import ExceptionTypeFilter
from aiogram.fsm.context import FSMContext
from aiogram.types import CallbackQuery, ErrorEvent, Message, TelegramObject

from bot.domain.errors import TryLaterError

Data = dict[str, Any]
"""What handlers get by name."""
Handler = Callable[[TelegramObject, Data], Awaitable[Any]]

EXPIRED_BUTTON = "Este botão não vale mais."

logger = structlog.get_logger()


def bot_of(message: Message) -> Bot:
    """Return the bot that received the message."""
    if message.bot is None:
        raise RuntimeError("a message that was received always has its bot")
    return message.bot


async def answer_press(
    callback: CallbackQuery, text: str | None = None, *, alert: bool = False
) -> None:
    """Answer the callback query, with a text if given, so that the button stops spinning.

    A query that waited in the inbox over a restart is too old to be answered, and one that is not
    answered now will be. This is logged, and the action still runs.
    """
    try:
        await callback.answer(text, show_alert=alert)
    except (TelegramBadRequest, TryLaterError) as error:
        logger.info("press not answered", error=type(error).__name__)


async def say_below(message: Message, state: FSMContext, text: str) -> None:
    """Reply to the message; below an album once, and not below each of its files."""
    if album := message.media_group_id:
        if (await state.get_data()).get("told_album") == album:
            return
        await state.update_data(told_album=album)
    await message.reply(text)


async def expired(callback: CallbackQuery) -> None:
    await answer_press(callback, EXPIRED_BUTTON, alert=True)


async def blocked(event: ErrorEvent) -> bool:
    """Log that the user blocked the bot, and mark the update as done: no answer can be sent."""
    logger.info("answer not delivered", reason=str(type(event.exception).__name__))
    return True


def router() -> Router:
    """Return the last router: unhandled callback queries, and errors that may end an update."""
    router = Router(name="answers")
    router.callback_query.register(expired)
    router.error.register(blocked, ExceptionTypeFilter(TelegramForbiddenError))
    return router
