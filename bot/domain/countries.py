"""The country that a cell of a file names."""

import re
from functools import cache
from typing import Final

from babel import Locale

from bot.domain.search import fold

# Codes that Babel does not have: of three letters (ISO 3166), and of Brazil's central bank, which
# stand in invoices and in the exports of ERPs.
_CODES: Final = (
    "BR bra 1058 br bras; AR arg 639; PY pry par 5860; UY ury uru 8451; BO bol 973; CL chl 1589; "
    "PE per 5894; CO col 1694; VE ven 8508; EC ecu 2399; US usa eua 2496; PT prt 6076; ES esp "
    "2453; IT ita 3867; DE deu 230; FR fra 2755; GB gbr 6289; CN chn 1600; JP jpn 3999; MX mex "
    "4936; CA can 1490; AO ago 400; MZ moz 5053; HT hti 3417; CU cub 1996"
)
_PEOPLE: Final = ("brasileira", "brasileiro", "brasileira o", "brasileiro a", "55", "076")
_BETWEEN: Final = re.compile(r"[-\u2013/()+.,;:|]")


def country_code(cell: str) -> str | None:
    """Return the code of the country, or None when the cell names no country, or several.

    cell: a name in Portuguese or English, a code, or both (`1058 - BRASIL`).
    """
    parts = [part.lstrip("0") for one in _BETWEEN.split(cell) if (part := fold(one))]
    whole = " ".join(parts)
    if code := _countries().get(fold(cell)) or _countries().get(whole):
        return code
    codes = {_countries().get(part) for part in parts}
    return codes.pop() if len(codes) == 1 else None


@cache
def _countries() -> dict[str, str]:
    found: dict[str, str] = {}
    for locale in (Locale("en"), Locale("pt", "BR")):
        names = {c: n for c, n in locale.territories.items() if len(c) == 2 and c.isalpha()}
        found |= {fold(name): code for code, name in names.items()}
    for line in _CODES.split("; "):
        code, *others = line.split()
        found |= dict.fromkeys(others, code)
    found |= dict.fromkeys((one.lstrip("0") for one in _PEOPLE), "BR")
    return found | {code.lower(): code for code in found.values()}
