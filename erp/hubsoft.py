"""The adapter for HubSoft: finds customers by document and lists them.

Source: the vendor's API documentation (api-hubsoft.readthedocs.io, hubsoftbrasil/api) and public
clients of it. It documents neither suppliers nor a filter by time of change. Customers have no
status of their own: it is derived from their services.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Final

from pydantic import Field

from bot.domain.candidate import Candidate
from bot.domain.erp_record import ErpPage, ErpRecord, first
from bot.domain.errors import RefusedError, UnknownRefusalError, UnreadableError
from bot.domain.registration import Kind, Status
from bot.domain.tax_id import TaxId
from erp.adapter import Adapter, Connection, Facts
from erp.answer import HttpAnswer, UnauthorizedError
from erp.client import read_root
from erp.fields import Fields, Row, Text, check_nobody, mapping, one_candidate
from erp.login import TokenClient, access_token, refuses_login
from erp.paging import Cursor, has_all, page_key, same_page
from erp.records import Many, Record, check_brazilian, phones_in, read_rows

NAME: Final = "hubsoft"
FACTS: Final = Facts(name=NAME, title="HubSoft", lists_all=True, lists_changes=False)
_LOGIN: Final = "oauth/token"
_CUSTOMER: Final = "api/v1/integracao/cliente"
_EVERYBODY: Final = "api/v1/integracao/cliente/todos"
# The most rows that a search answers; by default, five.
_ROWS: Final = 100
# 500 are allowed, but a row contains all services of a customer.
_PAGE_ROWS: Final = 200
# The beginning of "success", also where it is misspelled ("suscess").
_SUCCESS: Final = ("suc", "susc")
_CANCELLED: Final = "cancelado"
_ENDED: Final = frozenset((_CANCELLED, "inativo"))
# Customers who are suspended or wait for the installation count as active.
_RUNNING: Final = frozenset(
    (
        "servico_habilitado",
        "suspenso_debito",
        "suspenso_parcialmente",
        "suspenso_pedido_cliente",
        "franquia_excedida",
        "agendado_para_instalacao",
    )
)


# The parameter `cancelado`: with "nao" HubSoft leaves out former customers. With "sim" it lists
# them too or lists only them, as the documentation can be read both ways; so both are asked for.
_FORMER: Final = ("sim", "nao")


class HubSoft:
    """The HubSoft of one company; the URL may be that of any page under /api or /oauth."""

    def __init__(self, at: Connection) -> None:
        at.credentials.require(NAME, "url", "client_id", "client_secret", "username", "password")
        self._credentials = at.credentials
        self._client = at.client(NAME, read_root(at.credentials.url, "/api/", "/oauth/"))
        self._api = TokenClient(self._client, self._log_in)

    async def by_tax_id(self, tax_id: TaxId) -> Candidate | None:
        """Return the candidate with this tax id, from all customers that have it."""
        check_brazilian(NAME, tax_id)
        rows: list[_CustomerRow] = []
        for former in _FORMER:
            rows += await self._api.get(
                _CUSTOMER,
                {
                    "busca": "cpf_cnpj",
                    "termo_busca": tax_id.number,
                    "limit": str(_ROWS),
                    "cancelado": former,
                    "inativo": "todos",
                },
                what="cliente",
                read=_customers,
            )
        records = [row.to_record() for row in _joined(rows)]
        return one_candidate(f"ERP {NAME} cliente", tax_id, records)

    async def page(self, cursor: str, *, since: datetime | None = None) -> ErpPage:
        """Return one page of all customers, in HubSoft's own order; it may be empty although more
        follow.

        The API does not document if this list has customers whose own record (not only their
        services) is inactive: the parameter for them belongs to the search.
        """
        if since is not None:
            raise RefusedError(f"ERP {NAME}: no list of changes: the API documents none")
        at = _Cursor.read(cursor)
        label = f"ERP {NAME} todos"
        rows, paging = await self._api.get(
            _EVERYBODY,
            {
                "pagina": str(at.number),
                "itens_por_pagina": str(_PAGE_ROWS),
                "cancelado": _FORMER[at.turn],
            },
            what="todos",
            read=_listing,
        )
        first_page, number = (paging.number(n, label) for n in ("primeira_pagina", "pagina_atual"))
        if at.number == 0 < first_page:
            # The documentation says 0, but some servers begin with 1.
            at = replace(at, number=first_page)
            if number < first_page:
                return ErpPage(records=(), next=str(at))
        key = page_key(label, rows, before=at.key)
        if number != at.number:
            raise same_page(label)
        total = paging.number("total_registros", label)
        if at.turn and at.number == first_page and total <= at.present:
            # The first turn has listed them all.
            return ErpPage(records=(), next=None)
        count = at.count + len(rows)
        present = at.present + sum(not row.is_former for row in rows)
        is_whole = True
        following: _Cursor | None = _Cursor(at.number + 1, count, key or at.key, at.turn, present)
        if at.number >= paging.number("ultima_pagina", label):
            # Pages may be short or empty in the middle; only the last one is the end.
            is_whole = has_all(NAME, listed=count, total=total)
            missing = max(total - count, 0)
            following = None if at.turn else _Cursor(turn=1, present=present + missing)
        return ErpPage(
            records=[row.to_record() for row in rows],
            next=str(following) if following else None,
            is_whole=is_whole,
        )

    async def probe(self) -> None:
        """Check that HubSoft answers and accepts the login."""
        asked = {"pagina": "0", "itens_por_pagina": "1"}
        await self._api.get(_EVERYBODY, asked, what="probe", read=_customers)

    async def _log_in(self) -> str:
        # There is a refresh_token too, but its use is not documented; a token lasts 30 days.
        own = self._credentials
        return await self._client.request(
            "POST",
            _LOGIN,
            what="login",
            is_read=True,
            body={
                "grant_type": "password",
                "client_id": own.client_id.strip(),
                "client_secret": own.client_secret.get_secret_value(),
                "username": own.username.strip(),
                "password": own.password.get_secret_value(),
            },
            read=_token,
        )


ADAPTER: Final = Adapter(facts=FACTS, connect=HubSoft)


@dataclass(frozen=True, slots=True)
class _Cursor(Cursor):
    number: int = 0
    count: int = 0
    """Number of rows on the pages before it, in this turn."""
    key: str = ""
    """Key of the last page before it that was not empty."""
    turn: int = 0
    """Index in `_FORMER`."""
    present: int = 0
    """How many of the rows of the first turn are no former customers, or may be none because they
    were counted and not listed."""


class _Paging(Row):
    primeira_pagina: Text = None
    ultima_pagina: Text = None
    pagina_atual: Text = None
    total_registros: Text = None

    def number(self, name: str, label: str) -> int:
        """Return one of the fields as a number; raises UnreadableError when it holds none."""
        text = getattr(self, name) or ""
        if not text.isdecimal():
            raise UnreadableError(f"{label}: {name} is not a number")
        return int(text)


class _ServiceRow(Row):
    """A service. The ERP sends a login and a password with it, which are not read."""

    status_prefixo: Text = None


class _CustomerRow(Record):
    id: Text = Field(None, alias="id_cliente")
    nome_razaosocial: Text = None
    nome_fantasia: Text = None
    cpf_cnpj: Text = None
    telefone_primario: Text = None
    telefone_secundario: Text = None
    telefone_terciario: Text = None
    email_principal: Text = None
    email_secundario: Text = None
    data_cadastro: Text = None
    servicos: Annotated[tuple[_ServiceRow, ...], Many] = ()

    @property
    def is_former(self) -> bool:
        """True if all services are cancelled, so that HubSoft may leave out the customer."""
        return bool(self.servicos) and all(
            service.status_prefixo == _CANCELLED for service in self.servicos
        )

    def to_record(self) -> ErpRecord:
        """Return this row in our terms."""
        phones = (self.telefone_primario, self.telefone_secundario, self.telefone_terciario)
        return ErpRecord(
            ref=self.ref(NAME),
            document=self.cpf_cnpj or "",
            kind=Kind.CUSTOMER,
            status=self._status(),
            # HubSoft does not give the time of change.
            updated=self.data_cadastro or "",
            names=(self.nome_razaosocial, self.nome_fantasia),
            trade_name=self.nome_fantasia,
            phones=phones_in(*phones),
            phone_texts=phones,
            email=first((self.email_principal, self.email_secundario)),
        )

    def _status(self) -> Status | None:
        # A customer has no status, only the services have. It stays unknown without services, or
        # with a word that is not documented.
        said = {service.status_prefixo or "" for service in self.servicos}
        if any(word in _RUNNING or word.startswith("aguardando_") for word in said):
            return Status.ACTIVE
        return Status.INACTIVE if said and said <= _ENDED else None


def _joined(rows: Sequence[_CustomerRow]) -> Sequence[_CustomerRow]:
    """Return the rows, those of one customer joined into one with the services of all."""
    by_id: dict[str | None, _CustomerRow] = {}
    for row in rows:
        known = by_id.get(row.id)
        services = (*known.servicos, *row.servicos) if known else row.servicos
        by_id[row.id] = row.model_copy(update={"servicos": services})
    return list(by_id.values())


def _accepted(answer: HttpAnswer) -> Fields:
    # The text of an error may quote the document that was asked for.
    accepted = answer.fields()
    status = accepted.get("status", _SUCCESS[0])
    if not isinstance(status, str) or not status.casefold().startswith(_SUCCESS):
        raise UnknownRefusalError(f"{answer.label}: an error in place of records")
    return accepted


def _token(answer: HttpAnswer) -> str:
    if refuses_login(answer):
        raise UnauthorizedError(
            f"{answer.label}: HTTP {answer.status}:"
            " client id, client secret, user or password not accepted"
        )
    return access_token(answer.label, _accepted(answer))


def _customers(answer: HttpAnswer) -> Sequence[_CustomerRow]:
    found = _accepted(answer)
    rows = read_rows(answer.label, _CustomerRow, found.get("clientes"))
    if not rows and "status" not in found:
        raise UnreadableError(f"{answer.label}: no records, and not said that it is a success")
    if not rows:
        check_nobody(answer.label, found)
    return rows


def _listing(answer: HttpAnswer) -> tuple[Sequence[_CustomerRow], _Paging]:
    found = _accepted(answer)
    rows = read_rows(answer.label, _CustomerRow, found.get("clientes"))
    return rows, _Paging.model_validate(mapping(answer.label, found.get("paginacao")))
