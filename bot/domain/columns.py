"""The mapping of a file's columns to fields, by header or by the admin's choice.

A column is in one of three states:

- It has a field.
- It waits for the admin; `doubt` gives the reason.
- It is ignored: it has no field and no doubt. The admin chose this, or the column is one of
  `OWN_COLUMNS`, which only our own report of refused rows has.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from bot.domain.fields import BY_PLACE, OTHER_HEADERS, SHAPES, Shape
from bot.domain.normal_form import normalized
from bot.domain.phone import read_phones
from bot.domain.registration import read_email
from bot.domain.row import STATUSES, kind_key, kinds_of
from bot.domain.tax_id import CellTaxId, read_tax_id_cell

FILE_COLUMNS: Final[Mapping[str, str]] = {
    field.column: field.path for field in BY_PLACE if field.column
}
"""The template's headers, in its order, and the path of each."""

OWN_COLUMNS: Final = ("linha", "erro")
_PERSONS: Final = frozenset(("pf", "pj", "fisica", "juridica", "pessoafisica", "pessoajuridica"))
_FEW: Final = 0.1
_MOST: Final = 0.6
_ENOUGH: Final = 3
"""Number of values that is enough to judge a column, in a file with at least as many rows."""


class Doubt(StrEnum):
    """The reasons why a column waits for the admin."""

    UNNAMED = "unnamed"
    """Its header cell is empty."""
    UNKNOWN = "unknown"
    """No field has this name."""
    DUPLICATE = "duplicate"
    """Another column has this field."""
    SHIFTED = "shifted"
    """Its values do not fit its header; the values of an adjacent column do."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a file; with neither field nor doubt it is ignored."""

    index: int
    header: str
    field: str | None
    doubt: Doubt | None = None


def known_field(header: str) -> str | None:
    """Return the field that a header names, or None.

    Case, accents, spaces and punctuation do not matter.
    """
    named = _NAMES.get(header_key(header))
    return named[0] if named else None


def is_known(header: str) -> bool:
    """Return True if a header cell names a field or is one of `OWN_COLUMNS`."""
    key = header_key(header)
    return key in _NAMES or key in OWN_COLUMNS


def header_key(header: str) -> str:
    """Return the key by which headers are compared.

    It has only the letters and digits, in lower case and without accents.
    """
    plain = normalized("NFKD", header).casefold()
    return "".join(c for c in plain if c.isalnum())


def map_header(header: Sequence[str]) -> tuple[Column, ...]:
    """Return every column of the file, each with its field or the doubt about it.

    When several columns name the same field, the template's own header gets it, otherwise the
    more usual name, otherwise the first column. The others get a doubt.
    """
    named = [_NAMES.get(header_key(text)) for text in header]
    best: dict[str, tuple[int, int]] = {}
    for index, name in enumerate(named):
        if name is not None:
            field, rank = name
            best[field] = min(best.get(field, (rank, index)), (rank, index))
    chosen = {index: field for field, (_, index) in best.items()}
    return tuple(
        Column(index, text, chosen.get(index), None if index in chosen else _doubt(text, name))
        for index, (text, name) in enumerate(zip(header, named, strict=True))
    )


def doubts_of_values(
    columns: Sequence[Column], samples: Sequence[Sequence[str]]
) -> tuple[Column, ...]:
    """Return the columns, with the doubt SHIFTED for those whose values are one column off.

    A column is shifted when it lacks the values of its field and an adjacent column has them. A
    column that merely has some bad values keeps its field. Next to a shifted column, columns
    whose values do not confirm their field are marked as well. Unnamed columns without any value
    are ignored.

    samples: some rows of the file.
    """
    values = [
        [cell for row in samples if len(row) > place and (cell := row[place].strip())]
        for place in range(len(columns))
    ]
    columns = _with_kinds(columns, values)
    shifted = {
        place
        for place, column in enumerate(columns)
        if column.field in _VALUES and _is_beside(columns, values, place, len(samples))
    }
    for place in tuple(shifted):
        for step in (-1, 1):
            beside = place + step
            while 0 <= beside < len(columns) and _is_open(columns[beside], values[beside]):
                shifted.add(beside)
                beside += step
    return tuple(
        replace(column, field=None, doubt=Doubt.SHIFTED)
        if place in shifted
        else replace(column, doubt=None)
        if column.doubt is Doubt.UNNAMED and not values[place]
        else column
        for place, column in enumerate(columns)
    )


def _with_kinds(columns: Sequence[Column], values: Sequence[Sequence[str]]) -> tuple[Column, ...]:
    """Return the columns, with the field of kinds for one called "Tipo" that has only kinds.

    One that has only kinds of persons (`PF`, `Jurídica`) is ignored.
    """
    has_kinds = any(column.field == "kinds" for column in columns)
    found = []
    for column, own in zip(columns, values, strict=True):
        if column.doubt is Doubt.UNKNOWN and header_key(column.header) == "tipo" and own:
            if not has_kinds and all(len(cell) > 1 and _is_kind(cell) for cell in own):
                column, has_kinds = replace(column, field="kinds", doubt=None), True
            elif all(header_key(cell) in _PERSONS for cell in own):
                column = replace(column, doubt=None)
        found.append(column)
    return tuple(found)


