"""Search fields: stored with a registration so that it is found, but not part of the model.

`sort_name` is its sort key in the whole register, and finds it by the first word of its name.
`words` are all other keys by which it is found, in one list with one index, as each index and each
key makes an import slower. The first character tells what a key is: letters and digits begin the
words of its names and its tax id, and the constants below begin all others. `labels` repeats some
for programs of version 3.
"""

from datetime import UTC, datetime, timedelta
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
PHONE: Final = "+"
"""Begins a whole telephone, without the ninth digit of mobiles."""
LOCAL: Final = "~"
"""Begins the last eight digits of a telephone: those without area code and ninth digit."""
ENDING: Final = "<"
"""Begins the same digits backwards, so that the last ones are the beginning."""
EMAIL: Final = "@"
ERP_ID: Final = "&"
CHANGED: Final = ">"
"""Begins the time of the last change and the id, by which a list by time is read."""
DOCUMENT: Final = "^"
"""Begins the key of a document, by which a list by document is read."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)
_LOCAL: Final = 8
WORD_LENGTH: Final = 40
_NAME_LENGTH: Final = 48
# A name of 200 one-letter words would cost as much as forty registrations, so words are limited.
_MOST_WORDS: Final = 60

TAG: Final = "#"
KIND: Final = "="
INACTIVE: Final = "!inactive"
PRIORITY: Final = "!priority"
LEFT_ERP: Final = "!left_erp"
"""Of active ones only: the others need no more attention."""


def search_fields(registration: Registration) -> Document:
    """Return the search fields."""
    name = fold(registration.name)
    labels = _labels(
        registration.tags,
        registration.kinds,
        registration.status,
        bool(registration.priority_departments),
        bool(registration.lost_refs),
    )
    return {
        "sort_name": f"{name[:_NAME_LENGTH].rstrip()}{END}{registration.id}",
        "words": [
            *sorted(_words(registration, name)),
            *labels,
            changed_key(registration.updated.at, registration.id),
            *(f"{DOCUMENT}{key}" for key in registration.tax_keys),
        ],
        "labels": list(labels),
    }


def without_search_fields(document: Document) -> Document:
    """Return the document without its search fields, for reading a registration."""
    return {key: value for key, value in document.items() if key not in _ALL}


def _words(registration: Registration, name: str) -> set[str]:
    """name: the folded name."""
    words = name.split()[1:]
    if registration.trade_name:
        words += fold(registration.trade_name).split()
    if len(words) > _MOST_WORDS:
        # In the order of the name: if there are very many words, the first ones count.
        words = list(dict.fromkeys(words))[:_MOST_WORDS]
    found = {word[:WORD_LENGTH] + END for word in words}
    if registration.tax_id is not None:
        found.add(registration.tax_id.number.lower()[:WORD_LENGTH] + END)
    for other in registration.other_tax_ids:
        found.add(TaxId.of_key(other).number.lower()[:WORD_LENGTH] + END)
    for phone in registration.phones.all():
        key = phone_key(phone)
        local = local_part(key)
        found |= {key + END, f"{LOCAL}{local}", f"{ENDING}{local[::-1]}"}
    if registration.email:
        found.add(f"{EMAIL}{registration.email[:WORD_LENGTH]}")
    found.update(erp_key(ref.id) for ref in registration.erp_refs)
    return found


def local_part(digits: str) -> str:
    """Return the last eight digits of a telephone."""
    return digits[-_LOCAL:]


def changed_key(at: datetime, id_: str) -> str:
    """Return the key of a change; keys are in the order of their times, then of the ids."""
    return f"{CHANGED}{(at - _EPOCH) // _MS:012x}{id_}"


def change_of(key: str) -> tuple[datetime, str] | None:
    """Return the time and the id in a change's key, or None for any other text."""
    try:
        return _EPOCH + int(key[1:13], 16) * _MS, key[13:]
    except (ValueError, OverflowError):
        return None


def erp_key(erp_id: str) -> str:
    """Return the key of an id in an ERP, whatever its case."""
    return f"{ERP_ID}{erp_id.casefold()[:WORD_LENGTH]}{END}"


@lru_cache(maxsize=1_000)
def _labels(
    tags: frozenset[str], kinds: frozenset[Kind], status: Status, priority: bool, lost: bool
) -> tuple[str, ...]:
    found = {f"{TAG}{tag}" for tag in tags}
    found |= {f"{KIND}{kind}" for kind in kinds}
    if status is Status.INACTIVE:
        found.add(INACTIVE)
    if priority:
        found.add(PRIORITY)
    if lost and status is Status.ACTIVE:
        found.add(LEFT_ERP)
    return tuple(sorted(found))
