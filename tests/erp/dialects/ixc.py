"""IXC's dialect: the demo's emulator, with the suite's people as its rows."""

import base64
import json
from collections.abc import Sequence
from typing import ClassVar

from aiohttp import web
from pydantic import SecretStr

from bot.demo.ixc import CREDENTIAL
from bot.demo.ixc.query import list_rows
from bot.demo.ixc.records import branch, customer, supplier
from bot.domain.registration import Kind
from erp.adapter import Credentials
from tests.erp.dialects.dialect import (
    Answer,
    Dialect,
    Meaning,
    Person,
    Trouble,
    as_json,
    known,
    stored,
)

_PAGE = "<div>Ocorreu um erro ao processar. Contate o suporte IXC Soft.</div>"


def _said(message: str) -> dict[str, str]:
    return {"type": "error", "message": message}


class IxcDialect(Dialect):
    name: ClassVar[str] = "ixc"
    answers: ClassVar[Sequence[Answer]] = (
        known(200, {"page": "1", "total": "0"}, Meaning.NOBODY),
        known(200, {"page": "1", "total": 0, "registros": []}, Meaning.NOBODY),
        known(200, {"page": "1", "total": "2", "registros": []}, Meaning.UNREADABLE),
        known(200, {"page": "1", "total": "0", "message": "Tente mais tarde"}, Meaning.LATER),
        known(200, {"type": "warning", "total": "0"}, Meaning.LATER),
        known(200, {"registros": []}, Meaning.UNREADABLE),
        known(200, _said("Recurso cliente não está disponível!<br />"), Meaning.REFUSED),
        known(200, _said("Seu IP não está liberado para efetuar login!"), Meaning.REFUSED),
        known(200, _said("O servidor não está disponível no momento"), Meaning.LATER),
        known(200, _said("Registro não encontrado"), Meaning.LATER),
        *(known(status, _PAGE, Meaning.LATER) for status in (200, 500, 504)),
        *(known(status, "", Meaning.REFUSED) for status in (400, 401, 403, 404)),
    )

    def credentials(self) -> Credentials:
        return Credentials(url=self.url, token=SecretStr(CREDENTIAL))

    def wrong_credentials(self) -> Credentials:
        return Credentials(url=self.url, token=SecretStr("7:wrong"))

    def error_inside(self) -> web.Response:
        return as_json({"type": "error", "message": "Recurso cliente não está disponível!<br />"})

    async def answer(self, request: web.Request) -> web.StreamResponse:
        expected = "Basic " + base64.b64encode(CREDENTIAL.encode()).decode()
        if request.headers.get("Authorization") != expected:
            return web.Response(status=401)
        body = json.loads(await request.text())
        table = request.path.rpartition("/")[2]
        kinds = {"cliente": Kind.CUSTOMER, "fornecedor": Kind.SUPPLIER}
        rows = [self._row(p) for p in self.people if p.kind is kinds.get(table)]
        if table == "empresa":
            rows = [branch()]
        if self.trouble is Trouble.OTHER_DOCUMENT and "cnpj" in body["qtype"]:
            rows = [row for row in rows if body["query"] not in row.values()]
            body = {**body, "qtype": f"{table}.id", "oper": ">", "query": "0"}
        if self.trouble is Trouble.SAME_PAGE:
            body = {**body, "page": "1", "query": "0"}
        page = list_rows(table, rows, body)
        if not page.total:
            return as_json({"page": page.number, "total": "0"})
        return as_json({"page": page.number, "total": page.total, "registros": page.rows})

    def _row(self, person: Person) -> dict[str, str]:
        make = customer if person.kind is Kind.CUSTOMER else supplier
        mobile = "telefone_celular" if person.kind is Kind.CUSTOMER else "celular"
        home = "fone" if person.kind is Kind.CUSTOMER else "telefone"
        return make(
            person.id,
            person.name,
            stored(person),
            ativo="S" if person.is_active else "N",
            email=person.email,
            ultima_atualizacao=person.changed.strftime("%Y-%m-%d %H:%M:%S"),
            **{mobile: person.mobile, home: person.home},
        )
