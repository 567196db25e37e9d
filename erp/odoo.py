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
from bot.domain.erp_record import ErpPage, ErpRecord, first
from bot.domain.errors import AppError, RefusedError, UnknownRefusalError, UnreadableError
from bot.domain.registration import Kind, Status
from bot.domain.tax_id import TaxId, read_tax_id
from erp.adapter import Adapter, Connection, Facts
from erp.answer import HttpAnswer, MaybeExpiredError, UnauthorizedError, rpc_result
from erp.client import read_address
from erp.fields import (
    Fields,
    Text,
    compact,
    is_number_of,
    mapping,
    moment,
    one_candidate,
    utc_now,
)
from erp.login import Login
from erp.paging import last_id, warn_newest_unknown
from erp.records import Record, is_near, pattern, phones_in, read_rows, written

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
# The fields that hold a document, the first ones in Brazilian modules.
_DOCUMENTS: Final = ("cnpj_cpf", "vat", "l10n_br_cpf_code", "cnpj_cpf_stripped")
# The last parts of the names of exceptions. Their texts are not passed on: they may quote the
# request.
_SAYINGS: Final[Mapping[str, tuple[type[AppError], str]]] = {
    "AccessDenied": (UnauthorizedError, "the login is not accepted"),
    "AccessError": (RefusedError, "this user may not read contacts"),
    # Perhaps a field that is gone since the login, as after an update of a module.
    "ValueError": (MaybeExpiredError, "an error in place of records"),
}

