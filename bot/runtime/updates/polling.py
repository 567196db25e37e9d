"""Long polling into the inbox: an update is confirmed only once it is stored."""

import asyncio
from typing import Final

import structlog
from aiogram import Bot
from aiogram.exceptions import (
    TelegramAPIError,
    TelegramConflictError,
    TelegramRetryAfter,
    TelegramUnauthorizedError,
)
from aiogram.methods.base import TelegramMethod

from bot.domain.errors import Problem, RefusedError, TryLaterError
from bot.runtime.updates.inbox import Inbox, Payload

_POLL_S: Final = 25
_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 30.0

logger = structlog.get_logger()


class _GetUpdates(TelegramMethod[list[Payload]]):
    """getUpdates with plain JSON as its result: stored as it came, parsed once when it is
    handled."""

    __returning__ = list[Payload]
    __api_method__ = "getUpdates"

    offset: int | None
    timeout: int
    allowed_updates: list[str]
    limit: int = 100


async def poll_forever(bot: Bot, inbox: Inbox, *, allowed_updates: list[str]) -> None:
    """Take updates until cancelled; retry while Telegram, the network or the database is away.

    Raises RefusedError when the token is not (or no longer) valid.
    """
    offset: int | None = None
    pause_s = _FIRST_PAUSE_S
    while True:
        request = _GetUpdates(offset=offset, timeout=_POLL_S, allowed_updates=allowed_updates)
        try:
            updates = await bot(request, request_timeout=_POLL_S + 10)
            if updates:
                await inbox.take(updates)
                offset = updates[-1]["update_id"] + 1
            pause_s = _FIRST_PAUSE_S
            continue
        except TelegramUnauthorizedError as error:
            raise RefusedError(
                "Telegram does not accept the bot's token", problem=Problem.BOT_TOKEN
            ) from error
        except TelegramRetryAfter as error:
            logger.warning("Telegram asks to wait", retry_after_s=error.retry_after)
            await asyncio.sleep(error.retry_after)
            continue
        except TelegramConflictError:
            logger.error("another process polls with this token, or a webhook is set")
        except (TelegramAPIError, TryLaterError) as error:
            logger.warning("updates not taken", error=type(error).__name__)
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
