"""Pages of the register by document and by time of change, and of documents in memory.

There is an index on documents, but none on times: each index makes an import slower, and a list by
time is seldom asked for.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from bot.domain.search import Order, SortBy
from storage.engine.connection import Collection, Document, translated
from storage.engine.ordered import HIGHEST, LOWEST, Ordered, Slice

# Keys of documents begin with their country. Within one country they are evenly spread. No bound
# is "BR:", as up to that the Rust server reads every key that begins so.
_COUNTRIES: Final = ((LOWEST, "BR9"), ("BR9", "BR;"), ("BR;", HIGHEST))
_BRAZIL: Final = ("BR:" + "0" * 14, "BR:" + "9" * 14)
# A cursor begins so where the registrations without a document begin, by name.
_NO_DOCUMENT: Final = HIGHEST


class Sorted:
    """The registrations in the orders of a list.

    by_windows: for a server that sorts before it limits.
    """

    fields: Final[Document] = {"sort_name": 1, "tax_key": 1, "updated.at": 1}
    """What `slice_of` reads."""

    def __init__(self, registrations: Collection, *, by_windows: bool) -> None:
        self._registrations = registrations
        self._by_windows = by_windows

    async def page(self, order: Order, start: str | None, count: int, matches: Document) -> Slice:
        """Return a page by document or by time of what matches.

        start: the cursor of the page before.
        """
        parts = self._documents if order.by is SortBy.DOCUMENT else self._times
        found = await parts(order.descending, start, count + 1, matches)
        following = cursor_of(found[count], order) if len(found) > count else None
        return Slice(found[:count], following)

    async def _documents(
        self, backwards: bool, start: str | None, most: int, matches: Document
    ) -> list[Document]:
        found: list[Document] = []
        has_document = start is None or not start.startswith(_NO_DOCUMENT)
        for low, high in _COUNTRIES[::-1] if backwards else _COUNTRIES:
            is_over = start is not None and (start < low if backwards else start >= high)
            if has_document and len(found) < most and not is_over:
                is_inside = start is not None and low <= start < high
                # Windows are for what there is much of: what matches may be seldom.
                is_much = low < _BRAZIL[0] < high and not matches
                by_key = Ordered(
                    self._registrations, "tax_key", by_windows=self._by_windows and is_much
                )
                page = await by_key.page(
                    start=start if is_inside else None,
                    count=most - len(found),
                    low=low,
                    high=high,
                    backwards=backwards,
                    matches=matches,
                    dense=_BRAZIL[backwards],
                )
                found += page.documents
        if len(found) < most:
            name = "" if has_document else (start or "")[len(_NO_DOCUMENT) :]
            query = matches | {"tax_key": None, "sort_name": {"$gte": name}}
            with translated():
                cursor = self._registrations.find(query)
                found += await cursor.sort("sort_name", 1).limit(most - len(found)).to_list(None)
        return found

    async def _times(
        self, backwards: bool, start: str | None, most: int, matches: Document
    ) -> list[Document]:
        at, first_id = _moment(start)
        found: list[Document] = []
        beyond: Document = {}
        if at is not None:
            # A whole import has one time.
            same = matches | {"updated.at": at, "_id": {"$gte": first_id}}
            with translated():
                cursor = self._registrations.find(same).sort("_id", 1)
                found = await cursor.limit(most).to_list(None)
            beyond = {"updated.at": {"$lt" if backwards else "$gt": at}}
        if len(found) < most:
            direction = -1 if backwards else 1
            with translated():
                cursor = self._registrations.find(matches | beyond)
                cursor = cursor.sort([("updated.at", direction), ("_id", 1)])
                found += await cursor.limit(most - len(found)).to_list(None)
        return found

    def slice_of(
        self, documents: Sequence[Document], order: Order, start: str | None, count: int
    ) -> Slice:
        """Return a page of these documents, which need to have `fields` only."""
        by_time = order.by is SortBy.UPDATED
        in_order = sorted(documents, key=lambda one: str(one["_id" if by_time else "sort_name"]))
        if by_time:
            in_order.sort(key=_at, reverse=order.descending)
        elif order.by is SortBy.NAME and order.descending:
            in_order.reverse()
        elif order.by is SortBy.DOCUMENT:
            known = [one for one in in_order if "tax_key" in one]
            known.sort(key=lambda one: str(one["tax_key"]), reverse=order.descending)
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
            return str(document.get("tax_key") or f"{_NO_DOCUMENT}{document['sort_name']}")
        case SortBy.UPDATED:
            return f"{_at(document).isoformat()} {document['_id']}"


def _is_reached(document: Document, order: Order, start: str) -> bool:
    """Return True if the document is not before the cursor."""
    if order.by is SortBy.UPDATED:
        at, first_id = _moment(start)
        if at is None or _at(document) == at:
            return str(document["_id"]) >= first_id
        return (_at(document) < at) if order.descending else (_at(document) > at)
    own = cursor_of(document, order)
    if own.startswith(_NO_DOCUMENT) or start.startswith(_NO_DOCUMENT):
        return own >= start
    return own <= start if order.descending else own >= start


def _at(document: Document) -> datetime:
    at: datetime = document["updated"]["at"]
    return at


def _moment(start: str | None) -> tuple[datetime | None, str]:
    """Return the time and the id of a cursor; no time for one that is of another order."""
    at, _, first_id = (start or "").partition(" ")
    try:
        return datetime.fromisoformat(at).astimezone(UTC), first_id
    except ValueError:
        return None, ""