_JSON_2_REFUSALS: Final = {
    404: "a wrong URL, a version before 19, or several databases and none in ERP_DATABASE"
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
        self._client = at.client(
            NAME,
            read_address(own.url).with_path("/"),
            headers=headers,
            refusals={} if self._key else _JSON_2_REFUSALS,
        )
        self._login = Login(self._open)

    async def by_tax_id(self, tax_id: TaxId) -> Candidate | None:
        """Return the candidate with this tax id, from all partners that have it."""

        def domain(opened: "_Opened") -> _Domain:
            if tax_id.country != "BR":
                return [["vat", "in", written(tax_id)]]
            # Documents are free text, stored with punctuation, with spaces, after "BR".
            asked = [[name, "=ilike", pattern(tax_id)] for name in opened.documents]
            return _any_of(asked)

        label = f"ERP {NAME} {_MODEL}"
        rows = await self._search(domain, limit=_ROWS)
        # Contact persons have the document of their company, which was found with them. A branch
        # with its own document was found without its parent.
        ids = {row.number for row in rows if row.has(tax_id)}
        records = [
            record
            for row in rows
            if not row.is_of_another_country(tax_id) and not row.is_only_near(tax_id)
            if row.parent_id not in ids
            for record in row.to_records(tax_id)
        ]
        return one_candidate(label, tax_id, records)

    async def page(self, cursor: str, *, since: datetime | None = None) -> ErpPage:
        """Return one page of all partners or of the changed ones, by id.

        By id in either case: Odoo cuts the microseconds off the times it gives, so they cannot
        mark the end of a page within a second.
        """
        newest = None if cursor else await self._newest()
        last = int(cursor or "0")

        def domain(opened: "_Opened") -> _Domain:
            # Addresses and contact persons are rows too. Branches have a parent, as those do.
            partners: list[object] = [["parent_id", "=", False]]
            if "is_company" in opened.searchable:
                partners.append(["is_company", "=", True])
            partners += [[name, "!=", False] for name in opened.documents]
            asked = [*_any_of(partners), ["id", ">", last]]
            if since is not None:
                asked.append(["write_date", ">=", f"{since.astimezone(UTC):%Y-%m-%d %H:%M:%S}"])
            return asked

        rows = await self._search(domain, limit=_PAGE_ROWS)
        last = last_id(f"ERP {NAME} {_MODEL}", rows, before=last)
        times = [at for row in rows if (at := moment(row.write_date))]
        return ErpPage(
            records=[record for row in await self._partners(rows) for record in row.to_records()],
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
        except AppError as error:
            warn_newest_unknown(NAME, error)
            return None
        times = [at for row in rows if (at := moment(row.write_date)) and at <= now]
        return max(times, default=None)

    async def probe(self) -> None:
        """Check that Odoo answers and lets this user read contacts."""
        await self._search(lambda _: [["id", "=", 1]], limit=1)

    async def _partners(self, rows: Sequence["_PartnerRow"]) -> Sequence["_PartnerRow"]:
        """Return the rows without contact persons, whose document is that of their company."""
        known = {row.number: row for row in rows}
        missing = sorted(
            {row.parent_id for row in rows if row.parent_id and row.numbers} - known.keys()
        )
        if missing:
            found = await self._search(lambda _: [["id", "in", missing]], limit=len(missing))
            known |= {row.number: row for row in found}
        return [
            row
            for row in rows
            if not row.parent_id
            or (row.is_company and not row.numbers)
            or not row.numbers <= getattr(known.get(row.parent_id), "numbers", frozenset())
        ]

    async def _search(
        self, domain: Callable[["_Opened"], _Domain], *, limit: int, order: str = "id asc"
    ) -> Sequence["_PartnerRow"]:
        """Return the first rows in this order."""

        async def ask(opened: "_Opened") -> Sequence[_PartnerRow]:
            answer = await self._call(
                opened.uid,
                "search_read",
                {
                    "domain": domain(opened),
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
        answer = await self._call(uid, "fields_get", {"attributes": ["type", "searchable"]})
        there = mapping(f"ERP {NAME} fields_get", answer)
        fields = frozenset(there.keys() & _PartnerRow.model_fields.keys())
        if not {"id", "name", "vat", "parent_id"} <= fields:
            raise UnreadableError(f"ERP {NAME} fields_get: not the fields we know")
        facts = {name: there[name] for name in fields}
        return _Opened(
            uid,
            fields,
            frozenset(
                name
                for name, known in facts.items()
                if not isinstance(known, Mapping) or known.get("searchable", True)
            ),
        )

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
                "POST",
                f"{_JSON_2}/{method}",
                what=method,
                is_read=True,
                body=named,
                read=_result_2,
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
    searchable: frozenset[str]
    """Those of them that a domain may name."""

    @property
    def documents(self) -> Sequence[str]:
        """The fields in which a document can be searched for."""
        return [name for name in _DOCUMENTS if name in self.searchable]


def _any_of(terms: Sequence[object]) -> list[object]:
    """Return a domain that holds when one of the terms does."""
    return [*["|"] * (len(terms) - 1), *terms]


def _result(answer: HttpAnswer) -> object:
    fields = answer.fields()
    if fields.get("error") is not None:
        raise _refusal(answer, answer.text_at("error", "data", "name"))
    return rpc_result(answer.label, fields)


def _result_2(answer: HttpAnswer) -> object:
    name = answer.text_at("name") if answer.status >= 400 else ""
    if name.rpartition(".")[2] in _SAYINGS:
        raise _refusal(answer, name)
    return answer.json()


def _refusal(answer: HttpAnswer, name: str) -> AppError:
    kind, text = _SAYINGS.get(
        name.rpartition(".")[2], (UnknownRefusalError, "an error in place of records")
    )
    return kind(f"{answer.label}: {text}")


def _flag(value: object) -> object:
    return value if isinstance(value, bool) else None


def _id_of(value: object) -> object:
    found = value[0] if isinstance(value, list) and value else value
    return found if isinstance(found, int) else 0


class _PartnerRow(Record):
    name: Text = None
    legal_name: Text = None
    vat: Text = None
    cnpj_cpf: Text = None
    cnpj_cpf_stripped: Text = None
    l10n_br_cpf_code: Text = None
    parent_id: Annotated[int, BeforeValidator(_id_of)] = 0
    """The id of the partner above this one, which is 0 where there is none."""
    is_company: Annotated[bool | None, BeforeValidator(_flag)] = None
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

    @property
    def _texts(self) -> Sequence[str]:
        found = (self.cnpj_cpf, self.vat, self.l10n_br_cpf_code, self.cnpj_cpf_stripped)
        return [text for text in found if text]

    @property
    def numbers(self) -> frozenset[str]:
        """All documents of this row, for comparison."""
        numbers = (compact(text).removeprefix("BR") for text in self._texts)
        return frozenset(number for number in numbers if number)

    def has(self, tax_id: TaxId) -> bool:
        """Return True if one of its documents has this number."""
        return any(is_number_of(tax_id, text) for text in self._texts)

    def is_only_near(self, tax_id: TaxId) -> bool:
        """Return True if `pattern` found this row, but it has another document."""
        return not self.has(tax_id) and any(is_near(text, tax_id) for text in self._texts)

    def is_of_another_country(self, tax_id: TaxId) -> bool:
        """Return True if this row has the number of a foreign document, but another country."""
        is_same = compact(self.vat) == tax_id.number
        return tax_id.country != "BR" and is_same and self.country_code != tax_id.country

    def to_records(self, tax_id: TaxId | None = None) -> Sequence[ErpRecord]:
        """Return this row in our terms: one record for each kind, as a customer may be a supplier
        too.

        tax_id: selects one of its documents; None selects the first valid one.
        """
        texts = self._texts
        valid = (text for text in texts if isinstance(read_tax_id(text), TaxId))
        document = first((*valid, *texts)) or ""
        is_foreign = self.country_code not in (None, "BR") and not isinstance(
            read_tax_id(document), TaxId
        )
        if tax_id is not None and self.has(tax_id):
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
            phone_texts=(self.phone, self.mobile),
            email=self.email,
        )
