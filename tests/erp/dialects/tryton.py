"""Tryton's two dialects, 7.0 and 8.0, recorded from the real servers."""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import eq, ge, gt
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

DATABASE, LOGIN, PASSWORD = "erp", "balcao", "senha-do-tryton"


def _matches(has: str, pattern: str) -> bool:
    parts = (re.escape(part) for part in pattern.split("%"))
    return re.fullmatch(".*".join(parts), has, re.IGNORECASE | re.DOTALL) is not None


_OPERATORS = {
    "=": eq,
    ">": gt,
    ">=": ge,
    "in": lambda has, values: has in values,
    "ilike": _matches,
}
_PAGE = "<!doctype html>\n<html lang=en>\n<title>Error</title>\n"
_PARTS = ("year", "month", "day", "hour", "minute", "second", "microsecond")


@dataclass
class TrytonDialect(Dialect):
    """The base of both dialects; `sessions` holds the accepted keys."""

    name: ClassVar[str] = "tryton"
    version: ClassVar[str]
    face: ClassVar[str]
    """The end of the path of every call."""

    answers: ClassVar[Sequence[Answer]] = (
        known(200, {"id": 1, "result": []}, Meaning.NOBODY),
        known(200, {"id": 1, "result": None}, Meaning.UNREADABLE),
        known(200, {"id": 1, "error": ["LoginException", ["password"]]}, Meaning.REFUSED),
        known(200, {"id": 1, "error": ["'party.party'", ""]}, Meaning.REFUSED),
        known(200, {"id": 1, "error": ["UserError", ["?", "", None]]}, Meaning.LATER),
        known(401, "", Meaning.REFUSED),
        known(403, _PAGE, Meaning.REFUSED),
        known(404, _PAGE, Meaning.REFUSED),
        known(405, _PAGE, Meaning.REFUSED),
        known(503, _PAGE, Meaning.LATER),
    )

    sessions: list[str] = field(default_factory=list)
    calls: list[tuple[str, list[Any]]] = field(default_factory=list)
    more: dict[int, dict[str, Any]] = field(default_factory=dict)
    """Values that replace fields of the rows, by id."""

    def credentials(self) -> Credentials:
        return self._credentials(PASSWORD)

    def wrong_credentials(self) -> Credentials:
        return self._credentials("errada")

    def error_inside(self) -> web.Response:
        # Such texts may quote the request.
        return as_json({"id": 1, "error": ["UserError", ["11122233396", "", None]]})

    def is_login(self, request: web.Request) -> bool:
        return "Authorization" not in request.headers

    async def answer(self, request: web.Request) -> web.StreamResponse:
        where = request.path.removeprefix("/")
        if where not in (self.face, f"{DATABASE}/{self.face}"):
            return self.other_path(where)
        call = json.loads(await request.text())
        if call.keys() != {"id", "method", "params"}:
            return web.Response(status=422, text=_PAGE, content_type="text/html")
        method, params = call["method"], call["params"]
        self.calls.append((method, params))
        if where == self.face:
            return as_json({"id": 1, "result": self.version})
        if method == "common.db.login":
            if params[:2] != [LOGIN, {"password": PASSWORD}]:
                return web.Response(status=401, text=_PAGE, content_type="text/html")
            self.sessions.append(f"{len(self.sessions):064x}")
            return as_json({"id": 1, "result": self.login_result(self.sessions[-1])})
        text = request.headers.get("Authorization", "").removeprefix("Session ")
        login, user, key = base64.b64decode(text).decode().split(":")
        if (login, user) != (LOGIN, "1") or key not in self.sessions:
            # The answer has no body at all.
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="Tryton"'})
        if method == "model.party.party.search":
            return as_json({"id": 1, "result": [person.id for person in self.people[:1]]})
        if method != "model.party.party.search_read":
            return web.Response(status=403, text=_PAGE, content_type="text/html")
        return as_json({"id": 1, **self._search_read(params)})

    def other_path(self, where: str) -> web.Response:
        """Return the answer to a path that belongs to another version."""
        raise NotImplementedError

    def login_result(self, key: str) -> list[Any]:
        """Return the result of a login."""
        raise NotImplementedError

    def code(self, document: str) -> str:
        """Return the document as this version stores it."""
        raise NotImplementedError

    def columns(self, person: Person) -> dict[str, Any]:
        """Return the values of one person that a domain may name."""
        made = person.changed.astimezone(UTC)
        return {
            "id": person.id,
            "active": person.is_active,
            "identifiers.code": person.written or self.code(person.document),
            **{
                f"{of}{date}": made
                for of in ("", "identifiers.", "contact_mechanisms.")
                for date in ("create_date", "write_date")
            },
        }

    def _search_read(self, params: list[Any]) -> dict[str, Any]:
        domain, offset, limit, order, names, context = params
        if not self.people:
            return {"result": []}
        known = self.columns(self.people[0])
        asked = {leaf[0] for leaf in _leaves(domain)}
        if unknown := sorted(asked - known.keys()):
            return {"error": [f"'{unknown[0].rpartition('.')[2]}'", ""]}
        if order != [["id", "ASC"]]:
            return {"error": ["UserError", ["", "", None]]}
        people = sorted(self.people, key=lambda person: person.id)
        if "active" not in asked and context.get("active_test", True):
            people = [person for person in people if person.is_active]
        is_lookup = any(name.startswith("identifiers.code") for name in asked)
        turned = self.trouble is Trouble.OTHER_DOCUMENT and is_lookup
        if self.trouble is Trouble.SAME_PAGE:
            domain = [leaf for leaf in domain if leaf[0] != "id"]
        found = [p for p in people if _holds(domain, self.columns(p)) is not turned]
        rows = [self._row(person) for person in found[offset : offset + limit]]
        wanted = {"id", *(n.partition(".")[0] + "." if "." in n else n for n in names)}
        return {"result": [{name: row[name] for name in wanted} for row in rows]}

    def _row(self, person: Person) -> dict[str, Any]:
        columns = self.columns(person)
        dates = {name: _datetime_cell(columns[name]) for name in ("create_date", "write_date")}
        kind = "br_cpf" if len(person.document) == 11 else "br_vat"
        code = person.written or self.code(person.document)
        contacts = {"mobile": person.mobile, "phone": person.home, "email": person.email}
        category = "Supplier" if person.kind is Kind.SUPPLIER else "Customer"
        row = {
            "id": person.id,
            "name": person.name,
            "active": int(person.is_active),
            **dates,
            "identifiers.": [{"id": person.id, "type": kind, "code": code, "active": 1, **dates}],
            "contact_mechanisms.": [
                {"id": person.id * 10 + n, "type": type_, "value": value, "active": 1, **dates}
                for n, (type_, value) in enumerate(contacts.items())
                if value
            ],
            "categories.": [{"id": 1, "name": category}],
        }
        return row | self.more.get(person.id, {})

    def _credentials(self, password: str) -> Credentials:
        return Credentials(
            url=self.url, database=DATABASE, username=LOGIN, password=SecretStr(password)
        )


