"""What a spreadsheet would run as a formula, made a text by an apostrophe, and the way back.

Source: OWASP, CSV Injection (= + - @, tab, carriage return, line feed, the full-width forms that
East Asian spreadsheets take for them); OWASP ASVS 5.0, 1.2.10 (NUL). Blanks before a sign count
as nothing: spreadsheets take them off when a cell is typed or pasted.
"""

import re
from typing import Final

_SIGNS: Final = "=+\\-@＝＋－＠"
_BREAKS: Final = "\t\r\n\0"
_BLANKS: Final = " \v\f\xa0\u3000\ufeff" + _BREAKS
# With apostrophes in front it is as good as guarded, and is guarded once more: what the guard has
# put there and what somebody wrote can be told apart by that alone.
_RUNS: Final = re.compile(f"'*(?:[{_BREAKS}]|[{_BLANKS}]*[{_SIGNS}])")
# Files have millions of cells, and nearly all begin with a letter or a digit.
_FIRST: Final = frozenset(f"'{_BLANKS}{_SIGNS}") - {"\\"}


def guarded(cell: str) -> str:
    """The cell as it may stand in a file, with one apostrophe in front where it needs one."""
    return f"'{cell}" if cell[:1] in _FIRST and _RUNS.match(cell) else cell


def unguarded(cell: str) -> str:
    """The cell that was guarded; one that the guard cannot have made comes back as it is."""
    return cell[1:] if cell[:1] == "'" and _RUNS.match(cell, 1) else cell
