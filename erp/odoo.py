"""The adapter for Odoo: finds contacts (`res.partner`) by document and lists them.

Source: odoo/documentation (external_rpc_api.rst for JSON-RPC, external_api.rst for JSON-2), the
source of `res.partner` in odoo/odoo, and OCA/l10n-brazil for the Brazilian fields.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import BeforeValidator, SecretStr

from bot.domain.candidate import Candidate
from bot.domain.erp_record import ErpPage, ErpRecord
from bot.domain.errors import AppError, RefusedError, UnreadableError
from bot.domain.registration import Kind, Status
from bot.domain.tax_id import TaxId, read_tax_id
from erp.adapter import Adapter, Connection, Facts
from erp.answer import HttpAnswer, UnauthorizedError, rpc_result
from erp.client import read_address
from erp.fields import Fields, Text, compact, mapping, moment, one_candidate, utc_now
from erp.login import Login
from erp.paging import last_id, warn_newest_unknown
from erp.records import Record, phones_in, read_rows, written

NAME: Final = "odoo"
FACTS: Final = Facts(
    name=NAME,
    title="Odoo",
    lists_all=True,
    lists_changes=True,
)
_MODEL: Final = "res.partner"
_JSON_RPC: Final = "jsonrpc"
_JSON_2: Final = f"json/2/{_MODEL}"
# No maximum is documented; clients ask for 200.
_PAGE_ROWS: Final = 200
_STATUS: Final = {True: Status.ACTIVE, False: Status.INACTIVE, None: None}
# More records than any company keeps of one document.
_ROWS: Final = 100
# Addresses and contact persons are rows too, and those of a company have its document.
_TOP: Final[Sequence[object]] = ["parent_id", "=", False]
# The last parts of the names of exceptions. Their texts are not passed on: they may quote the
# request.
_SAYINGS: Final[Mapping[str, tuple[type[AppError], str]]] = {
    "AccessDenied": (UnauthorizedError, "the login is not accepted"),
    "AccessError": (RefusedError, "this user may not read contacts"),
}

_Domain = Sequence[object]


class Odoo:
    """The Odoo of one company.

    With a user name, JSON-RPC is used (all versions to 19), with the password or an API key in its
    place. With an API key alone, JSON-2 is used (from 19 on); then the database is only needed if
    the server has several.
    """

    def __init__(self, at: Connection) -> None:
        own = at.credentials
        if own.username.strip():
            key = own.token if own.token.get_secret_value() else own.password
            names = ("url", "database") if key.get_secret_value() else ("url", "database", "token")
            own.require(NAME, *names)
            self._key: SecretStr | None = key
        else:
            own.require(NAME, "url", "token")
            self._key = None
        headers = {}
        if self._key is None:
            headers["Authorization"] = f"bearer {own.token.get_secret_value().strip()}"
            if own.database.strip():
                headers["X-Odoo-Database"] = own.database.strip()
        self._credentials = own
        # Odoo is at the root of its host; operators paste the address of any of its pages.
        self._client = at.client(NAME, read_address(own.url).with_path("/"), headers=headers)
        self._login = Login(self._open)

    async def by_tax_id(self, tax_id: TaxId) -> Candidate | None:
        """Return the candidate with this tax id, from all top records that have it."""

        def domain(fields: frozenset[str]) -> _Domain:
            # `vat` is free text: a document is found only in the notation in which it is stored.
            asked = [["vat", "=", text] for text in written(tax_id)]
            if tax_id.country == "BR" and "cnpj_cpf_stripped" in fields:
                asked.append(["cnpj_cpf_stripped", "=", tax_id.number])
            return [_TOP, *["|"] * (len(asked) - 1), *asked]

        label = f"ERP {NAME} {_MODEL}"
        rows = await self._search(domain, limit=_ROWS)
        records = [
            record
            for row in rows
            if not row.is_of_another_country(tax_id)
            for record in row.to_records(tax_id)
        ]
        return one_candidate(label, tax_id, records)

    async def page(self, cursor: str, *, since: datetime | None = None) -> ErpPage:
        """Return one page of all top records or of the changed ones, by id.

        By id in either case: Odoo cuts the microseconds off the times it gives, so they cannot
        mark the end of a page within a second.
        """
        newest = None if cursor else await self._newest()
        last = int(cursor or "0")
        domain: list[object] = [_TOP, ["id", ">", last]]
        if since is not None:
            domain.append(["write_date", ">=", f"{since.astimezone(UTC):%Y-%m-%d %H:%M:%S}"])
        rows = await self._search(lambda _: domain, limit=_PAGE_ROWS)
        last = last_id(f"ERP {NAME} {_MODEL}", rows, before=last)
        times = [at for row in rows if (at := moment(row.write_date))]
        return ErpPage(
            records=[record for row in rows for record in row.to_records()],
            next=str(last) if len(rows) >= _PAGE_ROWS else None,
            latest=max(times, default=None),
            newest=newest,
        )

    async def _newest(self) -> datetime | None:
        """Return the newest time of change that is not in the future by our clock."""
        now = utc_now()
        domain = ["write_date", "<=", f"{now:%Y-%m-%d %H:%M:%S}"]
        try:
            rows = await self._search(lambda _: [domain], limit=1, order="write_date desc")
        except (RefusedError, UnreadableError) as error:
            warn_newest_unknown(NAME, error)
            return None
        times = [at for row in rows if (at := moment(row.write_date)) and at <= now]
        return max(times, default=None)

    async def probe(self) -> None:
        """Check that Odoo answers and lets this user read contacts."""
        await self._search(lambda _: [["id", "=", 1]], limit=1)

    async def _search(
        self, domain: Callable[[frozenset[str]], _Domain], *, limit: int, order: str = "id asc"
    ) -> Sequence["_PartnerRow"]:
        """Return the first rows in this order; `domain` gets the fields that this Odoo has."""

        async def ask(opened: "_Opened") -> Sequence[_PartnerRow]:
            answer = await self._call(
                opened.uid,
                "search_read",
                {
                    "domain": domain(opened.fields),
                    "fields": sorted(opened.fields),
                    "offset": 0,
                    "limit": limit,
                    "order": order,
                    # Otherwise archived contacts are not found.
                    "context": {"active_test": False},
                },
            )
            return read_rows(f"ERP {NAME} {_MODEL}", _PartnerRow, answer)

        return await self._login.call(ask)

    async def _open(self) -> "_Opened":
        uid = await self._log_in() if self._key is not None else None
        # A request for a missing field is an error, and the fields depend on version and modules.
        answer = await self._call(uid, "fields_get", {"attributes": ["type"]})
        there = mapping(f"ERP {NAME} fields_get", answer).keys()
        fields = frozenset(there & _PartnerRow.model_fields.keys())
        if not {"id", "name", "vat"} <= fields:
            raise UnreadableError(f"ERP {NAME} fields_get: not the fields we know")
        return _Opened(uid, fields)

    async def _log_in(self) -> int:
        own = self._credentials
        uid = await self._rpc(
            "common",
            "authenticate",
            [own.database.strip(), own.username.strip(), self._secret, {}],
        )
        if uid is False:
            raise RefusedError(f"ERP {NAME} authenticate: the login is not accepted")
        if not isinstance(uid, int):
            raise UnreadableError(f"ERP {NAME} authenticate: no user in the answer")
        return uid

    @property
    def _secret(self) -> str:
        return self._key.get_secret_value() if self._key is not None else ""

    async def _call(self, uid: int | None, method: str, named: Fields) -> object:
        if uid is None:
            return await self._client.request(
                "POST", f"{_JSON_2}/{method}", what=method, is_read=True, body=named
            )
        rest = dict(named)
        args = [rest.pop("domain")] if "domain" in rest else []
        database = self._credentials.database.strip()
        return await self._rpc(
            "object",
            "execute_kw",
            [database, uid, self._secret, _MODEL, method, args, rest],
            what=method,
        )

    async def _rpc(
        self, service: str, method: str, args: list[object], *, what: str = ""
    ) -> object:
        return await self._client.request(
            "POST",
            _JSON_RPC,
            what=what or method,
            is_read=True,
            body={
                "jsonrpc": "2.0",
                "method": "call",
                "id": 1,
                "params": {"service": service, "method": method, "args": args},
            },
            read=_result,
        )


ADAPTER: Final = Adapter(facts=FACTS, connect=Odoo)


@dataclass(frozen=True, slots=True)
class _Opened:
    """The login and the fields, needed before records can be requested."""

    uid: int | None
    """None with JSON-2, which has no login."""
    fields: frozenset[str]
    """The fields of the row that this Odoo has."""


def _result(answer: HttpAnswer) -> object:
    fields = answer.fields()
    if fields.get("error") is not None:
        name = answer.text_at("error", "data", "name")
        kind, text = _SAYINGS.get(
            name.rpartition(".")[2], (RefusedError, "an error in place of records")
        )
        raise kind(f"{answer.label}: {text}")
    return rpc_result(answer.label, fields)


def _flag(value: object) -> object:
    return value if isinstance(value, bool) else None


class _PartnerRow(Record):
    name: Text = None
    legal_name: Text = None
    vat: Text = None
    cnpj_cpf: Text = None
    cnpj_cpf_stripped: Text = None
    country_code: Text = None
    """Country of the address; requested only if this Odoo has the field, like all of these."""
    phone: Text = None
    mobile: Text = None
    """Not in Odoo's core from 19 on."""
    email: Text = None
    active: Annotated[bool | None, BeforeValidator(_flag)] = None
    customer_rank: Text = None
    supplier_rank: Text = None
    write_date: Text = None

    def is_of_another_country(self, tax_id: TaxId) -> bool:
        """Return True if this row has the number of a foreign document, but another country."""
        is_same = compact(self.vat) == tax_id.number
        return tax_id.country != "BR" and is_same and self.country_code != tax_id.country

    def to_records(self, tax_id: TaxId | None = None) -> Sequence[ErpRecord]:
        """Return this row in our terms: one record for each kind, as a customer may be a supplier
        too.

        tax_id: selects one of its documents; None selects the first.
        """
        texts = [text for text in (self.cnpj_cpf, self.vat, self.cnpj_cpf_stripped) if text]
        document = texts[0] if texts else ""
        is_foreign = self.country_code not in (None, "BR") and not isinstance(
            read_tax_id(document), TaxId
        )
        if tax_id is not None:
            same = (tax_id.number, tax_id.country + tax_id.number)
            if any(compact(text) in same for text in texts):
                document, is_foreign = tax_id.number, tax_id.country != "BR"
        kinds = self._kinds() if document else self._kinds()[:1]
        return [self._record(document, kind, is_foreign=is_foreign) for kind in kinds]

    def _kinds(self) -> Sequence[Kind]:
        if self.customer_rank is None and self.supplier_rank is None:
            # Without the module `account` customers and suppliers cannot be distinguished.
            return [Kind.CUSTOMER]
        ranks = ((Kind.CUSTOMER, self.customer_rank), (Kind.SUPPLIER, self.supplier_rank))
        # A contact that never got or sent an invoice is a prospect.
        return [kind for kind, rank in ranks if rank not in (None, "0")] or [Kind.PROSPECT]

    def _record(self, document: str, kind: Kind, *, is_foreign: bool) -> ErpRecord:
        return ErpRecord(
            ref=self.ref(NAME),
            document=document,
            is_foreign=is_foreign,
            kind=kind,
            status=_STATUS[self.active],
            updated=self.write_date or "",
            names=(self.legal_name, self.name) if self.legal_name else (self.name,),
            trade_name=self.name if self.legal_name else None,
            phones=phones_in(self.phone, mobiles=[self.mobile]),
            email=self.email,
        )
