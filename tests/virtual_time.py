"""An event loop with virtual time: timers fire at once, without waiting.

Use it for work that waits only for time. Each run begins at the same time, so that it does not
depend on the load of the machine.
"""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Selector(selectors.DefaultSelector):
    """A selector that never sleeps: it advances the time to the next timer."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise AssertionError("everybody waits, and nobody for a time")
        self.now += max(0.0, timeout)
        return super().select(0)


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._moments = _Selector()
        super().__init__(self._moments)

    def time(self) -> float:
        return self._moments.now


def in_virtual_time(work: Coroutine[Any, Any, T]) -> T:
    """Run the work in virtual time and return its result."""
    loop = _Loop()
    try:
        return loop.run_until_complete(work)
    finally:
        loop.close()


def now() -> float:
    """Return the time of the running loop."""
    return asyncio.get_running_loop().time()
