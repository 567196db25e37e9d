"""Numbered events about changes, for waiting code and for the page."""

import asyncio
import secrets
from collections import deque
from typing import Any, NamedTuple


class Event(NamedTuple):
    seq: int
    kind: str
    data: dict[str, Any]


class Changes:
    """The last `keep` events, by number, and futures that wait for the next one."""

    def __init__(self, keep: int = 1000) -> None:
        self.seq = 0
        self.run = secrets.token_hex(4)
        """Random id of this run: distinguishes its numbers from those before a restart."""
        self._log: deque[Event] = deque(maxlen=keep)
        self._waiters: list[asyncio.Future[None]] = []

    def publish(self, kind: str, data: dict[str, Any]) -> None:
        self.seq += 1
        self._log.append(Event(self.seq, kind, data))
        if self._waiters:
            self.wake()

    def wake(self) -> None:
        """Wake all waiters without an event, so that they check again."""
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def waiter(self) -> asyncio.Future[None]:
        """Return a future that the next change resolves."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        return waiter

    def since(self, seq: int) -> list[Event] | None:
        """Return the events after `seq`; None if some of them are no longer stored."""
        if seq > self.seq or (seq < self.seq and (not self._log or self._log[0].seq > seq + 1)):
            return None
        missed = self.seq - seq
        return list(self._log)[-missed:] if missed else []
