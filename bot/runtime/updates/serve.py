"""The polling for updates with its background tasks, from the start to an orderly shutdown."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import structlog
from aiogram import Bot
from aiogram.exceptions import TelegramAPIError, TelegramNotFound, TelegramUnauthorizedError

from bot.domain.errors import Problem, RefusedError, TryLaterError
from bot.runtime.sending.outbox import Outbox
from bot.runtime.supervisor import Supervisor
from bot.runtime.updates.inbox import Inbox
from bot.runtime.updates.polling import poll_forever

DRAIN_S: Final = 20.0
# Calls that are on their way get time to be confirmed, so that they are not made again at the next
# start.
_LAST_S: Final = 2.0
_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 30.0

logger = structlog.get_logger()


@asynccontextmanager
async def taking_updates(
    bot: Bot,
    inbox: Inbox,
    outbox: Outbox,
    supervisor: Supervisor,
    *,
    allowed_updates: list[str],
) -> AsyncIterator[asyncio.Task[None]]:
    """Poll and handle updates inside the block.

    At the end the inbox and the outbox are drained for up to 20 seconds. Yields the polling task,
    which ends only with an error that a retry does not fix.
    """
    sweeps = [
        supervisor.run("inbox", inbox.sweep_forever, health=inbox.health),
        supervisor.run("outbox", outbox.sweep_forever, health=outbox.health),
    ]
    polling = supervisor.run(
        "polling",
        lambda: poll_forever(bot, inbox, allowed_updates=allowed_updates),
        ends_with=_is_of_token,
    )
    try:
        yield polling
    finally:
        # Polling stops first, so that no update arrives during the drain.
        await supervisor.end(polling)
        loop = asyncio.get_running_loop()
        until = loop.time() + DRAIN_S
        await inbox.stop(DRAIN_S)
        await outbox.stop(max(until - loop.time(), _LAST_S))
        await supervisor.end(*sweeps)


def _is_of_token(error: Exception) -> bool:
    return isinstance(error, RefusedError) and error.problem is Problem.BOT_TOKEN


async def wait_for_telegram(bot: Bot) -> None:
    """Return once Telegram knows the bot; Telegram may be away while the bot starts.

    Raises RefusedError when it does not accept the token.
    """
    pause_s = _FIRST_PAUSE_S
    while True:
        try:
            await bot.me()
        except (TelegramUnauthorizedError, TelegramNotFound) as error:
            raise RefusedError(
                "Telegram does not accept the bot's token", problem=Problem.BOT_TOKEN
            ) from error
        except (TelegramAPIError, TryLaterError) as error:
            logger.warning("Telegram does not answer", error=type(error).__name__)
        else:
            return
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
