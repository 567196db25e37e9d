"""The taking of updates with its background tasks, from the start to an orderly shutdown."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final, Protocol, TypeVar

import structlog
from aiogram import Bot
from aiogram.exceptions import TelegramAPIError

from bot.domain.errors import (
    AppError,
    Problem,
    RefusedError,
    TryLaterError,
    UnknownRefusalError,
)
from bot.runtime.leases import LeaseKeeper
from bot.runtime.sending.outbox import Outbox
from bot.runtime.supervisor import Supervisor
from bot.runtime.updates.delivery import KeepWebhook
from bot.runtime.updates.inbox import Inbox
from bot.runtime.updates.polling import PollingTurn, poll_in_turn, refuse_bad_token

DRAIN_S: Final = 20.0
# Calls that are on their way get time to be confirmed, so that they are not made again at the next
# start.
_LAST_S: Final = 2.0
_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 10.0
_LOOK_S: Final = 1.0

Answer = TypeVar("Answer")

logger = structlog.get_logger()


class HandedOver(Protocol):
    """The count of hand-overs, over all replicas."""

    async def count(self) -> int: ...

    async def tell(self) -> None: ...


@asynccontextmanager
async def taking_updates(
    bot: Bot,
    inbox: Inbox,
    outbox: Outbox,
    supervisor: Supervisor,
    *,
    turn: PollingTurn,
    locks: LeaseKeeper[str],
    handed_over: HandedOver,
    allowed_updates: list[str],
    keep_webhook: KeepWebhook | None = None,
) -> AsyncIterator[asyncio.Task[None]]:
    """Handle updates inside the block; receive them by the webhook, or poll when it is our turn.

    At the end the inbox and the outbox are drained for up to 20 seconds, and each chat is let go
    as soon as nothing is done in it. Yields the task that receives, which ends only with an error
    that a retry does not fix.
    """
    # Before the first sweeps, which find what was handed over until now.
    look = await _looking(handed_over, inbox, outbox)
    sweeps = [
        supervisor.run("inbox", inbox.sweep_forever, health=inbox.health),
        supervisor.run("outbox", outbox.sweep_forever, health=outbox.health),
        supervisor.repeat("handed over", look, every_s=_LOOK_S),
    ]
    if keep_webhook is not None:
        receiving = supervisor.run("webhook", keep_webhook.forever, ends_with=_is_of_settings)
    else:
        receiving = supervisor.run(
            "polling",
            lambda: poll_in_turn(
                bot, inbox, turn, allowed_updates=allowed_updates, on_return=outbox.end_pauses
            ),
            ends_with=_is_of_settings,
            health=turn.health,
        )
    try:
        yield receiving
    finally:
        # This stops first, so that no update arrives during the drain.
        await supervisor.end(receiving)
        loop = asyncio.get_running_loop()
        until = loop.time() + DRAIN_S
        outbox.stop_waiting(until)
        await asyncio.gather(inbox.stop(DRAIN_S), _hand_over(locks, handed_over))
        await outbox.stop(max(until - loop.time(), _LAST_S))
        await supervisor.end(*sweeps)


async def _looking(
    handed_over: HandedOver, inbox: Inbox, outbox: Outbox
) -> Callable[[], Awaitable[None]]:
    """Return a function that sweeps if any replica has handed over since it was called last."""
    known = -1
    with suppress(AppError):
        known = await handed_over.count()

    async def look() -> None:
        nonlocal known
        before, known = known, await handed_over.count()
        if known != before:
            inbox.sweep_now()
            outbox.sweep_now()

    return look


async def _hand_over(locks: LeaseKeeper[str], handed_over: HandedOver) -> None:
    """Let the other replicas have the chats in which nothing is done."""
    await locks.hand_over()
    with suppress(AppError):
        await handed_over.tell()


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
