"""What can be watched of the driver: its commands, without what they say, and its connections."""

from collections.abc import Callable
from typing import Final

from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
    ConnectionCheckedInEvent,
    ConnectionCheckedOutEvent,
    ConnectionCheckOutFailedEvent,
    ConnectionCheckOutStartedEvent,
    ConnectionClosedEvent,
    ConnectionCreatedEvent,
    ConnectionPoolListener,
    ConnectionReadyEvent,
    PoolClearedEvent,
    PoolClosedEvent,
    PoolCreatedEvent,
    PoolReadyEvent,
)

from bot.domain.trace import here

_US: Final = 1e6

Done = Callable[[str, str, float, str], None]
"""Called after a command with its name, its collection (empty if it has none), the seconds that it
took, and the name of the server's error; empty without one."""


class Commands(CommandListener):
    """Tells of the end of each command that is part of a trace."""

    def __init__(self, done: Done) -> None:
        self._done = done
        self._collections: dict[int, str] = {}

    def started(self, event: CommandStartedEvent) -> None:
        if here.get() is None:
            return
        # A command names its collection first; one for a cursor's next documents does not.
        name = event.command_name
        found = event.command.get("collection" if name == "getMore" else name)
        self._collections[event.request_id] = found if isinstance(found, str) else ""

    def succeeded(self, event: CommandSucceededEvent) -> None:
        self._ended(event, "")

    def failed(self, event: CommandFailedEvent) -> None:
        # Its text can quote a document, such as one with a duplicate key.
        self._ended(event, str(event.failure.get("codeName") or event.failure.get("code") or "?"))

    def _ended(self, event: CommandSucceededEvent | CommandFailedEvent, error: str) -> None:
        collection = self._collections.pop(event.request_id, None)
        if collection is not None:
            self._done(event.command_name, collection, event.duration_micros / _US, error)


class Connections(ConnectionPoolListener):
    """Counts the connections of a client, over all its servers, and the waits for one."""

    def __init__(self) -> None:
        self.open = 0
        self.in_use = 0
        self.refused = 0
        """How often none was to be had."""

    def connection_created(self, event: ConnectionCreatedEvent) -> None:
        self.open += 1

    def connection_closed(self, event: ConnectionClosedEvent) -> None:
        self.open -= 1

    def connection_checked_out(self, event: ConnectionCheckedOutEvent) -> None:
        self.in_use += 1

    def connection_checked_in(self, event: ConnectionCheckedInEvent) -> None:
        self.in_use -= 1

    def connection_check_out_failed(self, event: ConnectionCheckOutFailedEvent) -> None:
        self.refused += 1

    def connection_check_out_started(self, event: ConnectionCheckOutStartedEvent) -> None:
        """Do nothing: it is counted when it has ended."""

    def connection_ready(self, event: ConnectionReadyEvent) -> None:
        """Do nothing: it is counted from its creation on."""

    def pool_created(self, event: PoolCreatedEvent) -> None:
        """Do nothing: its connections are counted."""

    def pool_ready(self, event: PoolReadyEvent) -> None:
        """Do nothing: its connections are counted."""

    def pool_cleared(self, event: PoolClearedEvent) -> None:
        """Do nothing: its connections are counted."""

    def pool_closed(self, event: PoolClosedEvent) -> None:
        """Do nothing: its connections are counted."""
