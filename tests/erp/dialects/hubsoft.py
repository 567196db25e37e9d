"""HubSoft's dialect: a login of its own, defaults that hide people, errors with HTTP 200."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from aiohttp import web
from pydantic import SecretStr

from erp.adapter import Credentials
from tests.erp.dialects.dialect import Answer, Case, Dialect, Meaning, Person, as_json, known

OWN = {
    "grant_type": "password",
    "client_id": "118",
    "client_secret": "segredo-do-aplicativo",
    "username": "integracao@exemplo.com.br",
    "password": "senha-da-integracao",
}


@dataclass
class HubSoftDialect(Dialect):
    """HubSoft's API.

    `tokens` holds the accepted tokens. `first_page` is 0 according to the documentation.
    `lists_only_former`: the reading of `cancelado=sim`, which the documentation leaves open.
    `left_out` holds the ids of people who are counted but missing on their pages.
    """

    name: ClassVar[str] = "hubsoft"
    absent: ClassVar[Mapping[Case, str]] = {
        Case.CHANGES: "the API documents no filter by time of change",
    }

    answers: ClassVar[Sequence[Answer]] = (
        known(200, {"status": "success", "msg": "", "clientes": []}, Meaning.NOBODY),
        known(200, {"status": "suscess", "clientes": []}, Meaning.NOBODY),
        known(200, {"status": "success", "msg": "Erro interno", "clientes": []}, Meaning.LATER),
        known(200, {"status": "success", "error": True, "clientes": []}, Meaning.LATER),
        known(200, {"status": "suspenso", "clientes": []}, Meaning.LATER),
        known(200, {"status": "error", "msg": "Cliente não encontrado"}, Meaning.LATER),
        known(200, {"status": "error", "msg": "", "clientes": []}, Meaning.LATER),
        known(200, {"status": "erro", "clientes": []}, Meaning.LATER),
        known(200, {"clientes": []}, Meaning.UNREADABLE),
        known(401, {"message": "Unauthenticated."}, Meaning.REFUSED),
        known(403, {"status": "error", "msg": "Rota desativada"}, Meaning.LATER),
    )

    tokens: list[str] = field(default_factory=list)
    first_page: int = 0
    lists_only_former: bool = False
    left_out: set[int] = field(default_factory=set)
    queries: list[dict[str, str]] = field(default_factory=list)

    def credentials(self) -> Credentials:
        return self._credentials(OWN["password"])

    def wrong_credentials(self) -> Credentials:
        return self._credentials("errada")

    def error_inside(self) -> web.Response:
        # Such texts may quote the request.
        return as_json({"status": "error", "msg": "Erro ao consultar 11122233396"})

    def is_login(self, request: web.Request) -> bool:
        return request.path == "/oauth/token"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if self.is_login(request):
            return await self._log_in(request)
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in self.tokens:
            return as_json({"message": "Unauthenticated."}, status=401)
        query = dict(request.query)
        self.queries.append(query)
        match request.path:
            case "/api/v1/integracao/cliente":
                return self._search(query)
            case "/api/v1/integracao/cliente/todos":
                return self._all(query)
            case "/api/v1/integracao/cliente/all":
                return as_json({"status": "error", "msg": "Rota desativada"}, status=403)
        return web.Response(status=404)

    async def _log_in(self, request: web.Request) -> web.Response:
        if json.loads(await request.text()) != OWN:
            refused = {"error": "invalid_credentials", "error_description": "", "message": ""}
            return as_json(refused, status=401)
        self.tokens.append(f"chave-{len(self.tokens) + 1}")
        return as_json(
            {
                "access_token": self.tokens[-1],
                "token_type": "Bearer",
                "expires_in": 2592000,
                "refresh_token": "outra-chave",
            }
        )

    def _search(self, query: Mapping[str, str]) -> web.Response:
        limit = int(query.get("limit", "5"))
        if query.get("busca") != "cpf_cnpj" or not 1 <= limit <= 100:
            return as_json({"status": "error", "msg": "Parâmetros inválidos"})
        found = self._shown(self.having(query["termo_busca"]), query)
        rows = [self._row(person) for person in found[:limit]]
        return as_json({"status": "success", "msg": "Dados consultados", "clientes": rows})

    def _all(self, query: Mapping[str, str]) -> web.Response:
        if not {"pagina", "itens_por_pagina"} <= query.keys():
            return as_json({"status": "error", "msg": "O campo pagina é obrigatório."})
        number, size = int(query["pagina"]), int(query["itens_por_pagina"])
        if not 1 <= size <= 500:
            return as_json({"status": "error", "msg": "O campo itens_por_pagina é inválido."})
        people = self._shown(self.people, query)
        begin = (number - self.first_page) * size
        part = self.part(people, begin, size) if begin >= 0 else []
        rows = [self._row(person) for person in part if person.id not in self.left_out]
        return as_json(
            {
                "status": "suscess",
                "msg": "Dados consultados com sucesso",
                "paginacao": {
                    "primeira_pagina": self.first_page,
                    "ultima_pagina": self.first_page + max(len(people) - 1, 0) // size,
                    "pagina_atual": number,
                    "total_registros": len(people),
                },
                "clientes": rows,
            }
        )

    def _shown(self, people: Sequence[Person], query: Mapping[str, str]) -> Sequence[Person]:
        if query.get("cancelado") != "sim":
            return [person for person in people if person.is_active]
        return [p for p in people if not (p.is_active and self.lists_only_former)]

    def _credentials(self, password: str) -> Credentials:
        return Credentials(
            url=self.url,
            client_id=OWN["client_id"],
            client_secret=SecretStr(OWN["client_secret"]),
            username=OWN["username"],
            password=SecretStr(password),
        )

    def _row(self, person: Person) -> dict[str, Any]:
        status = "servico_habilitado" if person.is_active else "cancelado"
        return {
            "id_cliente": person.id,
            "codigo_cliente": person.id + 40_000,
            "nome_razaosocial": person.name,
            "nome_fantasia": None,
            "tipo_pessoa": "pf" if len(person.document) == 11 else "pj",
            "cpf_cnpj": person.written or person.document,
            "telefone_primario": person.home,
            "telefone_secundario": person.mobile,
            "telefone_terciario": "",
            "email_principal": person.email or None,
            "email_secundario": None,
            "rg": None,
            "data_cadastro": person.changed.strftime("%Y-%m-%d %H:%M:%S"),
            "data_nascmento": "1969-12-31 04:00:00",
            "alerta": False,
            "servicos": [
                {
                    "id_cliente_servico": person.id,
                    "status": "Serviço",
                    "status_prefixo": status,
                    "valor": 119.9,
                    "login": f"cliente{person.id}",
                    "senha": "senha-do-servico",
                    "ultima_conexao": [],
                }
            ],
        }
