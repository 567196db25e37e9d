"""Asks Telegram until it answers, so that what waits leaves soon after an outage."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from contextvars import Context
from typing import Final

import structlog

from bot.runtime.sending.holds import FIRST_PAUSE_S, Holds

_LONGEST_PAUSE_S: Final = 5.0

logger = structlog.get_logger()


class Asking:
    """At most one task, which ends with the first answer."""

    def __init__(
        self,
        telegram_answers: Callable[[], Awaitable[object]],
        holds: Holds,
        *,
        go_on: Callable[[Collection[int]], None],
    ) -> None:
        """telegram_answers: asks something, and raises when no answer comes. go_on: called with
        the chats that may go on."""
        self._telegram_answers = telegram_answers
        self._holds = holds
        self._go_on = go_on
        self._task: asyncio.Task[None] | None = None
        self._pause_s = FIRST_PAUSE_S

    def begin(self) -> None:
        """Ask from now on, if nobody does."""
        if self._task is None or self._task.done():
            # In a context of its own: it goes on long after the message that began it.
            self._task = asyncio.create_task(
                self._ask(), name="outbox asks Telegram", context=Context()
            )

    def sent(self) -> None:
        """Ask soon the next time: something was sent."""
        self._pause_s = FIRST_PAUSE_S

    async def stop(self) -> None:
        """End the task, so that no call outlives the bot's session."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _ask(self) -> None:
        while True:
            await asyncio.sleep(self._pause_s)
            # Grows until something is sent: an answer alone does not end all trouble.
            self._pause_s = min(self._pause_s * 2, _LONGEST_PAUSE_S)
            try:
                await self._telegram_answers()
            except Exception as error:
                logger.warning("Telegram does not answer", error=type(error).__name__)
                self._holds.unanswered()
            else:
                self._go_on(self._holds.answered())
                return
