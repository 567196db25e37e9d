"""Double entries: which registrations are likely the same person, and why; pure.

`PairSearch` looks through a whole register, in memory that grows with it by some 700 bytes each,
and gives pairs to look at. `likeness` decides about each of them, from the registrations as they
are then.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bot.domain.phone import phone_key
from bot.domain.registration import ErpRef, Registration
from bot.domain.search import fold
from bot.domain.seen_keys import SeenKeys, key_of_text

_PARTICLES: Final = frozenset(("da", "das", "de", "di", "do", "dos", "du", "e"))
# A telephone or a name that more have is a company's switchboard, or "Cliente Balcao".
_CROWD: Final = 6
# Of the registrations without a document, so many are compared by names with another letter, too.
_SPELLED: Final = 20_000
_CANDIDATES: Final = 20_000
_SHORTEST: Final = 6
"""In a shorter name another letter is another name: Rui and Rai."""
MOST: Final = 2_000
"""Pairs that a search keeps: more than anybody looks through before the next one."""


class PairReason(StrEnum):
    """The reasons why two registrations are likely the same person, the strongest first."""

    ERP = "erp"
    """Both belong to the same record of the ERP: its document has changed there."""
    PHONE = "phone"
    EMAIL = "email"
    NAME = "name"
    DOCUMENTS = "documents"
    """A warning: each has a document of its own."""


@dataclass(frozen=True, slots=True)
class Outline:
    """What tells a double entry."""

    id: str
    name: str
    has_document: bool
    phones: tuple[str, ...]
    """In E.164."""
    email: str | None
    erp_refs: frozenset[ErpRef]

    @classmethod
    def of(cls, registration: Registration) -> "Outline":
        return cls(
            registration.id,
            registration.name,
            registration.tax_id is not None,
            registration.phones.all(),
            registration.email,
            registration.erp_refs,
        )


@dataclass(frozen=True, slots=True)
class Pair:
    """Two registrations that are likely one person."""

    first_id: str
    second_id: str
    reasons: frozenset[PairReason]

    @property
    def id(self) -> str:
        """Return the same id whichever of the two is first; it fits into a button."""
        both = ":".join(sorted((self.first_id, self.second_id)))
        return hashlib.blake2b(both.encode(), digest_size=16).hexdigest()

    @property
    def rank(self) -> int:
        """Return the place of its kind in the list; two documents come last."""
        if PairReason.ERP in self.reasons:
            return 0
        if PairReason.DOCUMENTS in self.reasons:
            return 9
        contacts = self.reasons & {PairReason.PHONE, PairReason.EMAIL}
        if not contacts:
            return 4
        return 1 if PairReason.NAME in self.reasons or len(contacts) > 1 else 3


@dataclass(frozen=True, slots=True)
class PairPage:
    pairs: tuple[Pair, ...]
    next: str | None
    """The cursor of the next page; None on the last page."""


def likeness(one: Outline, other: Outline) -> frozenset[PairReason]:
    """Return the reasons for which the two are likely one person; empty if they are not.

    Two with documents of their own are two people, unless the ERP says otherwise: a mother and her
    children often have one telephone. Only if the whole name is equal, too, the pair is listed, as
    the last and with a warning.
    """
    if one.id == other.id:
        return frozenset()
    reasons = set()
    if one.erp_refs & other.erp_refs:
        reasons.add(PairReason.ERP)
    if not set(map(phone_key, one.phones)).isdisjoint(map(phone_key, other.phones)):
        reasons.add(PairReason.PHONE)
    if one.email and one.email == other.email:
        reasons.add(PairReason.EMAIL)
    mine, theirs = name_key(one.name), name_key(other.name)
    have_documents = one.has_document and other.has_document
    if have_documents:
        if mine == theirs:
            reasons.add(PairReason.NAME)
        if PairReason.ERP not in reasons:
            if not (PairReason.NAME in reasons and len(reasons) > 1):
                return frozenset()
            reasons.add(PairReason.DOCUMENTS)
        return frozenset(reasons)
    if _are_near(mine, theirs) and (reasons or " " in mine):
        reasons.add(PairReason.NAME)
    return frozenset(reasons)


def name_key(name: str) -> str:
    """Return the name for comparison: no accents, no case, no "da", in alphabetical order."""
    words = fold(name).split()
    return " ".join(sorted([word for word in words if word not in _PARTICLES] or words))


class PairSearch:
    """Collects the registrations of a register, and gives the pairs to look at."""

    def __init__(self) -> None:
        self._ids: list[str] = []
        self._names: list[str] = []
        self._has_document = bytearray()
        self._seen = SeenKeys()
        self._hits: Counter[int] = Counter()
        self._by_key: dict[int, list[tuple[int, int]]] = {}
        self._found = 0

    def add(self, outline: Outline) -> None:
        number = len(self._ids)
        name = name_key(outline.name)
        self._ids.append(outline.id)
        self._names.append(name)
        self._has_document.append(outline.has_document)
        for ref in outline.erp_refs:
            self._see(f"e{ref.system}/{ref.table}/{ref.id}", number, is_erp=True)
        for phone in dict.fromkeys(map(phone_key, outline.phones)):
            self._see(phone, number)
            # Others of a family come first: those of one name are one key of their own.
            self._see(f"{phone}/{name}", number)
        if outline.email:
            self._see(outline.email, number)
            self._see(f"{outline.email}/{name}", number)
        if " " in name:
            self._see(f"n{name}", number)

    def _see(self, text: str, number: int, *, is_erp: bool = False) -> None:
        key = key_of_text(text)
        # Lines begin at 1.
        line = self._seen.first_line(key, number + 1)
        if line is None:
            return
        self._hits[key] += 1
        if self._hits[key] >= _CROWD:
            self._by_key.pop(key, None)
            return
        first = line - 1
        if not is_erp and not self._may_be_one(first, number):
            return
        if self._found < _CANDIDATES:
            self._found += 1
            self._by_key.setdefault(key, []).append((first, number))

    def _may_be_one(self, first: int, second: int) -> bool:
        has_both = self._has_document[first] and self._has_document[second]
        return not has_both or self._names[first] == self._names[second]

    def candidates(self) -> list[tuple[str, str]]:
        """Return the pairs by equal telephones, e-mails, records and names, each once."""
        pairs = (pair for some in self._by_key.values() for pair in some)
        return [(self._ids[a], self._ids[b]) for a, b in dict.fromkeys(pairs)]

    def spelled_alike(self, *, at_once: int) -> Iterator[Sequence[tuple[str, str]]]:
        """Yield the pairs whose names differ by one letter, for so many names at a time.

        At least one of the two has no document.
        """
        index: dict[str, int] = {}
        without = [n for n, has in enumerate(self._has_document) if not has][:_SPELLED]
        for number in without:
            for variant in _variants(self._names[number]):
                index.setdefault(variant, number)
        for start in range(0, len(self._names) if index else 0, at_once):
            found = {}
            for number, name in enumerate(self._names[start : start + at_once], start):
                for variant in _variants(name):
                    other = index.get(variant, number)
                    # Equal names are pairs already.
                    if other != number and _are_near(self._names[other], name):
                        found[min(other, number), max(other, number)] = name
            yield [(self._ids[a], self._ids[b]) for a, b in found]


def _variants(name: str) -> list[str]:
    """Return the name, and the name without each of its letters: none for one word."""
    if " " not in name or len(name) < _SHORTEST:
        return []
    return [name, *(name[:n] + name[n + 1 :] for n in range(len(name)))]


def _are_near(one: str, other: str) -> bool:
    """Return True if two keys of names are equal, or differ by a letter or by two swapped ones."""
    if one == other:
        return True
    short, long = sorted((one, other), key=len)
    if len(short) < _SHORTEST or len(long) - len(short) > 1:
        return False
    start = next((n for n, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), None)
    if start is None:
        return long[-1].isalpha()
    if len(short) < len(long):
        return short[start:] == long[start + 1 :] and long[start].isalpha()
    if not (short[start].isalpha() and long[start].isalpha()):
        # Filial 1 and Filial 2.
        return False
    if short[start + 1 :] == long[start + 1 :]:
        return True
    swapped = long[start + 1 : start + 2] + long[start : start + 1] + long[start + 2 :]
    return short[start:] == swapped
