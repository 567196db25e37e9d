"""Bling's dialect: refresh tokens that can be used once, short lists, and details one by one."""

import asyncio
import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from aiohttp import web
from pydantic import SecretStr

from bot.domain.registration import Kind
from erp.adapter import Credentials
from tests.erp.dialects.dialect import Answer, Dialect, Meaning, Person, as_json, known, stored

CLIENT, SECRET, FIRST_TOKEN = "id-do-aplicativo", "segredo-do-aplicativo", "renovacao-0"
ZONE = ZoneInfo("America/Sao_Paulo")
_BASIC = "Basic " + base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
_LONG_AGO = datetime(2020, 5, 4, 9, 8, 7, tzinfo=UTC)


@dataclass
class BlingDialect(Dialect):
    """Bling's API, with gates that let a test stop a request half-way.

    `refresh` holds the refresh tokens that are not spent, `access` the access tokens that are
    accepted. People with even ids were created at `changed`, the others modified then; `more` is
    added to their details. Requests for contacts wait while `gate` is not set. Requests for tokens
    wait for `login_gate`; their tokens are made before the wait. `waiting` is set when a request
    waits.
    """

    name: ClassVar[str] = "bling"
    notes: ClassVar[str] = "days only"

    answers: ClassVar[Sequence[Answer]] = (
        known(200, {"data": []}, Meaning.NOBODY),
        known(400, {"error": {"type": "VALIDATION_ERROR"}}, Meaning.REFUSED),
        known(401, {"error": {"type": "UNAUTHORIZED"}}, Meaning.REFUSED),
        known(403, {"error": {"type": "FORBIDDEN"}}, Meaning.REFUSED),
        known(403, "<html>403</html>", Meaning.LATER),
        known(404, {"error": {"type": "RESOURCE_NOT_FOUND"}}, Meaning.LATER),
        known(429, {"error": {"type": "TOO_MANY_REQUESTS"}}, Meaning.LATER),
        known(200, {"error": {"type": "SERVER_ERROR"}}, Meaning.LATER),
    )

    refresh: list[str] = field(default_factory=lambda: [FIRST_TOKEN])
    access: list[str] = field(default_factory=list)
    logins: int = 0
    queries: list[dict[str, str]] = field(default_factory=list)
    removed: set[int] = field(default_factory=set)
    more: dict[int, dict[str, Any]] = field(default_factory=dict)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    login_gate: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate.set()
        self.login_gate.set()

    def credentials(self) -> Credentials:
        return self._credentials(FIRST_TOKEN)

    def wrong_credentials(self) -> Credentials:
        return self._credentials("renovacao-de-outro")

    def error_inside(self) -> web.Response:
        # Such texts may quote the request.
        return _error(400, "VALIDATION_ERROR", "Documento 111.222.333-96 inválido")

    def is_login(self, request: web.Request) -> bool:
        return request.path == "/Api/v3/oauth/token"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if self.is_login(request):
            return await self._log_in(request)
        if request.headers.get("Authorization", "") not in [f"Bearer {t}" for t in self.access]:
            return _error(401, "UNAUTHORIZED", "O token de acesso é inválido")
        await self._wait_for(self.gate)
        query = dict(request.query)
        self.queries.append(query)
        if request.path == "/Api/v3/contatos":
            return self._list(query)
        key = request.path.removeprefix("/Api/v3/contatos/")
        found = [p for p in self.people if str(p.id) == key and p.id not in self.removed]
        if not found:
            return _error(404, "RESOURCE_NOT_FOUND", "O recurso não foi encontrado")
        return as_json({"data": self._details(found[0])})

    async def _log_in(self, request: web.Request) -> web.Response:
        self.logins += 1
        form = await request.post()
        if request.method != "POST" or request.headers.get("Authorization") != _BASIC:
            return _error(401, "invalid_client", "The client credentials are invalid")
        if form["grant_type"] != "refresh_token" or form["refresh_token"] not in self.refresh:
            return _error(400, "invalid_grant", f"Invalid refresh token {form['refresh_token']}")
        self.refresh = [f"renovacao-{self.logins}"]
        self.access = [f"acesso-{self.logins}"]
        await self._wait_for(self.login_gate)
        return as_json(
            {
                "access_token": self.access[0],
                "expires_in": 21600,
                "token_type": "Bearer",
                "scope": "98309",
                "refresh_token": self.refresh[0],
            }
        )

    async def _wait_for(self, gate: asyncio.Event) -> None:
        if not gate.is_set():
            self.waiting.set()
            await gate.wait()

    def _list(self, query: Mapping[str, str]) -> web.Response:
        number, size = int(query.get("pagina", "1")), int(query.get("limite", "100"))
        if not 1 <= size <= 100:
            return _error(400, "VALIDATION_ERROR", "limite")
        people: Sequence[Person] = self.people
        if "numeroDocumento" in query:
            people = self.having(query["numeroDocumento"])
        if query.get("criterio") != "1":
            people = [person for person in people if person.is_active]
        for name in ("Alteracao", "Inclusao"):
            if f"data{name}Inicial" not in query:
                continue
            begin = date.fromisoformat(query[f"data{name}Inicial"])
            end = date.fromisoformat(query[f"data{name}Final"])
            if (end - begin).days > 365:
                return _error(400, "VALIDATION_ERROR", "O período é maior que um ano")
            is_new = name == "Inclusao"
            people = [p for p in people if begin <= _day(p, is_new=is_new) <= end]
        rows = self.part(people, (number - 1) * size, size)
        return as_json({"data": [self._short(person) for person in rows]})

    def _short(self, person: Person) -> dict[str, Any]:
        home = person.home
        return {
            "id": person.id,
            "nome": person.name,
            "codigo": "",
            "situacao": "A" if person.is_active else "I",
            "numeroDocumento": stored(person),
            "telefone": f"({home[:2]}) {home[2:-4]}-{home[-4:]}" if home else "",
            "celular": person.mobile,
        }

    def _details(self, person: Person) -> dict[str, Any]:
        kind = "Fornecedor" if person.kind is Kind.SUPPLIER else "Cliente"
        return {
            **self._short(person),
            "fantasia": "",
            "tipo": "F" if len(person.document) == 11 else "J",
            "email": person.email,
            "tiposContato": [{"id": 1, "descricao": kind}],
            "financeiro": {"limiteCredito": 0.1},
            **self.more.get(person.id, {}),
        }

    def _credentials(self, token: str) -> Credentials:
        return Credentials(
            url=f"{self.url}/Api/v3",
            token=SecretStr(token),
            client_id=CLIENT,
            client_secret=SecretStr(SECRET),
        )


def _error(status: int, kind: str, said: str) -> web.Response:
    return as_json({"error": {"type": kind, "message": said, "description": said}}, status=status)


def _day(person: Person, *, is_new: bool) -> date:
    """Return the day it was created (`is_new`) or last modified."""
    is_changed = (person.id % 2 == 0) is is_new
    return (person.changed if is_changed else _LONG_AGO).astimezone(ZONE).date()
