"""SGP's dialect: token and app in the body, at most 100 rows, changes by day."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from aiohttp import web
from pydantic import SecretStr

from erp.adapter import Credentials
from tests.erp.dialects.dialect import Answer, Dialect, Meaning, Person, as_json, known, stored

TOKEN, APP = "9b1c-token-do-sgp", "Balcao"
ZONE = ZoneInfo("America/Sao_Paulo")


@dataclass
class SgpDialect(Dialect):
    """SGP's API.

    `is_bare`: the version that returns only the records; `most`: rows in one answer.
    """

    name: ClassVar[str] = "sgp"
    answers: ClassVar[Sequence[Answer]] = (
        known(200, {"paginacao": {"total": 0}, "clientes": []}, Meaning.NOBODY),
        known(200, [], Meaning.NOBODY),
        known(200, {"paginacao": {"total": 2}, "clientes": []}, Meaning.UNREADABLE),
        known(200, {"msg": "Nenhum contrato localizado", "contratos": []}, Meaning.UNREADABLE),
        known(200, {"clientes": [], "msg": "Token não encontrado"}, Meaning.LATER),
        known(200, {"clientes": [], "status": "erro"}, Meaning.LATER),
        known(403, {"detail": "Credenciais de autenticação incorretas."}, Meaning.REFUSED),
        known(
            403,
            {"detail": "As credenciais de autenticação não foram fornecidas."},
            Meaning.REFUSED,
        ),
        known(403, "<html>Attention Required</html>", Meaning.LATER),
        known(200, {"detail": "Não encontrado."}, Meaning.LATER),
        known(404, {"detail": "Não encontrado."}, Meaning.LATER),
        known(200, "<html>Entrar</html>", Meaning.LATER),
    )
    notes: ClassVar[str] = "days only"

    is_bare: bool = False
    most: int = 100
    bodies: list[dict[str, Any]] = field(default_factory=list)

    def credentials(self) -> Credentials:
        # Admins paste the panel's address.
        return Credentials(url=f"{self.url}/admin/", token=SecretStr(TOKEN), client_id=APP)

    def wrong_credentials(self) -> Credentials:
        return Credentials(url=self.url, token=SecretStr("outro-token"), client_id=APP)

    def error_inside(self) -> web.Response:
        # SGP uses a status of its own for errors.
        return as_json({"detail": "Credenciais de autenticação incorretas."}, status=403)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.path != "/api/ura/clientes/" or request.method != "POST":
            return web.Response(status=404, text="<h1>Not Found</h1>", content_type="text/html")
        body = json.loads(await request.text())
        self.bodies.append(body)
        if not {"token", "app"} <= body.keys():
            said = "As credenciais de autenticação não foram fornecidas."
            return as_json({"detail": said}, status=403)
        if (body["token"], body["app"]) != (TOKEN, APP):
            return self.error_inside()
        people: Sequence[Person] = self.people
        if "cpfcnpj" in body:
            people = self.having(body["cpfcnpj"])
        if "data_alteracao_inicio" in body and "data_alteracao_fim" in body:
            first, last = body["data_alteracao_inicio"], body["data_alteracao_fim"]
            people = [p for p in people if first <= _day(p) <= last]
        offset, limit = body.get("offset", 0), min(body.get("limit", 100), self.most)
        part = self.part(people, offset, limit)
        rows = [self._row(p, with_invoices=not body.get("omitir_titulos")) for p in part]
        if self.is_bare:
            return as_json(rows)
        paging = {"offset": offset, "limit": limit, "parcial": len(rows), "total": len(people)}
        return as_json({"paginacao": paging, "clientes": rows})

    def _row(self, person: Person, *, with_invoices: bool) -> dict[str, Any]:
        mobile = {"tipoContato": "WhatsApp Número", "contato": _written(person.mobile)}
        row = {
            "id": person.id,
            "nome": person.name,
            "cpfcnpj": stored(person),
            "tipo": "Pessoa Física" if len(person.document) == 11 else "Pessoa Jurídica",
            "email": None,
            "dataCadastro": person.changed.isoformat(),
            "endereco": {"logradouro": "Rua", "numero": 7, "latitude": None},
            "contatos": {
                "celulares": [mobile] if person.mobile else [],
                "telefones": [_written(person.home)] if person.home else [],
                "emails": [person.email] if person.email else [],
            },
            "contratos": [
                {
                    "contrato": person.id,
                    "status": "Ativo " if person.is_active else "Cancelado",
                    "contratoCentralSenha": "senha-da-central",
                    "servicos": [{"servico_senha": "senha-do-servico", "valor": 99.9}],
                }
            ],
        }
        return {**row, "titulos": [{"valor": 99.9}]} if with_invoices else row


def _day(person: Person) -> str:
    return person.changed.astimezone(ZONE).date().isoformat()


def _written(phone: str) -> str:
    return f"({phone[:2]}) {phone[2:-4]}-{phone[-4:]}" if phone else ""
