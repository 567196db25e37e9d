"""The demo ERP's own screen: search, edit, add and delete customers and suppliers.

Each saved record gets a new `ultima_atualizacao`, so that the next quick sync finds it.
"""

import json
import unicodedata
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from aiohttp import web

from bot.demo.ixc.records import Row, customer, supplier
from bot.demo.own_page import PageFiles
from bot.domain.phone import read_phone, show_phone
from bot.domain.registration import read_email, read_name
from bot.domain.tax_id import CPF_LENGTH, Reason, TaxId, read_tax_id

STATIC: Final = Path(__file__).parent / "static"
# IXC writes its own local time, without a time zone.
_ZONE: Final = ZoneInfo("America/Sao_Paulo")
_SHOWN: Final = 200
_GONE: Final = "Este cadastro não existe mais. Atualize a lista."
_REASONS: Final = {
    Reason.CHECK_DIGITS: "Os dígitos verificadores não conferem: confira o número.",
    Reason.REPEATED: "Um CPF ou CNPJ não pode ter todos os dígitos iguais.",
    Reason.AMBIGUOUS: "Há mais de um número aqui: digite só um CPF ou CNPJ.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """The columns of one table that the screen shows."""

    make: Callable[..., Row]
    document: str
    mobile: str


_TABLES: Final[Mapping[str, _Table]] = {
    "cliente": _Table(make=customer, document="cnpj_cpf", mobile="telefone_celular"),
    "fornecedor": _Table(make=supplier, document="cpf_cnpj", mobile="celular"),
}


class _BadInputError(Exception):
    """An input that cannot be saved; the text is for the user."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field


class ErpPage:
    """Serves the screen and changes the tables for it."""

    def __init__(self, tables: dict[str, list[Row]]) -> None:
        self._tables = tables
        self._files = PageFiles(STATIC, index="erp.html")
        self._last_ids = dict.fromkeys(_TABLES, 0)

    def add_routes(self, app: web.Application) -> None:
        app.middlewares.append(_bad_input)
        self._files.add_routes(app)
        router = app.router
        router.add_get("/demo/records", self._list)
        router.add_post("/demo/records", self._add)
        router.add_put("/demo/records/{table}/{id}", self._change)
        router.add_delete("/demo/records/{table}/{id}", self._delete)

    async def _list(self, request: web.Request) -> web.Response:
        """Return the records that match ?search=, sorted by name, at most `_SHOWN`.

        Searches name, document, telephone and address, in ?table= or in both tables.
        """
        wanted = request.query.get("table")
        words = _folded(request.query.get("search", "")).split()
        found = [
            record
            for table, row in self._rows()
            if wanted in (None, "", table)
            for record in (_shown(table, row),)
            if all(word in _searched(record) for word in words)
        ]
        found.sort(key=lambda record: (_folded(record["name"]), record["table"], record["id"]))
        return web.json_response({"total": len(found), "records": found[:_SHOWN]})

    async def _add(self, request: web.Request) -> web.Response:
        values = await _body(request)
        table = _text(values, "table")
        if table not in _TABLES:
            raise _BadInputError("table", "Escolha entre cliente e fornecedor.")
        columns = _TABLES[table]
        typed = _columns_of(values, table, {})
        tax_id = _read_document(values.get("document", ""))
        row = columns.make(
            self._next_id(table),
            typed.pop("razao"),
            tax_id.masked,
            tipo_pessoa="F" if len(tax_id.number) == CPF_LENGTH else "J",
            ultima_atualizacao=_now(),
            **typed,
        )
        self._tables[table].append(row)
        return web.json_response(_shown(table, row), status=201)

    async def _change(self, request: web.Request) -> web.Response:
        values = await _body(request)
        table, place = self._place(request)
        row = self._tables[table][place]
        changed = {**row, **_columns_of(values, table, row)}
        if changed != row:
            changed["ultima_atualizacao"] = _now()
        self._tables[table][place] = changed
        return web.json_response(_shown(table, changed))

    async def _delete(self, request: web.Request) -> web.Response:
        table, place = self._place(request)
        # MySQL never uses an id twice.
        self._last_ids[table] = self._next_id(table) - 1
        del self._tables[table][place]
        return web.Response(status=204)

    def _rows(self) -> Iterator[tuple[str, Row]]:
        return ((table, row) for table in _TABLES for row in self._tables[table])

    def _place(self, request: web.Request) -> tuple[str, int]:
        table, number = request.match_info["table"], request.match_info["id"]
        for place, row in enumerate(self._tables[table] if table in _TABLES else ()):
            if row["id"] == number:
                return table, place
        text = json.dumps({"error": _GONE}, ensure_ascii=False)
        raise web.HTTPNotFound(text=text, content_type="application/json")

    def _next_id(self, table: str) -> int:
        ids = (int(row["id"]) for row in self._tables[table])
        return max((self._last_ids[table], *ids)) + 1


def _shown(table: str, row: Row) -> dict[str, Any]:
    columns = _TABLES[table]
    tax_id = read_tax_id(row[columns.document])
    return {
        "table": table,
        "id": row["id"],
        "name": row["razao"],
        "document": tax_id.masked if isinstance(tax_id, TaxId) else row[columns.document],
        "mobile": row[columns.mobile],
        "email": row["email"],
        "is_active": row["ativo"] == "S",
        "updated": row["ultima_atualizacao"],
    }


def _searched(record: Mapping[str, Any]) -> str:
    """Return all searchable text of a record, with numbers both punctuated and bare."""
    numbers = [record["document"], record["mobile"]]
    bare = ["".join(c for c in number if c.isalnum()) for number in numbers]
    return _folded(" ".join([record["name"], record["email"], *numbers, *bare]))


def _folded(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text.casefold())
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def _columns_of(values: Mapping[str, Any], table: str, row: Row) -> Row:
    """Return the typed values as columns of the table; raises _BadInputError.

    row: the row before the change. Unchanged values are not validated, because an ERP has rows
    older than its rules.
    """
    columns = _TABLES[table]
    name = read_name(_text(values, "name"))
    if not name:
        raise _BadInputError("name", "Digite o nome.")
    return {
        "razao": name,
        columns.mobile: _read_mobile(_text(values, "mobile"), row.get(columns.mobile, "")),
        "email": _read_email(_text(values, "email"), row.get("email", "")),
        "ativo": "S" if values.get("is_active", True) else "N",
    }


def _text(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name, "")
    return value.strip() if isinstance(value, str) else ""


def _read_mobile(text: str, before: str) -> str:
    if text in ("", before):
        return text
    phone = read_phone(text)
    if phone is None:
        raise _BadInputError("mobile", "Digite o celular com DDD, como (49) 99999-8888.")
    return show_phone(phone)


def _read_email(text: str, before: str) -> str:
    if text in ("", before):
        return text
    email = read_email(text)
    if email is None:
        raise _BadInputError("email", "Este e-mail não parece certo: confira o endereço.")
    return email


def _read_document(text: object) -> TaxId:
    tax_id = read_tax_id(text) if isinstance(text, str) else None
    if isinstance(tax_id, TaxId):
        return tax_id
    default = "Digite um CPF (11 dígitos) ou um CNPJ (14 caracteres)."
    reason = tax_id.reason if tax_id else Reason.NOTHING
    raise _BadInputError("document", _REASONS.get(reason, default))


def _now() -> str:
    return datetime.now(_ZONE).strftime("%Y-%m-%d %H:%M:%S")


async def _body(request: web.Request) -> Mapping[str, Any]:
    # Another site's form cannot send this content type without a preflight request.
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="application/json expected")
    try:
        body = await request.json()
    except ValueError as error:
        raise web.HTTPBadRequest(text="not JSON") from error
    if not isinstance(body, dict):
        raise web.HTTPBadRequest(text="an object is expected")
    return body


@web.middleware
async def _bad_input(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Answer what a person entered wrongly with the reason and the field."""
    try:
        return await handler(request)
    except _BadInputError as error:
        return web.json_response({"error": str(error), "field": error.field}, status=400)
