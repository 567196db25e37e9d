"""MK's dialect: all parameters in the URL, errors with HTTP 200, letters split into bytes."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from aiohttp import web
from pydantic import SecretStr

from erp.adapter import Credentials
from tests.erp.dialects.dialect import (
    Answer,
    Case,
    Dialect,
    Meaning,
    Person,
    Trouble,
    known,
    stored,
)

TOKEN, PASSWORD = "ficha-do-usuario-mk", "contra-senha-mk"
MISSING = {"Num. ERRO": "003", "Mensagem": "Documento não localizado.", "status": "ERRO"}
EXPIRED = {"status": "ERRO", "CODIGO_ERRO": "012", "mensagem": "Sessão 11122233396 encerrada."}
_MOST = 500


def _said(code: str, message: str) -> dict[str, str]:
    return {"status": "ERRO", "Num. ERRO": code, "Mensagem": message}


@dataclass
class MkDialect(Dialect):
    """MK's API.

    `tokens` holds the accepted tokens, each good for `uses` requests. `expired` is the HTTP status
    of the answer to an expired one. `is_wrapped` and the token's field name differ between
    versions.
    """

    name: ClassVar[str] = "mk"
    absent: ClassVar[Mapping[Case, str]] = {
        Case.CHANGES: "its filter by day gives the same customers for any day, so it is not used",
    }

    answers: ClassVar[Sequence[Answer]] = (
        known(200, MISSING, Meaning.NOBODY),
        known(200, {"status": "ERRO", "Num. ERRO": "003"}, Meaning.NOBODY),
        known(200, _said("003", "Token não localizado."), Meaning.LATER),
        known(200, _said("007", "Token não localizado."), Meaning.LATER),
        known(200, _said("003", "Limite de uso excedido."), Meaning.LATER),
        known(200, _said("004", "Informe ao menos um parâmetro."), Meaning.REFUSED),
        known(200, _said("099", "Falha ao consultar."), Meaning.LATER),
        known(200, {"status": "OK"}, Meaning.UNREADABLE),
        known(401, "", Meaning.REFUSED),
        known(403, "", Meaning.LATER),
        known(404, "<html>404</html>", Meaning.REFUSED),
        known(500, "<html>Servlet error</html>", Meaning.LATER),
    )

    tokens: list[str] = field(default_factory=list)
    uses: int = 10**9
    expired: int = 200
    is_wrapped: bool = False
    token_name: str = "Token"
    queries: list[dict[str, str]] = field(default_factory=list)
    _made: int = 0
    _used: int = 0

    def credentials(self) -> Credentials:
        return self._credentials(PASSWORD)

    def wrong_credentials(self) -> Credentials:
        return self._credentials("errada")

    def error_inside(self) -> web.Response:
        said = "Erro ao consultar 11122233396"
        return in_pieces({"status": "ERRO", "Num. ERRO": "099", "Mensagem": said})

    def is_login(self, request: web.Request) -> bool:
        return request.path == "/mk/WSAutenticacao.rule"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        query = dict(request.query)
        if request.method != "GET" or query.pop("sys", "") != "MK0":
            return web.Response(status=500, text="<html>Servlet error</html>")
        if self.is_login(request):
            return self._log_in(query)
        if query.pop("token", "") not in self.tokens or self._used >= self.uses:
            return in_pieces(EXPIRED, status=self.expired)
        self._used += 1
        self.queries.append(query)
        match request.path:
            case "/mk/WSMKConsultaDoc.rule":
                return in_pieces(self._find(query.get("doc", "")))
            case "/mk/WSMKConsultaClientes.rule":
                return in_pieces(self._list(query))
        return web.Response(status=404, text="<html>404</html>")

    def _log_in(self, query: Mapping[str, str]) -> web.Response:
        if query != {"token": TOKEN, "password": PASSWORD, "cd_servico": "9999"}:
            said = "Usuário ou contra-senha inválidos."
            return in_pieces({"status": "ERRO", "Num. ERRO": "001", "Mensagem": said})
        self._made += 1
        self._used = 0
        self.tokens[:] = [f"ficha-de-acesso-{self._made}"]
        return in_pieces(
            {
                "status": "OK",
                self.token_name: self.tokens[0],
                "Expire": "01/01/2020 00:00:00",
                "LimiteUso": 0 if self.uses == 10**9 else self.uses,
                "ServicosAutorizados": [{"cd_servico": 9999}],
            }
        )

    def _find(self, document: str) -> Any:
        found = self.having(document)
        if not found:
            return MISSING
        rows = [_shown(person) for person in found]
        return {"status": "OK", **rows[0], "Outros": rows[1:]}

    def _list(self, query: Mapping[str, str]) -> Any:
        if not query:
            said = "Informe ao menos um parâmetro."
            return {"status": "ERRO", "Num. ERRO": "004", "Mensagem": said}
        rows = [_row(person) for person in self._asked(query)]
        return {"status": "OK", "Clientes": rows} if self.is_wrapped else rows

    def _asked(self, query: Mapping[str, str]) -> Sequence[Person]:
        people = sorted(self.people, key=lambda person: person.id)
        if "cd_cliente" in query:
            return [person for person in people if str(person.id) == query["cd_cliente"]]
        if self.trouble is not Trouble.SAME_PAGE:
            begin = int(query["cd_cliente_inicio"])
            end = int(query.get("cd_cliente_fim", 10**9))
            people = [person for person in people if begin <= person.id <= end]
        return self.part(people, 0, _MOST)

    def _credentials(self, password: str) -> Credentials:
        return Credentials(url=self.url, token=SecretStr(TOKEN), password=SecretStr(password))


def _shown(person: Person) -> dict[str, Any]:
    return {
        "CodigoPessoa": person.id,
        "Nome": person.name,
        "Email": person.email,
        "Fone": person.mobile or person.home,
        "Endereco": "Rua Sete de Setembro, 10 - São José",
        "CEP": "89801-000",
        "Latitude": "",
        "Longitude": None,
        "Situacao": "Ativo" if person.is_active else "Inativo",
    }


def _row(person: Person) -> dict[str, Any]:
    address = {"tipo": "INSTALACAO", "logradouro": "Rua Sete", "numero": 10, "complemento": None}
    return {
        "CodigoPessoa": person.id,
        "CPF_CNPJ": stored(person),
        "Nome": person.name,
        "Email": person.email or None,
        "Fone": person.mobile or person.home,
        "Situacao": "Ativo" if person.is_active else "Inativo",
        "contratos": [{"contrato": person.id, "senha": "senha-da-conexao"}],
        "endereco": [address],
    }


def in_pieces(answer: Any, *, status: int = 200) -> web.Response:
    """Escape as MK does: each letter's first UTF-8 byte stays raw, the others are escaped."""
    body = b""
    for char in json.dumps(answer, ensure_ascii=False):
        head, *tail = char.encode()
        body += bytes([head]) + "".join(f"\\u00{byte:02X}" for byte in tail).encode()
    headers = {"Content-Type": "application/json; charset=iso-8859-1"}
    return web.Response(status=status, body=body, headers=headers)
