"""IXC Provedor: who has a document, among its customers and suppliers.

Source: the vendor's API documentation ("API - IXC Provedor") and public clients of it.
"""

import asyncio
import base64
import binascii
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

import aiohttp
import structlog
from pydantic import SecretStr, ValidationError
from yarl import URL

from bot.domain.candidate import Candidate
from bot.domain.errors import AppError, RefusedError, UnreadableError
from bot.domain.tax_id import TaxId
from erp.adapter import Adapter, Credentials, Facts
from erp.answer import nameless
from erp.breaker import Breaker
from erp.client import ErpClient, Limits, open_session, read_address
from erp.ixc_records import SYSTEM, CustomerRow, Row, SupplierRow
from erp.merge import merge

logger = structlog.get_logger()
_AnyRow = TypeVar("_AnyRow", bound=Row)

NAME: Final = SYSTEM
FACTS: Final = Facts(
    name=NAME,
    title="IXC Provedor",
    lists_all=True,
    lists_changes=True,
    sync_minutes=60,
)
# The vendor publishes no limit but warns of servers that shed load.
LIMITS: Final = Limits(concurrency=2)
# More records than anybody keeps of one document.
_ROWS: Final = 100
# What IXC says in its own words, which we do not pass on: they may quote what was asked.
_SAYINGS: Final = (
    ("não está liberado", "the IP address is not allowed (IXC: Redes Permitidas)"),
    ("não está disponível", "the table is not released to this token, or the URL is wrong"),
)


class Ixc:
    """The IXC Provedor of one company.

    url: host or URL, also of any page under /webservice.
    token: `id:token` as IXC's panel shows it, or the same already in base64.
    Raises RefusedError when one of them cannot be right.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        url: str,
        token: SecretStr,
        limits: Limits = LIMITS,
        breaker: Breaker | None = None,
    ) -> None:
        self._client = ErpClient(
            session,
            system=NAME,
            url=_root(url),
            headers={"Authorization": f"Basic {_basic(token)}"},
            limits=limits,
            breaker=breaker,
        )

    async def by_tax_id(self, tax_id: TaxId) -> Candidate | None:
        """Return who has this document, from all customers and suppliers that have it.

        Raises TryLaterError, RefusedError or UnreadableError; None only when IXC answered that
        nobody has it.
        """
        try:
            async with asyncio.TaskGroup() as group:
                asked = group.create_task(self._having(tax_id, CustomerRow))
                asked_suppliers = group.create_task(self._suppliers_having(tax_id))
        except ExceptionGroup as failed:
            error = failed.exceptions[0]
            raise error from error.__cause__
        customers, suppliers = asked.result(), asked_suppliers.result()
        if isinstance(suppliers, AppError):
            if not customers:
                raise suppliers
            # A token may be released for customers only, for good: who is known must not wait for
            # that. What may still be had by asking again (TryLaterError) has ended it above.
            logger.warning("erp.suppliers_not_asked", system=NAME, error=str(suppliers))
            suppliers = []
        rows = [*customers, *suppliers]
        return merge(tax_id, [row.to_record() for row in rows]) if rows else None

    async def probe(self) -> None:
        """Return when IXC answers and accepts the token; raises as `by_tax_id` does."""
        await self._list("empresa", column="id", oper=">", query="0", rows=1)

    async def _suppliers_having(self, tax_id: TaxId) -> list[SupplierRow] | AppError:
        try:
            return await self._having(tax_id, SupplierRow)
        except (RefusedError, UnreadableError) as error:
            return error

    async def _having(self, tax_id: TaxId, model: type[_AnyRow]) -> list[_AnyRow]:
        # IXC compares texts: a document is found only in the writing it is stored in.
        for query in dict.fromkeys((tax_id.masked, tax_id.number)):
            answer = await self._list(
                model.table, column=model.document_column, oper="=", query=query, rows=_ROWS
            )
            if not answer:
                continue
            label = f"ERP {NAME} {model.table}"
            try:
                rows = [model.model_validate(row) for row in answer]
            except ValidationError as error:
                raise UnreadableError(f"{label}: not the fields we know") from nameless(error)
            having = [row for row in rows if row.has(tax_id)]
            if not having:
                # The filter was not applied, so this does not say that nobody has the document.
                raise UnreadableError(f"{label}: answered with other documents than asked for")
            return having
        return []

    async def _list(
        self, table: str, *, column: str, oper: str, query: str, rows: int
    ) -> list[Any]:
        answer = await self._client.request(
            "POST",
            table,
            what=table,
            is_read=True,
            # Without this header the same POST inserts a record. It stands nowhere else.
            headers={"ixcsoft": "listar"},
            body={
                "qtype": f"{table}.{column}",
                "query": query,
                "oper": oper,
                "page": "1",
                "rp": str(rows),
                "sortname": f"{table}.id",
                "sortorder": "asc",
            },
        )
        return _rows(answer, label=f"ERP {NAME} {table}")


@asynccontextmanager
async def open_ixc(credentials: Credentials) -> AsyncIterator[Ixc]:
    """An IXC with a session of its own, closed on leaving."""
    async with open_session() as session:
        yield Ixc(session, url=credentials.url, token=credentials.token)


ADAPTER: Final = Adapter(facts=FACTS, open=open_ixc)


def _root(text: str) -> URL:
    return read_address(text.partition("/webservice")[0]) / "webservice" / "v1"


def _basic(token: SecretStr) -> str:
    text = token.get_secret_value().strip()
    if ":" in text:
        return base64.b64encode(text.encode()).decode()
    try:
        if b":" in base64.b64decode(text, validate=True):
            return text
    except (binascii.Error, ValueError) as error:
        raise RefusedError("ERP ixc: the token has not the form id:token") from nameless(error)
    raise RefusedError("ERP ixc: the token has not the form id:token")


def _rows(answer: Any, *, label: str) -> list[Any]:
    if not isinstance(answer, Mapping):
        raise UnreadableError(f"{label}: the answer is not an object")
    if answer.get("type") == "error":
        raise RefusedError(f"{label}: {_meaning(answer.get('message'))}")
    rows = answer.get("registros")
    if rows is None and _is_zero(answer.get("total")):
        return []
    if not isinstance(rows, list):
        raise UnreadableError(f"{label}: no list of records in the answer")
    return rows


def _meaning(message: object) -> str:
    said = message if isinstance(message, str) else ""
    return next((m for phrase, m in _SAYINGS if phrase in said), "an error in place of records")


def _is_zero(total: object) -> bool:
    # A number or its text, by IXC's version.
    return not isinstance(total, bool) and total in (0, "0")
