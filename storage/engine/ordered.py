"""Pages in the order of an indexed string, and the query shapes that depend on the server.

    ordered = Ordered(database["audit"], "event_moment")
    found = await ordered.page(count=20, backwards=True, low="deleted/", high="deleted/2026-02")
    found.documents                                       # newest first
    await ordered.page(start=found.next, count=20, ...)   # the same arguments but for `start`

MongoDB reads a page in the order of the index and stops: the plain query. The embedded server, and
the Rust server of CI, first gather and sort all matches of a query. So on them a page is read in
windows of keys, narrow at first and wider until the page is full. Nothing is stored for it.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from storage.engine.connection import Collection, Document, sorts_before_limit, translated
from storage.engine.key_space import RANGES, KeySpace
from storage.engine.repeating import do_again

LOWEST: Final = "\1"
"""Below every key."""
HIGHEST: Final = "\U0010ffff"
"""Above every key: no character of a key is higher."""
_ALL: Final = {"$gte": LOWEST, "$lt": HIGHEST}

# Windows that differ after their sixth character may grow fast: few keys have so long a beginning
# in common. Wider ones grow slowly, because behind a gap there can be thousands of them.
_FAST: Final = 6
# The first windows of a list are an eighth of what its first page was last time: even if an import
# has made the list a hundred times as long since then, they do not hold much of it.
_PARTS: Final = 8
# So many begins are remembered.
_MANY: Final = 1_000


def element_between(field: str, low: str, high: str, *, embedded: bool) -> Document:
    """Return the filter for a list that has an element from `low` to below `high`.

    On MongoDB the plain form scans half the index, and matches a list that has one element above
    the range and another below it. The embedded server takes the plain form as MongoDB takes
    `$elemMatch`, for which it scans everything.
    """
    bounds = {"$gte": low, "$lt": high}
    return {field: bounds if embedded else {"$elemMatch": bounds}}


@dataclass(frozen=True, slots=True)
class Slice:
    """Some documents, in order."""

    documents: list[Document]
    next: str | None
    """The `start` of the next page; None when nothing follows."""


@dataclass(frozen=True, slots=True)
class _Page:
    first: str
    """The first key."""
    end: str
    """Where the page ends, or all keys do."""
    number: int


class Ends(Protocol):
    """Knows how the keys of a collection are spread."""

    def end(self, begin: str, count: int, *, backwards: bool) -> tuple[str, int]:
        """Return a key so that at least so many others are between, and about how many are."""
        ...


class Ordered:
    """A collection in the order of one field, which has an ascending index."""

    grows: int = 4
    """So many times as wide may a wide window be as the one before."""
    whole: tuple[str, str] = LOWEST, HIGHEST
    """The bounds of the list that is begun again and again."""

    def __init__(
        self,
        collection: Collection,
        field: str,
        *,
        characters: int = 12,
        by_windows: bool | None = None,
        ranges: str = RANGES,
        ends: Ends | None = None,
    ) -> None:
        """field: holds a unique string. characters: so many of its first ones are the same in no
        more keys than fit into a page, or few more. by_windows: for a server that sorts before it
        limits; None detects the server. ranges: the lowest characters of the ranges that the
        characters of a key are taken for. ends: says where windows end; without it their widths
        are found by trying."""
        if by_windows is None:
            by_windows = sorts_before_limit(collection.database)
        self._collection = collection
        self._field = field
        self._by_windows = by_windows
        self._ends = ends
        self._keys = KeySpace(ranges)
        self._narrow = self._keys.width(characters)
        self._fast = self._keys.width(_FAST)
        self._beginnings: dict[tuple[bool, int], tuple[str, int]] = {}
        """The first key of the whole list and the width of the first window behind it, as its
        first page was last time; by direction and size of the page."""
        self._following: tuple[str, int] = "", 0
        """The same for the page behind the one that was read last."""
        self._pages: dict[tuple[str, bool], _Page] = {}
        """The pages that were read last, by begin and direction."""

    async def page(
        self,
        *,
        start: str | None = None,
        count: int,
        low: str = LOWEST,
        high: str = HIGHEST,
        backwards: bool = False,
        matches: Document | None = None,
        dense: str | None = None,
    ) -> Slice:
        """Return the first `count` documents from `start` that have a key from `low` to below
        `high`.

        start: `next` of the page before, which was requested with the same arguments.
        backwards: from `high` down to `low`.
        matches: a further filter, with the field of the index first if the index has several.
        dense: few keys are before this one, so the first window ends there.
        """
        bounds = _bounds(start, low, high, backwards)
        if self._by_windows and self._ends:
            found = await self._known_windows(
                self._ends, bounds, backwards, matches or {}, count + 1
            )
        elif self._by_windows:
            is_inside = dense is not None and low < dense < high
            first = start if start is not None else dense if is_inside else None
            is_whole, width = (low, high) == self.whole, 0
            if is_whole and start is None:
                first, width = self._beginnings.get((backwards, count), (first, 0))
            elif is_whole and start == self._following[0]:
                _, width = self._following
            found = await self._windows(bounds, first, backwards, matches or {}, count + 1, width)
            if is_whole and not matches and found:
                self._learn(found, start, count, backwards)
        else:
            found = await self._sorted(bounds, backwards, matches or {}, count + 1)
        following = self._key_of(found[count]) if len(found) > count else None
        return Slice(found[:count], following)

    async def part(
        self,
        ends: Ends,
        *,
        reach: int,
        start: str | None = None,
        count: int,
        low: str = LOWEST,
        high: str = HIGHEST,
        backwards: bool = False,
        matches: Document,
    ) -> Slice:
        """Return the same as `page` from about the next `reach` documents alone.

        `next` is where they end, or where another one matches.
        """
        bounds, last_name = _bounds(start, low, high, backwards), "$gte" if backwards else "$lt"
        last = bounds[last_name]
        end = self._end(ends, _begin(bounds, backwards), last, reach, backwards)[0]
        found = await self._sorted(bounds | {last_name: end}, backwards, matches, count + 1)
        if len(found) > count:
            return Slice(found[:count], self._key_of(found[count]))
        return Slice(found, None if end == last else end)

    def _key_of(self, document: Document) -> str:
        return str(document[self._field])

    def _end(
        self, ends: Ends, begun: str, last: str, width: int, backwards: bool
    ) -> tuple[str, int]:
        """Return where a window ends, and about how many documents are in it."""
        end, between = ends.end(begun, width, backwards=backwards)
        end = max(end, last) if backwards else min(end, last)
        if between > 2 * width:
            # From "maria" on there is nothing until "maria a".
            page = self._pages.get((begun, backwards))
            first = page.first if page else begun
            nearer = self._keys.part_way(first, end, width / between)
            if min(begun, end) < nearer < max(begun, end):
                return nearer, width
        return end, between

    async def _sorted(
        self, bounds: dict[str, str], backwards: bool, matches: Document, most: int
    ) -> list[Document]:
        """Return the first documents, in order, whose key is within the bounds."""
        query = matches | {self._field: bounds}
        if matches and bounds == _ALL:
            # These bounds would have the Rust server read the list by this field, from its start.
            query = matches

        async def read() -> list[Document]:
            cursor = self._collection.find(query).sort(self._field, -1 if backwards else 1)
            # All at once: a second batch is a second round trip.
            cursor = cursor.limit(most).batch_size(most)
            found: list[Document] = await cursor.to_list(None)
            return found

        with translated():
            return await do_again(read)

    async def _known_windows(
        self,
        ends: Ends,
        bounds: dict[str, str],
        backwards: bool,
        matches: Document,
        most: int,
    ) -> list[Document]:
        """Return the same as `_sorted`."""
        window, last_name = dict(bounds), "$gte" if backwards else "$lt"
        last, begun = bounds[last_name], _begin(bounds, backwards)
        found: list[Document] = []
        width, begin = most, (begun, backwards)
        page = None if matches else self._pages.get(begin)
        while True:
            if page and not found and (page.number >= most or page.end == last):
                end, between = page.end, page.number
                page = None
            else:
                end, between = self._end(ends, begun, last, width, backwards)
            is_last = end <= last if backwards else end >= last
            window[last_name] = last if is_last else end
            some = await self._sorted(window, backwards, matches, most - len(found))
            found += some
            if is_last or len(found) == most:
                if not matches:
                    self._remember(begin, found, last if len(found) < most else None)
                return found
            width *= self.grows
            if some:
                # The server sorts all of a window, however few are still wanted.
                width = min(width, 2 * (most - len(found)) * between // len(some) + 1)
            begun = end
            window = {"$lt": end} if backwards else {"$gte": end}

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

    async def _windows(
        self,
        bounds: dict[str, str],
        first: str | None,
        backwards: bool,
        matches: Document,
        most: int,
        width: int,
    ) -> list[Document]:
        """Return the same as `_sorted`.

        first: where the keys begin; None: where `bounds` do. width: of the first window behind it;
            0 where that is not known.
        """
        window, last_name = dict(bounds), "$gte" if backwards else "$lt"
        last, begun = bounds[last_name], _begin(bounds, backwards)
        shared = os.path.commonprefix([begun, last])  # noqa: RUF071 - of texts, not of paths
        found: list[Document] = []
        width = width or self._wider(self._narrow, 0, most)
        end = begin = begun if first is None else first
        position = self._keys.position(end, shared)
        while True:
            is_last = end <= last if backwards else end >= last
            window[last_name] = last if is_last else end
            documents: list[Document] = []
            if is_last or (end < begun if backwards else end > begun):
                documents = await self._sorted(window, backwards, matches, most - len(found))
                found += documents
                if is_last or len(found) == most:
                    return found
                begun = end
                window = {"$lt": end} if backwards else {"$gte": end}
            if end != begin:
                width = self._wider(width, len(documents), most - len(found))
            position += -width if backwards else width
            end = self._keys.key(position, shared, last)

    def _wider(self, width: int, found: int, wanted: int) -> int:
        """Return the width of the next window, after one of this width in which some were
        found."""
        most = 16 if width < self._fast else self.grows
        return (
            width * most if not found else max(1, width * min(most * found, 2 * wanted) // found)
        )

    def _learn(
        self, found: Sequence[Document], start: str | None, count: int, backwards: bool
    ) -> None:
        first, last = (self._key_of(found[place]) for place in (0, -1))
        shared = os.path.commonprefix(self.whole)  # noqa: RUF071 - of texts, not of paths
        width = (
            abs(self._keys.position(last, shared) - self._keys.position(first, shared)) // _PARTS
        )
        if start is None:
            self._beginnings[backwards, count] = first, width
        self._following = last, width


def _bounds(start: str | None, low: str, high: str, backwards: bool) -> dict[str, str]:
    """Return the bounds of what is left from `start` on."""
    if start is None:
        return {"$gte": low, "$lt": high}
    # A page that goes backwards begins with its start key.
    return {"$gte": low, "$lte": start} if backwards else {"$gte": max(start, low), "$lt": high}


def _begin(bounds: dict[str, str], backwards: bool) -> str:
    return max(bounds.get("$lt", ""), bounds.get("$lte", "")) if backwards else bounds["$gte"]
