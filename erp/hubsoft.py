"""The adapter for HubSoft: finds customers by document and lists them.

Source: the vendor's API documentation (api-hubsoft.readthedocs.io, hubsoftbrasil/api) and public
clients of it. It documents neither suppliers nor a filter by time of change. Customers have no
status of their own: it is derived from their services.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

from pydantic import Field

from bot.domain.candidate import Candidate
from bot.domain.erp_record import ErpPage, ErpRecord, first
from bot.domain.errors import RefusedError, UnreadableError
from bot.domain.registration import Kind, Status
from bot.domain.tax_id import TaxId
from erp.adapter import Adapter, Connection, Facts
from erp.answer import HttpAnswer
from erp.client import read_root
from erp.fields import Fields, Row, Text, mapping, one_candidate
from erp.login import TokenClient, access_token
from erp.paging import Cursor, page_key, same_page, warn_if_fewer
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
_ENDED: Final = frozenset(("cancelado", "inativo"))
# Customers who are suspended or wait for the installation count as active.
_RUNNING: Final = frozenset(
    (
        "servico_habilitado",
        "suspenso_debito",
        "suspenso_parcialmente",
        "suspenso_pedido_cliente",
    )
)


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
        rows = await self._api.get(
            _CUSTOMER,
            {
                "busca": "cpf_cnpj",
                "termo_busca": tax_id.number,
                "limit": str(_ROWS),
                # Without these two, HubSoft leaves out former customers.
                "cancelado": "sim",
                "inativo": "todos",
            },
            what="cliente",
            read=_customers,
        )
        return one_candidate(f"ERP {NAME} cliente", tax_id, [row.to_record() for row in rows])

    async def page(self, cursor: str, *, since: datetime | None = None) -> ErpPage:
        """Return one page of all customers, in HubSoft's own order.

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
                "cancelado": "sim",
            },
            what="todos",
            read=_listing,
        )
        if not cursor and paging.number("primeira_pagina", label) > at.number:
            # The documentation says 0, but some servers begin with 1.
            at = _Cursor(paging.number("primeira_pagina", label))
            if paging.number("pagina_atual", label) < at.number:
                return ErpPage(records=(), next=str(at))
        key = page_key(label, rows, before=at.key)
        if paging.number("pagina_atual", label) != at.number:
            raise same_page(label)
        following = _Cursor(at.number + 1, at.count + len(rows), key)
        total = paging.number("total_registros", label)
        is_last = at.number >= paging.number("ultima_pagina", label) or not total
        if not rows and not is_last:
            raise UnreadableError(f"{label}: an empty page before the last one")
        if is_last:
            warn_if_fewer(NAME, listed=following.count, total=total)
        return ErpPage(
            records=[row.to_record() for row in rows], next=None if is_last else str(following)
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
            read=lambda answer: access_token(answer.label, _accepted(answer)),
        )


ADAPTER: Final = Adapter(facts=FACTS, connect=HubSoft)


@dataclass(frozen=True, slots=True)
class _Cursor(Cursor):
    number: int = 0
    count: int = 0
    """Number of rows on the pages before it."""
    key: str = ""
    """Key of the page before it."""


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

    def to_record(self) -> ErpRecord:
        """Return this row in our terms."""
        return ErpRecord(
            ref=self.ref(NAME),
            document=self.cpf_cnpj or "",
            kind=Kind.CUSTOMER,
            status=self._status(),
            # HubSoft does not give the time of change.
            updated=self.data_cadastro or "",
            names=(self.nome_razaosocial, self.nome_fantasia),
            trade_name=self.nome_fantasia,
            phones=phones_in(
                self.telefone_primario, self.telefone_secundario, self.telefone_terciario
            ),
            email=first((self.email_principal, self.email_secundario)),
        )

    def _status(self) -> Status | None:
        # A customer has no status, only the services have. It stays unknown without services, or
        # with a word that is not documented.
        said = {service.status_prefixo or "" for service in self.servicos}
        if any(word in _RUNNING or word.startswith("aguardando_") for word in said):
            return Status.ACTIVE
        return Status.INACTIVE if said and said <= _ENDED else None


def _accepted(answer: HttpAnswer) -> Fields:
    # Success is misspelled in places ("suscess"), errors never. The error's text may quote the
    # document that was asked for.
    accepted = answer.fields()
    if accepted.get("status") == "error":
        raise RefusedError(f"{answer.label}: an error in place of records")
    return accepted


def _customers(answer: HttpAnswer) -> Sequence[_CustomerRow]:
    return read_rows(answer.label, _CustomerRow, _accepted(answer).get("clientes"))


def _listing(answer: HttpAnswer) -> tuple[Sequence[_CustomerRow], _Paging]:
    found = _accepted(answer)
    rows = read_rows(answer.label, _CustomerRow, found.get("clientes"))
    return rows, _Paging.model_validate(mapping(answer.label, found.get("paginacao")))
