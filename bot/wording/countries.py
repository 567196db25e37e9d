"""Countries by their Portuguese names."""

from functools import cache
from typing import Final

from babel import Locale

from bot.domain.search import fold, holds

# Who has customers abroad has them here first.
_FIRST: Final = ("BR", "AR", "PY", "UY", "BO", "CL", "PE", "CO", "PT", "US")
_AT_MOST: Final = 12
# Babel lists unions, regions and private codes beside countries.
_NOT_COUNTRIES: Final = frozenset(("EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"))


@cache
def _names() -> dict[str, str]:
    territories = Locale("pt", "BR").territories
    return {
        str(code): str(name)
        for code, name in territories.items()
        if len(code) == 2 and code not in _NOT_COUNTRIES
    }


def country_name(code: str) -> str:
    """`Brasil` for BR; the code itself when nobody knows it."""
    return _names().get(code, code)


def flag(code: str) -> str:
    """The country's flag, of its two letters."""
    return "".join(chr(ord("🇦") + ord(letter) - ord("A")) for letter in code)


def find_countries(text: str) -> list[str]:
    """Codes whose name's words begin as typed, or whose code it is; the nearest ones for no text.

    At most a dozen: one more letter finds the rest.
    """
    typed = fold(text).split()
    if not typed:
        return list(_FIRST)
    names = _names()
    code = text.strip().upper()
    found = [c for c in names if holds(fold(names[c]).split(), typed)]
    found.sort(key=lambda c: (c != code, c not in _FIRST, fold(names[c])))
    if code in names and code not in found:
        found.insert(0, code)
    return found[:_AT_MOST]
