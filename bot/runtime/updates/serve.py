"""The taking of updates with its background tasks, from the start to an orderly shutdown."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, TypeVar

import structlog
from aiogram import Bot
from aiogram.exceptions import TelegramAPIError

from bot.domain.errors import Problem, RefusedError, TryLaterError, UnknownRefusalError
from bot.runtime.sending.outbox import Outbox
from bot.runtime.supervisor import Supervisor
from bot.runtime.updates.delivery import KeepWebhook
from bot.runtime.updates.inbox import Inbox
from bot.runtime.updates.polling import poll_forever, refuse_bad_token

DRAIN_S: Final = 20.0
# Calls that are on their way get time to be confirmed, so that they are not made again at the next
# start.
_LAST_S: Final = 2.0
_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 10.0

Answer = TypeVar("Answer")

logger = structlog.get_logger()


@asynccontextmanager
async def taking_updates(
    bot: Bot,
    inbox: Inbox,
    outbox: Outbox,
    supervisor: Supervisor,
    *,
    allowed_updates: list[str],
    keep_webhook: KeepWebhook | None = None,
) -> AsyncIterator[asyncio.Task[None]]:
    """Receive and handle updates inside the block: by polling, unless there is a webhook.

    At the end the inbox and the outbox are drained for up to 20 seconds. Yields the task that
    receives, which ends only with an error that a retry does not fix.
    """
    sweeps = [
        supervisor.run("inbox", inbox.sweep_forever, health=inbox.health),
        supervisor.run("outbox", outbox.sweep_forever, health=outbox.health),
    ]
    if keep_webhook is not None:
        name, receive = "webhook", keep_webhook.forever
    else:
        name, receive = (
            "polling",
            lambda: poll_forever(
                bot, inbox, allowed_updates=allowed_updates, on_return=outbox.end_pauses
            ),
        )
    receiving = supervisor.run(name, receive, ends_with=_is_of_settings)
    try:
        yield receiving
    finally:
        # This stops first, so that no update arrives during the drain.
        await supervisor.end(receiving)
        loop = asyncio.get_running_loop()
        until = loop.time() + DRAIN_S
        await inbox.stop(DRAIN_S)
        await outbox.stop(max(until - loop.time(), _LAST_S))
        await supervisor.end(*sweeps)


def _is_of_settings(error: Exception) -> bool:
    return isinstance(error, RefusedError) and error.problem in (
        Problem.BOT_TOKEN,
        Problem.WEBHOOK_URL,
    )


async def wait_for_telegram(bot: Bot, *, patience_s: float | None = None) -> None:
    """Return once Telegram knows the bot; Telegram may be away while the bot starts."""
    await answered(bot.me, patience_s=patience_s)


async def answered(
    ask: Callable[[], Awaitable[Answer]], *, patience_s: float | None = None
) -> Answer:
    """Return Telegram's answer, asking again while it is away.

    patience_s: None to wait for ever. Raises RefusedError when Telegram does not accept the token,
    and TryLaterError, with what it said last, when the patience is over.
    """
    pause_s = _FIRST_PAUSE_S
    last = TryLaterError("Telegram does not answer in time", problem=Problem.TELEGRAM_GONE)
    try:
        async with asyncio.timeout(patience_s):
            while True:
                try:
                    return await ask()
                except TryLaterError as error:
                    refuse_bad_token(error)
                    logger.warning("Telegram does not answer", error=str(error))
                    last = error
                await asyncio.sleep(max(pause_s, last.retry_after_s or 0.0))
                pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
    except TimeoutError:
        raise last from None


async def telegram_answers(bot: Bot, chat_key: str) -> None:
    """Return if Telegram answers now, in this chat; raises TryLaterError while it does not.

    chat_key: of the inbox.
    """
    try:
        if chat_key.removeprefix("-").isdecimal():
            # As close to a message as a call can be that nobody minds.
            await bot.send_chat_action(int(chat_key), "typing")
        else:
            await bot.get_me()
    except (TelegramAPIError, UnknownRefusalError):
        pass  # an answer