@dataclass
class Tryton7Dialect(TrytonDialect):
    title: ClassVar[str] = "tryton 7.0"
    version: ClassVar[str] = "7.0.59"
    face: ClassVar[str] = ""

    def other_path(self, where: str) -> web.Response:
        # The path names a database, which needs a login first.
        return web.Response(status=401)

    def login_result(self, key: str) -> list[Any]:
        return [1, key]

    def code(self, document: str) -> str:
        # Stored as typed: some with punctuation, some without.
        return masked(document) if sum(document.encode()) % 2 else document

    def columns(self, person: Person) -> dict[str, Any]:
        return super().columns(person) | {"write_date": None}


@dataclass
class Tryton8Dialect(TrytonDialect):
    title: ClassVar[str] = "tryton 8.0"
    version: ClassVar[str] = "8.0"
    face: ClassVar[str] = "rpc/"

    def other_path(self, where: str) -> web.Response:
        return web.Response(status=405, text=_PAGE, content_type="text/html")

    def login_result(self, key: str) -> list[Any]:
        return [1, key, None]

    def code(self, document: str) -> str:
        return masked(document)

    def columns(self, person: Person) -> dict[str, Any]:
        return super().columns(person) | {
            "identifiers.code_compact": person.written or person.document
        }


def _datetime_cell(at: datetime | None) -> Mapping[str, Any] | None:
    if at is None:
        return None
    return {"__class__": "datetime", **{part: getattr(at, part) for part in _PARTS}}


def _leaves(domain: Sequence[Any]) -> list[Any]:
    if domain and isinstance(domain[0], str) and domain[0] != "OR":
        return [domain]
    return [leaf for term in domain if term != "OR" for leaf in _leaves(term)]


def _holds(domain: Sequence[Any], columns: Mapping[str, Any]) -> bool:
    if domain and domain[0] == "OR":
        return any(_holds(term, columns) for term in domain[1:])
    if domain and isinstance(domain[0], str):
        name, operator, value = domain
        if isinstance(value, dict):
            value = datetime(**{part: value[part] for part in _PARTS}, tzinfo=UTC)
        # As in SQL, NULL is neither equal nor later.
        return columns[name] is not None and bool(_OPERATORS[operator](columns[name], value))
    return all(_holds(term, columns) for term in domain)
