"""The middleware of every call to Telegram: rate limits, waiting after a 429, our own errors."""

import asyncio
from typing import Any, Final

import structlog
from aiogram import Bot
from aiogram.client.session.middlewares.base import (
    BaseRequestMiddleware,
    NextRequestMiddlewareType,
)
from aiogram.exceptions import (
    RestartingTelegram,
    TelegramEntityTooLarge,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
)
from aiogram.methods import Response, TelegramMethod
from aiogram.methods.base import TelegramType
from aiogram.types import InputFile, Message, MessageId
from aiohttp import ClientConnectorError, ConnectionTimeoutError

from bot.domain.errors import TryLaterError, UnconfirmedError
from bot.domain.outgoing import Priority
from bot.runtime.sending.limits import RateLimiter

# After this wait the update goes back into the inbox and waits there.
_LONGEST_WAIT_S: Final = 120.0

# aiogram reads each answer with a model made for its type. pydantic keeps such a model only while
# something refers to it, and building one takes 4 ms. Every message and every poll needs one of
# these.
_KEPT_MODELS: Final = (
    Response[Message],
    Response[MessageId],
    Response[bool],
    Response[list[dict[str, Any]]],
)

logger = structlog.get_logger()


# Calls that put something into a chat or take it away keep their order; the others only read.
_IN_ORDER: Final = ("send", "copy", "forward", "edit", "delete", "pin", "unpin")
_TOPICS: Final = ("createForumTopic", "closeForumTopic", "reopenForumTopic")
_NOT_COUNTED: Final = ("delete", "pin", "unpin", "close", "reopen")


class Outbound(BaseRequestMiddleware):
    """Keeps Telegram's limits and the order within each chat, and honours `retry_after`."""

    def __init__(self, limiter: RateLimiter) -> None:
        self._limiter = limiter

    async def __call__(
        self,
        make_request: NextRequestMiddlewareType[TelegramType],
        bot: Bot,
        method: TelegramMethod[TelegramType],
    ) -> Response[TelegramType]:
        chat_id = getattr(method, "chat_id", None)
        name = method.__api_method__
        is_in_order = name.startswith(_IN_ORDER) or name in _TOPICS
        if chat_id is None or not is_in_order or name == "sendChatAction":
            return await self._patiently(make_request, bot, method)
        messages = 0 if name.startswith(_NOT_COUNTED) else _messages(method)
        if isinstance(getattr(method, "document", None), InputFile):
            # An upload may take minutes, and the person who waits for the file goes on writing, so
            # it holds no turn.
            await self._limiter.pace(chat_id, messages=messages)
            return await self._patiently(make_request, bot, method)
        priority = Priority.PROGRESS if name.startswith("edit") else Priority.ANSWER
        async with self._limiter.turn(chat_id, priority):
            await self._limiter.pace(chat_id, messages=messages)
            return await self._patiently(make_request, bot, method)

    async def _patiently(
        self,
        make_request: NextRequestMiddlewareType[TelegramType],
        bot: Bot,
        method: TelegramMethod[TelegramType],
    ) -> Response[TelegramType]:
        waited_s = 0.0
        while True:
            try:
                return await make_request(bot, method)
            except TelegramEntityTooLarge:
                # aiogram counts it as a network error, but it is an answer that waiting does not
                # change.
                raise
            except TelegramRetryAfter as error:
                waited_s += error.retry_after
                self._limiter.asked_to_wait += 1
                if waited_s > _LONGEST_WAIT_S:
                    raise TryLaterError(
                        f"Telegram asks to wait for {method.__api_method__}",
                        retry_after_s=error.retry_after,
                    ) from error
                logger.warning(
                    "Telegram asks to wait",
                    method=method.__api_method__,
                    retry_after_s=error.retry_after,
                )
                await asyncio.sleep(error.retry_after)
            except (TelegramNetworkError, TelegramServerError, RestartingTelegram) as error:
                kind = UnconfirmedError if _may_be_done(error) else TryLaterError
                raise kind(
                    f"Telegram does not answer {method.__api_method__} ({type(error).__name__})"
                ) from error


def _may_be_done(error: Exception) -> bool:
    """Return True if the call may have reached Telegram although no answer came."""
    if not isinstance(error, TelegramNetworkError):
        return False
    cause = error.__cause__ or error.__context__
    return not isinstance(cause, (ClientConnectorError, ConnectionTimeoutError))


def _messages(method: TelegramMethod[TelegramType]) -> int:
    """Return the number of messages that Telegram counts for this call."""
    parts = getattr(method, "media", None) or getattr(method, "message_ids", None)
    return len(parts) if isinstance(parts, list) else 1
