"""The fields of a registration in words, as admins read them: labels and values."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from bot.domain.phone import show_phone
from bot.domain.registration import ChangeSource, Kind, Provenance, Registration, Status
from bot.domain.tax_id import TaxId
from bot.wording.countries import country_name
from bot.wording.words import KINDS, STATUSES

EMPTY: Final = "vazio"
WAYS: Final = {
    ChangeSource.IDENTIFICATION: "identificação no chat",
    ChangeSource.CHAT: "chat",
    ChangeSource.IMPORT: "importação",
    ChangeSource.SYNC: "sincronização",
    ChangeSource.UNDO: "desfazer de uma tarefa",
}
# In the order in which a registration is shown.
LABELS: Final = {
    "name": "Nome",
    "trade_name": "Fantasia",
    "tax_id": "CPF/CNPJ",
    "country": "País",
    "kinds": "Tipo de cadastro",
    "status": "Status",
    "phones.mobile": "Celular",
    "phones.home": "Telefone residencial",
    "phones.commercial": "Telefone comercial",
    "email": "E-mail",
    "tags": "Etiquetas",
    "traits": "Características",
    "alert_traits": "Avisar atendente",
    "priority_departments": "Prioridade",
    "fixed_note": "Observação fixa",
    "portal.username": "Usuário do portal",
    "portal.password_hash": "Senha do portal",
    "erp_refs": "ERP",
    "chat_phones": "Telefones vindos do chat",
}
_SECRET: Final = "portal.password_hash"  # noqa: S105 - the name of a field
_LONGEST: Final = 2_100


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The names of tags, departments and people, by id."""

    tags: Mapping[str, str] = field(default_factory=dict)
    departments: Mapping[str, str] = field(default_factory=dict)
    people: Mapping[str, str] = field(default_factory=dict)
    """Names of people, by `Provenance.by`."""
    timezone: ZoneInfo


def show_value(path: str, value: Any, names: Names) -> str:
    """Return the value in words, as plain text.

    value: in the model's form or in the audit's stored form.
    """
    if path == _SECRET:
        return "definida" if value else EMPTY
    if isinstance(value, bool):
        return "Sim" if value else "Não"
    if value is None or value in ("", (), [], frozenset()):
        return EMPTY
    match path:
        case "tax_id":
            return _tax_id(value)
        case "country":
            return country_name(str(value))
        case "status":
            return STATUSES[Status(value)]
        case "kinds":
            return _listed(KINDS[Kind(kind)] for kind in value)
        case "tags":
            return _listed(names.tags.get(tag, tag) for tag in value)
        case "priority_departments":
            return _listed(names.departments.get(d, d) for d in value)
        case "erp_refs":
            return _listed(_erp_ref(ref) for ref in value)
        case "chat_phones":
            return _listed(show_phone(phone) for phone in value)
        case "traits":
            return ", ".join(map(str, value))[:_LONGEST]
    if path.startswith("phones."):
        return show_phone(str(value))
    return str(value)[:_LONGEST]


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
            return f"ERP {rest}".strip()
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


def _tax_id(value: Any) -> str:
    if isinstance(value, TaxId):
        return value.masked
    country, _, number = str(value).rpartition(":")
    return TaxId(number, country or "BR").masked


def _erp_ref(ref: Any) -> str:
    values = ref if isinstance(ref, Mapping) else ref.model_dump()
    return " ".join(str(values[key]) for key in ("system", "table", "id") if values.get(key))


def _listed(values: Iterable[str]) -> str:
    return ", ".join(sorted(values))[:_LONGEST]
