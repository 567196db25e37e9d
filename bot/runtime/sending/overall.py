"""The rate of all chats together, of which this process may have only a share."""

import asyncio
import math
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from bot.domain.shares import LEAST

# What a message is late is made good up to this part of the time until the next.
_LATE: Final = 0.5
# In the closed second that a rate is made for, one burst more arrives than whole windows fit in.
# The shorter the windows, the less of the limit that leaves unused.
_WINDOWS: Final = 14


@dataclass(frozen=True, slots=True)
class Rate:
    """A limit of `count` messages in any `window_s` seconds."""

    count: int
    window_s: float


class Overall:
    """Lets the messages of all chats leave in the order of asking, as many as the share allows.

    The share is everything, until another one is set.
    """

    def __init__(self, rate: Rate | None) -> None:
        self._rate = rate
        self.total: Final = rate.count * (_WINDOWS + 1) if rate else 0
        """The messages of all processes in a second."""
        self._second_s: Final = rate.window_s * _WINDOWS if rate else 0.0
        self._units = self.total
        self._until = math.inf
        self._times: deque[float] = deque(maxlen=self.total)
        self._due: deque[float] = deque(maxlen=self.total)
        """When each of them was to leave."""
        self._turn = asyncio.Lock()
        self._changed = asyncio.Event()
        self._waiting = 0
        self.lacks: Callable[[], None] = lambda: None
        """Called when a message has to wait because others have a share, too."""

    @property
    def is_limited(self) -> bool:
        return self._rate is not None

    def units(self) -> int:
        """Return the messages a second that may leave now."""
        return self._units if _now() < self._until else min(self._units, LEAST)

    def share(self, units: int, *, until: float) -> None:
        """Set the share; after `until`, a loop time, only the least one is left of it."""
        self._units, self._until = units, until
        self._changed.set()

    def lower(self, units: int) -> None:
        """Set the share, if it is lower than the present one."""
        self._units = min(self._units, units)

    def is_free(self) -> bool:
        """Return True if a message may leave now, and nobody waits."""
        return not self._waiting and self._free_at() <= _now()

    def has_room(self) -> bool:
        """Return True if at most half of what may leave does, so far as this process knows.

        What all processes want is twice of what they send: who has that knows of the others.
        """
        return self._rate is None or self.wanted() <= self.units()

    async def take(self, messages: int = 1) -> None:
        """Wait until this many more messages may leave, and count them.

        Nobody else is in between: they are the parts of one call.
        """
        if self._rate is None:
            return
        is_due_now = self.is_free()
        self._waiting += messages
        try:
            async with self._turn:
                for _ in range(messages):
                    due, now = await self._until_free(), _now()
                    self._times.append(now)
                    late_from = now - _LATE * self._spread_s()
                    self._due.append(now if is_due_now else max(due, late_from))
                    is_due_now = False
        finally:
            self._waiting -= messages

    async def _until_free(self) -> float:
        """Wait until a message may leave; return from when on it could."""
        while (wait_s := (due := self._free_at()) - _now()) > 0:
            if self._units < self.total:
                self.lacks()
            self._changed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(None if wait_s == math.inf else wait_s):
                    await self._changed.wait()
        return due

    def ages(self) -> list[float]:
        """Return how long ago each message of the last second left, the latest first."""
        now = _now()
        ages = (now - at for at in reversed(self._times))
        return [age for age in ages if age < self._second_s]

    def wanted(self) -> int:
        """Return the messages a second to ask for: twice those that leave and wait, and one.

        So a few at once need not wait for each other.
        """
        return min(2 * (len(self.ages()) + self._waiting), 2 * self.total) + 1

    def _free_at(self) -> float:
        """Return the earliest time for one more message."""
        if self._rate is None:
            return 0.0
        if not (units := self.units()):
            return math.inf
        # From when it was to leave: one that is late makes no later one late. A busy loop would
        # lose as much with each message.
        spread = _after(self._due, self._at_once(), self._spread_s())
        return max(spread, _after(self._times, units, self._second_s))

    def _at_once(self) -> int:
        return max(1, self._rate.count * self.units() // self.total) if self._rate else 1

    def _spread_s(self) -> float:
        """Return the seconds over which those that leave at once are spread: two seconds' worth at
        the two ends of one would arrive as one burst."""
        if self._rate is None or not (units := self.units()):
            return 0.0
        return self._at_once() * (_WINDOWS + 1) * self._rate.window_s / units


def _after(times: Sequence[float], count: int, window_s: float) -> float:
    return times[-count] + window_s if len(times) >= count else 0.0


def _now() -> float:
    return asyncio.get_running_loop().time()
