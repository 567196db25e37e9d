"""What can be watched of the driver: its commands, without what they say."""

from collections.abc import Callable
from typing import Final

from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
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
        name = str(event.failure.get("codeName") or "")
        self._ended(event, name if name.isidentifier() else str(event.failure.get("code", "?")))

    def _ended(self, event: CommandSucceededEvent | CommandFailedEvent, error: str) -> None:
        collection = self._collections.pop(event.request_id, None)
        if collection is not None:
            self._done(event.command_name, collection, event.duration_micros / _US, error)
