"""What is kept with a registration so that it is found: fields of the document, not of the model.

`sort_name` is its place in the whole register. Each of `words` is a word by which it is found,
with its id, or a label by which it is filtered, with its place: who have it lie side by side. The
words are not by name, for then "maria silva" would be at the end of a long list of Marias.
`marks` are for `storage.engine.ordered`: of the places `n`, of the words and labels `w`.
"""

from functools import lru_cache
from typing import Final

from bot.domain.registration import Kind, Registration, Status
from bot.domain.search import fold
from storage.engine.connection import Document
from storage.engine.ordered import level, marks

VERSION: Final = 1
"""Of how the fields are made: with another one, `search.complete` makes them anew."""
FIELDS: Final = ("sort_name", "words", "marks")
END: Final = "\t"
"""Ends a word: below every character that a word can have, so `ana` comes before `anabela`."""
WORD_LENGTH: Final = 40
_NAME_LENGTH: Final = 48
# A name of 200 one-letter words would cost as much as forty registrations.
_MOST_WORDS: Final = 60

# No word has these characters, so what a filter asks for is not found by typing.
TAG: Final = "#"
KIND: Final = "="
INACTIVE: Final = "!inactive"
PRIORITY: Final = "!priority"


def search_fields(registration: Registration) -> Document:
    """The fields; `marks` is not there for most registrations."""
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
    """The document as a registration reads it."""
    return {key: value for key, value in document.items() if key not in FIELDS}


def words_in(document: Document) -> list[str]:
    """The words of a document that has the fields."""
    return [word.partition(END)[0] for word in document["words"]]


def _words(registration: Registration, name: str) -> set[str]:
    """name: the folded one."""
    words = name.split()
    if registration.trade_name:
        words += fold(registration.trade_name).split()
    if len(words) > _MOST_WORDS:
        # The name's own order: of very many words the first ones count.
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
