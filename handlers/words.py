"""Words of the register that every screen uses."""

from typing import Final

from bot.domain.registration import Kind, Status

KINDS: Final = {
    Kind.CUSTOMER: "Cliente",
    Kind.SUPPLIER: "Fornecedor",
    Kind.SERVICE_PROVIDER: "Prestador de serviço",
    Kind.PROSPECT: "Prospect",
}
STATUSES: Final = {Status.ACTIVE: "Ativo", Status.INACTIVE: "Inativo"}


def number(count: int) -> str:
    """`1.234`, as Brazil writes it."""
    return f"{count:,}".replace(",", ".")
