"""A sample of the register: how many there are, how names and documents are spread, who has what.

It decides how quickly a search reads, never what it finds.
"""

import math
import time
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final
from weakref import WeakKeyDictionary

from storage.engine.connection import Collection, Document, translated
from storage.engine.key_space import HIGHEST, LOWEST
from storage.engine.ordered import element_between
from storage.register.conditions import FIELDS, Condition
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
_FEWEST_PARTS: Final = 10
_FIELDS: Final = (*FIELDS, "updated.at")
# A few per cent are known within a quarter.
_ENOUGH: Final = 300
# Of a large register it is more, as about so many are read for want of knowing where a page ends.
_FINE: Final = 1_000
_PLENTY: Final = 1_000
# So many times as many must have a document as have a telephone: those taken by their telephones
# say how documents are spread, too.
_CLEARLY: Final = 1.25
_KNOWN_S: Final = 60.0
# A small register may be in the middle of its first import.
_GROWING_S: Final = 5.0


class Sampled:
    """Keys taken evenly from all of an index, in order."""

    def __init__(self) -> None:
        self.keys: Sequence[str] = ()
        self.each = 1
        """Each stands for so many, and with no key all are so many."""

    def end(self, begin: str, count: int, *, backwards: bool) -> tuple[str, int]:
        """Return a key so that at least so many others are between, and about how many are."""
        steps = count // self.each + 1
        if backwards:
            place = bisect_left(self.keys, begin) - steps
            end = self.keys[place] if place >= 0 else LOWEST
        else:
            place = bisect_right(self.keys, begin) + steps - 1
            end = self.keys[place] if place < len(self.keys) else HIGHEST
        return end, steps * self.each


class Spread:
    """Registrations taken evenly, in the order of their names."""

    def __init__(
        self,
        registrations: Collection,
        *,
        embedded: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._registrations = registrations
        self._embedded = embedded
        self._clock = clock
        self._sample: Sequence[Document] = ()
        self._each = 1
        """Each stands for so many."""
        self.names = Sampled()
        self.documents = Sampled()
        """Of the keys of documents."""
        self._shared: frozenset[datetime] = frozenset()
        """The times of changes that many have."""
        self._places: WeakKeyDictionary[Condition, frozenset[int]] = WeakKeyDictionary()
        """The places of those that fit, by condition: a search asks several times."""
        self._until = -math.inf

    async def look(self) -> None:
        """Read the sample again, if it is not known any more."""
        now = self._clock()
        if now < self._until:
            return
        each, best, by = 1, list[Document](), ""
        for numbers in _NUMBERS:
            parts, found = await self._enough(numbers)
            if len(found) * parts > len(best) * each * _CLEARLY:
                each, best, by = parts, found, numbers
            if len(found) >= _wanted(len(found) * parts):
                break
        self._each = self.names.each = self.documents.each = each
        self._sample = sorted(best, key=_name)
        self.names.keys = [_name(one) for one in self._sample]
        self.documents.keys = sorted(
            word for one in best for word in one["words"] if word.startswith(DOCUMENT)
        )
        times = Counter(one["updated"]["at"] for one in best)
        self._shared = frozenset(at for at, number in times.items() if number > 1)
        if by.startswith(DOCUMENT):
            # All of them begin with the same digits.
            self.documents.keys, self.documents.each = (), self.size
        self._places.clear()
        is_small = len(best) < _ENOUGH
        self._until = now + (_GROWING_S if is_small else _KNOWN_S)

    async def _enough(self, numbers: str) -> tuple[int, list[Document]]:
        """Return the fewest that are enough, and of how many parts they are one."""
        each, found, most = 1, list[Document](), _PARTS[0][0]
        for parts, low, high in _PARTS:
            if parts <= most:
                each, found = parts, await self._between(numbers + low, numbers + high)
                wanted = _wanted(len(found) * parts)
                if len(found) >= wanted:
                    break
                # So many of this part say about how large one with enough is.
                most = max(parts * max(len(found), 1) // wanted, _FEWEST_PARTS)
        return each, found

    async def _between(self, low: str, high: str) -> list[Document]:
        some = element_between("words", low, high, embedded=self._embedded)
        with translated():
            cursor = self._registrations.find(some, dict.fromkeys(_FIELDS, 1))
            found: list[Document] = await cursor.to_list(None)
        return found

    @property
    def size(self) -> int:
        return len(self._sample) * self._each

    def is_shared(self, changed: datetime) -> bool:
        """Return True if many were changed at this time, as by an import."""
        return changed in self._shared

    def fitting(self, asked: Sequence[Sequence[Condition]], within: tuple[str, str]) -> float:
        """Return which part of those with a name within the bounds fits all conditions of one of
        these, by the sample; 0 if none of it is there."""
        low, high = (bisect_left(self.names.keys, one) for one in within)
        everybody = frozenset(range(low, high))
        fits = (everybody.intersection(*map(self._places_of, one)) for one in asked)
        return len(frozenset().union(*fits)) / max(high - low, 1)

    def _places_of(self, condition: Condition) -> frozenset[int]:
        if condition not in self._places:
            if condition.either:
                begins, later = map(self._places_of, condition.either)
                self._places[condition] = begins | later
            else:
                holds = enumerate(map(condition.holds, self._sample))
                self._places[condition] = frozenset(place for place, fits in holds if fits)
        return self._places[condition]


def _wanted(size: int) -> int:
    """Return how many of so many are enough."""
    return max(_ENOUGH, min(size // _FINE, _PLENTY))


def _name(document: Document) -> str:
    return str(document["sort_name"])
