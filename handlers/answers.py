"""What holds for every chat: presses are always answered, and some errors are nobody's fault."""

import structlog
from aiogram import Bot, Router
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError
from aiogram.filters import ExceptionTypeFilter
from aiogram.types import CallbackQuery, ErrorEvent, Message

EXPIRED_BUTTON = "Este botão não vale mais."

logger = structlog.get_logger()


def bot_of(message: Message) -> Bot:
    """The bot that received the message."""
    if message.bot is None:
        raise RuntimeError("a message that was received always has its bot")
    return message.bot


async def answer_press(
    callback: CallbackQuery, text: str | None = None, *, alert: bool = False
) -> None:
    """Stop the button's spinner, with a word if there is one.

    A press that waited in the inbox over a restart is too old to be answered; what it asked for
    is done all the same.
    """
    try:
        await callback.answer(text, show_alert=alert)
    except TelegramBadRequest as error:
        logger.info("press not answered", reason=error.message)


async def expired(callback: CallbackQuery) -> None:
    await answer_press(callback, EXPIRED_BUTTON, alert=True)


async def blocked(event: ErrorEvent) -> bool:
    """Whoever blocked the bot is not to be answered, and the update is done."""
    logger.info("answer not delivered", reason=str(type(event.exception).__name__))
    return True


def router() -> Router:
    """Goes last: presses that nobody took, and errors that end an update well."""
    router = Router(name="answers")
    router.callback_query.register(expired)
    router.error.register(blocked, ExceptionTypeFilter(TelegramForbiddenError))
    return router
