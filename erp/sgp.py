"""The adapter for SGP (TSMX): finds customers by document and lists them.

Source: the vendor's API documentation (bookstack.sgp.net.br and its Postman collection) and public
clients of it. Suppliers are left out: the answer of their list is not documented. The status of a
customer is derived from the contracts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Final

from pydantic import BeforeValidator

from bot.domain.candidate import Candidate
from bot.domain.erp_record import ErpPage, ErpRecord
from bot.domain.errors import RefusedError, UnknownRefusalError
from bot.domain.registration import Kind, Status
from bot.domain.tax_id import TaxId
from erp.adapter import Adapter, Connection, Facts
from erp.answer import HttpAnswer
from erp.client import read_root
from erp.fields import Row, Text, check_nobody, check_total, mapping, moment, one_candidate
from erp.paging import Cursor, has_all, page_key
from erp.records import Many, One, Record, check_brazilian, phones_in, read_rows

NAME: Final = "sgp"
FACTS: Final = Facts(
    name=NAME,
    title="SGP (TSMX)",
    lists_all=True,
    lists_changes=True,
    # Its filter for changes knows only days.
    overlap=timedelta(days=1),
)
# The slash at the end is required.
_CUSTOMERS: Final = "api/ura/clientes/"
# The most rows of one answer, in look-ups too.
_PAGE_ROWS: Final = 100
# The codes of a contract and the words that are shown for them. Suspended and new customers count
# as active.
_RUNNING: Final = frozenset(("1", "ativo", "4", "suspenso", "6", "novo", "7", "ativo v. reduzida"))
_ENDED: Final = frozenset(("2", "inativo", "3", "cancelado", "5", "inviabilidade técnica"))
# Phrases in SGP's messages, and their meaning. The messages themselves are not passed on: they may
# quote the request.
_SAYINGS: Final = (
    ("incorretas", "the token or the app is not accepted (SGP minds capitals in the app's name)"),
    ("não foram fornecidas", "no token and app arrived"),
)


class Sgp:
    """The SGP of one company.

    The URL may be that of any page under /admin or /api. The client id is the name of the
    application under which SGP keeps the token ("app"), with its capitals.
    """

    def __init__(self, at: Connection) -> None:
        at.credentials.require(NAME, "url", "token", "client_id")
        self._credentials = at.credentials
        self._timezone = at.timezone
        self._client = at.client(NAME, read_root(at.credentials.url, "/admin/", "/api/"))

    async def by_tax_id(self, tax_id: TaxId) -> Candidate | None:
        """Return the candidate with this tax id, from all customers that have it.

        Customers without a contract are included.
        """
        check_brazilian(NAME, tax_id)
        asked = {"cpfcnpj": tax_id.number, "offset": 0, "limit": _PAGE_ROWS}
        found = await self._list(asked, what="cliente")
        check_total(f"ERP {NAME} cliente", found.rows, found.total)
        records = [row.to_record() for row in found.rows]
        return one_candidate(f"ERP {NAME} cliente", tax_id, records)

    async def page(self, cursor: str, *, since: datetime | None = None) -> ErpPage:
        """Return one page of customers; changes are those of whole days in the company's time
        zone."""
        at = _Cursor.read(cursor)
        asked: dict[str, object] = {"offset": at.offset, "limit": _PAGE_ROWS}
        if since is not None:
            begin = since.astimezone(self._timezone).date()
            # SGP requires both days, and its clock may be ahead of ours.
            end = datetime.now(self._timezone).date() + timedelta(days=1)
            asked["data_alteracao_inicio"] = begin.isoformat()
            asked["data_alteracao_fim"] = max(begin, end).isoformat()
        found = await self._list(asked, what="clientes")
        key = page_key(f"ERP {NAME} clientes", found.rows, before=at.key)
        following = _Cursor(at.offset + len(found.rows), key)
        is_whole = True
        if found.total is None or found.total < following.offset:
            is_last = len(found.rows) < _PAGE_ROWS
        else:
            # A short page may not be the last one: some servers give fewer rows than requested.
            is_last = not found.rows or following.offset >= found.total
            if is_last:
                is_whole = has_all(NAME, listed=following.offset, total=found.total)
        # A customer has no time of change, so there is no `latest`.
        return ErpPage(
            records=[row.to_record() for row in found.rows],
            next=None if is_last else str(following),
            is_whole=is_whole,
        )

    async def probe(self) -> None:
        """Check that SGP answers and accepts token and app."""
        await self._list({"offset": 0, "limit": 1}, what="probe")

    async def _list(self, asked: Mapping[str, object], *, what: str) -> "_Listing":
        return await self._client.request(
            "POST",
            _CUSTOMERS,
            what=what,
            is_read=True,
            body={
                "token": self._credentials.token.get_secret_value().strip(),
                "app": self._credentials.client_id.strip(),
                # Invoices would be most of an answer.
                "omitir_titulos": True,
                **asked,
            },
            read=_read,
        )


ADAPTER: Final = Adapter(facts=FACTS, connect=Sgp)


@dataclass(frozen=True, slots=True)
class _Cursor(Cursor):
    offset: int = 0
    key: str = ""
    """Key of the page before it."""


@dataclass(frozen=True, slots=True)
class _Listing:
    rows: Sequence["_CustomerRow"]
    total: int | None
    """Number of rows on all pages, if this version of SGP gives it."""


class _Paging(Row):
    total: Text = None


class _Paged(Row):
    paginacao: Annotated[_Paging, One] = _Paging()


def _texts(value: object) -> object:
    """Return the texts of contacts, which are plain texts or objects, depending on SGP's
    version."""
    found = value if isinstance(value, list) else []
    return [v.get("contato") if isinstance(v, Mapping) else v for v in found]


_Texts = Annotated[tuple[Text, ...], BeforeValidator(_texts)]


class _ContractRow(Row):
    """A contract. The ERP sends passwords with it, which are not read."""

    status: Text = None


class _ContactsRow(Row):
    celulares: _Texts = ()
    telefones: _Texts = ()
    emails: _Texts = ()


class _CustomerRow(Record):
    nome: Text = None
    cpfcnpj: Text = None
    email: Text = None
    dataCadastro: Text = None  # noqa: N815 - SGP's own name
    contatos: Annotated[_ContactsRow, One] = _ContactsRow()
    contratos: Annotated[tuple[_ContractRow, ...], Many] = ()

    def to_record(self) -> ErpRecord:
        """Return this row in our terms."""
        registered = moment(self.dataCadastro)
        return ErpRecord(
            ref=self.ref(NAME),
            document=self.cpfcnpj or "",
            kind=Kind.CUSTOMER,
            status=self._status(),
            # SGP does not give the time of change.
            updated=registered.isoformat() if registered else "",
            names=(self.nome,),
            phones=phones_in(*self.contatos.telefones, mobiles=self.contatos.celulares),
            phone_texts=(*self.contatos.telefones, *self.contatos.celulares),
            email=";".join(text for text in (*self.contatos.emails, self.email) if text) or None,
        )

    def _status(self) -> Status | None:
        # A customer has no status, only the contracts have. It stays unknown without contracts, or
        # with a word that is not documented.
        said = {(contract.status or "").strip().casefold() for contract in self.contratos}
        if said & _RUNNING:
            return Status.ACTIVE
        return Status.INACTIVE if said and said <= _ENDED else None


def _read(answer: HttpAnswer) -> _Listing:
    label = answer.label
    if answer.status == 403 and answer.text_at("detail"):
        raise RefusedError(f"{label}: HTTP 403: {_meaning(answer)}")
    document = answer.json()
    if isinstance(document, list):
        # Some versions return only the records.
        return _Listing(read_rows(label, _CustomerRow, document), None)
    listing = mapping(label, document)
    if "clientes" not in listing and "detail" in listing:
        raise UnknownRefusalError(f"{label}: an error in place of records")
    total = _Paged.model_validate(listing).paginacao.total or ""
    rows = read_rows(label, _CustomerRow, listing.get("clientes"))
    if not rows:
        check_nobody(label, listing)
    return _Listing(rows, int(total) if total.isdecimal() else None)


def _meaning(answer: HttpAnswer) -> str:
    said = answer.text_at("detail")
    other = "the token may be limited to other hosts or routes"
    return next((meaning for phrase, meaning in _SAYINGS if phrase in said), other)
