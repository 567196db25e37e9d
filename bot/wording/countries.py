"""Countries: their Portuguese names, flags and a search by name."""

from functools import cache
from typing import Final

from babel import Locale

from bot.domain.search import fold, holds

# The countries where customers abroad are most likely; they come first.
_FIRST: Final = ("BR", "AR", "PY", "UY", "BO", "CL", "PE", "CO", "PT", "US")
_AT_MOST: Final = 12
# Babel lists unions, regions and private codes among the countries.
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
    """Return the country's name, `Brasil` for BR, or the code itself if it is unknown."""
    return _names().get(code, code)


def flag(code: str) -> str:
    """Return the country's flag emoji, made from its two letters."""
    return "".join(chr(ord("🇦") + ord(letter) - ord("A")) for letter in code)


def all_countries() -> dict[str, str]:
    """Return the names of all countries by code, the most likely ones first, the rest by name."""
    rest = sorted(_names().items(), key=lambda one: fold(one[1]))
    return {code: _names()[code] for code in _FIRST} | dict(rest)


def find_countries(text: str) -> list[str]:
    """Return the codes of the countries that match the text by code or by the words of the name.

    Each typed word must be the beginning of a word of the name. Without text, return the most
    likely countries. At most 12 are returned; one more letter finds the rest.
    """
    typed = set(fold(text).split())
    if not typed:
        return list(_FIRST)
    names = _names()
    code = text.strip().upper()
    found = [c for c in names if holds(fold(names[c]).split(), typed)]
    found.sort(key=lambda c: (c != code, c not in _FIRST, fold(names[c])))
    if code in names and code not in found:
        found.insert(0, code)
    return found[:_AT_MOST]
