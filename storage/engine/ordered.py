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
from dataclasses import dataclass
from functools import partial
from typing import Final

from storage.engine.connection import Collection, Document, sorts_before_limit, translated
from storage.engine.key_space import HIGHEST, LOWEST, RANGES, KeySpace, begin_of
from storage.engine.known_windows import Ends, KnownWindows
from storage.engine.repeating import do_again

_ALL: Final = {"$gte": LOWEST, "$lt": HIGHEST}

# Windows that differ after their sixth character may grow fast: few keys have so long a beginning
# in common. Wider ones grow slowly, because behind a gap there can be thousands of them.
_FAST: Final = 6


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


class Ordered:
    """A collection in the order of one field, which has an ascending index."""

    grows: int = 4
    """So many times as wide may a wide window be as the one before."""

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
        self._keys = KeySpace(ranges)
        self._narrow = self._keys.width(characters)
        self._fast = self._keys.width(_FAST)
        self._known: KnownWindows | None = None
        if ends:
            self._known = KnownWindows(ends, self._keys, key_of=self._key_of, grows=self.grows)

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
        matches, most = matches or {}, count + 1
        if not self._by_windows:
            found = await self._sorted(bounds, backwards, matches, most)
        elif self._known:
            read = partial(self._sorted, backwards=backwards, matches=matches)
            found = await self._known.first(read, bounds, backwards, most, remembers=not matches)
        else:
            is_inside = dense is not None and low < dense < high
            first = start if start is not None else dense if is_inside else None
            found = await self._windows(bounds, first, backwards, matches, most)
        following = self._key_of(found[count]) if len(found) > count else None
        return Slice(found[:count], following)

    async def part(
        self,
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

        `next` is where they end, or where another one matches. Without `ends`, all are read.
        """
        bounds, last_name = _bounds(start, low, high, backwards), "$gte" if backwards else "$lt"
        end = last = bounds[last_name]
        if self._known:
            end, _ = self._known.end(begin_of(bounds, backwards), last, reach, backwards)
        found = await self._sorted(bounds | {last_name: end}, backwards, matches, count + 1)
        if len(found) > count:
            return Slice(found[:count], self._key_of(found[count]))
        return Slice(found, None if end == last else end)

    def _key_of(self, document: Document) -> str:
        return str(document[self._field])

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

    async def _windows(
        self,
        bounds: dict[str, str],
        first: str | None,
        backwards: bool,
        matches: Document,
        most: int,
    ) -> list[Document]:
        """Return the same as `_sorted`.

        first: where the keys begin; None: where `bounds` do.
        """
        window, last_name = dict(bounds), "$gte" if backwards else "$lt"
        last, begun = bounds[last_name], begin_of(bounds, backwards)
        shared = os.path.commonprefix([begun, last])  # noqa: RUF071 - of texts, not of paths
        found: list[Document] = []
        width = self._wider(self._narrow, 0, most)
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


def _bounds(start: str | None, low: str, high: str, backwards: bool) -> dict[str, str]:
    """Return the bounds of what is left from `start` on."""
    if start is None:
        return {"$gte": low, "$lt": high}
    # A page that goes backwards begins with its start key.
    return {"$gte": low, "$lte": start} if backwards else {"$gte": max(start, low), "$lt": high}
