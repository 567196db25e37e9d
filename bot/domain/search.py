"""Searches in the register: the query, a page of results, and the folding of texts."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Final

from pydantic import BeforeValidator, TypeAdapter

from bot.domain.normal_form import normalized
from bot.domain.registration import Kind, Registration, Status

PAGE: Final = 8
"""Registrations on one page: as many as fit on a phone's screen with one button each."""
_WORD: Final = re.compile(r"[^\W_]+")
# The end of the block of combining accents. Nearly every name has no character above it and needs
# no further check.
_LATIN: Final = "\u036f"
_ACCENTS: Final = {n: None for n in range(0x300, 0x370) if unicodedata.combining(chr(n))}


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """The text and filters of a search, all of which must match.

    Of the several values of one filter, one must match; a filter without a value matches all. An
    empty query matches the whole register.
    """

    text: str = ""
    """Words of a name, a document or its beginning, a telephone or half of one, an e-mail address
    or its beginning, the id of an ERP's record, or the name of a tag, in any format.

    Each word of a name must be the beginning of a word of the name or trade name.
    """
    kinds: frozenset[Kind] = frozenset()
    statuses: frozenset[Status] = frozenset()
    tags: frozenset[str] = frozenset()
    """Ids of tags."""
    without_tag: bool = False
    """True for those without any tag; one more value beside `tags`."""
    departments: frozenset[str] = frozenset()
    """Ids of departments in which they have priority."""
    priority: bool = False
    """True for only customers with priority in some department."""


class SortBy(StrEnum):
    NAME = "name"
    DOCUMENT = "document"
    """By country and number; those without a document come last."""
    UPDATED = "updated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """The order of a list; registrations that are equal in it are in a fixed order, too."""

    by: SortBy = SortBy.NAME
    descending: bool = False


BY_NAME: Final = Order()


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultPage:
    """One page of registrations, in order."""

    registrations: tuple[Registration, ...]
    next: str | None
    """The cursor of the next page; None on the last page."""


# Until version 4 of the data each filter had one value.
_EARLIER: Final = {"kind": "kinds", "status": "statuses", "tag": "tags"}


def _current(stored: object) -> object:
    if not isinstance(stored, Mapping):
        return stored
    values = dict(stored)
    for earlier, name in _EARLIER.items():
        if (value := values.pop(earlier, None)) is not None:
            values[name] = [value]
    return values


StoredQuery = Annotated[Query, BeforeValidator(_current)]
"""A query as a field of a stored model; it is read as earlier versions stored it, too."""
_STORED: Final[TypeAdapter[Query]] = TypeAdapter(StoredQuery)


def query_data(query: Query) -> dict[str, object]:
    """Return the query as JSON, without filters that are not set."""
    data: dict[str, object] = _STORED.dump_python(query, mode="json", exclude_defaults=True)
    return {
        name: sorted(value) if isinstance(value, list) else value for name, value in data.items()
    }


def read_query(data: object) -> Query:
    """Return the query of its JSON, also as earlier versions stored it. Raises ValueError."""
    return _STORED.validate_python(data)


def fold(text: str) -> str:
    """Return the text for comparison: no accents, no case, words separated by one space."""
    return " ".join(filter(None, map(_fold, text.split())))


# Cached, because many customers share few first names and not many more family names.
@lru_cache(maxsize=10_000)
def _fold(text: str) -> str:
    """Return the folded form of a text without spaces."""
    if not text.isascii():
        text = normalized("NFKD", text).translate(_ACCENTS)
        if text and max(text) > _LATIN:
            text = "".join(c for c in text if not unicodedata.combining(c))
    return " ".join(_WORD.findall(text.casefold()))


def typed_words(text: str) -> tuple[str, ...]:
    """Return the words of a search, each once, without the punctuation of a document.

    "silva 390.533" gives `silva` and `390533`. The parts of a word without digits stay separate,
    as in names.
    """
    words: list[str] = []
    for token in text.split():
        folded = fold(token)
        words += [folded.replace(" ", "")] if _is_number(folded) else folded.split()
    return tuple(dict.fromkeys(words))


def holds(words: Iterable[str], typed: Iterable[str]) -> bool:
    """Return True if each typed word is the beginning of one of the words."""
    known = tuple(words)
    return all(any(word.startswith(start) for word in known) for start in typed)


def _is_number(folded: str) -> bool:
    parts = folded.split()
    with_digit = [any(c.isdigit() for c in part) for part in parts]
    # A document's first part must have a digit: "ana-bia" has parts as long as a CNPJ's.
    return len(parts) > 1 and with_digit[0] and all(map(_fits, parts, with_digit))


def _fits(part: str, has_digit: bool) -> bool:
    return has_digit or len(part) == 3
