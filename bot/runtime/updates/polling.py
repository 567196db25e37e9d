"""Long polling into the inbox: an update is confirmed only once it is stored."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

import structlog
from aiogram import Bot
from aiogram.exceptions import TelegramAPIError, TelegramConflictError
from aiogram.methods.base import TelegramMethod

from bot.domain.errors import Problem, RefusedError, TryLaterError
from bot.runtime.updates.inbox import Inbox

_POLL_S: Final = 25
_FIRST_PAUSE_S: Final = 0.5
# What waits goes on as soon as polling has an answer again.
_LONGEST_PAUSE_S: Final = 10.0

logger = structlog.get_logger()


class _GetUpdates(TelegramMethod[list[Any]]):
    """getUpdates with plain JSON as its result: stored as it came, parsed once when it is
    handled."""

    __returning__ = list[Any]
    __api_method__ = "getUpdates"

    offset: int | None
    timeout: int
    allowed_updates: list[str]
    limit: int = 100


async def poll_forever(
    bot: Bot,
    inbox: Inbox,
    *,
    allowed_updates: list[str],
    on_return: Callable[[], None] = lambda: None,
) -> None:
    """Take updates until cancelled; retry while Telegram, the network or the database is away.

    on_return: called when they are back. Raises RefusedError when the token is not (or no longer)
    valid.
    """
    offset: int | None = None
    pause_s = 0.0
    while True:
        request = _GetUpdates(offset=offset, timeout=_POLL_S, allowed_updates=allowed_updates)
        try:
            updates = await bot(request, request_timeout=_POLL_S + 10)
            if pause_s:
                # Telegram is back, and nobody needs to wait for the end of a pause.
                inbox.end_pauses()
                on_return()
                pause_s = 0.0
            if numbered := [update for update in updates if _is_update(update)]:
                await inbox.take(numbered)
                offset = max(update["update_id"] for update in numbered) + 1
            if len(numbered) == len(updates):
                continue
            logger.error("updates without a number", count=len(updates) - len(numbered))
        except TryLaterError as error:
            refuse_bad_token(error)
            logger.warning("updates not taken", error=str(error))
            if error.retry_after_s:
                await asyncio.sleep(error.retry_after_s)
        except TelegramConflictError:
            logger.error("another process polls with this token, or a webhook is set")
        except TelegramAPIError as error:
            logger.warning("updates not taken", error=type(error).__name__)
        pause_s = min(pause_s * 2, _LONGEST_PAUSE_S) or _FIRST_PAUSE_S
        await asyncio.sleep(pause_s)


def _is_update(found: object) -> bool:
    return isinstance(found, dict) and isinstance(found.get("update_id"), int)


def refuse_bad_token(error: TryLaterError) -> None:
    """Raise RefusedError if this is Telegram's refusal of the token, for which nothing waits."""
    if error.problem is Problem.BOT_TOKEN:
        raise RefusedError(
            "Telegram does not accept the bot's token", problem=Problem.BOT_TOKEN
        ) from None
