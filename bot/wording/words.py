"""Words for the register that all screens share."""

from datetime import timedelta
from typing import Final

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
    Event.CHANGED: "Mudança",
    Event.DELETED: "Exclusão",
    Event.RESTORED: "Restauração",
    Event.ANONYMISED: "Anonimização",
}


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
