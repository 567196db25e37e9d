"""The server's time, from the driver's heartbeats: the one clock that all processes share.

Leases end by it. By its own clock, a process whose clock is wrong or is set would take leases from
those who are alive. It costs no round trip: the driver asks every server for its state every few
seconds, and each answer carries the server's time. In between our monotonic clock goes on, which
nobody can set.
"""

import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
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

    def __init__(
        self,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._monotonic = monotonic
        self._wall = wall
        self._ahead_s: deque[float] = deque(maxlen=_KEPT)
        """The server's time less the monotonic one, at the latest answers."""
        self._of: object = None
        """The server that gave them."""

    @property
    def is_known(self) -> bool:
        """True once a server has told its time."""
        return bool(self._ahead_s)

    def now(self) -> datetime:
        """Return the server's time, which has been told at least once."""
        # An answer that took long shows an earlier time, so the latest time is the right one.
        ahead_s = max(tuple(self._ahead_s))
        return datetime.fromtimestamp(self._monotonic() + ahead_s, UTC)

    def own_is_ahead(self) -> timedelta:
        """Return by how much this machine's clock is ahead of the server's."""
        return datetime.fromtimestamp(self._wall(), UTC) - self.now()

    def hear(self, server_time: datetime, *, of: object = None) -> None:
        """Note the server's time, which has arrived just now.

        of: the server. After a failover only the new primary's time counts, at once: processes
        that began later know no other.
        """
        if server_time.tzinfo is None:
            server_time = server_time.replace(tzinfo=UTC)
        if of != self._of:
            self._ahead_s.clear()
            self._of = of
        self._ahead_s.append(server_time.timestamp() - self._monotonic())

    def started(self, event: ServerHeartbeatStartedEvent) -> None:
        """Do nothing: the answer has the time."""

    def succeeded(self, event: ServerHeartbeatSucceededEvent) -> None:
        told = event.reply.document.get("localTime")
        if event.reply.is_writable and isinstance(told, datetime):
            # Routers answer side by side, and each as good as the other.
            is_router = event.reply.document.get("msg") == "isdbgrid"
            self.hear(told, of=None if is_router else event.connection_id)

    def failed(self, event: ServerHeartbeatFailedEvent) -> None:
        """Do nothing: our own clock goes on."""
