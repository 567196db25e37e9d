"""The fields of a registration in words, as admins read them: labels and values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from bot.domain.fields import FIELDS, SHAPES, Shape
from bot.domain.phone import show_phone
from bot.domain.registration import (
    ChangeSource,
    ErpRef,
    ErpValue,
    Kind,
    Provenance,
    Registration,
    Status,
    Value,
    read_value,
)
from bot.domain.tax_id import TaxId
from bot.wording.countries import country_name
from bot.wording.words import KINDS, STATUSES, counted

EMPTY: Final = "vazio"
WAYS: Final = {
    ChangeSource.IDENTIFICATION: "identificação no chat",
    ChangeSource.CHAT: "chat",
    ChangeSource.IMPORT: "importação",
    ChangeSource.SYNC: "sincronização",
    ChangeSource.UNDO: "desfazer de uma tarefa",
    ChangeSource.BULK: "alteração em lote",
}
LABELS: Final = {field.path: field.label for field in FIELDS if field.shape is not Shape.PASSWORD}
"""The label of each field, in the order of the screens."""
_LONGEST: Final = 2_100
_ABBREVIATION: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The names of tags, departments and people, by id."""

    tags: Mapping[str, str] = field(default_factory=dict)
    departments: Mapping[str, str] = field(default_factory=dict)
    people: Mapping[str, str] = field(default_factory=dict)
    """Names of people, by `Provenance.by`."""
    timezone: ZoneInfo


def show_value(path: str, value: object, names: Names) -> str:
    """Return the value in words, as plain text.

    value: in the model's form or in the audit's stored form.
    """
    if value is None:
        return EMPTY
    return _shown(SHAPES.get(path), read_value(path, value), names)[:_LONGEST]


def _shown(shape: Shape | None, value: Value, names: Names) -> str:
    if isinstance(value, bool):
        return "Sim" if value else "Não"
    if not value:
        return EMPTY
    if shape is Shape.PASSWORD_HASH:
        return "definida"
    if isinstance(value, TaxId):
        return value.masked
    if isinstance(value, Status):
        return STATUSES[value]
    if isinstance(value, tuple):
        return ", ".join(value)
    if shape is Shape.UNITED and isinstance(value, frozenset):
        return counted(len(value), "cadastro", "cadastros")
    if isinstance(value, frozenset):
        return ", ".join(sorted(_item(shape, one, names) for one in value))
    if shape is Shape.COUNTRY:
        return country_name(value)
    return show_phone(value) if shape is Shape.PHONE else value


def _item(shape: Shape | None, item: str | ErpRef | ErpValue, names: Names) -> str:
    """Return an element of a set in words."""
    if isinstance(item, ErpValue):
        return f"{LABELS[item.path]} {show_value(item.path, item.value, names)}"
    if isinstance(item, ErpRef):
        return erp_ref(item)
    match shape:
        case Shape.KINDS:
            return KINDS[Kind(item)]
        case Shape.TAGS:
            return names.tags.get(item, item)
        case Shape.DEPARTMENTS:
            return names.departments.get(item, item)
        case Shape.TAX_IDS:
            return TaxId.of_key(item).masked
    return show_phone(item)


def erp_ref(ref: ErpRef) -> str:
    """Return the record in the ERP as its people name it: `IXC · cliente nº 103`."""
    return f"{erp_name(ref.system)} · {f'{ref.table} ' if ref.table else ''}nº {ref.id}"


def erp_name(system: str) -> str:
    """Return the ERP's name as it is written: `IXC`, `Omie`."""
    return system.upper() if len(system) <= _ABBREVIATION else system.capitalize()


def value_of(registration: Registration, path: str, names: Names) -> str:
    """Return one field of a registration in words."""
    return show_value(path, registration.value(path), names)


def who(by: str, names: Names) -> str:
    """Return the name or role of a `Provenance.by`."""
    if by in names.people:
        return names.people[by]
    kind, _, rest = by.partition(":")
    match kind:
        case "admin":
            return f"administrador {rest}"
        case "erp":
            return f"ERP {erp_name(rest)}".strip()
        case "user":
            return f"atendente {rest}"
        case "balcao":
            return "Balcão"
        case "chat" | "customer":
            return "o próprio cliente"
        case "schedule":
            return "horário automático"
        case "cli":
            return "linha de comando"
    return by


def when(at: datetime, names: Names) -> str:
    return f"{at.astimezone(names.timezone):%d/%m/%Y %H:%M}"


def provenance_line(provenance: Provenance, names: Names) -> str:
    """Return a provenance in words: `24/11/2026 09:30, por Dora (chat)`."""
    return (
        f"{when(provenance.at, names)}, por {who(provenance.by, names)} ({WAYS[provenance.way]})"
    )
