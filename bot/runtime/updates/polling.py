"""Long polling into the inbox: an update is confirmed only once it is stored.

One replica polls, by a lease; the others stand by and take over when the lease ends.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import structlog
from aiogram import Bot
from aiogram.exceptions import TelegramAPIError, TelegramConflictError
from aiogram.methods.base import TelegramMethod

from bot.domain.errors import LostError, Problem, RefusedError, TryLaterError
from bot.runtime.leases import POLLING_LEASE, LeaseKeeper
from bot.runtime.owners import described
from bot.runtime.supervisor import TaskHealth
from bot.runtime.updates.inbox import Inbox

_POLL_S: Final = 25
_FIRST_PAUSE_S: Final = 0.5
# What waits goes on as soon as polling has an answer again.
_LONGEST_PAUSE_S: Final = 10.0
_OTHER: Final = "another program"

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


class PollingTurn:
    """The right to poll, which one replica at a time has."""

    def __init__(self, bot_id: int, keeper: LeaseKeeper[str]) -> None:
        self._bot_id = bot_id
        self._keeper = keeper
        self._settled_at = 0.0
        """Until then others may store updates."""
        self._noticed_at = 0.0
        """By then a last holder that was not at an end has noticed that the lease is ours."""
        self._polls_since: float | None = None
        keeper.on_takeover(self._taken_over)
        self.health = TaskHealth()
        """Down while another program polls, which takes updates from us."""

    @asynccontextmanager
    async def mine(self) -> AsyncIterator[None]:
        """Wait for the turn and hold it inside the block.

        Raises LostError, which ends the block, when another replica may poll now.
        """
        self.health.works()
        self.health.works(_OTHER)
        if owner := await self._keeper.owner_of(self._bot_id):
            logger.info("another replica polls, this one stands by", polling=described(owner))
        async with self._keeper.holding(self._bot_id):
            logger.info("polling")
            self._polls_since = None
            yield

    def polled(self, asked_at: float) -> None:
        """Note that Telegram has answered a request for updates made at this loop time."""
        self.health.works(_OTHER)
        if self._polls_since is None:
            self._polls_since = asked_at

    def refused(self) -> None:
        """Note that Telegram has sent updates elsewhere, and may do so again."""
        self._polls_since = None
        self._settled_at = self._after_a_lease()

    def alone_since(self) -> float | None:
        """Return the loop time since which no other replica can have stored an update of
        Telegram; None if others poll."""
        since = self._keeper.held_since(self._bot_id)
        if since is None or self._polls_since is None:
            return None
        return max(since, self._settled_at, self._polls_since)

    def check(self) -> None:
        """Raise LostError if the lease has ended."""
        if self._keeper.held_since(self._bot_id) is None:
            raise LostError("the lease on polling has ended")

    async def refuse_other_replica(self) -> None:
        """Say who else polls; raise LostError if it is another replica."""
        owner = await self._keeper.owner_of(self._bot_id)
        if owner != self._keeper.owner:
            raise LostError(f"another replica polls: {described(owner) if owner else 'it began'}")
        if asyncio.get_running_loop().time() < self._noticed_at:
            logger.warning("the replica that polled before still does, and will notice")
        else:
            self.health.failed(_OTHER)
            logger.error("another program polls with this token, and knows no lease on it")

    async def _taken_over(self, _: str, __: int) -> None:
        # The last holder may store what it has received, until it notices.
        self._settled_at = self._noticed_at = self._after_a_lease()

    def _after_a_lease(self) -> float:
        return asyncio.get_running_loop().time() + POLLING_LEASE.total_seconds()


async def poll_in_turn(
    bot: Bot,
    inbox: Inbox,
    turn: PollingTurn,
    *,
    allowed_updates: list[str],
    on_return: Callable[[], None] = lambda: None,
) -> None:
    """Take updates until cancelled, while it is this replica's turn; wait for it otherwise.

    on_return: called when Telegram is back. Raises RefusedError when the token is not (or no
    longer) valid.
    """
    pause_s = _FIRST_PAUSE_S
    while True:
        try:
            async with turn.mine():
                pause_s = _FIRST_PAUSE_S
                await _poll(bot, inbox, turn, allowed_updates, on_return)
        except LostError as error:
            logger.warning("polling given up", error=str(error))
        except TryLaterError as error:
            logger.warning("updates not taken", error=str(error))
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)


async def _poll(
    bot: Bot,
    inbox: Inbox,
    turn: PollingTurn,
    allowed_updates: list[str],
    on_return: Callable[[], None],
) -> None:
    offset: int | None = None
    pause_s = 0.0
    while True:
        turn.check()
        asked_at = asyncio.get_running_loop().time()
        request = _GetUpdates(offset=offset, timeout=_POLL_S, allowed_updates=allowed_updates)
        try:
            updates = await bot(request, request_timeout=_POLL_S + 10)
            turn.polled(asked_at)
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
        except LostError:
            raise
        except TryLaterError as error:
            refuse_bad_token(error)
            logger.warning("updates not taken", error=str(error))
            if error.retry_after_s:
                await asyncio.sleep(error.retry_after_s)
        except TelegramConflictError as error:
            turn.refused()
            if "webhook" in error.message:
                logger.error("updates not taken: a webhook is set with this token")
            else:
                await turn.refuse_other_replica()
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
