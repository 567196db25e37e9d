"""The search of the register: by name, tax id and filters, in pages, at the same cost at any size.

Every condition is a word (see `search_fields`): a typed word, a tag, a kind. The rarest of these
words, judged by the marks, is read in index order; the others are checked on the documents found.
A sample, the marked registrations of that word, shows how many windows a page needs. Without typed
words the order is by name. With them, registrations that have exactly the typed word come before
those with a longer one; each page is sorted by name.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from pymongo import UpdateOne

from bot.domain.registration import Registration, Status
from bot.domain.search import PAGE, Query, ResultPage, Total, holds, typed_words
from bot.domain.tax_id import TaxId, read_tax_id
from storage.engine.connection import Collection, Database, Document, is_embedded, translated
from storage.engine.ordered import HIGHEST, LEVELS, STEP, Estimate, Ordered, Slice
from storage.engine.scan import scan
from storage.register.documents import read_registration
from storage.register.search_fields import (
    END,
    FIELDS,
    INACTIVE,
    KIND,
    PRIORITY,
    TAG,
    VERSION,
    WORD_LENGTH,
    search_fields,
    words_in,
)

# A word with fewer marks of the first level is read whole: some 250 registrations.
_FEW: Final = 16
# A register with a smaller estimate is counted exactly.
_EXACT: Final = 1_000
# A sample of this size shows well enough how many registrations match.
_SAMPLE: Final = 100
_MARK: Final = "search"


@dataclass(frozen=True, slots=True)
class _Word:
    """A required word; `is_whole` if no longer word matches."""

    text: str
    is_whole: bool = False

    @property
    def low(self) -> str:
        return f"{self.text}{END}" if self.is_whole else self.text

    @property
    def high(self) -> str:
        return f"{self.low}{HIGHEST}"

    def cost(self, about: int) -> int:
        """Return the cost of reading this word's list, to choose the cheapest.

        A list by name is a bad place to look for a word of names: the matches may all be at its
        end.
        """
        return about * STEP if self.is_whole else about


class Search:
    """Finds registrations.

    embedded: use the query shapes of the embedded server; None detects the server.
    """

    def __init__(self, database: Database, *, embedded: bool | None = None) -> None:
        self._registrations: Collection = database["registrations"]
        self._embedded = is_embedded(database) if embedded is None else embedded
        self._by_name = Ordered(self._registrations, "sort_name", embedded=self._embedded)
        self._by_word = Ordered(
            self._registrations, "words", of="w", is_list=True, embedded=self._embedded
        )

    async def __call__(
        self, query: Query, *, start: str | None = None, count: int = PAGE
    ) -> ResultPage:
        """Return the page of results that begins at `start`, the `next` of the page before."""
        tax_id = read_tax_id(query.text)
        if isinstance(tax_id, TaxId) and (found := await self._of_tax_id(tax_id, query)):
            return ResultPage(registrations=(found,), total=Total(1), next=None)
        typed = typed_words(query.text)
        if query.text.strip() and not typed:
            return ResultPage(registrations=(), total=Total(0), next=None)
        words = [_Word(word[:WORD_LENGTH]) for word in typed] + _filters(query)
        if not words:
            return await self._all(query, start, count)
        return await self._with_words(words, query, start, count)

    async def each(self, query: Query, *, count: int) -> AsyncIterator[Sequence[Registration]]:
        """Yield all results, about `count` at a time, in the order of the pages."""
        start: str | None = None
        while True:
            page = await self(query, start=start, count=count)
            yield page.registrations
            if page.next is None:
                return
            start = page.next

    async def _of_tax_id(self, tax_id: TaxId, query: Query) -> Registration | None:
        with translated():
            document = await self._registrations.find_one({"tax_key": tax_id.key})
        filters = Query(
            kind=query.kind, status=query.status, tag=query.tag, priority=query.priority
        )
        if document is None or not _check(_filters(filters), filters)(document):
            return None
        return read_registration(document)

    async def _all(self, query: Query, start: str | None, count: int) -> ResultPage:
        check = _check([], query) if query.status else None
        share = 1.0
        if query.status or self._embedded:
            total = Total((await self._by_name.about()).count, about=True)
            if total.count < _EXACT:
                total = Total(await self._by_name.count_marked(0))
        else:
            with translated():
                total = Total(int(await self._registrations.estimated_document_count()))
        if check is not None:
            share, total = await self._share(self._by_name, "", HIGHEST, total.count, check)
        found = await self._by_name.page(start=start, count=count, check=check, share=share)
        return _page(found, start, found.next, total)

    async def _with_words(
        self, words: list[_Word], query: Query, start: str | None, count: int
    ) -> ResultPage:
        chosen, key = _read_start(start, len(words))
        if chosen is None:
            counts = await asyncio.gather(*map(self._about, words))
            chosen = min(range(len(words)), key=lambda n: words[n].cost(counts[n].count))
            about = counts[chosen]
        else:
            # Later pages keep the chosen word: their start is a position in its list.
            about = await self._about(words[chosen])
        word, check = words[chosen], _check(words, query)
        low, high = word.low, word.high
        total, share = Total(about.count, about=True), 1.0
        if about.count < _FEW * STEP:
            found, number = await self._by_word.few(
                start=key, count=count, low=low, high=high, check=check
            )
            total = Total(number)
        else:
            if len(words) > 1 or query.status:
                share, total = await self._share(self._by_word, low, high, about.count, check)
            found = await self._by_word.page(
                start=key,
                count=count,
                low=low,
                high=high,
                check=check,
                share=share,
                about=about,
            )
        following = None if found.next is None else f"{chosen} {found.next}"
        return _page(found, start, following, total)

    async def _about(self, word: _Word) -> Estimate:
        return await self._by_word.about(word.low, word.high, enough=_FEW)

    async def _share(
        self,
        ordered: Ordered,
        low: str,
        high: str,
        about: int,
        check: Callable[[Document], bool],
    ) -> tuple[float, Total]:
        """Return the approximate share that matches, and the estimated number of matches."""
        level = math.ceil(math.log(max(1, about / _SAMPLE), STEP))
        documents = await ordered.marked(min(level, LEVELS), low, high)
        matching = sum(map(check, documents))
        total = Total(round(about * matching / max(1, len(documents))), about=True)
        return (matching + 0.5) / (len(documents) + 1), total


def _filters(query: Query) -> list[_Word]:
    words = []
    if query.tag is not None:
        words.append(f"{TAG}{query.tag}")
    if query.kind is not None:
        words.append(f"{KIND}{query.kind}")
    if query.status is Status.INACTIVE:
        words.append(INACTIVE)
    if query.priority:
        words.append(PRIORITY)
    return [_Word(word, is_whole=True) for word in words]


def _check(words: list[_Word], query: Query) -> Callable[[Document], bool]:
    whole = {word.text for word in words if word.is_whole}
    begun = [word.text for word in words if not word.is_whole]

    def check(document: Document) -> bool:
        there = words_in(document)
        return (
            whole.issubset(there)
            and holds(there, begun)
            and (query.status is None or document["status"] == query.status)
        )

    return check


def _read_start(start: str | None, words: int) -> tuple[int | None, str | None]:
    """Return the index of the word whose list is read, and the position in the list.

    Both are None if no word is chosen yet.
    """
    if start is None:
        return None, None
    number, _, key = start.partition(" ")
    # A page of another query, from an old message: start from the beginning.
    return (int(number), key) if number.isdecimal() and int(number) < words else (None, None)


def _page(found: Slice, start: str | None, following: str | None, total: Total) -> ResultPage:
    shown = len(found.documents)
    if start is None and found.next is None:
        total = Total(shown)
    elif total.about:
        total = Total(max(total.count, shown + (following is not None)), about=True)
    by_name = sorted(found.documents, key=lambda document: str(document["sort_name"]))
    return ResultPage(
        registrations=tuple(read_registration(document) for document in by_name),
        total=total,
        next=following,
        partial=found.is_cut,
    )


async def complete(database: Database) -> None:
    """Write the search fields of registrations that lack them or have outdated ones.

    Reads the register only if that was not done since the fields changed.
    """
    with translated():
        mark = await database["meta"].find_one({"_id": _MARK})
    if mark is not None and mark["version"] == VERSION:
        return
    registrations: Collection = database["registrations"]
    async for documents in scan(database, "registrations"):
        writes = []
        for document in documents:
            stored = dict(document)
            fields = search_fields(read_registration(stored))
            if any(stored.get(name) != fields.get(name) for name in FIELDS):
                change: Document = {"$set": fields}
                if "marks" not in fields:
                    change["$unset"] = {"marks": ""}
                # A process that writes another version meanwhile writes its search fields, too.
                writes.append(
                    UpdateOne({"_id": stored["_id"], "version": stored["version"]}, change)
                )
        if writes:
            with translated():
                await registrations.bulk_write(writes, ordered=False)
    with translated():
        await database["meta"].replace_one({"_id": _MARK}, {"version": VERSION}, upsert=True)
