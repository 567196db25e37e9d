"""The server's time, from the driver's heartbeats: the one clock that all processes share.

Leases end by it. By its own clock, a process whose clock is wrong or is set would take leases from
those who are alive. It costs no round trip: the driver asks every server for its state every few
seconds, and each answer carries the server's time. In between our monotonic clock goes on, which
nobody can set.
"""

import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from pymongo.monitoring import (
    ServerHeartbeatFailedEvent,
    ServerHeartbeatListener,
    ServerHeartbeatStartedEvent,
    ServerHeartbeatSucceededEvent,
)

_KEPT: Final = 8


class ServerTime(ServerHeartbeatListener):
    """The time of the primary, or of the router, as of the latest heartbeats."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._ahead_s: deque[float] = deque(maxlen=_KEPT)
        """The server's time less the monotonic one, at the latest answers."""
        # Until the first answer.
        self._own_s = time.time() - monotonic()

    def now(self) -> datetime:
        """Return the server's time."""
        # An answer that took long shows an earlier time, so the latest time is the right one.
        ahead_s = max(tuple(self._ahead_s), default=self._own_s)
        return datetime.fromtimestamp(self._monotonic() + ahead_s, UTC)

    def hear(self, server_time: datetime) -> None:
        """Note the server's time, which has arrived just now."""
        if server_time.tzinfo is None:
            server_time = server_time.replace(tzinfo=UTC)
        self._ahead_s.append(server_time.timestamp() - self._monotonic())

    def started(self, event: ServerHeartbeatStartedEvent) -> None:
        """Do nothing: the answer has the time."""

    def succeeded(self, event: ServerHeartbeatSucceededEvent) -> None:
        told = event.reply.document.get("localTime")
        if event.reply.is_writable and isinstance(told, datetime):
            self.hear(told)

    def failed(self, event: ServerHeartbeatFailedEvent) -> None:
        """Do nothing: our own clock goes on."""
