"""Pages of a collection in the order of a unique string, at the same cost at any size.

    ordered = Ordered(database["audit"], "moment")
    found = await ordered.page(count=20, backwards=True, low="2026-01", high="2026-02")
    found.documents                                       # newest first
    await ordered.page(start=found.next, count=20, ...)   # the same arguments but for `start`

Each document needs the field (a unique string: the sort key, then the id), and `marks = marks(id,
key)`, left out when that is empty. The collection needs two ascending indexes: one on the field,
and a sparse one on `marks`.

MongoDB reads a page in the order of the index and stops. The embedded server collects every match
of a range before it sorts or limits, so it must be asked for closed ranges that hold about one
page. The marks show where such a range ends: they are a skip list. One in sixteen documents,
chosen by a hash of the id, has a mark of level 1, one in 256 has one of level 2 too, and so on.
Each level is a range of the one index on `marks`, and a level is read only between two neighbours
of the level above.
"""

import asyncio
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from storage.engine.connection import Collection, Document, is_embedded, translated

HIGHEST: Final = "\U0010ffff"
"""Above every key: no character of a key is higher."""
LEVELS: Final = 4
STEP: Final = 16
"""Each level holds one in sixteen of the documents of the level below."""
_BUDGET: Final = 3_000
_DOZENS: Final = 64
_MOST_AT_ONCE: Final = 2_000


def level(document_id: str) -> int:
    """Return the number of levels that a document is in: 0 for fifteen of sixteen."""
    digest = blake2b(document_id.encode(), digest_size=4)
    if digest.digest()[0] & 0xF0:
        return 0
    digits = digest.hexdigest()
    return min(LEVELS, len(digits) - len(digits.lstrip("0")))


def marks(document_id: str, *keys: str, of: str = "n") -> list[str]:
    """Return the marks of a document for its keys; empty for most documents.

    of: one letter that separates the marks of several fields of one collection.
    """
    levels = range(1, level(document_id) + 1)
    return [f"{number}{of}{key}" for number in levels for key in keys]


def between(field: str, low: str, high: str, *, embedded: bool) -> Document:
    """Return the filter for a list that has an element from `low` to below `high`.

    On MongoDB the plain form scans half the index; on the embedded server the `$elemMatch` form
    scans everything. The plain form may also match a list that has one element above the range and
    one below it.
    """
    bounds = {"$gte": low, "$lt": high}
    return {field: bounds if embedded else {"$elemMatch": bounds}}


