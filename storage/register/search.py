"""The search of the register: by name, tax id and filters, in pages, sorted by name.

A registration matches if it has each typed word, or one that begins with it, and each label of the
filters (see `search_fields`). A telephone that somebody has is searched as a whole. MongoDB gets
that as one query. It reads the index on names, or the one on labels and names, in order, or the
one on words and sorts by name.

On a server that sorts before it limits (see `storage.engine.ordered`) the next few hundred names
are checked first: they fill a page if many match. If few do, the list of the rarest condition is
short.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bot.domain.phone import phone_key, read_phone
from bot.domain.registration import Registration, Status
from bot.domain.search import PAGE, Query, ResultPage, typed_words
from bot.domain.tax_id import TaxId, read_tax_id
from storage.engine.connection import (
    Collection,
    Database,
    Document,
    is_embedded,
    sorts_before_limit,
    translated,
)
from storage.engine.ordered import HIGHEST, Ordered, Slice, element_between
from storage.register.documents import read_registration
from storage.register.raw_registration import RawRegistration
from storage.register.search_fields import (
    END,
    INACTIVE,
    KIND,
    PRIORITY,
    TAG,
    WORD_LENGTH,
)

# Read from the beginning of the list by name, on a server that sorts first.
_SAMPLE: Final = 400
# Names begin here; before it are those that begin with a digit.
_LETTERS: Final = "aa"


@dataclass(frozen=True, slots=True)
class _Condition:
    """Something that a registration must have."""

    holds: Callable[[Document], bool]
    """Checks a registration's document."""
    indexed: Document | None = None
    """The filter with an index."""
    other: Document | None = None
    """The filter beside one with an index; None where the server allows only one."""


