"""Windows of a list whose keys are known about: where they end, and which pages were read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from storage.engine.connection import Document
from storage.engine.key_space import LOWEST, KeySpace, begin_of

# So many pages are remembered.
_MANY: Final = 1_000


class Ends(Protocol):
    """Knows how the keys of a collection are spread."""

    def end(self, begin: str, count: int, *, backwards: bool) -> tuple[str, int]:
        """Return a key so that at least so many others are between, and about how many are."""
        ...


class Read(Protocol):
    async def __call__(self, bounds: dict[str, str], *, most: int) -> list[Document]:
        """Return the first documents, in order, whose key is within the bounds."""
        ...


@dataclass(frozen=True, slots=True)
class _Page:
    first: str
    """The first key."""
    end: str
    """Where the page ends, or all keys do."""
    number: int


class KnownWindows:
    """Reads the first documents of a stretch in windows that hold about what is wanted."""

    def __init__(
        self, ends: Ends, keys: KeySpace, *, key_of: Callable[[Document], str], grows: int
    ) -> None:
        """grows: so many times as long may a window be as the one before."""
        self._ends = ends
        self._keys = keys
        self._key_of = key_of
        self._grows = grows
        self._pages: dict[tuple[str, bool], _Page] = {}
        """The pages that were read last, by begin and direction."""

    async def first(
        self,
        read: Read,
        bounds: dict[str, str],
        backwards: bool,
        most: int,
        *,
        remembers: bool,
    ) -> list[Document]:
        """Return the first `most` documents within the bounds.

        remembers: True if `read` returns all that is within its bounds, so that a page that is
        read again is one window.
        """
        window, last_name = dict(bounds), "$gte" if backwards else "$lt"
        last, begun = bounds[last_name], begin_of(bounds, backwards)
        found: list[Document] = []
        length, begin = most, (begun, backwards)
        page = self._pages.get(begin) if remembers else None
        while True:
            if page and not found and (page.number >= most or page.end == last):
                end, between = page.end, page.number
                page = None
            else:
                end, between = self.end(begun, last, length, backwards)
            is_last = end <= last if backwards else end >= last
            window[last_name] = last if is_last else end
            some = await read(window, most=most - len(found))
            found += some
            if is_last or len(found) == most:
                if remembers:
                    self._remember(begin, found, last if len(found) < most else None)
                return found
            length *= self._grows
            if some:
                # The server sorts all of a window, however few are still wanted.
                length = min(length, 2 * (most - len(found)) * between // len(some) + 1)
            begun = end
            window = {"$lt": end} if backwards else {"$gte": end}

    def end(self, begun: str, last: str, length: int, backwards: bool) -> tuple[str, int]:
        """Return where a window ends, and about how many documents are in it."""
        end, between = self._ends.end(begun, length, backwards=backwards)
        end = max(end, last) if backwards else min(end, last)
        if between > 2 * length:
            # From "maria" on there is nothing until "maria a".
            page = self._pages.get((begun, backwards))
            first = page.first if page else begun
            nearer = self._keys.part_way(first, end, length / between)
            if min(begun, end) < nearer < max(begun, end):
                return nearer, length
        return end, between

    def _remember(
        self, begin: tuple[str, bool], found: Sequence[Document], end: str | None
    ) -> None:
        """Remember a page; end: the end of all keys, if it holds all up to there."""
        begun, backwards = begin
        keys = [self._key_of(found[place]) for place in (0, -1)] if found else [begun, begun]
        if end is None:
            end = keys[1] if backwards else f"{keys[1]}{LOWEST}"
        if begin not in self._pages and len(self._pages) >= _MANY:
            self._pages.clear()
        self._pages[begin] = _Page(keys[0], end, len(found))
