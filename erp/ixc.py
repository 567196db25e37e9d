"""The adapter for IXC Provedor: finds customers and suppliers by document and lists them.

Source: the vendor's API documentation ("API - IXC Provedor") and public clients of it.
"""

import asyncio
import base64
import binascii
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, Generic, Literal, TypeVar

import structlog
from pydantic import BaseModel, SecretStr, ValidationError
from yarl import URL

from bot.domain.candidate import Candidate
from bot.domain.erp_record import ErpPage, ErpRecord, merge
from bot.domain.errors import AppError, RefusedError, UnknownRefusalError, UnreadableError
from bot.domain.tax_id import TaxId
from erp.adapter import Adapter, Connection, Facts
from erp.answer import HttpAnswer, nameless
from erp.client import Limits, read_address
from erp.fields import (
    Fields,
    Row,
    Text,
    as_text,
    check_nobody,
    check_total,
    compact,
    has,
    mapping,
    moment,
    utc_now,
)
from erp.ixc_records import SYSTEM, CustomerRow, IxcRow, SupplierRow
from erp.paging import Cursor, same_page, warn_newest_unknown

logger = structlog.get_logger()

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
_TABLES: Final[Mapping[str, type[IxcRow]]] = {m.table: m for m in (CustomerRow, SupplierRow)}
# No maximum is published; clients ask for 100 to 500.
_PAGE_ROWS: Final = 500
_CHANGED: Final = "ultima_atualizacao"
_TIME: Final = "%Y-%m-%d %H:%M:%S"
# Finds a document with spaces or other texts around it, which "=" does not.
_CONTAINS: Final = "L"
# More records than any company keeps of one document.
_ROWS: Final = 100
_AnyRow = TypeVar("_AnyRow", bound=Row)
# Phrases in IXC's messages, and their meaning. The messages themselves are not passed on: they may
# quote the request.
_SAYINGS: Final = (
    (
        re.compile(r"\bip\b.* não está liberado", re.IGNORECASE),
        "the IP address is not allowed (IXC: Redes Permitidas)",
    ),
    (
        re.compile(r"\brecurso\b.* não está disponível", re.IGNORECASE),
        "the table is not released to this token, or the URL is wrong",
    ),
)
# The statuses that its documentation explains as a fault of the request.
_REFUSALS: Final = {
    400: "not with the token as Basic authentication, or trouble with TLS",
    403: "the token is older than a move of the server",
    404: "a wrong URL",
}


