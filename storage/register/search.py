"""The search of the register: by text and filters, in pages, in order.

A registration matches if its keys fit one meaning of the text (`typed_keys`) and it has what the
filters ask for (`conditions`). MongoDB gets that as one query, and chooses between the index on
names, in order, and the one on keys, after which it sorts.

On a server that sorts before it limits (see `storage.engine.ordered`), and by time on any, the
next few hundred of the whole list are checked first: they fill a page if many match, or show how
many more will. If few do, the list of the rarest condition is short.
"""

import asyncio
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
from storage.engine.ordered import Ordered, Slice
from storage.register.conditions import Condition, all_hold, key, of_filters, tagged, together
from storage.register.documents import read_registration, tax_keys_of
from storage.register.labels import Tags
from storage.register.orders import Sorted, cursor_of
from storage.register.raw_registration import RawRegistration
from storage.register.typed_keys import meanings

# Read from the beginning of the list by name, on a server that sorts first.
_SAMPLE: Final = 400
# Of so many names one has to match for more of them to be read.
_SELDOM: Final = 25
# Names begin here; before it are those that begin with a digit.
_LETTERS: Final = "aa"
# Names end here; after it are those in other alphabets.
_LAST: Final = "zz"
# So many results at a time, for whoever wants all.
_LONG: Final = 2_000
# On the embedded server the time of `$in` grows with the square of the keys.
_KEYS: Final = 50

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
        self._by_name = Ordered(self._registrations, "sort_name", by_windows=self._by_windows)
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
        return len(await self._gathered(asked))

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
        is_sampled = self._by_windows and len(asked) == 1 and any(one.indexed for one in asked[0])
        is_listed = is_sampled and not self._embedded
        start: str | None = None
        while True:
            if is_listed:
                found = await self._at_once.page(
                    start=start, count=max(count, _LONG), matches=together(asked[0])
                )
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
        if "tax_key" in (asked[0][0].indexed or {} if asked[0] else {}):
            return await self._at_once.page(count=count, matches=together(asked[0]))
        # No server has an index for times alone.
        if (self._by_windows or order.by is SortBy.UPDATED) and len(asked) == 1 and asked[0]:
            return await self._sampled(asked[0], order, start, count)
        if self._is_one_query(asked):
            return await self._listed(order, start, count, _either(asked))
        found = await self._gathered(asked)
        return await self._whole(self._sorted.slice_of(found, order, start, count))

    def _is_one_query(self, asked: Sequence[Meaning]) -> bool:
        """Return True if the server answers all of it in one query, along an index."""
        if len(asked) > 1:
            return not self._by_windows
        return not self._embedded or all(one.other for one in asked[0][1:])

    async def _names(
        self, start: str | None, count: int, matches: Document, backwards: bool
    ) -> Slice:
        return await self._by_name.page(
            start=start,
            count=count,
            matches=matches,
            backwards=backwards,
            dense=_LAST if backwards else _LETTERS,
        )

    async def _sampled(
        self, conditions: Meaning, order: Order, start: str | None, count: int
    ) -> Slice:
        sample, names = Slice([], start), max(_SAMPLE, count)
        matching: dict[str, tuple[str, Document]] = {}
        for _ in range(2):
            some = await self._listed(order, sample.next, names, {})
            for one in some.documents:
                if all_hold(one, conditions):
                    matching.setdefault(one["_id"], (cursor_of(one, order), one))
            sample = Slice(sample.documents + some.documents, some.next)
            found = len(matching)
            if sample.next is None or not len(sample.documents) // _SELDOM <= found <= count:
                break
            # Nearly full: reading on is quicker than a list of so many.
            names = len(sample.documents) * (count + 1 - found) * 3 // found // 2
        if sample.next is None or len(matching) > count:
            cursors, documents = zip(*matching.values(), strict=True) if matching else ((), ())
            return Slice(list(documents[:count]), cursors[count] if len(cursors) > count else None)
        listed = [one for one in conditions if one.indexed]
        if not listed:
            return await self._listed(order, start, count, together(conditions))
        rarest = min(listed, key=lambda one: sum(map(one.holds, sample.documents)))
        asked = [[rarest, *(one for one in conditions if one is not rarest)]]
        if self._is_one_query(asked):
            matches = together(asked[0])
            if order.by is not SortBy.NAME:
                return await self._sorted.page(order, start, count, matches)
            return await self._at_once.page(
                start=start, count=count, matches=matches, backwards=order.descending
            )
        return await self._whole(
            self._sorted.slice_of(await self._gathered(asked), order, start, count)
        )

    async def _listed(
        self, order: Order, start: str | None, count: int, matches: Document
    ) -> Slice:
        if order.by is SortBy.NAME:
            return await self._names(start, count, matches, order.descending)
        return await self._sorted.page(order, start, count, matches)

    async def _gathered(self, asked: Sequence[Meaning]) -> list[Document]:
        """Return the ids, keys and sort keys of what fits one of the meanings."""
        found: dict[str, Document] = {}
        for listed, *more in asked:
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
            [key(one, embedded=self._embedded) for one in keys] for keys in meanings(query.text)
        ]
        if tags := await self._tags_named(query.text):
            texts.append([tagged(tags)])
        if len(texts) > 1:
            known = await asyncio.gather(*map(self._has_one, texts))
            texts = [one for one, is_known in zip(texts, known, strict=True) if is_known]
        return [[*text, *filters] for text in texts]

    async def _has_one(self, meaning: Meaning) -> bool:
        """Return True if somebody fits the meaning's first condition."""
        with translated():
            return bool(await self._registrations.find_one(meaning[0].indexed, {"_id": 1}))

    async def _tags_named(self, text: str) -> list[str]:
        name = label_key(text)
        return [tag.id for tag in await self._tags.all() if name and tag.key == name]


def _either(asked: Sequence[Meaning]) -> Document:
    return {"$or": [together(one) for one in asked]} if len(asked) > 1 else together(asked[0])
