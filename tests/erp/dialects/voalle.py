"""Voalle's dialect: a login and a look-up that shows only customers; one port serves both here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from aiohttp import web
from pydantic import SecretStr

from bot.domain.registration import Kind
from erp.adapter import Credentials
from tests.erp.dialects.dialect import Answer, Case, Dialect, Meaning, Person, as_json, known

OWN = {
    "grant_type": "client_credentials",
    "scope": "syngw",
    "client_id": "integracao",
    "client_secret": "segredo-da-integracao",
    "syndata": "c3luZGF0YS1kbw==+/testes",
}
_API = "/external/integrations/thirdparty/"
_NO_LIST = "a list of people is known from one place only, unverified"


@dataclass
class VoalleDialect(Dialect):
    """Voalle's API.

    `tokens` holds the accepted tokens. `missing` is the status for a person who is not found.
    """

    name: ClassVar[str] = "voalle"
    absent: ClassVar[Mapping[Case, str]] = {
        Case.SEVERAL: "a look-up answers with one person",
        Case.LIST: _NO_LIST,
        Case.SAME_PAGE: _NO_LIST,
        Case.CHANGES: "the API documents no filter by time of change",
    }

    answers: ClassVar[Sequence[Answer]] = (
        known(200, {"success": True, "messages": [], "response": None}, Meaning.NOBODY),
        known(404, {"success": True, "messages": [], "response": None}, Meaning.NOBODY),
        known(404, {"success": False, "messages": [], "response": None}, Meaning.NOBODY),
        *(
            known(status, {"success": True, "messages": [said], "response": None}, means)
            for status in (200, 404)
            for said, means in (
                ("Pessoa não encontrada", Meaning.NOBODY),
                ("Token inválido", Meaning.LATER),
            )
        ),
        known(404, "", Meaning.LATER),
        known(404, {"message": "no route"}, Meaning.LATER),
        known(200, {"success": False, "messages": ["?"], "response": None}, Meaning.LATER),
        known(200, {"success": True}, Meaning.UNREADABLE),
        known(401, "", Meaning.REFUSED),
    )

    tokens: list[str] = field(default_factory=list)
    missing: int = 200

    def credentials(self) -> Credentials:
        return self._credentials(OWN["client_secret"])

    def wrong_credentials(self) -> Credentials:
        return self._credentials("errado")

    def error_inside(self) -> web.Response:
        # Such texts may quote the request.
        said = [{"message": "Erro ao consultar 11122233396"}]
        return as_json({"success": False, "messages": said, "response": None})

    def is_login(self, request: web.Request) -> bool:
        return request.path == "/connect/token"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if self.is_login(request):
            if request.method != "POST" or dict(await request.post()) != OWN:
                return as_json({"error": "invalid_client"}, status=400)
            self.tokens.append(f"chave-{len(self.tokens) + 1}")
            token = {"access_token": self.tokens[-1], "expires_in": 3600, "token_type": "Bearer"}
            return as_json(token)
        if request.headers.get("Authorization", "").removeprefix("Bearer ") not in self.tokens:
            return web.Response(status=401)
        document = request.path.removeprefix(f"{_API}people/txid/")
        if request.method != "GET" or not document.isalnum():
            return web.Response(status=404)
        found = [p for p in self.having(document) if p.kind is Kind.CUSTOMER]
        response = _row(found[0]) if found else None
        status = 200 if found else self.missing
        return as_json({"success": True, "messages": [], "response": response}, status=status)

    def _credentials(self, secret: str) -> Credentials:
        return Credentials(
            url=self.url,
            client_id=OWN["client_id"],
            client_secret=SecretStr(secret),
            token=SecretStr(OWN["syndata"]),
        )


def _row(person: Person) -> dict[str, Any]:
    return {
        "id": person.id,
        "name": person.name,
        "name2": None,
        "txId": person.written or person.document,
        "email": person.email,
        "status": 1 if person.is_active else 2,
        "phone": person.home,
        "cellPhone": person.mobile,
        "birthDate": "1980-01-01T00:00:00",
        "mainAddress": {"city": "São José", "number": 10},
        "titles": [{"typefulLine": "0" * 48}],
        "password": "senha-da-central",
    }
