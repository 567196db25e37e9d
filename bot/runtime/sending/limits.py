"""Telegram's rate limits, and the order of the senders in each chat.

Source: the Bots FAQ ("My bot is hitting limits"): one message a second in a chat with short
bursts, 20 a minute in a group, about 30 a second overall. Edits count like messages.
"""

import asyncio
import math
from collections import deque
from collections.abc import AsyncIterator, Callable, Hashable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Final, TypeGuard

from bot.domain.errors import TryLaterError
from bot.domain.outgoing import Priority
from bot.runtime.sending.overall import Overall, Rate

# A sender that has waited this long goes before one of the next higher priority: an attendant who
# asks for the full card in the middle of a flood gets it within seconds.
_STEP_S: Final = 5.0
_MANY: Final = 1_000
_NO_TURN: Final = "the bot stops before its turn"
_PART_UNKNOWN: Final = 20
ALL_CHATS: Final = "*"
"""The place of a wait that concerns all chats. Calls without a chat go on: updates are taken."""
# A message that is not needed leaves a quarter of the limit to the others.
_NEARLY_FULL: Final = 0.75
# Telegram does not say that a wait concerns all chats. So many that ask for one after each other,
# while no chat takes anything, say it.
_MANY_CHATS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The rate limits; None means no limit."""

    group: Rate | None = None
    chat: Rate | None = None
    overall: Rate | None = None


NO_LIMITS: Final = Limits()
# A little less than Telegram allows, because messages that leave evenly may arrive unevenly.
TELEGRAM_LIMITS: Final = Limits(group=Rate(20, 61.0), chat=Rate(3, 3.3), overall=Rate(2, 1 / 14))


class StoppingError(TryLaterError):
    """The bot stops before a turn can come."""


class _Window:
    """The times at which the last `count` messages left, or will leave."""

    def __init__(self, rate: Rate | None) -> None:
        self._rate = rate
        self._times: deque[float] = deque(maxlen=rate.count if rate else 0)
        self.others: Sequence[float] = ()
        """The times at which messages of other processes left."""

    def free_at(self) -> float:
        """Return the earliest time for one more message."""
        if self._rate is None:
            return 0.0
        times: Sequence[float] = self._times
        count = self._rate.count
        if self.others:
            times = sorted((*times, *self.others))
            # What others have sent a moment ago is not known yet.
            count -= count // _PART_UNKNOWN
        return times[-count] + self._rate.window_s if len(times) >= count else 0.0

    def counted(self, now: float) -> list[float]:
        """Return the times of our messages that count against the limit."""
        if self._rate is None:
            return []
        return [at for at in self._times if at + self._rate.window_s > now]

    def is_nearly_full(self, now: float) -> bool:
        if self._rate is None:
            return False
        sent = len(self.counted(now)) + len(self.others)
        return sent >= _NEARLY_FULL * self._rate.count

    def take(self, at: float) -> None:
        if self._rate is not None:
            self._times.append(at)

    def is_over(self, now: float) -> bool:
        """Return True if no message counts against the limit any more."""
        return not self.counted(now) and not self.others


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
    pacing: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held until a message leaves: an upload has no turn."""

    def free_at(self) -> float:
        return max(window.free_at() for window in self.windows)

    def is_idle(self, now: float) -> bool:
        """Return True if nothing of the chat needs to be remembered."""
        is_used = self.is_taken or self.waiting or self.pacing.locked()
        return not is_used and all(window.is_over(now) for window in self.windows)


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
        self.overall = Overall(limits.overall)
        self.asked_to_wait = 0
        """The number of times that Telegram has asked to wait so far."""
        self.done = 0
        """The number of calls that have changed a chat so far."""
        self._closed_until: dict[Hashable, float] = {}
        self._ends_at = math.inf
        self._ending = asyncio.Event()
        self._asked_by: set[Hashable] = set()
        """The chats that asked to wait since a call to any chat was done."""
        self.on_wait: Callable[[Hashable, float], None] = lambda place, for_s: None
        """Called with each wait that Telegram asks this process for: place and seconds."""

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
        queue = self._throttles.get(chat_id)
        if not self.overall.is_free():
            return False
        return queue is None or self._is_free(queue)

    def _is_free(self, queue: _ChatThrottle) -> bool:
        now = asyncio.get_running_loop().time()
        return not (queue.is_taken or queue.waiting or queue.free_at() > now)

    def has_room(self, chat_id: Hashable) -> bool:
        """Return True if a message more in this chat, which nobody needs, makes no other late."""
        if self.closed_for_s(chat_id) > 0 or not self.overall.has_room():
            return False
        queue = self._throttles.get(chat_id)
        if queue is None:
            return True
        now = asyncio.get_running_loop().time()
        return not queue.waiting and not queue.windows[-1].is_nearly_full(now)

    async def pace(self, chat_id: Hashable, *, messages: int = 1) -> None:
        """Wait until this many more messages may leave, and count them.

        Raises StoppingError as `stop` says.
        """
        if not messages:
            return
        loop = asyncio.get_running_loop()
        chat = self._throttle(chat_id)
        async with chat.pacing:
            for left in reversed(range(messages)):
                # Asked again: another process may have sent there meanwhile.
                while (delay_s := chat.free_at() - loop.time()) > 0:
                    await self.wait(delay_s)
                if not left:
                    await self._take_of_all(messages)
                for window in chat.windows:
                    window.take(loop.time())

    async def pace_again(self, messages: int) -> None:
        """Wait until this many messages may leave that are late: their chat has counted them.

        Raises StoppingError as `stop` says.
        """
        if messages:
            await self._take_of_all(messages)

    async def _take_of_all(self, messages: int) -> None:
        """Count so many more messages of all chats; raises StoppingError as `stop` says."""
        if messages == 1 and self.overall.is_free():
            await self.overall.take()
            return
        taking = asyncio.ensure_future(self.overall.take(messages))
        ending = asyncio.ensure_future(self._ending.wait())
        try:
            await asyncio.wait((taking, ending), return_when=asyncio.FIRST_COMPLETED)
            if not taking.done() and not self._can_be_left():
                left_s = self._ends_at - asyncio.get_running_loop().time()
                await asyncio.wait((taking,), timeout=max(0.0, left_s))
            if not taking.done():
                raise StoppingError(_NO_TURN)
            await taking
        finally:
            taking.cancel()
            ending.cancel()

    async def wait(self, delay_s: float) -> None:
        """Wait so long; raises StoppingError as `stop` says, also inside a turn."""
        if delay_s <= 0:
            return
        loop = asyncio.get_running_loop()
        at = loop.time() + delay_s
        with suppress(TimeoutError):
            async with asyncio.timeout_at(at):
                await self._ending.wait()
        if at > self._ends_at or (self._can_be_left() and self._ending.is_set()):
            raise StoppingError(_NO_TURN)
        await asyncio.sleep(at - loop.time())

    def _can_be_left(self) -> bool:
        turn = _holds.get()
        return turn is not None and turn.can_be_left

    def sent(self) -> None:
        """Note a call that has changed a chat; what else belongs to it is sent by this process."""
        self.done += 1
        self._asked_by.clear()
        if turn := _holds.get():
            turn.can_be_left = False

    def asked(self, place: Hashable, for_s: float) -> None:
        """Note that Telegram has asked to make no call there for so long.

        place: a chat's id, or the name of a method.
        """
        self.asked_to_wait += 1
        places = [place]
        if isinstance(place, int):
            self._asked_by.add(place)
            if len(self._asked_by) >= _MANY_CHATS:
                places.append(ALL_CHATS)
        for one in places:
            self.close(one, for_s)
            self.on_wait(one, for_s)

    def close(self, place: Hashable, for_s: float) -> None:
        """Make no call there for so long; another process may have been asked for that."""
        now = asyncio.get_running_loop().time()
        if len(self._closed_until) >= _MANY:
            self._closed_until = {c: at for c, at in self._closed_until.items() if at > now}
        self._closed_until[place] = max(now + for_s, self._closed_until.get(place, 0.0))

    def closed_for_s(self, place: Hashable) -> float:
        """Return the seconds until a call to this place may be made again; 0 for now."""
        places = (place, ALL_CHATS) if isinstance(place, int) else (place,)
        until = max(self._closed_until.get(one, 0.0) for one in places)
        return max(0.0, until - asyncio.get_running_loop().time())

    def sent_to_groups(self) -> dict[int, list[float]]:
        """Return the times at which messages left for each group, as far as they still count."""
        now = asyncio.get_running_loop().time()
        return {
            chat_id: times
            for chat_id, chat in self._throttles.items()
            if _is_group(chat_id) and (times := chat.windows[-1].counted(now))
        }

    def others_sent(self, to_groups: Mapping[int, Sequence[float]]) -> None:
        """Count what other processes have sent to groups: all that is known of them now."""
        for chat_id, chat in self._throttles.items():
            if _is_group(chat_id):
                chat.windows[-1].others = to_groups.get(chat_id, ())
        for chat_id, times in to_groups.items():
            self._throttle(chat_id).windows[-1].others = times

    def _throttle(self, chat_id: Hashable) -> _ChatThrottle:
        queue = self._throttles.get(chat_id)
        if queue is None:
            if len(self._throttles) >= _MANY:
                self._forget_idle()
            rates = (self._limits.chat, self._limits.group if _is_group(chat_id) else None)
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
            if queue.is_idle(now):
                del self._throttles[chat_id]


def _is_group(chat_id: Hashable) -> TypeGuard[int]:
    return isinstance(chat_id, int) and chat_id < 0
