"""A sample of the register: how many there are, how their names are spread, how many have what.

It decides how quickly a search reads, never what it finds.
"""

import asyncio
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Final

from storage.engine.connection import Collection, Document, translated
from storage.engine.ordered import HIGHEST, LOWEST, element_between
from storage.register.conditions import FIELDS
from storage.register.search_fields import DOCUMENT, ENDING

# The last digits of a telephone, or else the first ones of a document, say nothing of a name or of
# when it was imported.
_NUMBERS: Final = (ENDING, f"{DOCUMENT}BR:")
# Each range is one part in so many.
_PARTS: Final = (
    (10_000, "3716", "3717"),
    (5_000, "3716", "3718"),
    (2_000, "3711", "3716"),
    (1_000, "371", "372"),
    (500, "371", "373"),
    (200, "371", "376"),
    (100, "37", "38"),
    (50, "37", "39"),
    (20, "32", "37"),
    (10, "3", "4"),
)
_ENOUGH: Final = 200
_KNOWN_S: Final = 60.0


class Spread:
    """Registrations taken evenly, in the order of their names."""

    def __init__(self, registrations: Collection, *, embedded: bool) -> None:
        self._registrations = registrations
        self._embedded = embedded
        self._sample: Sequence[Document] = ()
        self._names: Sequence[str] = ()
        self._each = 1
        """Each stands for so many."""
        self._begin = 0
        """The first of the parts that may have enough."""
        self._until = 0.0

    async def look(self) -> None:
        """Read the sample again, if that was a minute ago."""
        now = asyncio.get_running_loop().time()
        if now < self._until:
            return
        each, best = _PARTS[0][0], list[Document]()
        for numbers in _NUMBERS:
            parts, found = await self._enough(numbers)
            if len(found) * parts > len(best) * each:
                each, best = parts, found
            if len(found) >= _ENOUGH:
                break
        self._each = each
        self._sample = sorted(best, key=_name)
        self._names = [_name(one) for one in self._sample]
        self._begin = max(0, [parts for parts, _, _ in _PARTS].index(each) - 1)
        self._until = now + _KNOWN_S

    async def _enough(self, numbers: str) -> tuple[int, list[Document]]:
        """Return the fewest that are enough, and of how many parts they are one."""
        found: list[Document] = []
        for parts, low, high in _PARTS[self._begin :]:
            found = await self._between(numbers + low, numbers + high)
            if len(found) >= _ENOUGH:
                return parts, found
        return parts, found

    async def _between(self, low: str, high: str) -> list[Document]:
        some = element_between("words", low, high, embedded=self._embedded)
        with translated():
            cursor = self._registrations.find(some, dict.fromkeys(FIELDS, 1))
            found: list[Document] = await cursor.to_list(None)
        return found

    @property
    def size(self) -> int:
        return len(self._sample) * self._each

    def within(self, bounds: tuple[str, str]) -> Sequence[Document]:
        """Return those of the sample whose names are within the bounds."""
        low, high = (bisect_left(self._names, one) for one in bounds)
        return self._sample[low:high]

    def end(self, begin: str, count: int, *, backwards: bool) -> tuple[str, int]:
        """Return a key so that at least so many names are between, and about how many are."""
        steps = count // self._each + 1
        if backwards:
            place = bisect_left(self._names, begin) - steps
            end = self._names[place] if place >= 0 else LOWEST
        else:
            place = bisect_right(self._names, begin) + steps - 1
            end = self._names[place] if place < len(self._names) else HIGHEST
        return end, steps * self._each


def _name(document: Document) -> str:
    return str(document["sort_name"])
