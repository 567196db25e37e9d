"""The rate of all chats together, of which this process may have only a share."""

import asyncio
import math
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from bot.domain.shares import LEAST

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

    async def take(self, messages: int = 1) -> None:
        """Wait until this many more messages may leave, and count them.

        Nobody else is in between: they are the parts of one call.
        """
        if self._rate is None:
            return
        self._waiting += messages
        try:
            async with self._turn:
                for _ in range(messages):
                    await self._until_free()
                    self._times.append(_now())
        finally:
            self._waiting -= messages

    async def _until_free(self) -> None:
        while (wait_s := self._free_at() - _now()) > 0:
            if self._units < self.total:
                self.lacks()
            self._changed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(None if wait_s == math.inf else wait_s):
                    await self._changed.wait()

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
        # Spread over the second: two seconds' worth at its two ends would arrive as one burst.
        burst = max(1, self._rate.count * units // self.total)
        spread_s = burst * (_WINDOWS + 1) * self._rate.window_s / units
        return max(self._after(burst, spread_s), self._after(units, self._second_s))

    def _after(self, count: int, window_s: float) -> float:
        return self._times[-count] + window_s if len(self._times) >= count else 0.0


def _now() -> float:
    return asyncio.get_running_loop().time()
