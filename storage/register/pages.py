"""Pages of what a search asks for, read as the server is quickest.

MongoDB gets one query, and chooses between the index on names, in order, and the one on keys,
after which it sorts. On a server that sorts before it limits (see `storage.engine.ordered`), and
by time on any, a sample of the register (`spread`) says how: if many match, so much of the list is
read and checked as fills a page; if few do, the list of the rarest condition is read whole.
"""

import asyncio
import math
from collections.abc import Sequence
from typing import Final

from bot.domain.search import BY_NAME, Order, SortBy
from storage.engine.connection import Collection, Document, translated
from storage.engine.key_space import HIGHEST, LOWEST
from storage.engine.ordered import Ordered, Slice
from storage.register.conditions import Condition, all_hold, beside, parts, together
from storage.register.orders import Sorted, cursor_of
from storage.register.spread import Spread

# To read and check one of a list takes as long as seven in a list of all that match, which the
# server sorts; and where too few match, both are done. By name, the server checks.
_TO_READ: Final = 8
_TO_CHECK: Final = 2
# A part of the list in which nobody fits is followed by one so many times as long.
_GROWS: Final = 4
# By document, so few are read at once: those with a document and those without are two queries.
_FEW: Final = 300
# On the embedded server the time of `$in` grows with the square of the keys. A long page and one
# more.
_KEYS: Final = 64
_BATCH: Final = 1_000
_WHOLE: Final = LOWEST, HIGHEST

Meaning = Sequence[Condition]
"""All that a registration must have; it is found if it fits one of several."""


