"""Registrations as rows of a file, so that importing them again changes nothing."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, field_validator

from bot.domain.columns import FILE_COLUMNS
from bot.domain.label import Label
from bot.domain.phone import read_phone, show_phone
from bot.domain.registration import Kind, Registration, Status
from bot.domain.search import Query, fold

Format = Literal["csv", "xlsx"]

EXPORT_COLUMNS: Final[Mapping[str, str]] = {
    header: path for header, path in FILE_COLUMNS.items() if path != "portal.password"
}
"""Headers of the import's template and the paths they stand for, without `senha`: there are only
hashes, and those never leave the register."""
_HEADERS: Final = {path: header for header, path in EXPORT_COLUMNS.items()}
_PHONES: Final = frozenset(path for path in _HEADERS if path.startswith("phones."))
_STATUSES: Final = {Status.ACTIVE: "A", Status.INACTIVE: "I"}
_KINDS: Final = {
    Kind.CUSTOMER: "cliente",
    Kind.SUPPLIER: "fornecedor",
    Kind.SERVICE_PROVIDER: "prestador de serviço",
    Kind.PROSPECT: "prospect",
}
# What the import takes to stand between two names in one cell.
_SEPARATORS: Final = frozenset(",;\n")


class ExportOptions(BaseModel):
    """What an admin wants exported; the fields as paths, in the order of their columns."""

    model_config = ConfigDict(frozen=True)

    format: Format = "csv"
    paths: tuple[str, ...] = tuple(_HEADERS)
    query: Query = Query()

    @field_validator("paths")
    @classmethod
    def _can_be_exported(cls, paths: tuple[str, ...]) -> tuple[str, ...]:
        if not paths or len(set(paths)) < len(paths) or not _HEADERS.keys() >= set(paths):
            raise ValueError(
                "each path must be one of EXPORT_COLUMNS, once, and there must be one"
            )
        return paths


def headers(paths: Iterable[str]) -> list[str]:
    """The header row of these fields."""
    return [_HEADERS[path] for path in paths]


def written_names(labels: Collection[Label]) -> dict[str, str]:
    """What stands for each label in a file, by its id: its name, or the id where the name would
    not be read as this label.

    labels: all tags, or all departments, archived ones too.
    """
    ids = {label.id for label in labels}
    keys = Counter(label.key for label in labels)
    offered = Counter(label.key for label in labels if not label.archived)

    def is_read_back(label: Label) -> bool:
        # An id goes before a name, and of those with one name the one that is offered.
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
    """The cells of one row, unguarded.

    names: of tags and departments as `written_names` gives them; the id stands for what is not
    in it.
    """
    # Without its column the import takes every row for Brazilian.
    country = registration.country if "country" in paths else "BR"
    return [_cell(path, registration.value(path), names, country) for path in paths]


def _cell(path: str, value: Any, names: Mapping[str, str], country: str) -> str:
    if path == "alert_traits":
        return "Sim" if value else "Não"
    if not value:
        return ""
    if path in _PHONES:
        shown = show_phone(value)
        return shown if read_phone(shown, country=country) == value else str(value)
    match path:
        case "tax_id":
            return str(value.masked)
        case "status":
            return _STATUSES[value]
        case "kinds":
            return ", ".join(name for kind, name in _KINDS.items() if kind in value)
        case "tags" | "priority_departments":
            written = (names.get(label_id, label_id) for label_id in value)
            return ", ".join(sorted(written, key=lambda name: (fold(name), name)))
        case "traits":
            return ", ".join(value)
    return str(value)
