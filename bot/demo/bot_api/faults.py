"""Failures on demand: the next call of a method is answered wrongly, late or never."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.demo.bot_api.errors import ApiError


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """What a proxy, a broken connection or another version of Telegram answers."""

    status: int = 200
    body: bytes | None = None
    """In place of the answer; None leaves Telegram's own."""
    content_type: str = "text/html"
    sent_bytes: int | None = None
    """The connection is reset after so many bytes of the body; None sends all, 0 not even the
    status."""
    change: Callable[[Any], object] | None = None
    """Changes the answer's result in place, or returns another one."""

    def is_before(self, *, after: bool) -> bool:
        """Return True if the call is not done at all."""
        return not after and self.change is None


@dataclass(slots=True)
class Fault:
    method: str
    """Lower case; "*" is any method except getUpdates."""
    error: ApiError | None
    times: int
    chat_id: int | None
    delay_s: float
    hang: bool
    after: bool
    """True if the work is done before the failure: the reply is lost, not the call."""
    held: asyncio.Event | None = None
    """The answer waits until this is set."""
    raw: Raw | None = None


class Faults:
    """A queue of planned failures."""

    def __init__(self) -> None:
        self._queue: list[Fault] = []

    def add(self, fault: Fault) -> None:
        self._queue.append(fault)

    def clear(self) -> None:
        self._queue.clear()

    def take(self, method: str, chat_id: str) -> Fault | None:
        """Return the failure for this call, or None. A failure is used up after `times` calls."""
        for fault in self._queue:
            is_method = fault.method == method or (fault.method == "*" and method != "getupdates")
            if is_method and (fault.chat_id is None or str(fault.chat_id) == chat_id):
                fault.times -= 1
                if fault.times <= 0:
                    self._queue.remove(fault)
                return fault
        return None
