"""The adapter for Omie: finds customers, suppliers and carriers by document and lists them.

Source: the vendor's API documentation (app.omie.com.br/api/v1/geral/clientes/, ajuda.omie.com.br),
its examples and public clients of it.
"""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from pydantic import Field

from bot.domain.candidate import Candidate
from bot.domain.erp_record import ErpPage, ErpRecord
from bot.domain.errors import (
    RefusedError,
    TryLaterError,
    UnknownRefusalError,
    UnreadableError,
)
from bot.domain.registration import Kind, Status
from bot.domain.tax_id import TaxId
from erp.adapter import Adapter, Connection, Facts
from erp.answer import HttpAnswer
from erp.client import Limits, read_root
from erp.fields import Row, Text, check_total, mapping, moment, one_candidate, phone_in
from erp.paging import Cursor, page_key, same_page
from erp.records import Many, One, Record, check_brazilian, kinds_in, phones_in, read_rows
from erp.shared import mark_of

NAME: Final = "omie"
FACTS: Final = Facts(
    name=NAME,
    title="Omie",
    lists_all=True,
    lists_changes=True,
    # Times are Brazilian without a zone, and Brazil's zones are three hours apart.
    overlap=timedelta(hours=4),
)
# 240 requests a minute are allowed.
LIMITS: Final = Limits(concurrency=1, gap_s=0.26)
_URL: Final = "https://app.omie.com.br"
# The slash at the end is required.
_CUSTOMERS: Final = "geral/clientes/"
_METHOD: Final = "ListarClientes"
# The vendor advises against more than 500.
_PAGE_ROWS: Final = 200
# More records than any company keeps of one document.
_ROWS: Final = 100
# As far as documented, a new customer does not count as altered.
_PASSES: Final = ("filtrar_apenas_alteracao", "filtrar_apenas_inclusao")
# The same request is not answered twice within a minute, and repeating it gets the key blocked.
_SAME: Final = timedelta(minutes=1)
# A method works on one request at a time, also on one that we no longer wait for.
_BUSY_S: Final = 1.0
_BLOCKED_S: Final = 1800.0
_SECONDS: Final = re.compile(r"([0-9]{1,6}) *segundo")
_NOBODY: Final = re.compile(r"n[aã]o existem registros")
_CODE: Final = re.compile(r"client-([0-9]+)\b")
_BUSY: Final = re.compile(r"existe uma requisi[cç][aã]o desse m[eé]todo sendo executada")
_REPEATED: Final = re.compile(r"requisi[cç][aã]o j[aá] foi processada ou est[aá] sendo processada")
_MISUSE: Final = re.compile(r"misuse|consumo indevido")
_SUSPENDED: Final = re.compile(r"suspens|inativ|cancelad")
_WRONG_KEY: Final = re.compile(r"(chave de acesso|app[ _]?(key|secret))\b.*\b(inv[aá]lid|n[aã]o)")
_KINDS: Final = {"cliente": Kind.CUSTOMER, "fornecedor": Kind.SUPPLIER}


