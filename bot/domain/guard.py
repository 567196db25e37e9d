"""The formula guard: an apostrophe keeps spreadsheets from running a cell as a formula.

`guarded` adds the apostrophe, `unguarded` removes it.
Source: OWASP, CSV Injection (= + - @, tab, carriage return, line feed, and the full-width forms
that East Asian spreadsheets treat the same); OWASP ASVS 5.0, 1.2.10 (NUL). Blanks before a sign
are ignored, because spreadsheets strip them when a cell is typed or pasted.
"""

import re
from typing import Final

_SIGNS: Final = "=+\\-@＝＋－＠"
_BREAKS: Final = "\t\r\n\0"
_BLANKS: Final = " \v\f\xa0\u3000\ufeff" + _BREAKS
# A cell that already has apostrophes before a sign looks guarded, so it is guarded once more.
# Only this way can `unguarded` distinguish the guard's apostrophe from one in the original text.
_RUNS: Final = re.compile(f"'*(?:[{_BREAKS}]|[{_BLANKS}]*[{_SIGNS}])")
# A quick check of the first character: files have millions of cells, and nearly all begin with a
# letter or a digit.
_FIRST: Final = frozenset(f"'{_BLANKS}{_SIGNS}") - {"\\"}


def guarded(cell: str) -> str:
    """Return the cell as it is safe in a file, with an apostrophe in front if it needs one."""
    return f"'{cell}" if cell[:1] in _FIRST and _RUNS.match(cell) else cell


def unguarded(cell: str) -> str:
    """Return the original of a guarded cell; any other cell is returned unchanged."""
    return cell[1:] if cell[:1] == "'" and _RUNS.match(cell, 1) else cell
