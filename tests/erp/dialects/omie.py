"""Omie's dialect: the app's keys in the body, HTTP 500 for every fault, even for "not found"."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from aiohttp import web
from pydantic import SecretStr

from bot.domain.registration import Kind
from erp.adapter import Credentials
from tests.erp.dialects.dialect import Answer, Dialect, Meaning, Person, as_json, known, stored

KEY, SECRET = "38333295000", "segredo-da-omie"
ZONE = ZoneInfo("America/Sao_Paulo")
_LONG_AGO = datetime(2020, 5, 4, 9, 8, 7, tzinfo=UTC)


NOBODY, LATER = Meaning.NOBODY, Meaning.LATER
BUSY = (
    "ERROR: Já existe uma requisição desse método sendo executada e você pode tentar novamente "
    "em alguns instantes. (1)"
)
AGAIN = (
    "ERROR: Esta requisição já foi processada ou está sendo processada e você pode tentar "
    "novamente às 19:04:08. (1)"
)


def _fault(said: str, code: int) -> dict[str, str]:
    return {"faultstring": said, "faultcode": f"SOAP-ENV:Client-{code}"}


@dataclass
class OmieDialect(Dialect):
    """Omie's API.

    If `is_strict`, it refuses to answer the same request twice; the real one does so for a minute.
    It works on one request at a time and refuses others meanwhile; `busy` counts those. While
    `others` is set, a request waits for a moment for another one to come.
    People with even ids were created at `changed`, the others modified then; `more` is added to
    their rows.
    """

    name: ClassVar[str] = "omie"

    answers: ClassVar[Sequence[Answer]] = (
        *(
            known(status, _fault("ERROR: Não existem registros para a página [1]!", 5113), NOBODY)
            for status in (200, 500)
        ),
        known(503, _fault("ERROR: Não existem registros para a página [1]!", 5113), LATER),
        known(200, {"total_de_registros": 0, "clientes_cadastro": []}, NOBODY),
        known(200, {"total_de_registros": 2, "clientes_cadastro": []}, Meaning.UNREADABLE),
        known(500, {"faultstring": BUSY, "faultcode": "SOAP-ENV:Client-1880"}, LATER),
        known(500, {"faultstring": BUSY}, LATER),
        known(500, {"faultstring": AGAIN, "faultcode": "SOAP-ENV:Client-8020"}, LATER),
        known(500, {"faultstring": AGAIN}, LATER),
        known(500, _fault("ERROR: Já existe uma requisição", 1100), LATER),
        known(500, _fault("ERROR: Consumo redundante detectado. Aguarde 43 segundos", 6), LATER),
        known(500, _fault("ERROR: Tag [PAGINA] inválida", 5113), LATER),
        known(500, _fault("ERROR: Documento em uso", 102), LATER),
        known(500, {"faultstring": "ERROR: Falha"}, LATER),
        known(500, {"faultcode": "SOAP-ENV:Server"}, LATER),
        *(known(status, _fault("ERROR", 101), LATER) for status in (429, 503)),
        known(
            425,
            {"faultstring": "API bloqueada por consumo indevido.", "faultcode": "MISUSE"},
            LATER,
        ),
        known(
            200,
            {"faultstring": "Não existem registros: consumo indevido", "faultcode": "MISUSE"},
            LATER,
        ),
        known(403, _fault("IP bloqueado temporariamente", 403), LATER),
        known(500, _fault("ERROR: Chave de acesso inválida", 101), Meaning.REFUSED),
        known(403, _fault("Aplicativo suspenso", 8), Meaning.REFUSED),
        known(403, "<html>Attention Required</html>", LATER),
    )

    is_strict: bool = False
    busy: int = 0
    others: asyncio.Event | None = None
    _working: bool = False
    params: list[dict[str, Any]] = field(default_factory=list)
    more: dict[int, dict[str, Any]] = field(default_factory=dict)

    def credentials(self) -> Credentials:
        return self._credentials(SECRET)

    def wrong_credentials(self) -> Credentials:
        return self._credentials("outro-segredo")

    def error_inside(self) -> web.Response:
        # Such texts may quote the request.
        return fault("ERROR: Documento [111.222.333-96] em uso!", "SOAP-ENV:Client-102")

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if self._working:
            self.busy += 1
            if self.others is not None:
                self.others.set()
            return fault(BUSY, "SOAP-ENV:Client-1880")
        self._working = True
        try:
            return await self._work(request)
        finally:
            self._working = False

    async def _work(self, request: web.Request) -> web.StreamResponse:
        if self.others is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.others.wait(), 0.02)
        if request.path != "/api/v1/geral/clientes/" or request.method != "POST":
            return web.Response(status=404, text="<h1>Not Found</h1>", content_type="text/html")
        body = json.loads(await request.text())
        if (body["app_key"], body["app_secret"]) != (KEY, SECRET):
            said = "ERROR: Chave de acesso inválida ou o aplicativo não existe!"
            return fault(said, "SOAP-ENV:Client-101")
        [param] = body["param"]
        if body["call"] != "ListarClientes" or param["registros_por_pagina"] > 500:
            return fault("ERROR: Método ou parâmetros inválidos", "SOAP-ENV:Client-71")
        if self.is_strict and param in self.params:
            said = (
                "ERROR: Consumo redundante detectado. Aguarde 43 segundos para tentar novamente."
            )
            return fault(said, "SOAP-ENV:Client-6")
        self.params.append(param)
        return self._list(param)

    def _list(self, param: Mapping[str, Any]) -> web.Response:
        document = param.get("clientesFiltro", {}).get("cnpj_cpf")
        people = self.having(document) if document else self.people
        people = [person for person in people if _is_asked_for(person, param)]
        number, size = param["pagina"], param.get("registros_por_pagina", 50)
        part = self.part(people, (number - 1) * size, size)
        if not part:
            said = f"ERROR: Não existem registros para a página [{number}]!"
            return fault(said, "SOAP-ENV:Client-5113")
        return as_json(
            {
                "pagina": number,
                "total_de_paginas": -(-len(people) // size),
                "registros": len(part),
                "total_de_registros": len(people),
                "clientes_cadastro": [self._row(person) for person in part],
            }
        )

    def _row(self, person: Person) -> dict[str, Any]:
        row = {
            "codigo_cliente_omie": person.id,
            "codigo_cliente_integracao": "",
            "razao_social": person.name,
            "nome_fantasia": "",
            "cnpj_cpf": stored(person),
            "pessoa_fisica": "S" if len(person.document) == 11 else "N",
            "inativo": "N" if person.is_active else "S",
            "telefone1_ddd": person.home[:2],
            "telefone1_numero": f"{person.home[2:-4]}-{person.home[-4:]}" if person.home else "",
            "telefone2_ddd": f"({person.mobile[:2]})" if person.mobile else "",
            "telefone2_numero": person.mobile[2:],
            "email": person.email,
            "tags": [{"tag": "Fornecedor" if person.kind is Kind.SUPPLIER else "Cliente"}],
            "valor_limite_credito": 0.1,
            "info": {
                **_written(_included(person), "Inc"),
                **_written(person.changed, "Alt"),
                "cImpAPI": "N",
            },
        }
        return {**row, **self.more.get(person.id, {})}

    def _credentials(self, secret: str) -> Credentials:
        return Credentials(url=self.url, client_id=KEY, client_secret=SecretStr(secret))


def fault(said: str, code: str, *, status: int = 500) -> web.Response:
    return as_json({"faultstring": said, "faultcode": code}, status=status)


def _included(person: Person) -> datetime:
    return person.changed if person.id % 2 == 0 else _LONG_AGO


def _is_asked_for(person: Person, param: Mapping[str, Any]) -> bool:
    if "filtrar_por_data_de" not in param:
        return True
    text = f"{param['filtrar_por_data_de']} {param.get('filtrar_por_hora_de', '00:00:00')}"
    begin = datetime.strptime(text, "%d/%m/%Y %H:%M:%S").replace(tzinfo=ZONE)
    # Omie keeps whole seconds.
    if person.changed + timedelta(seconds=1) <= begin:
        return False
    is_new = _included(person) == person.changed
    return param.get("filtrar_apenas_inclusao" if is_new else "filtrar_apenas_alteracao") == "S"


def _written(at: datetime, name: str) -> dict[str, str]:
    local = at.astimezone(ZONE)
    return {f"d{name}": local.strftime("%d/%m/%Y"), f"h{name}": local.strftime("%H:%M:%S")}