class Omie:
    """The Omie of one company; without a URL, the vendor's address is used.

    ERP_CLIENT_ID is the app key and ERP_CLIENT_SECRET the app secret.
    """

    def __init__(self, at: Connection, *, clock: Callable[[], float] = time.monotonic) -> None:
        at.credentials.require(NAME, "client_id", "client_secret")
        self._credentials = at.credentials
        self._timezone = at.timezone
        url = read_root(at.credentials.url.strip() or _URL, "/api/", api="/api/v1")
        # Omie refuses a second request of a method while it works on one.
        self._client = at.client(NAME, url, turn=lambda: at.gate(f"{NAME} {_METHOD}"))
        self._marks = at.marks
        self._clock = clock
        self._answered: dict[str, tuple[float, Sequence[ErpRecord]]] = {}

    async def by_tax_id(self, tax_id: TaxId) -> Candidate | None:
        """Return the candidate with this tax id, from an answer that is a minute old at most.

        Within a minute Omie does not answer the same request again. Raises TryLaterError if
        another process has asked it.
        """
        check_brazilian(NAME, tax_id)
        now = self._clock()
        self._answered = {k: kept for k, kept in self._answered.items() if now < kept[0]}
        if tax_id.number in self._answered:
            records = self._answered[tax_id.number][1]
        else:
            asked = mark_of("asked", NAME, tax_id)
            if await self._marks.has(asked):
                raise TryLaterError(
                    f"ERP {NAME} cliente: another process has asked for it a moment ago",
                    retry_after_s=_SAME.total_seconds(),
                )
            found = await self._list(
                "cliente", 1, _ROWS, {"clientesFiltro": {"cnpj_cpf": tax_id.number}}
            )
            check_total(f"ERP {NAME} cliente", found.rows, found.total)
            records = [record for row in found.rows for record in row.to_records()]
            self._answered[tax_id.number] = (self._clock() + _SAME.total_seconds(), records)
            await self._marks.put(asked, _SAME)
        return one_candidate(f"ERP {NAME} cliente", tax_id, records)

    async def page(self, cursor: str, *, since: datetime | None = None) -> ErpPage:
        """Return one page of all customers, or of the altered ones and then of the new ones."""
        at = _Cursor.read(cursor)
        asked: dict[str, str] = {}
        if since is not None:
            begin = since.astimezone(self._timezone)
            asked = {
                "filtrar_por_data_de": begin.strftime("%d/%m/%Y"),
                "filtrar_por_hora_de": begin.strftime("%H:%M:%S"),
                _PASSES[at.turn]: "S",
            }
        found = await self._list("clientes", at.number, _PAGE_ROWS, asked)
        label = f"ERP {NAME} clientes"
        key = page_key(label, found.rows, before=at.key)
        if found.rows and found.number not in (None, at.number):
            raise same_page(label)
        following: _Cursor | None = _Cursor(at.turn, at.number + 1, key)
        if not found.rows or (found.pages is not None and at.number >= found.pages):
            is_last = since is None or at.turn + 1 == len(_PASSES)
            following = None if is_last else _Cursor(at.turn + 1)
        latest = max((row.changed for row in found.rows), default="")
        local = moment(latest)
        return ErpPage(
            records=[record for row in found.rows for record in row.to_records()],
            next=str(following) if following else None,
            latest=local.replace(tzinfo=self._timezone).astimezone(UTC) if local else None,
        )

    async def probe(self) -> None:
        """Check that Omie answers and accepts the app.

        Raises TryLaterError when this was already asked within the last minute.
        """
        await self._list("probe", 1, 1)

    async def _list(
        self, what: str, number: int, rows: int, asked: Mapping[str, object] | None = None
    ) -> "_Listing":
        try:
            return await self._client.request(
                "POST",
                _CUSTOMERS,
                what=what,
                is_read=True,
                body={
                    "call": _METHOD,
                    "app_key": self._credentials.client_id.strip(),
                    "app_secret": self._credentials.client_secret.get_secret_value().strip(),
                    "param": [
                        {
                            "pagina": number,
                            "registros_por_pagina": rows,
                            "apenas_importado_api": "N",
                            **(asked or {}),
                        }
                    ],
                },
                read=_read,
            )
        except _BlockedError as error:
            # Every further request extends the block.
            await self._client.close(error.retry_after_s or _BLOCKED_S)
            raise


ADAPTER: Final = Adapter(facts=FACTS, connect=Omie, limits=LIMITS)


class _BlockedError(TryLaterError):
    """Omie has blocked this app and answers none of its requests for a while."""


@dataclass(frozen=True, slots=True)
class _Cursor(Cursor):
    turn: int = 0
    """Index in `_PASSES`, if only changes are listed."""
    number: int = 1
    key: str = ""
    """Key of the page before it."""


@dataclass(frozen=True, slots=True)
class _Listing:
    rows: Sequence["_CustomerRow"] = ()
    number: int | None = None
    pages: int | None = None
    total: int | None = None


class _TagRow(Row):
    tag: Text = None


class _TimesRow(Row):
    dInc: Text = None  # noqa: N815 - Omie's own names
    hInc: Text = None  # noqa: N815
    dAlt: Text = None  # noqa: N815
    hAlt: Text = None  # noqa: N815


