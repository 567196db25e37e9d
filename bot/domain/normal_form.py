"""Unicode normal forms of texts that people wrote, in a time that grows as the text does."""

import unicodedata
from typing import Literal

# Python sorts the marks on one letter in a time that grows with the square of their number. No
# language has so many (UAX #15, stream-safe text: 30).
_MARKS_AT_MOST = 30


def normalized(form: Literal["NFC", "NFKC", "NFKD"], text: str) -> str:
    """Return the text in this form, without marks beyond the thirtieth on one letter."""
    if len(text) > _MARKS_AT_MOST and not text.isascii():
        text = _with_few_marks(text)
    return unicodedata.normalize(form, text)


def _with_few_marks(text: str) -> str:
    kept, marks = [], 0
    for character in text:
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks <= _MARKS_AT_MOST:
            kept.append(character)
    return "".join(kept)
