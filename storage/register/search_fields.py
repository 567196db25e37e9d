"""Search fields: stored with a registration so that it is found, but not part of the model.

`sort_name` is its sort key in the whole register. Each of `words` is a word by which it is found,
with its id, or a label by which it is filtered, with its sort key. So registrations with the same
word or label are side by side in the index. Words are not sorted by name, because then "maria
silva" would be at the end of a long list of Marias. `marks` are for `storage.engine.ordered`: `n`
for sort keys, `w` for words and labels.
"""

from functools import lru_cache
from typing import Final

from bot.domain.registration import Kind, Registration, Status
from bot.domain.search import fold
from storage.engine.connection import Document
from storage.engine.ordered import level, marks

VERSION: Final = 1
"""The version of these fields; `search.complete` rebuilds fields of another version."""
FIELDS: Final = ("sort_name", "words", "marks")
END: Final = "\t"
"""Ends a word. It is below every character of a word, so `ana` comes before `anabela`."""
WORD_LENGTH: Final = 40
_NAME_LENGTH: Final = 48
# A name of 200 one-letter words would cost as much as forty registrations, so words are limited.
_MOST_WORDS: Final = 60

# No word has these characters, so typed text never matches a label.
TAG: Final = "#"
KIND: Final = "="
INACTIVE: Final = "!inactive"
PRIORITY: Final = "!priority"


def search_fields(registration: Registration) -> Document:
    """Return the search fields; most registrations have no `marks`."""
    name = fold(registration.name)
    place = f"{name[:_NAME_LENGTH].rstrip()}{END}{registration.id}"
    ending = f"{END}{registration.id}"
    words = [word + ending for word in sorted(_words(registration, name))]
    words += [
        f"{label}{END}{place}"
        for label in _labels(
            registration.tags,
            registration.kinds,
            registration.status,
            bool(registration.priority_departments),
        )
    ]
    fields: Document = {"sort_name": place, "words": words}
    if level(registration.id):
        fields["marks"] = marks(registration.id, place) + marks(registration.id, *words, of="w")
    return fields


def without_search_fields(document: Document) -> Document:
    """Return the document without its search fields, for reading a registration."""
    return {key: value for key, value in document.items() if key not in FIELDS}


def words_in(document: Document) -> list[str]:
    """Return the words of a document that has the search fields."""
    return [word.partition(END)[0] for word in document["words"]]


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