def assign(columns: Sequence[Column], index: int, field: str | None) -> tuple[Column, ...]:
    """Return the columns after the admin's choice for one of them; None ignores that column.

    If another column had the field, it loses the field and is ignored. Raises ValueError for a
    field that files do not have, IndexError for a column that the file does not have.
    """
    if field is not None and field not in _FIELDS:
        raise ValueError("files have no such field")
    if index not in range(len(columns)):
        raise IndexError("the file has no such column")
    return tuple(
        replace(column, field=field, doubt=None)
        if column.index == index
        else replace(column, field=None, doubt=None)
        if field is not None and column.field == field
        else column
        for column in columns
    )


def fields_of(columns: Sequence[Column]) -> list[str | None]:
    """Return the field of each column, as plain JSON to store."""
    return [column.field for column in columns]


def is_usable(columns: Sequence[Column]) -> bool:
    """Return True if there is a column for the name or the tax id.

    A tax id alone finds a registration to update, and a name may be enough to create one. Each
    row is then decided on its own.
    """
    return any(column.field in ("name", "tax_id") for column in columns)


def _is_beside(
    columns: Sequence[Column], values: Sequence[Sequence[str]], place: int, rows: int
) -> bool:
    """Return True if a column lacks the values of its field and an adjacent column has them."""
    column, own = columns[place], values[place]
    is_value = _VALUES[column.field or ""]
    if sum(map(is_value, own)) > len(own) * _FEW:
        return False
    enough = min(_ENOUGH, rows)
    for beside in (place - 1, place + 1):
        if beside not in range(len(columns)) or columns[beside].field in _ALIKE[is_value]:
            continue
        # An empty column is no proof: without any e-mail in its column, a file may well have
        # e-mails as usernames. Only an unnamed adjacent column can hold the missing values.
        if not own and columns[beside].doubt is not Doubt.UNNAMED:
            continue
        fitting = sum(map(is_value, values[beside]))
        dirty = own and len(own) < max(enough, fitting / 2)
        if not dirty and fitting >= enough and fitting >= len(values[beside]) * _MOST:
            return True
    return False


def _is_open(column: Column, values: Sequence[str]) -> bool:
    """Return True if a column has a field that its values do not confirm."""
    if column.field is None:
        return False
    is_value = _VALUES.get(column.field) or _TEXTS.get(column.field)
    fits = is_value is not None and sum(map(is_value, values)) >= max(1, len(values) * _MOST)
    return not fits


def _is_tax_id(cell: str) -> bool:
    return isinstance(read_tax_id_cell(cell, decimals=True), CellTaxId)


def _is_phone(cell: str) -> bool:
    return bool(read_phones(cell))


def _is_email(cell: str) -> bool:
    return read_email(cell) is not None


def _is_kind(cell: str) -> bool:
    return kinds_of(cell) is not None


def _is_status(cell: str) -> bool:
    return kind_key(cell) in STATUSES


def _is_name(cell: str) -> bool:
    letters = sum(map(str.isalpha, cell))
    return letters > 1 and 2 * letters > len(cell) and not _is_email(cell) and not _is_kind(cell)


def _doubt(text: str, named: tuple[str, int] | None) -> Doubt | None:
    if named is not None:
        return Doubt.DUPLICATE
    key = header_key(text)
    if key in OWN_COLUMNS:
        return None
    return Doubt.UNKNOWN if key else Doubt.UNNAMED


def _names() -> dict[str, tuple[str, int]]:
    names = {header_key(header): (path, 0) for header, path in FILE_COLUMNS.items()}
    for field in BY_PLACE:
        others = OTHER_HEADERS.get(field.path)
        for rank, name in enumerate(others.split(",") if others else (), start=1):
            names.setdefault(header_key(name), (field.path, rank))
    return names


_FIELDS: Final = frozenset(FILE_COLUMNS.values())
_NAMES: Final = _names()
_CHECKS: Final[Mapping[Shape, Callable[[str], bool]]] = {
    Shape.TAX_ID: _is_tax_id,
    Shape.PHONE: _is_phone,
    Shape.EMAIL: _is_email,
    Shape.STATUS: _is_status,
    Shape.KINDS: _is_kind,
}
_VALUES: Final = {
    path: _CHECKS[SHAPES[path]] for path in FILE_COLUMNS.values() if SHAPES[path] in _CHECKS
}
# Fields whose values can confirm a column, but cannot prove that it is shifted.
_TEXTS: Final = {path: _is_name for path, shape in SHAPES.items() if shape is Shape.NAME}
_ALIKE: Final = {
    check: {field for field, other in _VALUES.items() if other is check}
    for check in _VALUES.values()
}
