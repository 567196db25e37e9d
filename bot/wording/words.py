"""Words for the register that all screens share."""

from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo

from babel.dates import get_timezone_name

from bot.domain.audit import Event
from bot.domain.registration import Kind, Status, read_line

KINDS: Final = {
    Kind.CUSTOMER: "Cliente",
    Kind.SUPPLIER: "Fornecedor",
    Kind.SERVICE_PROVIDER: "Prestador de serviço",
    Kind.PROSPECT: "Prospect",
}
STATUSES: Final = {Status.ACTIVE: "Ativo", Status.INACTIVE: "Inativo"}
EVENTS: Final = {
    Event.CREATED: "Criação",
    Event.CHANGED: "Alteração",
    Event.DELETED: "Exclusão",
    Event.RESTORED: "Restauração",
    Event.UNITED: "União de dois cadastros",
    Event.ANONYMISED: "Anonimização",
}

COLLECTIONS: Final = {
    "registrations": ("cadastro", "cadastros"),
    "audit": ("registro de auditoria", "registros de auditoria"),
    "conversations": ("atendimento", "atendimentos"),
    "chats": ("chat", "chats"),
    "relayed": ("mensagem nos grupos", "mensagens nos grupos"),
    "tags": ("etiqueta", "etiquetas"),
    "departments": ("departamento", "departamentos"),
    "ready_answers": ("resposta pronta", "respostas prontas"),
    "people": ("autor na auditoria", "autores na auditoria"),
}
"""The stored collections, most important first: one document and several in words."""


def number(count: int) -> str:
    """Return the number in Brazilian format: `1.234`."""
    return f"{count:,}".replace(",", ".")


def plural(count: int, one: str, many: str) -> str:
    return one if count == 1 else many


def counted(count: int, one: str, many: str) -> str:
    """Return the number with its noun: `1 linha`, `1.234 linhas`."""
    return f"{number(count)} {plural(count, one, many)}"


def short(text: str, length: int) -> str:
    """Return the text on one line, without invisible characters, and at most `length` long."""
    text = read_line(text)
    return text if len(text) <= length else f"{text[: length - 1]}…"


def characters(length: int) -> str:
    return counted(length, "caractere", "caracteres")


def clock_of(timezone: ZoneInfo) -> str:
    """Return the name of the time: `horário de Brasília`, or `fuso UTC` for a zone without one."""
    name = get_timezone_name(timezone, locale="pt_BR")
    return f"fuso {timezone.key}" if "(" in name else f"h{name[1:]}"


def span(length: timedelta) -> str:
    """Return a wait in words: `7 min`, `1 h 05 min`, `2 dias`.

    It is only as exact as a waiting customer needs.
    """
    minutes = max(0, int(length.total_seconds())) // 60
    if minutes < 1:
        return "menos de 1 min"
    if minutes < 60:
        return f"{minutes} min"
    hours = minutes // 60
    if hours < 24:
        return f"{hours} h {minutes % 60:02} min"
    return "1 dia" if hours < 48 else f"{hours // 24} dias"
