"""The shape of a file: the line of its header and its columns."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from bot.domain.cell import NOTHINGS
from bot.domain.columns import is_known
from bot.domain.file_refusal import MAX_COLUMNS, FileReason, FileRefused
from bot.domain.file_shape import Mark, MarkKind
from bot.domain.job import LINES
from bot.domain.registration import read_email
from bot.domain.tax_id import has_decimals

PROBE: Final = 200
"""The number of rows from which a table's shape is detected."""
_HEADER_WITHIN: Final = 10
_DIGITS_OF_A_VALUE: Final = 5
_CERTAIN: Final = 3
"""No row of values holds this many names of fields by chance."""

Batch = tuple[list[int], list[list[str]]]
"""The line numbers, and the cells of each of these lines."""
Read = Callable[[int], Iterator[Batch]]
"""Yields batches of so many rows from under the header; blank rows are left out."""


def header_of(lines: Sequence[int], rows: Sequence[Sequence[str]]) -> tuple[int, tuple[str, ...]]:
    """Return the line of the header, 0 when there is none, and its cells without line breaks.

    lines, rows: the first of the file that are not blank. Raises FileRefused when there is no
    table in them.
    """
    if not rows:
        raise FileRefused(FileReason.EMPTY)
    place = header_place(rows)
    has_header = bool(known_names(rows[place])) or not any(
        map(_is_value, rows[place][:MAX_COLUMNS])
    )
    header = [" ".join(cell.split()) for cell in rows[place]] if has_header else []
    data = rows[place + 1 :] if has_header else rows
    if not data:
        raise FileRefused(FileReason.HEADER_ONLY)
    width = _width(header, data)
    if width > MAX_COLUMNS:
        raise FileRefused(FileReason.TOO_MANY_COLUMNS, found=width)
    if width == 1 and _is_quoted_line(rows[place][0]):
        raise FileRefused(FileReason.QUOTED_LINES)
    cells = [*header[:width], *[""] * (width - len(header))]
    return lines[place] if has_header else 0, tuple(cells)


class TableScan:
    """The header of a table, and what its rows show once all were taken."""

    def __init__(self, head: Batch) -> None:
        """head: the first rows, with the header. Raises FileRefused, as `header_of`."""
        self.header_line, self.header = header_of(*head)
        self.rows = 0
        self.decimals = _DecimalColumns(len(self.header))
        self.beyond = _BeyondHeader(len(self.header))

    def take(self, lines: Sequence[int], rows: Sequence[Sequence[str]]) -> None:
        """Take the next rows; what stands above them and the header itself are left out."""
        first = bisect_right(lines, self.header_line)
        self.rows += len(lines) - first
        self.decimals.take(rows[first:])
        self.beyond.take(lines[first:], rows[first:])


class _DecimalColumns:
    """Finds the columns in which every filled cell is a number with decimals that are zero.

    Only a column that has such numbers among the first rows is watched further on.
    """

    def __init__(self, width: int) -> None:
        self._found: dict[int, int] = dict.fromkeys(range(width), 0)
        self._is_first = True

    def take(self, rows: Sequence[Sequence[str]]) -> None:
        for place in tuple(self._found):
            for row in rows:
                cell = row[place].strip() if len(row) > place else ""
                if not cell or cell in NOTHINGS:
                    continue
                if not has_decimals(cell):
                    del self._found[place]
                    break
                self._found[place] += 1
            if self._is_first and not self._found.get(place):
                self._found.pop(place, None)
        self._is_first = False

    def found(self) -> tuple[int, ...]:
        """Return the columns; one cell alone proves nothing."""
        return tuple(place for place, count in self._found.items() if count > 1)


class _BeyondHeader:
    """Finds filled cells to the right of the last column."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._count = 0
        self._places: list[str] = []

    def take(self, lines: Sequence[int], rows: Sequence[Sequence[str]]) -> None:
        for line, row in zip(lines, rows, strict=True):
            if len(row) > self._width and "".join(row[self._width :]).strip():
                self._count += 1
                if len(self._places) < LINES:
                    self._places.append(str(line))

    def marks(self) -> tuple[Mark, ...]:
        if not self._count:
            return ()
        kind = MarkKind.BEYOND_HEADER
        return (Mark(kind=kind, count=self._count, places=tuple(self._places)),)


def _is_quoted_line(cell: str) -> bool:
    """Return True if a whole line with names of fields stands in one cell."""
    return any(known_names(cell.split(delimiter)) > 1 for delimiter in ";,\t|")


def header_place(rows: Sequence[Sequence[str]]) -> int:
    """Return the index of the header row, if there is a header.

    It is the row with most names of fields, or else the first row that is no title.
    """
    first = rows[:_HEADER_WITHIN]
    known = list(map(known_names, first))
    best = known.index(max(known))
    if known[best] > 1 or (known[best] and 2 * known[best] >= _filled(first[best])):
        return best
    widest = max(map(_filled, first))
    return next(place for place, row in enumerate(first) if 2 * _filled(row) >= widest)


def known_names(row: Sequence[str]) -> int:
    """Return the number of field names in a row; 0 if the row cannot be a header."""
    row = row[:MAX_COLUMNS]
    known = sum(map(is_known, row))
    # Some values are names of fields too, such as "cliente".
    return known if known >= _CERTAIN or not any(map(_is_value, row)) else 0


def _width(header: Sequence[str], data: Sequence[Sequence[str]]) -> int:
    """Return the number of columns: up to the last one that has a name or values.

    Where the header is shorter than the rows, cells that only few rows have are a fault of those
    rows and no column.
    """
    filled = Counter(place for row in data for place, cell in enumerate(row) if cell.strip())
    few = len(data) // 2 if header else 0
    named = (place for place, cell in enumerate(header) if cell or filled[place])
    return 1 + max(*named, *(place for place, count in filled.items() if count > few), -1, -1)


def _filled(row: Sequence[str]) -> int:
    return sum(map(bool, map(str.strip, row)))


def _is_value(cell: str) -> bool:
    """Return True if a cell is clearly no header: a number, a telephone, a tax id, an e-mail."""
    digits = sum(map(str.isdecimal, cell))
    if digits >= _DIGITS_OF_A_VALUE and 2 * digits >= sum(map(str.isalnum, cell)):
        return True
    return "@" in cell and read_email(cell) is not None
