"""Export of registrations as rows of a file; importing that file again changes nothing."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, field_validator

from bot.domain.cell import as_cell
from bot.domain.fields import BY_PLACE, SHAPES, Shape
from bot.domain.label import Label
from bot.domain.phone import read_phone, show_phone
from bot.domain.registration import Kind, Registration, Status, Value
from bot.domain.search import Query, StoredQuery, fold
from bot.domain.tax_id import TaxId

Format = Literal["csv", "xlsx"]

EXPORT_COLUMNS: Final[Mapping[str, str]] = {
    field.column: field.path for field in BY_PLACE if field.column and field.is_exported
}
"""The import template's headers and the path of each, without `senha`.

Only password hashes are stored, and those never leave the register.
"""
_HEADERS: Final = {path: header for header, path in EXPORT_COLUMNS.items()}
_STATUSES: Final = {Status.ACTIVE: "A", Status.INACTIVE: "I"}
_KINDS: Final = {
    Kind.CUSTOMER: "cliente",
    Kind.SUPPLIER: "fornecedor",
    Kind.SERVICE_PROVIDER: "prestador de serviço",
    Kind.PROSPECT: "prospect",
}
# The characters at which the import splits a cell into names.
_SEPARATORS: Final = frozenset(",;\n")


class ExportOptions(BaseModel):
    """The options of an export; `paths` are the fields, in the order of their columns."""

    model_config = ConfigDict(frozen=True)

    format: Format = "csv"
    paths: tuple[str, ...] = tuple(_HEADERS)
    query: StoredQuery = Query()

    @field_validator("paths")
    @classmethod
    def _can_be_exported(cls, paths: tuple[str, ...]) -> tuple[str, ...]:
        if not paths or len(set(paths)) < len(paths) or not _HEADERS.keys() >= set(paths):
            raise ValueError(
                "each path must be one of EXPORT_COLUMNS, once, and there must be one"
            )
        return paths


def headers(paths: Iterable[str]) -> list[str]:
    """Return the header row of these fields."""
    return [_HEADERS[path] for path in paths]


def written_names(labels: Collection[Label]) -> dict[str, str]:
    """Return the text for each label in a file, by label id.

    The text is the label's name, or its id when an import would not read the name as this label.

    labels: all tags, or all departments, including archived ones.
    """
    ids = {label.id for label in labels}
    keys = Counter(label.key for label in labels)
    offered = Counter(label.key for label in labels if not label.archived)

    def is_read_back(label: Label) -> bool:
        # The import matches ids before names, and active labels before archived ones.
        rivals = keys if not offered[label.key] else offered
        return (
            label.name not in ids
            and _SEPARATORS.isdisjoint(label.name)
            and rivals[label.key] == 1
            and not (label.archived and offered[label.key])
        )

    return {label.id: label.name if is_read_back(label) else label.id for label in labels}


def cells(
    registration: Registration, paths: Collection[str], names: Mapping[str, str]
) -> list[str]:
    """Return the cells of one row, not yet guarded against formulas.

    names: texts of tags and departments, from `written_names`; a label without one is written as
    its id.
    """
    # Without a country column, the import treats every row as Brazilian.
    country = registration.country if "country" in paths else "BR"
    return [
        as_cell(
            _cell(path, registration.value(path), names, country),
            is_name=SHAPES[path] is Shape.NAME,
        )
        for path in paths
    ]


def _cell(path: str, value: Value, names: Mapping[str, str], country: str) -> str:
    if isinstance(value, bool):
        return "Sim" if value else "Não"
    if not value:
        return ""
    if isinstance(value, TaxId):
        return value.masked
    if isinstance(value, Status):
        return _STATUSES[value]
    if isinstance(value, tuple):
        return ", ".join(value)
    if isinstance(value, str):
        if SHAPES[path] is not Shape.PHONE:
            return value
        shown = show_phone(value)
        return shown if read_phone(shown, country=country) == value else value
    if SHAPES[path] is Shape.KINDS:
        return ", ".join(name for kind, name in _KINDS.items() if kind in value)
    written = (names.get(str(label_id), str(label_id)) for label_id in value)
    return ", ".join(sorted(written, key=lambda name: (fold(name), name)))
