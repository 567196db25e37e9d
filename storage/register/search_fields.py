"""Search fields: stored with a registration so that it is found, but not part of the model.

`sort_name` is its sort key in the whole register. `words` are the words by which it is found, each
followed by its id: the longer word is not between two registrations with the shorter one. A
telephone is a word with a plus sign, which no word of a name or document has. `labels`
are what lists are filtered by; their index has the sort key too, so a list is in order there.
"""

from functools import lru_cache
from typing import Final

from bot.domain.phone import phone_key
from bot.domain.registration import Kind, Registration, Status
from bot.domain.search import fold
from bot.domain.tax_id import TaxId
from storage.engine.connection import Document

FIELDS: Final = ("sort_name", "words", "labels")
# `marks` were search fields of version 1.
_ALL: Final = frozenset((*FIELDS, "marks"))
END: Final = "\t"
"""Ends a word. It is below every character of a word, so `ana` comes before `anabela`."""
WORD_LENGTH: Final = 40
_NAME_LENGTH: Final = 48
# A name of 200 one-letter words would cost as much as forty registrations, so words are limited.
_MOST_WORDS: Final = 60

TAG: Final = "#"
KIND: Final = "="
INACTIVE: Final = "!inactive"
PRIORITY: Final = "!priority"


def search_fields(registration: Registration) -> Document:
    """Return the search fields."""
    name = fold(registration.name)
    ending = f"{END}{registration.id}"
    return {
        "sort_name": f"{name[:_NAME_LENGTH].rstrip()}{ending}",
        "words": [word + ending for word in sorted(_words(registration, name))],
        "labels": list(
            _labels(
                registration.tags,
                registration.kinds,
                registration.status,
                bool(registration.priority_departments),
            )
        ),
    }


def without_search_fields(document: Document) -> Document:
    """Return the document without its search fields, for reading a registration."""
    return {key: value for key, value in document.items() if key not in _ALL}


def _words(registration: Registration, name: str) -> set[str]:
    """name: the folded name."""
    words = name.split()
    if registration.trade_name:
        words += fold(registration.trade_name).split()
    if len(words) > _MOST_WORDS:
        # In the order of the name: if there are very many words, the first ones count.
        words = list(dict.fromkeys(words))[:_MOST_WORDS]
    found = {word[:WORD_LENGTH] for word in words}
    if registration.tax_id is not None:
        found.add(registration.tax_id.number.lower()[:WORD_LENGTH])
    for key in registration.other_tax_ids:
        found.add(TaxId.of_key(key).number.lower()[:WORD_LENGTH])
    found.update(map(phone_key, registration.phones.all()))
    return found


@lru_cache(maxsize=1_000)
def _labels(
    tags: frozenset[str], kinds: frozenset[Kind], status: Status, priority: bool
) -> tuple[str, ...]:
    found = {f"{TAG}{tag}" for tag in tags}
    found |= {f"{KIND}{kind}" for kind in kinds}
    if status is Status.INACTIVE:
        found.add(INACTIVE)
    if priority:
        found.add(PRIORITY)
    return tuple(sorted(found))
