"""What is asked of the register, and what comes back a page at a time."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from bot.domain.registration import Kind, Registration, Status

PAGE: Final = 8
"""Registrations on one page: what fits a phone with a button each."""
_WORD: Final = re.compile(r"[^\W_]+")
# Up to here these are all marks that combine, so nearly every name is done with them.
_LATIN: Final = "\u036f"
_ACCENTS: Final = {n: None for n in range(0x300, 0x370) if unicodedata.combining(chr(n))}


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Text and filters, all of which must hold; empty asks for the whole register."""

    text: str = ""
    """Words of a name, each of which must begin some word of the name or trade name; or a tax id,
    whole or its beginning, in any form."""
    kind: Kind | None = None
    status: Status | None = None
    tag: str | None = None
    """A tag's id."""
    priority: bool = False
    """Only those who go first somewhere."""


@dataclass(frozen=True, slots=True)
class Total:
    """How many there are; `about` when that is an estimate."""

    count: int
    about: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultPage:
    """Some registrations, by name.

    Without typed words one page follows the other by name. With them, those who have just the
    typed word come before those whose word goes on, and only each page is by name.
    """

    registrations: tuple[Registration, ...]
    total: Total
    next: str | None
    """Where the next page begins; None on the last one."""
    partial: bool = False
    """So many have one of these words and so few all that it stopped looking before the page was
    full, which may even be empty: `next` goes on looking, one more word would narrow it."""


def fold(text: str) -> str:
    """The text as it is compared: no accents, no case, words separated by one space."""
    return " ".join(filter(None, map(_fold, text.split())))


# Of many customers there are few first names, and not many more family names.
@lru_cache(maxsize=10_000)
def _fold(text: str) -> str:
    """The same, of a text without spaces."""
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text).translate(_ACCENTS)
        if text and max(text) > _LATIN:
            text = "".join(c for c in text if not unicodedata.combining(c))
    return " ".join(_WORD.findall(text.casefold()))


def words_of(name: str, trade_name: str | None) -> frozenset[str]:
    """The words by which a registration is found by name."""
    return frozenset(fold(f"{name} {trade_name or ''}").split())


def typed_words(text: str) -> tuple[str, ...]:
    """The words of a search, each once, a document's punctuation taken out of it.

    "silva 390.533" searches `silva` and `390533`; a word that holds no digit keeps its parts
    apart, as names do.
    """
    words: list[str] = []
    for token in text.split():
        folded = fold(token)
        words += [folded.replace(" ", "")] if _is_number(folded) else folded.split()
    return tuple(dict.fromkeys(words))


def holds(words: Iterable[str], typed: Iterable[str]) -> bool:
    """Whether each typed word begins some word."""
    known = tuple(words)
    return all(any(word.startswith(start) for word in known) for start in typed)


def _is_number(folded: str) -> bool:
    parts = folded.split()
    with_digit = [any(c.isdigit() for c in part) for part in parts]
    # "ana-bia" is no document though each part is as long as one of a CNPJ; none begins with it.
    return len(parts) > 1 and with_digit[0] and all(map(_fits, parts, with_digit))


def _fits(part: str, has_digit: bool) -> bool:
    return has_digit or len(part) == 3
