"""Values that all processes on one database agree on, such as a limit that holds for all of them.

Here and not among the ports of the use cases, because ERPs import only the domain.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar

Value = TypeVar("Value")


class Agreed(Protocol[Value]):
    """One small value."""

    async def change(self, change: Callable[[Value, datetime], Value]) -> Value:
        """Return the value after `change`, which all processes have from now on.

        change: gets the present value and the time, which is the same for all processes. It is
            called again if another process was quicker. If it returns an equal value, nothing is
            written.
        """
        ...


class AgreedAlone(Generic[Value]):
    """A value of one process alone."""

    def __init__(self, value: Value, clock: Callable[[], datetime]) -> None:
        self._value = value
        self._clock = clock

    async def change(self, change: Callable[[Value, datetime], Value]) -> Value:
        """Return the value after `change`."""
        self._value = change(self._value, self._clock())
        return self._value


class Marks(Protocol):
    """Marks with an end, which all processes see."""

    async def put(self, key: str, lasts: timedelta) -> bool:
        """Return True if the mark was not there; of several concurrent callers one gets True."""
        ...

    async def has(self, key: str) -> bool:
        """Return True if the mark was put and has not ended."""
        ...

    async def remove(self, key: str) -> None:
        """End the mark now, if it is there."""
        ...


class MarksAlone:
    """The marks of one process alone."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._until: dict[str, datetime] = {}

    async def put(self, key: str, lasts: timedelta) -> bool:
        """Return True if the mark was not there."""
        if await self.has(key):
            return False
        now = self._clock()
        self._until = {one: until for one, until in self._until.items() if now < until}
        self._until[key] = now + lasts
        return True

    async def has(self, key: str) -> bool:
        """Return True if the mark was put and has not ended."""
        until = self._until.get(key)
        return until is not None and self._clock() < until

    async def remove(self, key: str) -> None:
        """End the mark now, if it is there."""
        self._until.pop(key, None)
