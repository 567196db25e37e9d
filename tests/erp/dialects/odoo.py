"""Odoo's two dialects: JSON-RPC, where errors come with HTTP 200, and JSON-2 of version 19."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import eq, ge, gt
from typing import Any, ClassVar

from aiohttp import web
from pydantic import SecretStr

from bot.domain.registration import Kind
from erp.adapter import Credentials
from tests.erp.dialects.dialect import Dialect, Person, Trouble, as_json, masked

DATABASE, LOGIN, PASSWORD, API_KEY = "empresa", "api@exemplo.com.br", "senha-do-odoo", "chave-api"
MODEL = "res.partner"
# Fields are `false` when empty; this version has no Brazilian module.
FIELDS = {
    "id",
    "name",
    "vat",
    "phone",
    "mobile",
    "email",
    "active",
    "comment",
    "parent_id",
    "write_date",
    "customer_rank",
    "supplier_rank",
    "country_code",
    "signup_token",
}


_OPERATORS = {"=": eq, ">": gt, ">=": ge}


class OdooError(Exception):
    """An exception inside Odoo, by its name there."""


@dataclass
class OdooDialect(Dialect):
    """The base of both dialects. `more` holds fields that modules add to the rows, by id."""

    name: ClassVar[str] = "odoo"

    fields: set[str] = field(default_factory=lambda: set(FIELDS))
    more: dict[int, dict[str, Any]] = field(default_factory=dict)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def run(self, method: str, args: Sequence[Any], named: Mapping[str, Any]) -> Any:
        """Return the result of a method of `res.partner`."""
        self.calls.append((method, dict(named)))
        if method == "fields_get":
            return {name: {"type": "char"} for name in self.fields}
        if method != "search_read":
            raise OdooError("builtins.AttributeError")
        domain = args[0] if args else named["domain"]
        if not set(named["fields"]) <= self.fields:
            raise OdooError("builtins.ValueError")
        if named["order"] != "id asc":
            raise OdooError("builtins.NotImplementedError")
        rows = sorted(map(self.row, self.people), key=lambda row: int(row["id"]))
        if named.get("context", {}).get("active_test", True):
            rows = [row for row in rows if row["active"]]
        if self.trouble is Trouble.SAME_PAGE:
            domain = [leaf for leaf in domain if leaf[0] != "id"]
        is_lookup = any(leaf[0] == "vat" for leaf in domain)
        turned = self.trouble is Trouble.OTHER_DOCUMENT and is_lookup
        found = [row for row in rows if self._holds(domain, row) is not turned]
        begin = named["offset"]
        part = found[begin : begin + named["limit"]]
        return [{name: row[name] for name in {"id", *named["fields"]}} for row in part]

    def row(self, person: Person) -> dict[str, Any]:
        """Return Odoo's row, with its own empty value and many fields that Balcão ignores."""
        row = {
            "id": person.id,
            "name": person.name,
            "vat": masked(person.document) if person.id % 2 else person.document,
            "phone": person.home or False,
            "mobile": person.mobile or False,
            "email": person.email or False,
            "active": person.is_active,
            "comment": "<p>paga em dia</p>",
            "parent_id": False,
            "write_date": f"{person.changed:%Y-%m-%d %H:%M:%S}",
            "customer_rank": int(person.kind is Kind.CUSTOMER),
            "supplier_rank": int(person.kind is Kind.SUPPLIER),
            "country_code": "BR",
            "signup_token": "segredo-do-portal",
        }
        return row | self.more.get(person.id, {})

    def _holds(self, domain: list[Any], row: Mapping[str, Any]) -> bool:
        """Return True if all terms of the domain hold; the domain is in prefix notation."""
        rest = list(domain)
        results = []
        while rest:
            results.append(self._term(rest, row))
        return all(results)

    def _term(self, rest: list[Any], row: Mapping[str, Any]) -> bool:
        term = rest.pop(0)
        if term == "|":
            either, other = self._term(rest, row), self._term(rest, row)
            return either or other
        name, operator, value = term
        if name not in self.fields:
            raise OdooError("builtins.ValueError")
        has = row[name]
        if name == "write_date":
            # Odoo stores microseconds but does not show them.
            has = datetime.fromisoformat(has).replace(microsecond=500_000, tzinfo=UTC)
            value = datetime.fromisoformat(value).replace(tzinfo=UTC)
        return bool(_OPERATORS[operator](has, value))