class Search:
    """Finds registrations.

    embedded, by_windows: the query shapes of the server (see `storage.engine.ordered`); None
    detects them.
    """

    def __init__(
        self, database: Database, *, embedded: bool | None = None, by_windows: bool | None = None
    ) -> None:
        self._registrations: Collection = database["registrations"]
        self._embedded = is_embedded(database) if embedded is None else embedded
        self._by_windows = sorts_before_limit(database) if by_windows is None else by_windows
        self._by_name = Ordered(self._registrations, "sort_name", by_windows=self._by_windows)
        # Where the list by name begins: learnt from its first page.
        self._first_name = _LETTERS
        self._at_once = Ordered(self._registrations, "sort_name", by_windows=False)

    async def __call__(
        self, query: Query, *, start: str | None = None, count: int = PAGE
    ) -> ResultPage:
        """Return the page of results that begins at `start`, the `next` of the page before."""
        tax_id = read_tax_id(query.text)
        if isinstance(tax_id, TaxId) and (found := await self._of_tax_id(tax_id, query)):
            return ResultPage(registrations=(read_registration(found),), next=None)
        conditions = await self._asked(query)
        if conditions is None:
            return ResultPage(registrations=(), next=None)
        if self._by_windows and conditions:
            page = await self._sampled(conditions, start, count)
        else:
            page = await self._names(start, count, _together(conditions))
        return ResultPage(
            registrations=tuple(map(read_registration, page.documents)), next=page.next
        )

    async def count(self, query: Query) -> int:
        """Return the number of all results."""
        tax_id = read_tax_id(query.text)
        if isinstance(tax_id, TaxId) and await self._of_tax_id(tax_id, query):
            return 1
        if query.status is Status.ACTIVE:
            # No index has the active ones: nearly all are.
            inactive = replace(query, status=Status.INACTIVE)
            return await self.count(replace(query, status=None)) - await self.count(inactive)
        conditions = await self._asked(query)
        if conditions is None:
            return 0
        with translated():
            if not conditions:
                return int(await self._registrations.estimated_document_count())
            if not self._embedded or all(one.other for one in conditions[1:]):
                return int(await self._registrations.count_documents(_together(conditions)))
        return len(await self._checked(conditions[0], conditions))

    async def each(self, query: Query, *, count: int) -> AsyncIterator[Sequence[Registration]]:
        """Yield all results, `count` at a time, in the order of the pages."""
        start: str | None = None
        while True:
            page = await self(query, start=start, count=count)
            yield page.registrations
            if page.next is None:
                return
            start = page.next

    async def still_found(self, query: Query, some: Sequence[RawRegistration]) -> set[str]:
        """Return the ids of those that the query finds."""
        conditions = await self._asked(query)
        if conditions is None:
            return set()
        return {one.id for one in some if _holds(one.document, conditions)}

    async def _of_tax_id(self, tax_id: TaxId, query: Query) -> Document | None:
        """Return the document with this tax id, unless the filters exclude it."""
        with translated():
            document: Document | None = await self._registrations.find_one({"tax_key": tax_id.key})
        filters = self._conditions(replace(query, text="")) or ()
        return document if document and _holds(document, filters) else None

    async def _names(
        self, start: str | None, count: int, matches: Document | None = None
    ) -> Slice:
        page = await self._by_name.page(
            start=start, count=count, matches=matches, dense=self._first_name
        )
        if start is None and not matches and page.documents:
            self._first_name = _place(page.documents[0])
        return page

    async def _sampled(
        self, conditions: Sequence[_Condition], start: str | None, count: int
    ) -> Slice:
        sample = await self._names(start, max(_SAMPLE, count))
        matching = [d for d in sample.documents if _holds(d, conditions)]
        if sample.next is None or len(matching) > count:
            return _slice(matching, count)
        listed = [one for one in conditions if one.indexed]
        if not listed:
            return await self._names(start, count, _together(conditions))
        rarest = min(listed, key=lambda one: sum(map(one.holds, sample.documents)))
        others = [one for one in conditions if one is not rarest]
        if not self._embedded or all(one.other for one in others):
            matches = _together([rarest, *others])
            return await self._at_once.page(start=start, count=count, matches=matches)
        found = await self._checked(rarest, conditions)
        page = _slice([d for d in found if start is None or d["sort_name"] >= start], count)
        by_id = {"_id": {"$in": [document["_id"] for document in page.documents]}}
        with translated():
            whole = await self._registrations.find(by_id).to_list(None)
        return Slice(sorted(whole, key=_place), page.next)

    async def _checked(
        self, listed: _Condition, conditions: Sequence[_Condition]
    ) -> list[Document]:
        """Return the ids, sort keys and words of what matches, by name."""
        others = [one for one in conditions if one is not listed and one.other]
        with translated():
            found = await self._registrations.find(
                _together([listed, *others]), {"sort_name": 1, "words": 1}
            ).to_list(None)
        words = [one for one in conditions if one.other is None]
        return sorted((d for d in found if _holds(d, words)), key=_place)

    async def _asked(self, query: Query) -> list[_Condition] | None:
        """Return the conditions; those of a telephone if the text is one that somebody has.

        Other digits may be the beginning of a tax id.
        """
        if phone := read_phone(query.text):
            known = self._word(f"{phone_key(phone)}{END}")
            with translated():
                has_one = await self._registrations.find_one(known.indexed, {"_id": 1})
            if has_one:
                filters = self._conditions(replace(query, text=""))
                return [known, *(filters or ())]
        return self._conditions(query)

    def _conditions(self, query: Query) -> list[_Condition] | None:
        """Return what must hold, the rarest first as a rule; None if nothing can match."""
        typed = typed_words(query.text)
        if query.text.strip() and not typed:
            return None
        conditions = [self._word(word[:WORD_LENGTH]) for word in sorted(typed, key=len)[::-1]]
        if query.tag is not None:
            conditions.append(_label(f"{TAG}{query.tag}", {"tags": query.tag}))
        if query.priority:
            conditions.append(_label(PRIORITY, {"priority_departments": {"$ne": []}}))
        if query.status is Status.INACTIVE:
            conditions.append(_label(INACTIVE, {"status": str(query.status)}))
        if query.kind is not None:
            conditions.append(_label(f"{KIND}{query.kind}", {"kinds": str(query.kind)}))
        if query.status is Status.ACTIVE:
            status = str(query.status)
            conditions.append(
                _Condition(lambda d: d["status"] == status, other={"status": status})
            )
        return conditions

    def _word(self, beginning: str) -> _Condition:
        return _Condition(
            holds=lambda document: any(word.startswith(beginning) for word in document["words"]),
            indexed=element_between(
                "words", beginning, beginning + HIGHEST, embedded=self._embedded
            ),
        )


def _label(label: str, other: Document) -> _Condition:
    return _Condition(lambda document: label in document["labels"], {"labels": label}, other)


def _holds(document: Document, conditions: Sequence[_Condition]) -> bool:
    return all(one.holds(document) for one in conditions)


def _together(conditions: Sequence[_Condition]) -> Document:
    """Return one filter, in which the first condition that has an index uses it."""
    words = [one.indexed for one in conditions if one.other is None and one.indexed]
    query: Document = {"$and": words} if len(words) > 1 else dict(words[0]) if words else {}
    for one in conditions:
        if one.other is not None:
            use_index = one.indexed is not None and "labels" not in query
            query |= one.indexed if use_index and one.indexed else one.other
    return query


def _place(document: Document) -> str:
    return str(document["sort_name"])


def _slice(documents: list[Document], count: int) -> Slice:
    following = _place(documents[count]) if len(documents) > count else None
    return Slice(documents[:count], following)
