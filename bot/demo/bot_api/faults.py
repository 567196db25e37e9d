"""Failures on demand: the next call of a method answers wrongly, late or never."""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from bot.demo.bot_api.errors import ApiError, too_many_requests


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
    """Do the work first, then fail: the reply is lost, not the call."""


class Faults:
    """A queue of failures to come, and Telegram's limit per group when switched on."""

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._queue: list[Fault] = []
        self._per_group = 0
        self._window_s = 60.0
        self._sent: dict[int, deque[float]] = {}

    def add(self, fault: Fault) -> None:
        self._queue.append(fault)

    def clear(self) -> None:
        self._queue.clear()

    def take(self, method: str, chat_id: str) -> Fault | None:
        """The failure meant for this call, if any; each counts down once per call it hits."""
        for fault in self._queue:
            is_method = fault.method == method or (fault.method == "*" and method != "getupdates")
            if is_method and (fault.chat_id is None or str(fault.chat_id) == chat_id):
                fault.times -= 1
                if fault.times <= 0:
                    self._queue.remove(fault)
                return fault
        return None

    def limit_groups(self, messages: int, per_s: float) -> None:
        """At most `messages` sends and edits in one group in any `per_s` seconds; 0: no limit."""
        self._per_group = messages
        self._window_s = per_s
        self._sent.clear()

    def count_in_group(self, chat_id: int) -> None:
        """Count one send or edit; raises ApiError 429 over the limit."""
        if not self._per_group or chat_id >= 0:
            return
        now = self._clock()
        sent = self._sent.setdefault(chat_id, deque())
        while sent and sent[0] <= now - self._window_s:
            sent.popleft()
        if len(sent) >= self._per_group:
            raise too_many_requests(max(1, math.ceil(sent[0] + self._window_s - now)))
        sent.append(now)