@dataclass
class OdooRpcDialect(OdooDialect):
    """Odoo's JSON-RPC. `password` is the accepted secret, a password or an API key."""

    title: ClassVar[str] = "odoo (JSON-RPC)"

    password: str = PASSWORD
    uid: int = 7

    def credentials(self) -> Credentials:
        return self._credentials(PASSWORD)

    def wrong_credentials(self) -> Credentials:
        return self._credentials("errada")

    def error_inside(self) -> web.Response:
        return self._error("builtins.ValueError")

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.path != "/jsonrpc":
            return web.Response(status=404, text="<!DOCTYPE html><html></html>")
        call = json.loads(await request.text())["params"]
        args = call["args"]
        if call["service"] == "common":
            database, login, password, _ = args
            is_known = (database, login, password) == (DATABASE, LOGIN, self.password)
            return self._result(self.uid if is_known else False)
        database, uid, password, model, method, positional, named = args
        if (database, uid, password, model) != (DATABASE, self.uid, self.password, MODEL):
            return self._error("odoo.exceptions.AccessDenied")
        try:
            return self._result(self.run(method, positional, named))
        except OdooError as error:
            return self._error(str(error))

    def _result(self, result: Any) -> web.Response:
        return as_json({"jsonrpc": "2.0", "id": 1, "result": result})

    def _error(self, name: str) -> web.Response:
        # Its texts may quote the request, and `debug` the server's source.
        data = {"name": name, "message": "11122233396", "debug": "Traceback (most recent call"}
        error = {"code": 200, "message": "Odoo Server Error", "data": data}
        return as_json({"jsonrpc": "2.0", "id": 1, "error": error})

    def _credentials(self, password: str) -> Credentials:
        return Credentials(
            url=f"{self.url}/web/login",
            database=DATABASE,
            username=LOGIN,
            password=SecretStr(password),
        )


@dataclass
class OdooJson2Dialect(OdooDialect):
    """Odoo's JSON-2. A request must name its database when `databases` has several."""

    title: ClassVar[str] = "odoo (JSON-2)"

    databases: tuple[str, ...] = (DATABASE,)

    def __post_init__(self) -> None:
        self.fields.discard("mobile")

    def row(self, person: Person) -> dict[str, Any]:
        row = super().row(person)
        return row | {"phone": person.home or person.mobile or False}

    def credentials(self) -> Credentials:
        return Credentials(url=self.url, token=SecretStr(API_KEY))

    def wrong_credentials(self) -> Credentials:
        return Credentials(url=self.url, token=SecretStr("errada"))

    def error_inside(self) -> web.Response:
        return self._error(422, "builtins.ValueError", "11122233396")

    async def answer(self, request: web.Request) -> web.StreamResponse:
        start = f"/json/2/{MODEL}/"
        if request.method != "POST" or not request.path.startswith(start):
            return web.Response(status=404, text="<!DOCTYPE html><html></html>")
        database = request.headers.get("X-Odoo-Database", "")
        if database not in self.databases and not (not database and len(self.databases) == 1):
            return web.Response(status=404, text="<!DOCTYPE html><html></html>")
        if request.headers.get("Authorization") != f"bearer {API_KEY}":
            return self._error(401, "werkzeug.exceptions.Unauthorized", "Invalid apikey")
        named = json.loads(await request.text())
        try:
            return as_json(self.run(request.path.removeprefix(start), [], named))
        except OdooError as error:
            return self._error(422, str(error), "")

    def _error(self, status: int, name: str, message: str) -> web.Response:
        error = {"name": name, "message": message, "arguments": [], "context": {}, "debug": ""}
        return as_json(error, status=status)
