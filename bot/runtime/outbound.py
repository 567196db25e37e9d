"""What every call to Telegram goes through: order per chat, patience, and our own errors."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import structlog
from aiogram import Bot
from aiogram.client.session.middlewares.base import (
    BaseRequestMiddleware,
    NextRequestMiddlewareType,
)
from aiogram.exceptions import (
    RestartingTelegram,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
)
from aiogram.methods import Response, TelegramMethod
from aiogram.methods.base import TelegramType
from aiogram.types import InputFile, Message, MessageId

from bot.domain.errors import TryLaterError

# Longer than this the update goes back into the inbox and waits there.
_LONGEST_WAIT_S: Final = 120.0

# aiogram reads each answer with a model made for its type. pydantic keeps such models only while
# somebody refers to them, and building one takes 4 ms: these are of every message and every poll.
_KEPT_MODELS: Final = (
    Response[Message],
    Response[MessageId],
    Response[bool],
    Response[list[dict[str, Any]]],
)

logger = structlog.get_logger()


class Outbound(BaseRequestMiddleware):
    """Honours `retry_after` and keeps the order of messages within each chat, uploads aside."""

    def __init__(self) -> None:
        self._chats: dict[Any, asyncio.Lock] = {}
        self._users: dict[Any, int] = {}

    async def __call__(
        self,
        make_request: NextRequestMiddlewareType[TelegramType],
        bot: Bot,
        method: TelegramMethod[TelegramType],
    ) -> Response[TelegramType]:
        if method.__api_method__ == "getUpdates":
            return await make_request(bot, method)
        if isinstance(getattr(method, "document", None), InputFile):
            # It may take minutes, and whoever waits for the file goes on writing.
            return await self._patiently(make_request, bot, method)
        async with self._in_order(getattr(method, "chat_id", None)):
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
            except TelegramRetryAfter as error:
                waited_s += error.retry_after
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
                raise TryLaterError(
                    f"Telegram does not answer {method.__api_method__} ({type(error).__name__})"
                ) from error

    @asynccontextmanager
    async def _in_order(self, chat_id: Any) -> AsyncIterator[None]:
        """One call at a time to one chat: a message that waits is not overtaken by the next."""
        if chat_id is None:
            yield
            return
        lock = self._chats.setdefault(chat_id, asyncio.Lock())
        self._users[chat_id] = self._users.get(chat_id, 0) + 1
        try:
            async with lock:
                yield
        finally:
            self._users[chat_id] -= 1
            if not self._users[chat_id]:
                del self._users[chat_id], self._chats[chat_id]
