"""Rows of an import, each with another person, and those people's registrations."""

from typing import Any

from storage.register.registrations import Registrations
from tests.jobs.conftest import HEADER, JobRunner
from tests.unit.documents import make_cpf


def row(number: int, **more: str) -> list[str]:
    values = {
        "Nome": f"Pessoa {number}",
        "cpfCnpj": make_cpf(100_000_000 + number).masked,
        "celular": f"(49) 99999-{number:04}",
        "email": f"p{number}@example.com.br",
        "tipoRegistro": "cliente",
        "etiqueta": "",
        "observacao": "",
    }
    return [(values | more)[name] for name in HEADER]


async def stored(runner: JobRunner, number: int) -> Any:
    tax_id = make_cpf(100_000_000 + number)
    found = await Registrations(runner.database).by_tax_ids([tax_id])
    return found.get(tax_id.key)
