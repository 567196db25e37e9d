"""A loop whose time passes at once: what waits for a moment comes to it without waiting.

For work that waits for nothing but time. Each run begins at the same time, so that it is the same
whatever else the machine does.
"""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Selector(selectors.DefaultSelector):
    """Nothing comes from outside: where the loop would sleep until its next timer, it is then."""

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
    """What the work returns, after all the time it takes."""
    loop = _Loop()
    try:
        return loop.run_until_complete(work)
    finally:
        loop.close()


def now() -> float:
    """The time of the loop that runs."""
    return asyncio.get_running_loop().time()
