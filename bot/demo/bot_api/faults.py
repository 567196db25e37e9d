"""Failures on demand: the next call of a method is answered wrongly, late or never."""

import asyncio
from dataclasses import dataclass

from bot.demo.bot_api.errors import ApiError


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