@dataclass(frozen=True, slots=True)
class Slice:
    """A slice of the documents, in order."""

    documents: list[Document]
    next: str | None
    """The `start` of the next page; None when nothing follows."""
    is_cut: bool = False
    """True if so few documents matched that the search stopped before the page was full; `next`
    continues it."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """An estimate of how many documents have a key within some bounds."""

    count: int
    keys: list[str] | None = None
    """The keys of the first level, in no order, if the estimate had to read them."""


@dataclass(frozen=True, slots=True)
class _Window:
    documents: list[Document]
    next: str | None
    size: float
    """The approximate number of documents that were read."""


class Ordered:
    """A collection in the order of one field.

    embedded: use the query shapes of the embedded server; None detects the server.
    of: as in `marks`.
    is_list: the field is a list of keys. A document is sorted by its lowest key within the bounds.
        Pages are read in windows on MongoDB too, which cannot sort by a part of a list.
    """

    def __init__(
        self,
        collection: Collection,
        field: str,
        *,
        of: str = "n",
        is_list: bool = False,
        embedded: bool | None = None,
    ) -> None:
        self._collection = collection
        self._field = field
        self._of = of
        self._is_list = is_list
        self._embedded = is_embedded(collection.database) if embedded is None else embedded

    async def page(
        self,
        *,
        start: str | None = None,
        count: int,
        low: str = "",
        high: str = HIGHEST,
        backwards: bool = False,
        matches: Document | None = None,
        check: Callable[[Document], bool] | None = None,
        share: float = 1.0,
        about: Estimate | None = None,
        budget: int = _BUDGET,
    ) -> Slice:
        """Return the first `count` documents from `start` that have a key from `low` to below
        `high`.

        start: `next` of the page before, which was requested with the same bounds.
        backwards: from `high` down to `low`.
        matches: a further filter, which the server applies after the range.
        check: a further condition, checked here.
        share: the approximate share of documents that match, if it is known.
        about: the result of `self.about` for these bounds, if there is one.
        budget: after about how many documents to stop filling the page.
        """
        found: list[Document] = []
        position, gone_through = start, 0.0
        while True:
            wanted = (count + 1 - len(found)) / max(share, 1 / _MOST_AT_ONCE)
            # Documents beyond the budget are read only with the next page.
            wanted = max(count + 1.0, min(wanted, _MOST_AT_ONCE, budget))
            window = await self._window(
                position, low, high, backwards, matches or {}, wanted, about
            )
            found += [d for d in window.documents if check is None or check(d)]
            gone_through += window.size
            if len(found) > count:
                return Slice(found[:count], self._key(found[count], low, high))
            if window.next is None:
                return Slice(found, None)
            if gone_through >= budget:
                return Slice(found, window.next, is_cut=True)
            position = window.next
            share = min(share, (len(found) + 0.5) / max(1.0, gone_through))

    async def few(
        self,
        *,
        start: str | None = None,
        count: int,
        low: str,
        high: str,
        check: Callable[[Document], bool],
    ) -> tuple[Slice, int]:
        """Return the slice that `page` would return, and the number of all matches.

        Reads all documents within the bounds, so it is for bounds that are known to hold few.
        """
        documents = [d for d in await self.marked(0, low, high) if check(d)]
        placed = sorted((self._key(d, low, high), n) for n, d in enumerate(documents))
        rest = [(key, documents[n]) for key, n in placed if start is None or key >= start]
        following = rest[count][0] if len(rest) > count else None
        return Slice([document for _, document in rest[:count]], following), len(documents)

    async def about(self, low: str = "", high: str = HIGHEST, *, enough: int = 64) -> Estimate:
        """Return an estimate of how many documents have a key from `low` to below `high`.

        Counts on the highest level that has `enough`, because the embedded server takes 40
        microseconds for each document that it counts. A result below `STEP` times `enough` means
        few documents.
        """
        # The two higher levels are counted at the same time, as they hold few documents.
        on_3, on_2 = await asyncio.gather(
            self.count_marked(3, low, high), self.count_marked(2, low, high)
        )
        if on_3 >= enough:
            return Estimate(on_3 * STEP**3)
        if on_2 >= enough:
            return Estimate(on_2 * STEP**2)
        # So few keys cost as much to count as to read, and a page needs them next.
        keys = [key for key in await self._keys_on(1, low, high) if low <= key < high]
        return Estimate(len(keys) * STEP, keys)

    async def count_marked(self, number: int, low: str = "", high: str = HIGHEST) -> int:
        """Return how many documents of a level have a key within the bounds; level 0 holds all."""
        query = self._on_level(number, low, high)
        with translated():
            return int(await self._collection.count_documents(query))

    async def marked(
        self, number: int, low: str = "", high: str = HIGHEST, *, fields: Sequence[str] = ()
    ) -> list[Document]:
        """Return the documents of a level that have a key within the bounds, in no order.

        fields: the only fields to read, beside the key; empty reads all.
        """
        wanted = [self._field, *fields] if fields else None
        query = self._on_level(number, low, high)
        with translated():
            documents = await self._collection.find(query, wanted).to_list(None)
        return [d for d in documents if any(low <= key < high for key in self._keys(d))]

    def _on_level(self, number: int, low: str, high: str) -> Document:
        if number:
            mark = f"{number}{self._of}"
            return between("marks", mark + low, mark + high, embedded=self._embedded)
        if self._is_list:
            return between(self._field, low, high, embedded=self._embedded)
        return {self._field: {"$gte": low, "$lt": high}}

    async def _window(
        self,
        start: str | None,
        low: str,
        high: str,
        backwards: bool,
        matches: Document,
        wanted: float,
        about: Estimate | None,
    ) -> _Window:
        # A page that goes backwards begins with its start key, so this bound is inclusive.
        bounds = {"$gte": low, "$lt": high}
        if start is not None and backwards:
            bounds = {"$gte": low, "$lte": start}
        elif start is not None:
            bounds["$gte"] = max(start, low)
        if not (self._embedded or self._is_list):
            return await self._in_index_order(bounds, backwards, matches, math.ceil(wanted))
        end, size = await self._end(bounds, backwards, wanted, about)
        if end is not None and backwards:
            del bounds["$gte"]
            bounds["$gt"] = end
        elif end is not None:
            bounds["$lt"] = end
        query: Document = {self._field: bounds}
        if self._is_list and not self._embedded:
            query = {self._field: {"$elemMatch": bounds}}
        with translated():
            documents = await self._collection.find(query | matches).to_list(None)
        placed = [
            (key, document)
            for document in documents
            # A list matches in each window that holds one of its keys.
            if (key := self._lowest(document, low, high)) is not None and _inside(key, bounds)
        ]
        placed.sort(key=lambda pair: pair[0], reverse=backwards)
        size = size if matches else len(placed)
        return _Window([document for _, document in placed], end, size)

    async def _in_index_order(
        self, bounds: Document, backwards: bool, matches: Document, wanted: int
    ) -> _Window:
        cursor = self._collection.find({self._field: bounds} | matches)
        cursor = cursor.sort(self._field, -1 if backwards else 1).limit(wanted + 1)
        # Without the hint MongoDB could choose an index on a field of `matches` and sort in
        # memory.
        with translated():
            documents = await cursor.hint([(self._field, 1)]).to_list(None)
        if len(documents) <= wanted:
            return _Window(documents, None, len(documents))
        return _Window(documents[:wanted], str(documents[wanted][self._field]), wanted)

    async def _end(
        self, bounds: Document, backwards: bool, wanted: float, about: Estimate | None
    ) -> tuple[str | None, float]:
        """Return the end of a window of about `wanted` documents, and about how many it holds.

        The end is None if the window reaches the end of the bounds.
        """
        low = bounds["$gte"]
        high = bounds["$lt"] if "$lt" in bounds else bounds["$lte"]
        end, size = None, wanted
        known = about.keys if about else None
        highest = 1 if known is not None else _highest_level(about.count if about else None)
        for number in range(highest, 0, -1):
            step = STEP**number
            # One key more than needed, so that a second window is seldom necessary.
            nth = math.ceil(wanted / step) + (number == 1)
            keys = known if known is not None else await self._keys_on(number, low, high)
            keys = sorted((k for k in keys if low < k < high), reverse=backwards)
            size = float(min(nth, len(keys) + 1) * step)
            if len(keys) >= nth:
                end = keys[nth - 1]
                low, high = (end, high) if backwards else (low, end)
            if nth > STEP // 2:
                break
        return end, size

    async def _keys_on(self, number: int, low: str, high: str) -> list[str]:
        mark = f"{number}{self._of}"
        query = self._on_level(number, low, high)
        with translated():
            documents = await self._collection.find(query, {"marks": 1}).to_list(None)
        found: Iterable[str] = (one for document in documents for one in document["marks"])
        return [one[len(mark) :] for one in found if one.startswith(mark)]

    def _keys(self, document: Document) -> list[str]:
        value = document[self._field]
        return value if self._is_list else [value]

    def _lowest(self, document: Document, low: str, high: str) -> str | None:
        return min((key for key in self._keys(document) if low <= key < high), default=None)

    def _key(self, document: Document, low: str, high: str) -> str:
        key = self._lowest(document, low, high)
        assert key is not None  # noqa: S101 - it was found by it
        return key


def _highest_level(about: int | None) -> int:
    """Return the level on which the search for a window's end starts; it holds some dozens at
    most."""
    if about is None:
        return LEVELS
    return next(n for n in range(1, LEVELS + 1) if n == LEVELS or about <= _DOZENS * STEP**n)


def _inside(key: str, bounds: Document) -> bool:
    return (
        ("$gte" not in bounds or key >= bounds["$gte"])
        and ("$gt" not in bounds or key > bounds["$gt"])
        and ("$lt" not in bounds or key < bounds["$lt"])
        and ("$lte" not in bounds or key <= bounds["$lte"])
    )