class Pages:
    """Reads pages of registrations."""

    def __init__(self, registrations: Collection, *, embedded: bool, by_windows: bool) -> None:
        """embedded, by_windows: as in `Search`."""
        self._registrations = registrations
        self._embedded = embedded
        self._by_windows = by_windows
        self._spread = Spread(registrations, embedded=embedded)
        self._by_name = Ordered(
            registrations, "sort_name", by_windows=by_windows, ends=self._spread.names
        )
        self._at_once = Ordered(registrations, "sort_name", by_windows=False)
        self._sorted = Sorted(registrations, embedded=embedded, spread=self._spread)

    async def page(
        self, asked: Sequence[Meaning], order: Order, start: str | None, count: int
    ) -> Slice:
        """Return the page that begins at `start`."""
        if order.by is not SortBy.NAME:
            await self._spread.look()
        await self.look()
        if "tax_key" in (asked[0][0].indexed or {} if asked[0] else {}):
            return await self._at_once.page(count=count, matches=together(asked[0]))
        # No server has an index for times alone.
        if (self._by_windows or order.by is SortBy.UPDATED) and asked[0]:
            return await self._sampled(asked, order, start, count)
        return await self._listed(order, start, count, either(asked))

    async def look(self) -> None:
        """Know the register for what follows, where it matters."""
        if self._by_windows:
            await self._spread.look()

    def filter_of(self, conditions: Meaning) -> Document:
        """Return one filter, of which the rarest condition uses its index."""
        return together(self._rarest_first(conditions))

    def is_one_query(self, asked: Sequence[Meaning]) -> bool:
        """Return True if the server answers all of it in one query, along an index."""
        if len(asked) > 1 or any(one.either for one in asked[0]):
            return not self._by_windows
        return not self._embedded or all(one.other for one in asked[0][1:])

    async def long_page(self, conditions: Meaning, start: str | None, count: int) -> Slice:
        """Return a page by name, of which each part is one sorted query."""
        await self.look()
        found: list[Slice] = []
        for part in parts(conditions):
            low, high = _within(part)
            if start is None or start < high:
                matches = self.filter_of(part)
                page = await self._at_once.page(
                    start=start, count=count + 1, low=low, high=high, matches=matches
                )
                found.append(page)
        return self._merged(found, BY_NAME, count)

    async def _sampled(
        self, asked: Sequence[Meaning], order: Order, start: str | None, count: int
    ) -> Slice:
        """Return a page as the sample says that it is quickest."""
        each = [part for one in asked for part in parts(one)]
        # By name, those whose name begins with a word stand together.
        wanted = [parts(one)[0] for one in asked] if order.by is SortBy.NAME else asked
        if page := await self._from_list(wanted, asked, order, start, count):
            return page
        if len(each) == 1:
            return await self._of_part(each[0], order, start, count)
        found = await asyncio.gather(
            *(self._of_part(part, order, start, count + 1) for part in each)
        )
        return self._merged(found, order, count)

    async def _from_list(
        self,
        wanted: Sequence[Meaning],
        asked: Sequence[Meaning],
        order: Order,
        start: str | None,
        count: int,
        within: tuple[str, str] = _WHOLE,
    ) -> Slice | None:
        """Return the page from the list itself; None if lists of all that match are quicker.

        wanted: what is asked for and spread over the list. within: bounds of names, in a list by
        name.
        """
        is_checked = order.by is SortBy.NAME and beside(asked) is not None
        fewest = sum(map(self._fewest, wanted))
        most = fewest / (_TO_CHECK if is_checked else _TO_READ)
        share = self._spread.fitting(wanted, within)
        if not share:
            return None
        found: dict[str, tuple[str, Document]] = {}
        read, following = 0, start
        number = _to_fill(count + 1, share)
        while number <= most:
            left = count + 1 - len(found)
            some = await self._of_list(asked, order, following, number, left, within)
            following = some.next
            for one in some.documents:
                found.setdefault(one["_id"], (cursor_of(one, order), one))
            if following is None or len(found) > count:
                cursors, documents = zip(*found.values(), strict=True) if found else ((), ())
                following = cursors[count] if len(cursors) > count else None
                return Slice(list(documents[:count]), following)
            read += number
            # By name, there may be few at first.
            least = _GROWS * number if not some.documents else 1
            share = max(len(found), 1) / read
            number = max(least, min(_to_fill(count + 1 - len(found), share), 2 * read))
        return None

    async def _of_list(
        self,
        asked: Sequence[Meaning],
        order: Order,
        start: str | None,
        number: int,
        most: int,
        within: tuple[str, str],
    ) -> Slice:
        """Return those that fit of about the next `number` of the list, `most` of them by name."""
        matches = beside(asked) if order.by is SortBy.NAME else None
        if matches is None:
            read = await self._listed(order, start, number, {}, within)
            fits = [one for one in read.documents if any(all_hold(one, fit) for fit in asked)]
            return Slice(fits, read.next)
        return await self._by_name.part(
            reach=number,
            start=start,
            count=most,
            low=within[0],
            high=within[1],
            matches=matches,
            backwards=order.descending,
        )

    def _number_of(self, conditions: Meaning) -> float:
        """Return about how many registrations fit."""
        return self._spread.size * self._spread.fitting([conditions], _WHOLE)

    def _fewest(self, conditions: Meaning) -> float:
        """Return about how many registrations fit the rarest condition with an index."""
        listed = [one for one in conditions if one.indexed or one.either]
        return min(map(self._number_of_one, listed), default=math.inf)

    def _number_of_one(self, condition: Condition) -> float:
        return self._number_of([condition])

    async def _of_part(self, part: Meaning, order: Order, start: str | None, count: int) -> Slice:
        """Return a page of a meaning that has an index for every word."""
        by_name = order.by is SortBy.NAME
        names = next((one for one in part if one.names), None) if by_name else None
        rest = [one for one in part if one is not names]
        within = _within(part) if names else _WHOLE
        if names:
            low, high = within
            if start is not None and (start < low if order.descending else start >= high):
                return Slice([], None)
            if start is not None and (start >= high if order.descending else start < low):
                start = None
            if not rest:
                return await self._listed(order, start, count, {}, within)
            if page := await self._from_list([rest], [rest], order, start, count, within):
                return page
        ordered = self._rarest_first(part)
        if not ordered[0].indexed:
            return await self._listed(order, start, count, together(rest), within)
        if not self.is_one_query([ordered]) or (
            order.by is SortBy.DOCUMENT and self._number_of(part) < _FEW
        ):
            found = await self.all_of([ordered])
            return await self._whole(self._sorted.slice_of(found, order, start, count))
        if not by_name:
            return await self._sorted.page(order, start, count, together(ordered))
        return await self._at_once.page(
            start=start,
            count=count,
            low=within[0],
            high=within[1],
            matches=together(ordered),
            backwards=order.descending,
        )

    def _rarest_first(self, conditions: Meaning) -> list[Condition]:
        """Return the same with the one first that has an index and that the fewest fit."""
        listed = [one for one in conditions if one.indexed]
        rarest = min(listed, key=self._number_of_one, default=None)
        return [*filter(None, [rarest]), *(one for one in conditions if one is not rarest)]

    def _merged(self, found: Sequence[Slice], order: Order, count: int) -> Slice:
        """Return a page of what the parts of a meaning have, each in this order and one more."""
        each = {one["_id"]: one for page in found for one in page.documents}
        page = self._sorted.slice_of(list(each.values()), order, None, count)
        more = sorted(one.next for one in found if one.next)
        if page.next is None and more:
            # Some were deleted while they were read.
            return Slice(page.documents, more[-1 if order.descending else 0])
        return page

    async def _listed(
        self,
        order: Order,
        start: str | None,
        count: int,
        matches: Document,
        within: tuple[str, str] = _WHOLE,
    ) -> Slice:
        """within: bounds of names, in a list by name."""
        if order.by is not SortBy.NAME:
            return await self._sorted.page(order, start, count, matches)
        return await self._by_name.page(
            start=start,
            count=count,
            low=within[0],
            high=within[1],
            matches=matches,
            backwards=order.descending,
        )

    async def all_of(self, asked: Sequence[Meaning]) -> list[Document]:
        """Return the ids, keys and sort keys of what fits one of the meanings."""
        found: dict[str, Document] = {}
        for listed, *more in (part for one in asked for part in parts(one)):
            # The embedded server takes one range of keys; the others are compared here.
            others = [one for one in more if one.other or not self._embedded]
            with translated():
                cursor = self._registrations.find(
                    together([listed, *others]), self._sorted.fields | {"words": 1}
                )
                # Each batch is a round trip.
                documents = await cursor.batch_size(_BATCH).to_list(None)
            rest = [one for one in more if one not in others]
            found |= {one["_id"]: one for one in documents if all_hold(one, rest)}
        return list(found.values())

    async def _whole(self, page: Slice) -> Slice:
        """Return the same page with whole documents; without those deleted in the meantime."""
        ids = [document["_id"] for document in page.documents]
        whole: dict[str, Document] = {}
        for start in range(0, len(ids), _KEYS):
            by_id = {"_id": {"$in": ids[start : start + _KEYS]}}
            with translated():
                documents = await self._registrations.find(by_id).to_list(None)
            whole |= {document["_id"]: document for document in documents}
        return Slice([whole[one] for one in ids if one in whole], page.next)


def either(asked: Sequence[Meaning]) -> Document:
    """Return one filter for all that is asked for."""
    found = [together(part) for one in asked for part in parts(one)]
    return {"$or": found} if len(found) > 1 else found[0]


def _to_fill(count: int, share: float) -> int:
    """Return how many to read of a list of which this share fits, so that so many do."""
    return int(count * 1.25 / share) + 1


def _within(part: Meaning) -> tuple[str, str]:
    """Return the bounds of the names of those that fit."""
    return next((one.names for one in part if one.names), _WHOLE)