class Ixc:
    """The IXC Provedor of one company.

    The URL may be a host or that of any page under /webservice; the token is `id:token` as IXC's
    panel shows it, or the same already in base64. Raises RefusedError when one of them cannot be
    right.
    """

    def __init__(self, at: Connection, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._clock = clock
        self._timezone = at.timezone
        self._client = at.client(
            NAME,
            _root(at.credentials.url),
            headers={"Authorization": f"Basic {_basic(at.credentials.token)}"},
            refusals=_REFUSALS,
        )

    async def by_tax_id(self, tax_id: TaxId) -> Candidate | None:
        """Return the candidate with this tax id, from all customers and suppliers that have it.

        Returns None only when IXC answered that no record has it. Raises TryLaterError,
        RefusedError or UnreadableError.
        """
        # No TaskGroup: in Python 3.11 one that has failed leaves its task as if it were cancelled,
        # which would end the round that asks again.
        asked = asyncio.create_task(self._having(tax_id, CustomerRow))
        asked_suppliers = asyncio.create_task(self._suppliers_having(tax_id))
        try:
            customers, suppliers = await asyncio.gather(asked, asked_suppliers)
        finally:
            asked.cancel()
            asked_suppliers.cancel()
        if isinstance(suppliers, AppError):
            if not customers:
                raise suppliers
            # A token may be permanently released for customers only, and the look-up of a known
            # customer must not fail for that. Another TryLaterError, which a retry may solve, was
            # raised above.
            logger.warning("erp.suppliers_not_asked", system=NAME, error=str(suppliers))
            suppliers = []
        records = [*customers, *suppliers]
        return merge(tax_id, records) if records else None

    async def page(self, cursor: str, *, since: datetime | None = None) -> ErpPage:
        """Return one page of customers and then of suppliers, by id or by the time of change.

        Each page begins after the last row of the one before, so that no row is missed when others
        come and go meanwhile. Raises as `by_tax_id` does.
        """
        at = _Cursor.read(cursor)
        newest = None if cursor else await self._newest()
        try:
            return replace(await self._page_at(at, since), newest=newest)
        except RefusedError as error:
            if at.table != SupplierRow.table or at.number != 1 or at.last:
                raise
            # As in a look-up: a token may be released for customers only.
            logger.warning("erp.suppliers_not_listed", system=NAME, error=str(error))
            return ErpPage(records=(), next=None, is_whole=False)

    async def probe(self) -> None:
        """Check that IXC answers and accepts the token; raises as `by_tax_id` does."""
        await self._list("empresa", Row, column="id", oper=">", query="0", rows=1)

    async def _newest(self) -> datetime | None:
        """Return the newest time of change that is not in the future by our clock."""
        now = self._clock().astimezone(self._timezone).strftime(_TIME)
        times = []
        for model in _TABLES.values():
            try:
                rows = await self._list(
                    model.table, model, column=_CHANGED, oper="<=", query=now, rows=1, order="desc"
                )
            except AppError as error:
                warn_newest_unknown(NAME, error)
                rows = []
            times += [row.ultima_atualizacao or "" for row in rows if row]
        return moment(max((time for time in times if time <= now), default=""))

    async def _suppliers_having(self, tax_id: TaxId) -> list[ErpRecord] | AppError:
        try:
            return await self._having(tax_id, SupplierRow)
        except (RefusedError, UnknownRefusalError, UnreadableError) as error:
            return error

    async def _having(self, tax_id: TaxId, model: type[IxcRow]) -> list[ErpRecord]:
        # IXC compares texts: a document is found only in the notation in which it is stored, and
        # the records of one company can have it in both.
        label = f"ERP {NAME} {model.table}"
        found: list[ErpRecord] = []
        written = dict.fromkeys((tax_id.masked, tax_id.number))
        for oper, query in ((oper, query) for oper in ("=", _CONTAINS) for query in written):
            if oper == _CONTAINS and found:
                break
            rows = await self._list(
                model.table,
                model,
                column=model.document_column,
                oper=oper,
                query=query,
                rows=_ROWS,
            )
            if None in rows:
                raise UnreadableError(f"{label}: not the fields we know")
            records = [row.to_record() for row in rows if row is not None]
            having = [record for record in records if has(record, tax_id)]
            if oper == _CONTAINS:
                records = [one for one in records if tax_id.number not in compact(one.document)]
            if records and not having:
                # The filter was not applied, so the answer does not show that no record has the
                # document.
                raise UnreadableError(f"{label}: answered with other documents than asked for")
            found += [record for record in having if record not in found]
        return found

    async def _page_at(self, at: "_Cursor", since: datetime | None) -> ErpPage:
        model = _TABLES.get(at.table)
        if model is None:
            raise RefusedError(f"ERP {NAME}: no such page")
        by_change = since is not None and not at.whole
        column = _CHANGED if by_change else "id"
        first = since.astimezone(UTC).strftime(_TIME) if by_change and since else "0"
        begin = at.last or first
        rows = await self._list(
            at.table,
            model,
            column=column,
            # Several rows can have the same time, so a page by time begins with the rows of the
            # last time.
            oper=">=" if by_change else ">",
            query=begin,
            rows=_PAGE_ROWS,
            page=at.number,
        )
        known = [row for row in rows if row and getattr(row, column)]
        keys = [getattr(row, column) for row in known]
        ids = [row.id or "" for row in known]
        if by_change and (any(key < begin for key in keys) or at.is_repeated(ids)):
            # The filter or the page's number was ignored: only the whole table shows all changes.
            logger.warning("erp.changes_not_filtered", system=NAME, table=at.table)
            return await self._page_at(_Cursor(at.table, whole="whole"), since)
        if not by_change and not _grows(begin, ids):
            raise same_page(f"ERP {NAME} {at.table}")
        following = at.after(keys, ids, is_last=len(rows) < _PAGE_ROWS)
        if following is not None and following == at:
            raise same_page(f"ERP {NAME} {at.table}")
        latest = max((row.ultima_atualizacao or "" for row in rows if row), default="")
        return ErpPage(
            records=[row.to_record() if row else _unreadable(model) for row in rows],
            next=str(following) if following else None,
            latest=moment(latest),
        )

    async def _list(
        self,
        table: str,
        model: type[_AnyRow],
        *,
        column: str,
        oper: str,
        query: str,
        rows: int,
        page: int = 1,
        order: Literal["asc", "desc"] = "asc",
    ) -> Sequence[_AnyRow | None]:
        """Return the rows; None for each row with unknown types."""

        return await self._client.request(
            "POST",
            table,
            what=table,
            is_read=True,
            # Without this header the same POST inserts a record. It is set only here.
            headers={"ixcsoft": "listar"},
            body={
                "qtype": f"{table}.{column}",
                "query": query,
                "oper": oper,
                "page": str(page),
                "rp": str(rows),
                "sortname": f"{table}.{column}",
                "sortorder": order,
            },
            read=lambda answer: _rows(answer, model, is_first=page == 1),
        )


ADAPTER: Final = Adapter(facts=FACTS, connect=Ixc, limits=LIMITS)


@dataclass(frozen=True, slots=True)
class _Cursor(Cursor):
    table: str = CustomerRow.table
    number: int = 1
    """Number of the page among rows that all changed at the same moment."""
    whole: str = ""
    """"whole" to list all rows, although only changes were requested."""
    last: str = ""
    """The id or the time of the last row before it; empty at the beginning."""
    key: str = ""
    """The id of the first row on the page before it."""

    def is_repeated(self, ids: Sequence[str]) -> bool:
        """Return True if a later page of one moment begins as the page before it did."""
        return self.number > 1 and ids[:1] == [self.key]

    def after(self, keys: Sequence[str], ids: Sequence[str], *, is_last: bool) -> "_Cursor | None":
        """Return the cursor after a page whose rows have these ids or times, and these ids; None
        after the last table."""
        if is_last:
            is_customers = self.table == CustomerRow.table
            return _Cursor(SupplierRow.table) if is_customers else None
        last = keys[-1] if keys else self.last
        if last == self.last and " " in last:
            return replace(self, number=self.number + 1, key="".join(ids[:1]))
        return replace(self, last=last, number=1)


def _grows(begin: str, ids: Sequence[str]) -> bool:
    """Return True if each id is a number above the one before it."""
    last = int(begin)
    for text in ids:
        if not text.isdecimal() or int(text) <= last:
            return False
        last = int(text)
    return True


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


class _Listing(BaseModel, Generic[_AnyRow]):
    type: Text = None
    message: Text = None
    error: Text = None
    total: Text = None
    """A number or its text, depending on IXC's version."""
    registros: list[_AnyRow] | None = None


def _rows(answer: HttpAnswer, model: type[_AnyRow], *, is_first: bool) -> Sequence[_AnyRow | None]:
    answer.check()
    label = answer.label
    try:
        # Only the fields of the model are ever made into Python objects.
        listing = _Listing[model].model_validate_json(answer.body)  # type: ignore[valid-type]
    except ValidationError:
        return _readable_rows(label, model, mapping(label, answer.parse()))
    if listing.type == "error":
        raise _refusal(label, listing.message)
    if listing.registros is None and listing.total != "0":
        raise UnreadableError(f"{label}: no list of records in the answer")
    rows = listing.registros or []
    if is_first and (listing.total or "").isdecimal():
        check_total(label, rows, int(listing.total or 0))
    if is_first and not rows:
        if listing.type not in (None, "success"):
            raise _refusal(label, listing.message)
        check_nobody(label, {"message": listing.message, "error": listing.error})
        if listing.total != "0":
            raise UnreadableError(f"{label}: no records, and not said that there are none")
    return rows


def _readable_rows(label: str, model: type[_AnyRow], answer: Fields) -> Sequence[_AnyRow | None]:
    """Read the rows one by one, for an answer that has unknown types somewhere."""
    rows = answer.get("registros")
    if not isinstance(rows, list):
        raise UnreadableError(f"{label}: no list of records in the answer")
    return [_readable(model, row) for row in rows]


def _readable(model: type[_AnyRow], row: object) -> _AnyRow | None:
    try:
        return model.model_validate(
            {k: as_text(v) for k, v in row.items()} if isinstance(row, Mapping) else row
        )
    except ValidationError:
        return None


def _unreadable(model: type[IxcRow]) -> ErpRecord:
    return model().to_record()


def _refusal(label: str, message: str | None) -> AppError:
    said = message or ""
    for phrase, meaning in _SAYINGS:
        if phrase.search(said):
            return RefusedError(f"{label}: {meaning}")
    return UnknownRefusalError(f"{label}: an error in place of records")
