"""Quoted cells in which whole rows stand: a stray quotation mark has swallowed them."""

from collections.abc import Callable, Sequence
from typing import Final

from bot.domain.columns import map_header
from bot.domain.phone import read_phones
from bot.domain.registration import read_email
from bot.domain.tax_id import CellTaxId, read_tax_id_cell

_LEAST_CELLS: Final = 3
"""Cells of a line that is taken for a row although no column tells it by its values."""
_DIGITS: Final = 9
"""More than a postal code has: a document or telephone, although it is wrong."""


class Swallowing:
    """Finds whole rows inside cells, by the columns of the file."""

    def __init__(self, header: Sequence[str], delimiter: str) -> None:
        self._width = len(header)
        self._delimiter = delimiter
        fields = {column.field: column.index for column in map_header(header) if column.field}
        self._telling: tuple[int, Callable[[str], bool]] | None = next(
            ((fields[path], is_value) for path, is_value in _TELLING if path in fields), None
        )
        self._looks = [(fields[path], looks) for path, looks in _LOOKS if path in fields]

    def has_rows_in(self, cells: Sequence[str]) -> bool:
        """Return True if any cell with line breaks has a whole row of the file in it."""
        return any(
            self._has_rows(cell, place)
            for place, cell in enumerate(cells)
            if "\n" in cell or "\r" in cell
        )

    def _has_rows(self, cell: str, place: int) -> bool:
        first, *inner = cell.splitlines()
        last = inner.pop() if inner else ""
        return (
            # A row whose own beginning is before the mark has its document in front of it, too.
            self._is_row(first, skipped=place)
            or any(self._is_row(line) for line in inner)
            or self._is_row(last, is_cut=True)
        )

    def _is_row(self, line: str, *, skipped: int = 0, is_cut: bool = False) -> bool:
        """skipped: the number of columns before the line. is_cut: True if the row can go on."""
        cells = line.split(self._delimiter)
        width = skipped + len(cells)
        if len(cells) < 2 or (width != self._width and not (is_cut and width < self._width)):
            return False
        if self._telling is None:
            return width == self._width and len(cells) >= _LEAST_CELLS and not skipped
        place, is_value = self._telling
        if not 0 <= place - skipped < len(cells):
            return False
        value = cells[place - skipped].strip(' "')
        if is_value(value) or skipped or width != self._width:
            return is_value(value)
        # A row whose document is wrong or blank is a row, too, where its columns look like rows'.
        digits = sum(map(str.isdecimal, value))
        return self._fits(cells) or (digits >= _DIGITS and _has_only_digits(value))

    def _fits(self, cells: Sequence[str]) -> bool:
        """Return True if all of a row's telephones, e-mails and documents are such, or blank."""
        values = [
            (cells[place].strip(' "'), looks) for place, looks in self._looks if place < len(cells)
        ]
        return len(values) > 1 and all(not value or looks(value) for value, looks in values)


def _is_tax_id(cell: str) -> bool:
    return isinstance(read_tax_id_cell(cell, decimals=True), CellTaxId)


def _is_email(cell: str) -> bool:
    return read_email(cell) is not None


def _is_phone(cell: str) -> bool:
    return bool(read_phones(cell))


_TELLING: Final = (
    ("tax_id", _is_tax_id),
    ("email", _is_email),
    ("phones.mobile", _is_phone),
    ("phones.commercial", _is_phone),
    ("phones.home", _is_phone),
)
"""Columns whose values tell a row, the surest first."""


def _has_only_digits(cell: str) -> bool:
    return any(map(str.isdecimal, cell)) and not any(map(str.isalpha, cell))


_LOOKS: Final = (
    ("tax_id", _has_only_digits),
    ("email", lambda cell: "@" in cell),
    ("phones.mobile", _has_only_digits),
    ("phones.commercial", _has_only_digits),
    ("phones.home", _has_only_digits),
)
"""What the values of columns look like, valid or not."""