class _CustomerRow(Record):
    id: Text = Field(None, alias="codigo_cliente_omie")
    razao_social: Text = None
    nome_fantasia: Text = None
    cnpj_cpf: Text = None
    exterior: Text = None
    inativo: Text = None
    telefone1_ddd: Text = None
    telefone1_numero: Text = None
    telefone2_ddd: Text = None
    telefone2_numero: Text = None
    email: Text = None
    tags: Annotated[tuple[_TagRow, ...], Many] = ()
    info: Annotated[_TimesRow, One] = _TimesRow()

    @property
    def changed(self) -> str:
        """Time of the last change or of the inclusion, as an ISO text of Omie's clock; empty if
        unknown."""
        times = self.info
        return max(_iso(times.dAlt, times.hAlt), _iso(times.dInc, times.hInc))

    def to_records(self) -> list[ErpRecord]:
        """Return this row in our terms, once for each kind that it is."""
        # The table is that of customers: a row without a tag, or with other tags, is a customer.
        return [self._record(kind) for kind in kinds_in((tag.tag for tag in self.tags), _KINDS)]

    def _record(self, kind: Kind) -> ErpRecord:
        parts = (
            (self.telefone1_ddd, self.telefone1_numero),
            (self.telefone2_ddd, self.telefone2_numero),
        )
        return ErpRecord(
            ref=self.ref(NAME),
            document=self.cnpj_cpf or "",
            is_foreign=self.exterior == "S",
            kind=kind,
            status={"S": Status.INACTIVE, "N": Status.ACTIVE}.get(self.inativo or ""),
            updated=self.changed,
            names=(self.razao_social, self.nome_fantasia),
            trade_name=self.nome_fantasia,
            phones=phones_in(*(_joined(area, number) for area, number in parts)),
            phone_texts=tuple(f"{area or ''}{number or ''}" for area, number in parts),
            email=self.email,
        )


def _joined(area: str | None, number: str | None) -> str | None:
    """Return the telephone of two fields; the second may have the area code as well."""
    # With half an area code, the first digits of the number would become the rest of it.
    has_area = sum(map(str.isdecimal, area or "")) > 1
    return phone_in(f"{area}{number or ''}" if has_area else number) or phone_in(number)


class _Paging(Row):
    pagina: Text = None
    total_de_paginas: Text = None
    total_de_registros: Text = None


class _Fault(Row):
    """An error of Omie, in either of its two forms."""

    faultstring: Text = None
    faultcode: Text = None
    description: Text = None
    code: Text = None


def _iso(date: str | None, hour: str | None) -> str:
    parts = (date or "").strip().split("/")
    at = moment(f"{'-'.join(reversed(parts))} {(hour or '').strip() or '00:00:00'}")
    return at.replace(tzinfo=None).isoformat(sep=" ") if at and len(parts) == 3 else ""


def _read(answer: HttpAnswer) -> _Listing:
    # Nearly all errors, also "no records found", are JSON with HTTP 500, so the body is read
    # first.
    try:
        document = answer.parse()
    except UnreadableError:
        answer.check()
        raise
    if isinstance(document, Mapping):
        fault = _Fault.model_validate(document)
        if fault.faultstring or fault.faultcode or fault.description:
            return _meant(answer, fault)
    answer.check()
    listing = mapping(answer.label, document)
    paging = _Paging.model_validate(listing)
    return _Listing(
        read_rows(answer.label, _CustomerRow, listing.get("clientes_cadastro")),
        _number(paging.pagina),
        _number(paging.total_de_paginas),
        _number(paging.total_de_registros),
    )


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None


def _meant(answer: HttpAnswer, fault: _Fault) -> _Listing:
    """Return an empty list when the fault means that nothing was found; else raise the error it
    means.

    Its text is not passed on: it may quote the request.
    """
    label = answer.label
    said = (fault.faultstring or fault.description or "").casefold()
    code = f"{fault.faultcode or ''} {fault.code or ''}".casefold()
    number = found[1] if (found := _CODE.search(code)) else ""
    is_misuse = answer.status == 425 or _MISUSE.search(said + code) is not None
    is_nobody = _NOBODY.search(said) is not None and number in ("", "5113")
    if is_nobody and not is_misuse and answer.status in (200, 500):
        return _Listing()
    found = _SECONDS.search(said)
    asked_s = float(found[1]) if found else answer.retry_after_s
    if is_misuse:
        raise _BlockedError(
            f"{label}: Omie has blocked this app for misuse", retry_after_s=asked_s or _BLOCKED_S
        )
    if number == "1880" or _BUSY.search(said):
        raise TryLaterError(
            f"{label}: Omie works on another request", retry_after_s=asked_s or _BUSY_S
        )
    if number in ("8020", "1100") or "redundant" in said + code or _REPEATED.search(said):
        raise TryLaterError(
            f"{label}: the same was asked a moment ago",
            retry_after_s=asked_s or _SAME.total_seconds(),
        )
    if answer.status == 429 or answer.status >= 502 or "env:server" in code:
        raise TryLaterError(f"{label}: a fault of the server", retry_after_s=asked_s)
    if number == "101" or _WRONG_KEY.search(said):
        raise RefusedError(f"{label}: the app key or the app secret is not accepted")
    if answer.status == 403 and _SUSPENDED.search(said):
        raise RefusedError(f"{label}: HTTP 403: the app is suspended")
    raise UnknownRefusalError(f"{label}: an error in place of records", retry_after_s=asked_s)
