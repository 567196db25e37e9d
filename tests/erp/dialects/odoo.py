"""Odoo's two dialects: JSON-RPC, where errors come with HTTP 200, and JSON-2 of version 19."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import eq, ge, gt, ne
from typing import Any, ClassVar

from aiohttp import web
from pydantic import SecretStr

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
    masked,
)

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
    "is_company",
    "write_date",
    "customer_rank",
    "supplier_rank",
    "country_code",
    "signup_token",
}


def _matches(has: Any, pattern: str) -> bool:
    parts = (re.escape(part) for part in pattern.split("%"))
    return bool(has) and re.fullmatch(".*".join(parts), has, re.IGNORECASE | re.DOTALL) is not None


_OPERATORS = {
    "=": eq,
    "!=": ne,
    ">": gt,
    ">=": ge,
    "in": lambda has, values: has in values,
    "=ilike": _matches,
}


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
            return {
                name: {"type": "char", "searchable": name != "country_code"}
                for name in self.fields
            }
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
        is_lookup = any(leaf[1:2] == ["=ilike"] for leaf in domain)
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
            "vat": person.written
            or (masked(person.document) if person.id % 2 else person.document),
            "phone": person.home or False,
            "mobile": person.mobile or False,
            "email": person.email or False,
            "active": person.is_active,
            "comment": "<p>paga em dia</p>",
            "parent_id": False,
            "is_company": len(person.document) == 14,
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
        if isinstance(has, list):
            has = has[0]
        if name == "write_date":
            # Odoo stores microseconds but does not show them.
            has = datetime.fromisoformat(has).replace(microsecond=500_000, tzinfo=UTC)
            value = datetime.fromisoformat(value).replace(tzinfo=UTC)
        return bool(_OPERATORS[operator](has, value))


def _error(name: str) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "error": {"code": 200, "data": {"name": name}}}


@dataclass
class OdooRpcDialect(OdooDialect):
    """Odoo's JSON-RPC. `password` is the accepted secret, a password or an API key."""

    title: ClassVar[str] = "odoo (JSON-RPC)"
    answers: ClassVar[Sequence[Answer]] = (
        known(200, {"jsonrpc": "2.0", "id": 1, "result": []}, Meaning.NOBODY),
        known(200, {"jsonrpc": "2.0", "id": 1, "result": False}, Meaning.UNREADABLE),
        known(200, _error("odoo.exceptions.AccessDenied"), Meaning.REFUSED),
        known(200, _error("odoo.exceptions.AccessError"), Meaning.REFUSED),
        known(200, _error("odoo.exceptions.MissingError"), Meaning.LATER),
        known(200, _error("psycopg2.OperationalError"), Meaning.LATER),
        known(200, _error("builtins.ValueError"), Meaning.LATER),
        known(404, "<html>404</html>", Meaning.LATER),
    )

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
    answers: ClassVar[Sequence[Answer]] = (
        known(200, [], Meaning.NOBODY),
        known(401, {"name": "werkzeug.exceptions.Unauthorized"}, Meaning.REFUSED),
        known(403, {"name": "odoo.exceptions.AccessError"}, Meaning.REFUSED),
        known(403, "<html>403</html>", Meaning.LATER),
        known(404, "<html>404</html>", Meaning.REFUSED),
        known(422, {"name": "builtins.ValueError"}, Meaning.LATER),
        known(500, {"name": "psycopg2.OperationalError"}, Meaning.LATER),
    )

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
