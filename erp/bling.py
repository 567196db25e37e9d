"""The adapter for Bling (API v3): finds contacts by document and lists them.

Source: the vendor's API documentation (developer.bling.com.br) and public clients of it.

Lists give a short form without e-mail, trade name and kind, so each contact of a page needs a
request of its own. That takes long; pages are small enough to be read within a minute.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Final

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
from erp.answer import HttpAnswer, UnauthorizedError
from erp.bling_token import SYSTEM, Renewal
from erp.client import Limits, read_root
from erp.fields import Fields, Row, Text, mapping, one_candidate, utc_now
from erp.login import TokenClient
from erp.paging import Cursor, page_key
from erp.records import Many, Record, check_brazilian, kinds_in, phones_in, read_rows

NAME: Final = SYSTEM
FACTS: Final = Facts(
    name=NAME,
    title="Bling",
    lists_all=True,
    lists_changes=True,
    # Each contact is a request, of which an account has 120 000 a day.
    # Its filter for changes knows only days.
    overlap=timedelta(days=1),
)
# An account has three requests a second.
LIMITS: Final = Limits(concurrency=2, gap_s=0.4)
_URL: Final = "https://api.bling.com.br"
_CONTACTS: Final = "contatos"
_PAGE_ROWS: Final = 50
_ROWS: Final = 100
# Sent with each list of contacts; otherwise deleted contacts and those without movement might be
# missing.
_ALL: Final = {"criterio": "1"}
# As far as documented, a new contact does not count as altered.
_TURNS: Final = ("Alteracao", "Inclusao")
# One request can cover a year at most.
_SPAN: Final = timedelta(days=360)
_KINDS: Final = {"cliente": Kind.CUSTOMER, "fornecedor": Kind.SUPPLIER}
# S, without movement, means neither.
_STATUS: Final = {"A": Status.ACTIVE, "I": Status.INACTIVE, "E": Status.INACTIVE}


class Bling:
    """The Bling of one company; without a URL, the vendor's address is used.

    ERP_TOKEN is the refresh token that Bling gave when this application was authorized. Each
    refresh token is valid for one renewal, so the next ones are stored in `Connection.tokens`.
    """

    def __init__(self, at: Connection, *, clock: Callable[[], datetime] = utc_now) -> None:
        at.credentials.require(NAME, "token", "client_id", "client_secret")
        url = read_root(at.credentials.url.strip() or _URL, "/Api/", api="/Api/v3")
        self._client = at.client(NAME, url)
        self._api = TokenClient(self._client, Renewal(at, self._client, clock).token)
        self._timezone = at.timezone
        self._clock = clock

    async def by_tax_id(self, tax_id: TaxId) -> Candidate | None:
        """Return the candidate with this tax id, from all contacts that have it, also deleted
        ones."""
        check_brazilian(NAME, tax_id)
        label = f"ERP {NAME} contato"
        found = await self._list(
            "contato", {"numeroDocumento": tax_id.number, "pagina": "1", "limite": str(_ROWS)}
        )
        # Checked before the details are requested, which would be useless if the filter was not
        # applied.
        one_candidate(label, tax_id, [record for row in found for record in row.to_records()])
        rows = [await self._detailed(row) for row in found]
        return one_candidate(
            label, tax_id, [record for row in rows for record in row.to_records()]
        )

    async def page(self, cursor: str, *, since: datetime | None = None) -> ErpPage:
        """Return one page of all contacts, or of the changed contacts and then of the new ones.

        Changes are those of whole days in the company's time zone.
        """
        at = _Cursor.read(cursor) if cursor else self._begin(since)
        asked = {"pagina": str(at.number), "limite": str(_PAGE_ROWS)}
        if since is not None:
            asked[f"data{_TURNS[at.turn]}Inicial"] = at.begin
            asked[f"data{_TURNS[at.turn]}Final"] = at.end
        found = await self._list("contatos", asked)
        key = page_key(f"ERP {NAME} contatos", found, before=at.key)
        rows = [await self._detailed(row) for row in found]
        if len(found) >= _PAGE_ROWS:
            following: _Cursor | None = _Cursor(at.turn, at.number + 1, key, at.begin, at.end)
        else:
            following = self._after(at) if since is not None else None
        # A contact has no time of change, so there is no `latest`.
        return ErpPage(
            records=[record for row in rows for record in row.to_records()],
            next=str(following) if following else None,
        )

    async def probe(self) -> None:
        """Check that Bling answers and accepts the token, which may be renewed for that."""
        await self._list("probe", {"pagina": "1", "limite": "1"})

    def _begin(self, since: datetime | None) -> "_Cursor":
        if since is None:
            return _Cursor()
        return self._span(0, since.astimezone(self._timezone).date())

    def _after(self, at: "_Cursor") -> "_Cursor | None":
        """Return the cursor after the last page of a span of time; None at the end."""
        if date.fromisoformat(at.end) <= self._today():
            return self._span(at.turn, date.fromisoformat(at.end), at.since)
        if at.turn + 1 < len(_TURNS):
            return self._span(at.turn + 1, date.fromisoformat(at.since or at.begin))
        return None

    def _span(self, turn: int, begin: date, since: str = "") -> "_Cursor":
        # Bling's clock may be ahead of ours.
        end = max(begin, min(begin + _SPAN, self._today() + timedelta(days=1)))
        return _Cursor(turn, 1, "", begin.isoformat(), end.isoformat(), since or begin.isoformat())

    def _today(self) -> date:
        return self._clock().astimezone(self._timezone).date()

    async def _list(self, what: str, asked: Mapping[str, str]) -> Sequence["_ContactRow"]:
        return await self._api.get(_CONTACTS, {**asked, **_ALL}, what=what, read=_contacts)

    async def _detailed(self, short: "_ContactRow") -> "_ContactRow":
        """Return the whole contact; the short form if it was deleted meanwhile."""

        def read(answer: HttpAnswer) -> _ContactRow:
            if answer.status == 404 and _fault(answer) == "RESOURCE_NOT_FOUND":
                return short
            data = mapping(answer.label, _answered(answer).get("data"))
            row = _ContactRow.model_validate(data)
            if row.id != short.id:
                raise UnreadableError(
                    f"{answer.label}: answered with another contact than asked for"
                )
            return row

        if not (short.id or "").isdecimal():
            raise UnreadableError(f"ERP {NAME} contatos: a contact without an id")
        path = f"{_CONTACTS}/{short.id}"
        return await self._api.get(path, what="contato", read=read)


ADAPTER: Final = Adapter(facts=FACTS, connect=Bling, limits=LIMITS)


@dataclass(frozen=True, slots=True)
class _Cursor(Cursor):
    turn: int = 0
    """Index in `_TURNS`, if only changes are listed."""
    number: int = 1
    key: str = ""
    """Key of the page before it."""
    begin: str = ""
    """First day of the changes on this page, as `end` is the last; empty if all contacts are
    listed."""
    end: str = ""
    since: str = ""
    """First day of all changes."""


class _TypeRow(Row):
    descricao: Text = None


class _ContactRow(Record):
    nome: Text = None
    fantasia: Text = None
    numeroDocumento: Text = None  # noqa: N815 - Bling's own names
    tipo: Text = None
    situacao: Text = None
    telefone: Text = None
    celular: Text = None
    email: Text = None
    tiposContato: Annotated[tuple[_TypeRow, ...], Many] = ()  # noqa: N815

    def to_records(self) -> list[ErpRecord]:
        """Return this row in our terms, once for each kind that it is."""
        # Companies name their own types too: a contact that is no supplier is a customer.
        types = (type_.descricao for type_ in self.tiposContato)
        return [self._record(kind) for kind in kinds_in(types, _KINDS)]

    def _record(self, kind: Kind) -> ErpRecord:
        return ErpRecord(
            ref=self.ref(NAME),
            document=self.numeroDocumento or "",
            is_foreign=self.tipo == "E",
            kind=kind,
            status=_STATUS.get(self.situacao or ""),
            names=(self.nome, self.fantasia),
            trade_name=self.fantasia,
            phones=phones_in(self.telefone, mobiles=[self.celular]),
            phone_texts=(self.telefone, self.celular),
            email=self.email,
        )


def _contacts(answer: HttpAnswer) -> Sequence[_ContactRow]:
    return read_rows(answer.label, _ContactRow, _answered(answer).get("data"))


def _answered(answer: HttpAnswer) -> Fields:
    label = answer.label
    match _fault(answer):
        case "UNAUTHORIZED":
            raise UnauthorizedError(f"{label}: the token is not accepted")
        case "FORBIDDEN":
            raise RefusedError(f"{label}: the application has not the scope of contacts")
        case "VALIDATION_ERROR":
            raise RefusedError(f"{label}: the request is not valid")
        case "TOO_MANY_REQUESTS":
            raise TryLaterError(f"{label}: too many requests", retry_after_s=answer.retry_after_s)
    fields = answer.fields()
    if "error" in fields:
        raise UnknownRefusalError(f"{label}: an error in place of records")
    return fields


def _fault(answer: HttpAnswer) -> str:
    """Return the type of Bling's error; its other texts may quote the request."""
    return answer.text_at("error", "type")
