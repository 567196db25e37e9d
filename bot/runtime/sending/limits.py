"""Telegram's rate limits, and the order of the senders in each chat.

Source: the Bots FAQ ("My bot is hitting limits"): one message a second in a chat with short
bursts, 20 a minute in a group, about 30 a second overall. Edits count like messages.
"""

import asyncio
import math
from collections import deque
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Final

from bot.domain.errors import TryLaterError
from bot.domain.outgoing import Priority

# A sender that has waited this long goes before one of the next higher priority: an attendant who
# asks for the full card in the middle of a flood gets it within seconds.
_STEP_S: Final = 5.0
_MANY: Final = 1_000
_NO_TURN: Final = "the bot stops before its turn"


@dataclass(frozen=True, slots=True)
class Rate:
    """A limit of `count` messages in any `window_s` seconds."""

    count: int
    window_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The rate limits; None means no limit."""

    group: Rate | None = None
    chat: Rate | None = None
    overall: Rate | None = None


NO_LIMITS: Final = Limits()
# A little less than Telegram allows, because messages that leave evenly may arrive unevenly. The
# 30 a second are spread over the second: two seconds' worth at its two ends would arrive as one
# burst.
TELEGRAM_LIMITS: Final = Limits(group=Rate(20, 61.0), chat=Rate(3, 3.3), overall=Rate(5, 0.2))


class StoppingError(TryLaterError):
    """The bot stops before a turn can come."""


class _Window:
    """The times at which the last `count` messages left, or will leave."""

    def __init__(self, rate: Rate | None) -> None:
        self._rate = rate
        self._times: deque[float] = deque(maxlen=rate.count if rate else 0)

    def free_at(self) -> float:
        """Return the earliest time for one more message."""
        if self._rate is None or len(self._times) < self._rate.count:
            return 0.0
        return self._times[0] + self._rate.window_s

    def take(self, at: float) -> None:
        if self._rate is not None:
            self._times.append(at)

    def is_over(self, now: float) -> bool:
        """Return True if no message counts against the limit any more."""
        return (
            self._rate is None or not self._times or self._times[-1] + self._rate.window_s <= now
        )


@dataclass(slots=True, eq=False)
class _Waiter:
    priority: Priority
    since: float
    turn: asyncio.Future[None]
    is_stored: bool = False


@dataclass(slots=True, eq=False)
class _ChatThrottle:
    """The rate limits and the waiting senders of one chat."""

    windows: tuple[_Window, ...]
    waiting: list[_Waiter] = field(default_factory=list)
    is_taken: bool = False
    timer: asyncio.TimerHandle | None = None

    def free_at(self) -> float:
        return max(window.free_at() for window in self.windows)


@dataclass(slots=True, eq=False)
class _Turn:
    chat_id: Hashable
    task: object
    """A task started inside a turn does not hold that turn."""
    can_be_left: bool = False
    """True while nothing of what is to be sent has left, and it waits in the store."""


_holds: ContextVar[_Turn | None] = ContextVar("holds", default=None)


class RateLimiter:
    """Gives each chat to one sender at a time, by priority; waiting raises the priority."""

    def __init__(self, limits: Limits, *, step_s: float = _STEP_S) -> None:
        self._limits = limits
        self._step_s = step_s
        self._throttles: dict[Hashable, _ChatThrottle] = {}
        self._overall = _Window(limits.overall)
        self.asked_to_wait = 0
        """The number of times that Telegram has asked to wait so far."""
        self.done = 0
        """The number of calls that have changed a chat so far."""
        self._closed_until: dict[Hashable, float] = {}
        self._ends_at = math.inf
        self._ending = asyncio.Event()

    def stop(self, at: float) -> None:
        """End each wait that would last longer than until this loop time, with StoppingError.

        Those for a message that waits in the store end now: the next process sends it.
        """
        self._ends_at = at
        self._ending.set()
        for throttle in self._throttles.values():
            for waiter in throttle.waiting:
                if not waiter.turn.done() and self._is_vain(throttle, waiter.is_stored):
                    waiter.turn.set_exception(StoppingError(_NO_TURN))

    def _is_vain(self, throttle: _ChatThrottle, is_stored: bool) -> bool:
        """Return True if a turn would come too late, in a chat that is not free now."""
        return throttle.free_at() > self._ends_at or (is_stored and self._ending.is_set())

    @asynccontextmanager
    async def turn(
        self, chat_id: Hashable, priority: Priority, *, is_stored: bool = False
    ) -> AsyncIterator[float]:
        """Hold the chat's turn inside the block.

        Nobody else sends to the chat then, and one message may leave at once. Yields the seconds
        waited. A task that already holds the turn of this chat keeps it and does not wait.
        is_stored: the message waits in the store meanwhile. Raises StoppingError as `stop` says.
        """
        task, held = asyncio.current_task(), _holds.get()
        if held and (held.chat_id, held.task) == (chat_id, task):
            yield 0.0
            return
        loop = asyncio.get_running_loop()
        queue = self._throttle(chat_id)
        waiter = _Waiter(priority, loop.time(), loop.create_future(), is_stored)
        if not self._is_free(queue) and self._is_vain(queue, is_stored):
            raise StoppingError(_NO_TURN)
        queue.waiting.append(waiter)
        self._call_next(chat_id, queue)
        try:
            await waiter.turn
        except asyncio.CancelledError:
            if not waiter.turn.cancelled() and not waiter.turn.exception():
                self._leave(chat_id, queue)
            raise
        token = _holds.set(_Turn(chat_id, task, can_be_left=is_stored))
        try:
            yield loop.time() - waiter.since
        finally:
            _holds.reset(token)
            self._leave(chat_id, queue)

    def is_free(self, chat_id: Hashable) -> bool:
        """Return True if a message may leave for this chat now, and nobody waits to send one."""
        now = asyncio.get_running_loop().time()
        queue = self._throttles.get(chat_id)
        if self._overall.free_at() > now:
            return False
        return queue is None or self._is_free(queue)

    def _is_free(self, queue: _ChatThrottle) -> bool:
        now = asyncio.get_running_loop().time()
        return not (queue.is_taken or queue.waiting or queue.free_at() > now)

    async def pace(self, chat_id: Hashable, *, messages: int = 1) -> None:
        """Wait until this many more messages may leave, and count them.

        Raises StoppingError as `stop` says.
        """
        loop = asyncio.get_running_loop()
        windows = (*self._throttle(chat_id).windows, self._overall)
        at = loop.time()
        for _ in range(messages):
            at = max(at, *(window.free_at() for window in windows))
            for window in windows:
                window.take(at)
        await self.wait(at - loop.time())

    async def wait(self, delay_s: float) -> None:
        """Wait so long; raises StoppingError as `stop` says, also inside a turn."""
        if delay_s <= 0:
            return
        loop = asyncio.get_running_loop()
        at = loop.time() + delay_s
        with suppress(TimeoutError):
            async with asyncio.timeout_at(at):
                await self._ending.wait()
        turn = _holds.get()
        can_be_left = turn is not None and turn.can_be_left
        if at > self._ends_at or (can_be_left and self._ending.is_set()):
            raise StoppingError(_NO_TURN)
        await asyncio.sleep(at - loop.time())

    def sent(self) -> None:
        """Note a call that has changed a chat; what else belongs to it is sent by this process."""
        self.done += 1
        if turn := _holds.get():
            turn.can_be_left = False

    def close(self, chat_id: Hashable, for_s: float) -> None:
        """Note that Telegram has asked to make no call to this chat for so long."""
        self.asked_to_wait += 1
        now = asyncio.get_running_loop().time()
        if len(self._closed_until) >= _MANY:
            self._closed_until = {c: at for c, at in self._closed_until.items() if at > now}
        self._closed_until[chat_id] = max(now + for_s, self._closed_until.get(chat_id, 0.0))

    def closed_for_s(self, chat_id: Hashable) -> float:
        """Return the seconds until a call to this chat may be made again; 0 for now."""
        until = self._closed_until.get(chat_id, 0.0)
        return max(0.0, until - asyncio.get_running_loop().time())

    def _throttle(self, chat_id: Hashable) -> _ChatThrottle:
        queue = self._throttles.get(chat_id)
        if queue is None:
            if len(self._throttles) >= _MANY:
                self._forget_idle()
            is_group = isinstance(chat_id, int) and chat_id < 0
            rates = (self._limits.chat, self._limits.group if is_group else None)
            queue = self._throttles[chat_id] = _ChatThrottle(
                tuple(_Window(rate) for rate in rates)
            )
        return queue

    def _leave(self, chat_id: Hashable, queue: _ChatThrottle) -> None:
        queue.is_taken = False
        self._call_next(chat_id, queue)

    def _call_next(self, chat_id: Hashable, queue: _ChatThrottle) -> None:
        # One that was cancelled or ended is still in the list.
        queue.waiting = [waiter for waiter in queue.waiting if not waiter.turn.done()]
        if queue.is_taken or not queue.waiting or queue.timer is not None:
            return
        loop = asyncio.get_running_loop()
        now = loop.time()
        if (delay_s := queue.free_at() - now) > 0:
            # The next sender is chosen only then: one of higher priority may come meanwhile.
            queue.timer = loop.call_later(delay_s, self._wake, chat_id, queue)
            return
        best = min(queue.waiting, key=lambda w: w.priority - (now - w.since) / self._step_s)
        queue.waiting.remove(best)
        queue.is_taken = True
        best.turn.set_result(None)

    def _wake(self, chat_id: Hashable, queue: _ChatThrottle) -> None:
        queue.timer = None
        self._call_next(chat_id, queue)

    def _forget_idle(self) -> None:
        now = asyncio.get_running_loop().time()
        for chat_id, queue in list(self._throttles.items()):
            if (
                not queue.is_taken
                and not queue.waiting
                and all(w.is_over(now) for w in queue.windows)
            ):
                del self._throttles[chat_id]
