"""An event loop with virtual time: timers fire at once, without waiting.

Use it for work that waits only for time. Each run begins at the same time, so that it does not
depend on the load of the machine.
"""

import asyncio
import selectors
from collections.abc import Coroutine
from random import Random
from typing import Any, TypeVar

T = TypeVar("T")


class _Selector(selectors.DefaultSelector):
    """A selector that never sleeps: it advances the time to the next timer."""

    def __init__(self, late_s: float) -> None:
        super().__init__()
        self.now = 1000.0
        self._late_s = late_s
        self._random = Random(1)  # noqa: S311

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise AssertionError("everybody waits, and nobody for a time")
        if timeout > 0:
            self.now += timeout + self._random.uniform(0.0, 2 * self._late_s)
        return super().select(0)


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self, late_s: float) -> None:
        self._moments = _Selector(late_s)
        super().__init__(self._moments)

    def time(self) -> float:
        return self._moments.now


def in_virtual_time(work: Coroutine[Any, Any, T], *, late_s: float = 0.0) -> T:
    """Run the work in virtual time and return its result.

    late_s: so late, on average, the loop wakes, as on a busy machine.
    """
    loop = _Loop(late_s)
    try:
        return loop.run_until_complete(work)
    finally:
        loop.close()


def now() -> float:
    """Return the time of the running loop."""
    return asyncio.get_running_loop().time()
