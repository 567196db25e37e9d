"""The search of the register: by text and filters, in pages, in order.

A registration matches if its keys fit one meaning of the text (`typed_keys`) and it has what the
filters ask for (`conditions`). `pages` reads what matches.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Final

from bot.domain.label import label_key
from bot.domain.registration import Registration
from bot.domain.search import BY_NAME, PAGE, Order, Query, ResultPage
from bot.domain.tax_id import TaxId, read_tax_id
from storage.engine.connection import (
    Collection,
    Database,
    Document,
    is_embedded,
    sorts_before_limit,
    translated,
)
from storage.engine.ordered import Slice
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
from storage.register.pages import Meaning, Pages, either
from storage.register.raw_registration import RawRegistration
from storage.register.typed_keys import meanings

# So many results at a time, for whoever wants all.
_LONG: Final = 2_000


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
        self._pages = Pages(
            self._registrations, embedded=self._embedded, by_windows=self._by_windows
        )

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
        asked = await self._known(await self._asked(query))
        if not asked:
            return 0
        if len(asked) == 1 and all(one.lacking for one in asked[0]):
            return await self._most(asked[0])
        if self._pages.is_one_query(asked):
            return await self._number(either(asked))
        if len(asked) == 1:
            await self._pages.look()
            each, twice = _apart(asked[0])
            if all(self._pages.is_one_query([one]) for one in (*each, *twice)):
                numbers = (self._number(self._pages.filter_of(one)) for one in (*each, *twice))
                found = await asyncio.gather(*numbers)
                return sum(found[: len(each)]) - sum(found[len(each) :])
        return len(await self._pages.all_of(asked))

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
        asked = await self._known(await self._asked(query))
        # A sample for each page reads the whole list again and again: few long pages do not.
        is_indexed = len(asked) == 1 and any(one.indexed or one.either for one in asked[0])
        is_listed = is_indexed and self._by_windows and not self._embedded
        start: str | None = None
        while True:
            if is_listed:
                found = await self._pages.long_page(asked[0], start, max(count, _LONG))
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
        return await self._pages.page(asked, order, start, count) if asked else Slice([], None)

    async def _known(self, asked: list[Meaning]) -> list[Meaning]:
        """Return those of several meanings that somebody may fit."""
        if len(asked) <= 1:
            return asked
        known = await asyncio.gather(*map(self._has_one, asked))
        return [one for one, is_known in zip(asked, known, strict=True) if is_known]

    async def _asked(self, query: Query) -> list[Meaning]:
        """Return the meanings of the query; none if nobody can fit."""
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


def _apart(conditions: Meaning) -> tuple[Sequence[Meaning], Sequence[Meaning]]:
    """Return the parts of a meaning, and what is in two of them: a name's first word may come
    again."""
    first, *begun = parts(conditions)
    again = [one.either[1] for one in conditions if one.either]
    twice = [[key, *part] for key, part in zip(again, begun, strict=True)]
    return [first, *begun], twice
