"""Pages of the register by document and by time of change, and of documents in memory.

Document and time are keys of the search (`search_fields`), as each index makes an import slower
than one more key does. The unique index on documents has lists in it once two registrations were
united, and no server reads a range of such an index in its order.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import chain
from string import digits, hexdigits
from typing import Any, Final

from bot.domain.search import Order, SortBy
from storage.engine.connection import Collection, Document, translated
from storage.engine.key_space import HIGHEST
from storage.engine.known_windows import Ends
from storage.engine.ordered import Ordered, Slice
from storage.engine.repeating import do_again
from storage.register.documents import tax_keys_of
from storage.register.search_fields import CHANGED, DOCUMENT, change_of, changed_key
from storage.register.spread import Spread

# Every key of a document begins with a letter. Only who has one is within these bounds.
_ANY: Final = ("A", HIGHEST)
# A cursor begins so where the registrations without a document begin, by name.
_NO_DOCUMENT: Final = HIGHEST
# So few others may have the time at which a page begins, unless very many have it.
_SAME: Final = 16
# Times are hexadecimal: they are between these bounds, and so many digits long.
_FIRST, _LAST, _DIGITS = f"{CHANGED}0", f"{CHANGED}g", 12
# Four digits of an id tell those apart that one import has written at one time.
_APART: Final = _DIGITS + 4


class Sorted:
    """The registrations in the orders of a list."""

    fields: Final[Document] = {"sort_name": 1, "tax_key": 1, "updated.at": 1}
    """What `slice_of` reads."""

    def __init__(self, registrations: Collection, *, embedded: bool, spread: Spread) -> None:
        self._registrations = registrations
        self._spread = spread
        self._by_document = _ByDocument(registrations, embedded=embedded, ends=spread.documents)
        self._among_matches = _AmongMatches(registrations, "tax_key", by_windows=False)
        self._by_time = _ByTime(registrations, embedded=embedded)
        # Where the list by time begins, and backwards: learnt from its first pages.
        self._begins: dict[bool, str] = {}

    async def page(self, order: Order, start: str | None, count: int, matches: Document) -> Slice:
        """Return a page by document or by time of what matches.

        start: the cursor of the page before.
        """
        if order.by is SortBy.UPDATED and not matches:
            return await self._changes(order.descending, start, count)
        parts = self._documents if order.by is SortBy.DOCUMENT else self._times
        found = await parts(order.descending, start, count + 1, matches)
        following = cursor_of(found[count], order) if len(found) > count else None
        return Slice(found[:count], following)

    async def _documents(
        self, backwards: bool, start: str | None, most: int, matches: Document
    ) -> list[Document]:
        found: list[Document] = []
        has_document = start is None or not start.startswith(_NO_DOCUMENT)
        if has_document:
            # What matches may be seldom, so it is sorted as a whole.
            listed, prefix = (
                (self._among_matches, "") if matches else (self._by_document, DOCUMENT)
            )
            low, high = (f"{prefix}{one}" for one in _ANY)
            page = await listed.page(
                start=None if start is None else f"{prefix}{start}",
                count=most,
                low=low,
                high=high,
                backwards=backwards,
                matches=matches,
            )
            found = page.documents
        if len(found) < most:
            name = "" if has_document else (start or "")[len(_NO_DOCUMENT) :]
            # What matches may be a part of the list by name.
            names = matches.get("sort_name", {})
            beyond = names | {"$gte": max(name, names.get("$gte", ""))}
            query = matches | {"tax_key": None, "sort_name": beyond}
            with translated():
                cursor = self._registrations.find(query)
                found += await cursor.sort("sort_name", 1).limit(most - len(found)).to_list(None)
        return found

    async def _changes(self, backwards: bool, start: str | None, count: int) -> Slice:
        """Return a page of the whole register by time."""
        if backwards not in self._begins:
            self._begins[backwards] = await self._beginning(backwards)
        page = await self._by_time.page(
            start=start if start and change_of(start) else None,
            count=count,
            low=_FIRST,
            high=_LAST,
            backwards=backwards,
            dense=self._begins[backwards],
        )
        if start is None and page.documents:
            self._begins[backwards] = _changed(page.documents[0])
        return page

    async def _beginning(self, backwards: bool) -> str:
        """Return a key that few are before, in this direction."""
        if backwards:
            return changed_key(datetime.now(UTC), "")
        # A window that grows from 1970 on would hold the whole register at once. So once a scan.
        with translated():
            oldest = await self._registrations.find({}).sort("updated.at", 1).limit(1).to_list(1)
        return _changed(oldest[0]) if oldest else _FIRST

    async def _times(
        self, backwards: bool, start: str | None, most: int, matches: Document
    ) -> list[Document]:
        if start is not None and (reached := change_of(start)) is not None:
            reach = {"$lte" if backwards else "$gte": start}
            at, first_id = reached
            if not self._spread.is_shared(at):
                some, limit = {"updated.at": {"$lte" if backwards else "$gte": at}}, most + _SAME
                found = await self._in_order(matches | some, backwards, limit)
                kept = [one for one in found if _is_within(reach, _changed(one))]
                if len(kept) >= most or len(found) < limit:
                    return kept[:most]
            # A whole import has one time. In one query no index would be used by the Rust server.
            same = {"updated.at": at, "_id": {"$lte" if backwards else "$gte": first_id}}
            beyond = {"updated.at": {"$lt" if backwards else "$gt": at}}
            each = await asyncio.gather(
                self._in_order(matches | same, backwards, most),
                self._in_order(matches | beyond, backwards, most),
            )
            return [*chain(*each)][:most]
        return await self._in_order(matches, backwards, most)

    async def _in_order(self, matches: Document, backwards: bool, most: int) -> list[Document]:
        direction = -1 if backwards else 1
        with translated():
            cursor = self._registrations.find(matches)
            cursor = cursor.sort([("updated.at", direction), ("_id", direction)])
            found: list[Document] = await cursor.limit(most).to_list(None)
        return found

    def slice_of(
        self, documents: Sequence[Document], order: Order, start: str | None, count: int
    ) -> Slice:
        """Return a page of these documents, which need to have `fields` only."""
        by_time = order.by is SortBy.UPDATED
        in_order = sorted(documents, key=_changed if by_time else _name)
        if order.by is not SortBy.DOCUMENT and order.descending:
            in_order.reverse()
        elif order.by is SortBy.DOCUMENT:
            known = [one for one in in_order if "tax_key" in one]
            known.sort(key=lambda one: cursor_of(one, order), reverse=order.descending)
            in_order = known + [one for one in in_order if "tax_key" not in one]
        if start is not None:
            in_order = [one for one in in_order if _is_reached(one, order, start)]
        following = in_order[count:][:1]
        return Slice(in_order[:count], cursor_of(following[0], order) if following else None)


def cursor_of(document: Document, order: Order) -> str:
    """Return the cursor of the page that begins with this document."""
    match order.by:
        case SortBy.NAME:
            return str(document["sort_name"])
        case SortBy.DOCUMENT:
            if not tax_keys_of(document):
                return f"{_NO_DOCUMENT}{document['sort_name']}"
            return _first_key(document, order.descending)
        case SortBy.UPDATED:
            return _changed(document)


def _is_reached(document: Document, order: Order, start: str) -> bool:
    """Return True if the document is not before the cursor."""
    if order.by is SortBy.UPDATED and change_of(start) is None:
        return True
    own = cursor_of(document, order)
    if own.startswith(_NO_DOCUMENT) or start.startswith(_NO_DOCUMENT):
        return own >= start
    return own <= start if order.descending else own >= start


class _ByWords(Ordered):
    """The register in the order of keys of the search, in windows on every server: none has an
    index that is in this order and in no other."""

    order: Sequence[str] = ()
    """The fields that the keys are made of."""

    def __init__(self, registrations: Collection, *, embedded: bool, **keys: Any) -> None:
        super().__init__(registrations, "words", **keys)
        self._embedded = embedded

    async def _sorted(
        self, bounds: dict[str, str], backwards: bool, matches: Document, most: int
    ) -> list[Document]:
        direction = -1 if backwards else 1
        within = bounds if self._embedded else {"$elemMatch": bounds}

        async def read() -> list[Document]:
            cursor = self._collection.find(matches | {self._field: within})
            cursor = cursor.sort([(field, direction) for field in self.order])
            found: list[Document] = await cursor.limit(most).to_list(None)
            return found

        with translated():
            return await do_again(read)


class _ByTime(_ByWords):
    # After years with few changes come days with thousands.
    grows = 2
    order = ("updated.at", "_id")

    def __init__(self, registrations: Collection, *, embedded: bool) -> None:
        super().__init__(
            registrations,
            embedded=embedded,
            characters=_APART,
            by_windows=True,
            ranges=hexdigits[:16],
        )

    def _key_of(self, document: Document) -> str:
        return _changed(document)


class _ByDocument(_ByWords):
    order = ("tax_key",)

    def __init__(self, registrations: Collection, *, embedded: bool, ends: Ends) -> None:
        super().__init__(
            registrations, embedded=embedded, by_windows=True, ranges=digits, ends=ends
        )

    async def _sorted(
        self, bounds: dict[str, str], backwards: bool, matches: Document, most: int
    ) -> list[Document]:
        read = partial(super()._sorted, bounds, backwards, matches)
        return await _each_once(read, bounds, backwards, most, prefix=DOCUMENT)

    def _key_of(self, document: Document) -> str:
        return f"{DOCUMENT}{_first_key(document, backwards=False)}"


class _AmongMatches(Ordered):
    """What matches, by document."""

    async def _sorted(
        self, bounds: dict[str, str], backwards: bool, matches: Document, most: int
    ) -> list[Document]:
        read = partial(super()._sorted, bounds, backwards, matches)
        return await _each_once(read, bounds, backwards, most)

    def _key_of(self, document: Document) -> str:
        return _first_key(document, backwards=False)


async def _each_once(
    read: Callable[[int], Awaitable[list[Document]]],
    bounds: dict[str, str],
    backwards: bool,
    most: int,
    *,
    prefix: str = "",
) -> list[Document]:
    """Return the first documents that `read` finds within the bounds, each at its one place.

    A united registration is found by each of its documents, and stands at the first of them.
    read: gets the number of documents to read.
    """
    limit = most
    while True:
        found = await read(limit)
        kept = [
            one for one in found if _is_within(bounds, f"{prefix}{_first_key(one, backwards)}")
        ]
        if len(found) < limit or len(kept) >= most:
            return kept[:most]
        limit *= 2


def _is_within(bounds: dict[str, str], key: str) -> bool:
    is_above = bounds.get("$gte", "") <= key
    return is_above and key < bounds.get("$lt", HIGHEST) and key <= bounds.get("$lte", HIGHEST)


def _first_key(document: Document, backwards: bool) -> str:
    """Return the key of the document at which a registration stands in this direction."""
    return (max if backwards else min)(tax_keys_of(document))


def _changed(document: Document) -> str:
    return changed_key(document["updated"]["at"], document["_id"])


def _name(document: Document) -> str:
    return str(document["sort_name"])
