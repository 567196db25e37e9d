"""The adapter for HubSoft: finds customers by document and lists them.

Source: the vendor's API documentation (api-hubsoft.readthedocs.io, hubsoftbrasil/api) and public
clients of it. It documents neither suppliers nor a filter by time of change. Customers have no
status of their own: it is derived from their services.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final

import structlog
from pydantic import BeforeValidator
from yarl import URL

from bot.domain.candidate import Candidate
from bot.domain.erp_record import ErpPage, ErpRecord, first
from bot.domain.errors import RefusedError, UnreadableError
from bot.domain.registration import ErpRef, Kind, Phones, Status
from bot.domain.tax_id import TaxId
from erp.adapter import Adapter, Connection, Facts
from erp.client import read_address
from erp.fields import Row, Text, is_mobile, mapping, one_candidate, phone_in, rows_in
from erp.login import Login

logger = structlog.get_logger()

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
        self._client = at.client(NAME, _root(at.credentials.url))
        self._login = Login(self._log_in)

    async def by_tax_id(self, tax_id: TaxId) -> Candidate | None:
        """Return the candidate with this tax id, from all customers that have it."""
        if tax_id.country != "BR":
            raise RefusedError(f"ERP {NAME}: keeps only CPF and CNPJ")
        answer = await self._get(
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
        )
        label = f"ERP {NAME} cliente"
        records = [row.to_record() for row in _customers(label, answer)]
        return one_candidate(label, tax_id, records)

    async def page(self, cursor: str, *, since: datetime | None = None) -> ErpPage:
        """Return one page of all customers, in HubSoft's own order.

        The API does not document if this list has customers whose own record (not only their
        services) is inactive: the parameter for them belongs to the search.
        """
        if since is not None:
            raise RefusedError(f"ERP {NAME}: no list of changes: the API documents none")
        at = _Cursor.read(cursor)
        answer = await self._get(
            _EVERYBODY,
            {
                "pagina": str(at.number),
                "itens_por_pagina": str(_PAGE_ROWS),
                "cancelado": "sim",
            },
            what="todos",
        )
        label = f"ERP {NAME} todos"
        rows = _customers(label, answer)
        paging = _Paging.model_validate(mapping(label, answer.get("paginacao")))
        if not cursor and paging.number("primeira_pagina", label) > at.number:
            # The documentation says 0, but some servers begin with 1.
            at = _Cursor(paging.number("primeira_pagina", label))
            if paging.number("pagina_atual", label) < at.number:
                return ErpPage(records=(), next=str(at))
        following = at.after(rows)
        is_same = bool(rows) and following.first_id == at.first_id
        if is_same or paging.number("pagina_atual", label) != at.number:
            raise UnreadableError(f"{label}: the same page came again")
        total = paging.number("total_registros", label)
        is_last = at.number >= paging.number("ultima_pagina", label) or not total
        if not rows and not is_last:
            raise UnreadableError(f"{label}: an empty page before the last one")
        if is_last and following.count < total:
            logger.warning(
                "erp.fewer_than_announced", system=NAME, missing=total - following.count
            )
        return ErpPage(
            records=[row.to_record() for row in rows], next=None if is_last else str(following)
        )

    async def probe(self) -> None:
        """Check that HubSoft answers and accepts the login."""
        answer = await self._get(
            _EVERYBODY, {"pagina": "0", "itens_por_pagina": "1"}, what="probe"
        )
        _customers(f"ERP {NAME} probe", answer)

    async def _get(self, path: str, params: Mapping[str, str], *, what: str) -> Mapping[str, Any]:
        async def ask(token: str) -> Mapping[str, Any]:
            answer: Any = await self._client.request(
                "GET",
                path,
                what=what,
                is_read=True,
                params=params,
                headers={"Authorization": f"Bearer {token}"},
            )
            return _accepted(f"ERP {NAME} {what}", answer)

        return await self._login.call(ask)

    async def _log_in(self) -> str:
        # There is a refresh_token too, but its use is not documented; a token lasts 30 days.
        own = self._credentials
        answer: Any = await self._client.request(
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
        )
        token = _accepted(f"ERP {NAME} login", answer).get("access_token")
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise UnreadableError(f"ERP {NAME} login: no token in the answer")
        return token


ADAPTER: Final = Adapter(facts=FACTS, connect=HubSoft)


@dataclass(frozen=True, slots=True)
class _Cursor:
    """The beginning of a page. Its text is the cursor."""

    number: int = 0
    count: int = 0
    """Number of rows on the pages before it."""
    first_id: str = ""
    """Id of the first row of the page before it, to detect a page that comes again."""

    @classmethod
    def read(cls, cursor: str) -> "_Cursor":
        if not cursor:
            return cls()
        number, count, first_id = cursor.split("|", 2)
        return cls(int(number), int(count), first_id)

    def __str__(self) -> str:
        return f"{self.number}|{self.count}|{self.first_id}"

    def after(self, rows: Sequence["_CustomerRow"]) -> "_Cursor":
        """Return the cursor after a page of these rows."""
        return _Cursor(
            self.number + 1, self.count + len(rows), (rows[0].id_cliente or "-") if rows else ""
        )


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


def _objects(value: object) -> object:
    return [v for v in value if isinstance(v, Mapping)] if isinstance(value, list) else []


class _ServiceRow(Row):
    """A service. The ERP sends a login and a password with it, which are not read."""

    status_prefixo: Text = None


class _CustomerRow(Row):
    id_cliente: Text = None
    nome_razaosocial: Text = None
    nome_fantasia: Text = None
    cpf_cnpj: Text = None
    telefone_primario: Text = None
    telefone_secundario: Text = None
    telefone_terciario: Text = None
    email_principal: Text = None
    email_secundario: Text = None
    data_cadastro: Text = None
    servicos: Annotated[tuple[_ServiceRow, ...], BeforeValidator(_objects)] = ()

    def to_record(self) -> ErpRecord:
        """Return this row in our terms."""
        phones = [
            phone_in(self.telefone_primario),
            phone_in(self.telefone_secundario),
            phone_in(self.telefone_terciario),
        ]
        return ErpRecord(
            ref=ErpRef(system=NAME, id=self.id_cliente) if self.id_cliente else None,
            document=self.cpf_cnpj or "",
            kind=Kind.CUSTOMER,
            status=self._status(),
            # HubSoft does not give the time of change.
            updated=self.data_cadastro or "",
            names=(self.nome_razaosocial, self.nome_fantasia),
            trade_name=self.nome_fantasia,
            phones=Phones(
                home=first(phone for phone in phones if not is_mobile(phone)),
                mobile=first(phone for phone in phones if is_mobile(phone)),
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


def _root(text: str) -> URL:
    url = read_address(text)
    path = f"{url.path}/".partition("/api/")[0].partition("/oauth/")[0].rstrip("/")
    return url.with_path(path or "/")


def _accepted(label: str, answer: Any) -> Mapping[str, Any]:
    # Success is misspelled in places ("suscess"), errors never. The error's text may quote the
    # document that was asked for.
    accepted = mapping(label, answer)
    if accepted.get("status") == "error":
        raise RefusedError(f"{label}: an error in place of records")
    return accepted


def _customers(label: str, answer: Mapping[str, Any]) -> Sequence[_CustomerRow]:
    return [_CustomerRow.model_validate(row) for row in rows_in(label, answer.get("clientes"))]
