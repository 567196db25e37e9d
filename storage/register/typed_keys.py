"""The ways in which the text of a search can be meant, each as the keys that it asks for."""

import re
from collections.abc import Sequence
from typing import Final

from bot.domain.phone import phone_key, read_phone
from bot.domain.search import typed_words
from storage.register.search_fields import (
    EMAIL,
    END,
    ENDING,
    LOCAL,
    WORD_LENGTH,
    erp_key,
)

Keys = Sequence[str]
"""Beginnings of keys; a registration is found if it has one for each."""

_NUMBER: Final = re.compile(r"[\d\s()+./-]+", re.ASCII)
# Fewer digits would be in every second telephone.
_HALF: Final = 4


def meanings(text: str) -> list[Keys]:
    """Return the meanings of the text; a registration is found if it fits one of them.

    The digits `3222` may begin a tax id, begin or end a telephone, and be an ERP's id.
    """
    typed = typed_words(text)
    words: list[str] = []
    for word in sorted(typed, key=len)[::-1]:
        # Who has the longer one has its beginning, too.
        if not any(longer.startswith(word[:WORD_LENGTH]) for longer in words):
            words.append(word[:WORD_LENGTH])
    found: list[Keys] = [words] if words else []
    alone = text.split()
    if len(alone) == 1:
        if "@" in alone[0]:
            found.append([f"{EMAIL}{alone[0].lower()[:WORD_LENGTH]}"])
        if any(map(str.isdigit, text)):
            found.append([erp_key(alone[0])])
    found += [[key] for key in _phones(text)]
    return found


def _phones(text: str) -> list[str]:
    """Return the keys of the telephones that the text may be, or be a part of."""
    if phone := read_phone(text):
        return [phone_key(phone) + END]
    if not _NUMBER.fullmatch(text):
        return []
    text = "".join(text.split())
    digits = "".join(filter(str.isdigit, text))
    is_foreign = text.startswith("+") and not digits.startswith("55")
    if is_foreign or not _HALF <= len(digits) <= 13:
        return [f"+{digits}"] if is_foreign and digits else []
    has_area = text.startswith(("+", "0", "(")) or len(digits) > 9
    national = digits[2:] if has_area and digits.startswith("55") else digits.lstrip("0")
    keys = {f"+55{one}" for one in _without_ninth(national, 2)} if len(national) > 4 else set()
    if not has_area:
        keys |= {LOCAL + one for one in _without_ninth(digits, 0) if _HALF <= len(one) <= 8}
        keys |= {ENDING + digits[::-1]} if len(digits) <= 8 else set()
    return sorted(keys)


def _without_ninth(digits: str, place: int) -> set[str]:
    """Return the digits, and the same without the ninth digit that may be at this place.

    No key has it; but an older mobile begins with a 9, too.
    """
    return {digits, digits[:place] + digits[place + 1 :]} if digits[place] == "9" else {digits}
