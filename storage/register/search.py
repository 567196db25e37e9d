"""The search of the register: by text and filters, in pages, in order.

A registration matches if its keys fit one meaning of the text (`typed_keys`) and it has what the
filters ask for (`conditions`). MongoDB gets that as one query, and chooses between the index on
names, in order, and the one on keys, after which it sorts.

On a server that sorts before it limits (see `storage.engine.ordered`), and by time on any, the
next few hundred of the whole list are checked first: they fill a page if many match, or show how
many more will. If few do, the list of the rarest condition is short.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Final

from bot.domain.label import label_key
from bot.domain.registration import Registration
from bot.domain.search import BY_NAME, PAGE, Order, Query, ResultPage, SortBy
from bot.domain.tax_id import TaxId, read_tax_id
from storage.engine.connection import (
    Collection,
    Database,
    Document,
    is_embedded,
    sorts_before_limit,
    translated,
)
from storage.engine.ordered import HIGHEST, LOWEST, Ordered, Slice
from storage.register.conditions import (
    Condition,
    all_hold,
    of_filters,
    parts,
    tagged,
    together,
    typed,
)
from storage.register.documents import read_registration, tax_keys_of
from storage.register.labels import Tags
from storage.register.orders import Sorted, cursor_of
from storage.register.raw_registration import RawRegistration
from storage.register.spread import Spread
from storage.register.typed_keys import meanings

# To read and check one of a list takes as long as three in a list of all that match, which the
# server sorts; and where too few match, both are done.
_TO_READ: Final = 5
# So many results at a time, for whoever wants all.
_LONG: Final = 2_000
# On the embedded server the time of `$in` grows with the square of the keys.
_KEYS: Final = 50
_WHOLE: Final = LOWEST, HIGHEST

Meaning = Sequence[Condition]


class Search:
    """Finds registrations.

    embedded, by_windows: the query shapes of the server (see `storage.engine.ordered`); None
    detects them.
    """

    def __init__(
        self, database: Database, *, embedded: bool | None = None, by_windows: bool | None = None
    ) -> None:
        self._registrations: Collection = database["registrations"]
        self._tags = Tags(database, lambda: datetime.now(UTC))
        self._embedded = is_embedded(database) if embedded is None else embedded
        self._by_windows = sorts_before_limit(database) if by_windows is None else by_windows
        self._spread = Spread(self._registrations, embedded=self._embedded)
        self._by_name = Ordered(
            self._registrations, "sort_name", by_windows=self._by_windows, ends=self._spread
        )
        self._at_once = Ordered(self._registrations, "sort_name", by_windows=False)
        self._sorted = Sorted(self._registrations, embedded=self._embedded)

    async def __call__(
        self,
        query: Query,
        *,
        order: Order = BY_NAME,
        start: str | None = None,
        count: int = PAGE,
    ) -> ResultPage:
        """Return the page of results that begins at `start`, the `next` of the page before."""
        found = await self._slice(query, order, start, count)
        return ResultPage(
            registrations=tuple(map(read_registration, found.documents)), next=found.next
        )

    async def count(self, query: Query) -> int:
        """Return the number of all results."""
        asked = await self._asked(query)
        if not asked:
            return 0
        if len(asked) == 1 and all(one.lacking for one in asked[0]):
            return await self._most(asked[0])
        if self._is_one_query(asked):
            return await self._number(_either(asked))
        if len(asked) == 1 and not self._embedded:
            return await self._number_of_parts(asked[0])
        return len(await self._gathered(asked))

    async def _number_of_parts(self, conditions: Meaning) -> int:
        """Return how many fit, each counted once: their first word may come again."""
        first, *others = parts(conditions)
        again = [one.either[1] for one in conditions if one.either]
        both = [[key_of, *part] for key_of, part in zip(again, others, strict=True)]
        numbers = [self._number(together(part)) for part in (first, *others, *both)]
        one, *more = await asyncio.gather(*numbers)
        return one + sum(more[: len(others)]) - sum(more[len(others) :])

    async def _most(self, conditions: Meaning) -> int:
        """Return how many fit conditions that nearly all fit."""
        lacking = [
            self._number(together([one.lacking, *conditions[:place]]))
            for place, one in enumerate(conditions)
            if one.lacking
        ]
        with translated():
            everyone = int(await self._registrations.estimated_document_count())
        return everyone - sum(await asyncio.gather(*lacking))

    async def _number(self, matches: Document) -> int:
        with translated():
            return int(await self._registrations.count_documents(matches))

    async def each(self, query: Query, *, count: int) -> AsyncIterator[Sequence[Registration]]:
        """Yield all results by name, `count` at a time."""
        asked = await self._asked(query)
        # A sample for each page reads the whole list again and again: few long pages do not.
        is_indexed = len(asked) == 1 and any(one.indexed or one.either for one in asked[0])
        is_listed = is_indexed and self._by_windows and not self._embedded
        start: str | None = None
        while True:
            if is_listed:
                found = await self._plain(asked[0], start, max(count, _LONG))
            else:
                found = await self._slice(query, BY_NAME, start, count)
            for place in range(0, len(found.documents) or 1, count):
                yield [read_registration(one) for one in found.documents[place : place + count]]
            if found.next is None:
                return
            start = found.next

    async def still_found(self, query: Query, some: Sequence[RawRegistration]) -> set[str]:
        """Return the ids of those that the query finds."""
        asked = await self._asked(query)
        return {
            one.id for one in some if any(all_hold(one.document, meaning) for meaning in asked)
        }

    async def _slice(self, query: Query, order: Order, start: str | None, count: int) -> Slice:
        asked = await self._asked(query)
        if not asked:
            return Slice([], None)
        if self._by_windows or order.by is SortBy.UPDATED:
            await self._spread.look()
        if "tax_key" in (asked[0][0].indexed or {} if asked[0] else {}):
            return await self._at_once.page(count=count, matches=together(asked[0]))
        # No server has an index for times alone.
        if (self._by_windows or order.by is SortBy.UPDATED) and asked[0]:
            return await self._sampled(asked, order, start, count)
        return await self._listed(order, start, count, _either(asked))

    def _is_one_query(self, asked: Sequence[Meaning]) -> bool:
        """Return True if the server answers all of it in one query, along an index."""
        if len(asked) > 1 or any(one.either for one in asked[0]):
            return not self._by_windows
        return not self._embedded or all(one.other for one in asked[0][1:])

    async def _plain(self, conditions: Meaning, start: str | None, count: int) -> Slice:
        """Return a page by name, of which each part is one sorted query."""
        found: list[Slice] = []
        for part in parts(conditions):
            low, high = _within(part)
            if start is None or start < high:
                matches = together([one for one in part if not one.names])
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
        if len(asked) == 1:
            # By name, those whose name begins with a word stand together.
            wanted = each[0] if order.by is SortBy.NAME else asked[0]
            page = await self._from_list(wanted, asked[0], order, start, count, _WHOLE)
            if page:
                return page
        if len(each) == 1:
            return await self._of_part(each[0], order, start, count)
        found = [await self._of_part(part, order, start, count + 1) for part in each]
        return self._merged(found, order, count)

    async def _from_list(
        self,
        wanted: Meaning,
        conditions: Meaning,
        order: Order,
        start: str | None,
        count: int,
        within: tuple[str, str],
    ) -> Slice | None:
        """Return the page from the list itself; None if a list of all that match is quicker.

        wanted: a part of the conditions that is spread over the list. within: bounds of names, in
        a list by name.
        """
        sample = self._spread.within(within)
        fitting = sum(all_hold(one, wanted) for one in sample)
        listed = [one for one in wanted if one.indexed or one.either]
        most = min(map(self._matches, listed), default=math.inf) / _TO_READ
        found: dict[str, tuple[str, Document]] = {}
        read, hits, following = 0, fitting, start
        while hits:
            number = (read or len(sample)) * (count + 1 - len(found)) * 5 // hits // 4 + 1
            # By name, there may be few at first.
            number = min(number, 2 * read) if read else number
            if read + number > most:
                return None
            some = await self._listed(order, following, number, {}, within)
            following = some.next
            for one in some.documents:
                if all_hold(one, conditions):
                    found.setdefault(one["_id"], (cursor_of(one, order), one))
            if following is None or len(found) > count:
                cursors, documents = zip(*found.values(), strict=True) if found else ((), ())
                following = cursors[count] if len(cursors) > count else None
                return Slice(list(documents[:count]), following)
            read, hits = read + number, max(len(found), 1)
        return None

    def _matches(self, condition: Condition) -> float:
        """Return about how many registrations fit."""
        sample = self._spread.within(_WHOLE)
        return self._spread.size * sum(map(condition.holds, sample)) / max(len(sample), 1)

    async def _of_part(self, part: Meaning, order: Order, start: str | None, count: int) -> Slice:
        """Return a page of a meaning that has an index for every word."""
        by_name = order.by is SortBy.NAME
        within = _within(part) if by_name else _WHOLE
        rest = [one for one in part if not (by_name and one.names)]
        if within != _WHOLE:
            low, high = within
            if start is not None and (start < low if order.descending else start >= high):
                return Slice([], None)
            if start is not None and (start >= high if order.descending else start < low):
                start = None
            if not rest:
                return await self._listed(order, start, count, {}, within)
            if page := await self._from_list(rest, rest, order, start, count, within):
                return page
        listed = [one for one in rest if one.indexed]
        if not listed:
            return await self._listed(order, start, count, together(rest), within)
        rarest = min(listed, key=self._matches)
        ordered = [rarest, *(one for one in rest if one is not rarest)]
        if not self._is_one_query([ordered]):
            ordered += [one for one in part if one not in rest]
            found = await self._gathered([ordered])
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

    async def _gathered(self, asked: Sequence[Meaning]) -> list[Document]:
        """Return the ids, keys and sort keys of what fits one of the meanings."""
        found: dict[str, Document] = {}
        for listed, *more in (part for one in asked for part in parts(one)):
            # The embedded server takes one range of keys; the others are compared here.
            others = [one for one in more if one.other or not self._embedded]
            with translated():
                cursor = self._registrations.find(
                    together([listed, *others]), self._sorted.fields | {"words": 1}
                )
                documents = await cursor.to_list(None)
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

    async def _asked(self, query: Query) -> list[Meaning]:
        """Return the meanings of the query that somebody may fit; none if nobody can."""
        filters = of_filters(query)
        if not query.text.strip():
            return [filters]
        tax_id = read_tax_id(query.text)
        if isinstance(tax_id, TaxId):
            own = {"tax_key": tax_id.key}
            document = Condition(lambda one: tax_id.key in tax_keys_of(one), own, own)
            if await self._has_one([document]):
                return [[document, *filters]]
        texts: list[Meaning] = [
            [typed(one, embedded=self._embedded) for one in keys] for keys in meanings(query.text)
        ]
        if tags := await self._tags_named(query.text):
            texts.append([tagged(tags)])
        if len(texts) > 1:
            known = await asyncio.gather(*map(self._has_one, texts))
            texts = [one for one, is_known in zip(texts, known, strict=True) if is_known]
        return [[*text, *filters] for text in texts]

    async def _has_one(self, meaning: Meaning) -> bool:
        """Return True if somebody fits the meaning's first condition."""
        for one in meaning[0].either or meaning[:1]:
            with translated():
                if await self._registrations.find_one(one.indexed, {"_id": 1}):
                    return True
        return False

    async def _tags_named(self, text: str) -> list[str]:
        name = label_key(text)
        return [tag.id for tag in await self._tags.all() if name and tag.key == name]


def _either(asked: Sequence[Meaning]) -> Document:
    found = [together(part) for one in asked for part in parts(one)]
    return {"$or": found} if len(found) > 1 else found[0]


def _within(part: Meaning) -> tuple[str, str]:
    """Return the bounds of the names of those that fit."""
    return next((one.names for one in part if one.names), _WHOLE)
