"""The adapter for Tryton: finds parties (`party.party`) by document and lists them, by JSON-RPC.

Source: trytond 7.0 and 8.0 themselves; tests/erp/test_tryton_real.py runs against them.
"""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Final

from bot.domain.candidate import Candidate
from bot.domain.erp_record import ErpPage
from bot.domain.errors import AppError, RefusedError, UnknownRefusalError, UnreadableError
from bot.domain.tax_id import TaxId
from erp.adapter import Adapter, Connection, Facts
from erp.answer import HttpAnswer, UnauthorizedError, rpc_result
from erp.breaker import Breaker
from erp.client import Limits, read_address
from erp.fields import Fields, one_candidate, utc_now
from erp.login import Login
from erp.paging import last_id, warn_newest_unknown
from erp.records import pattern, read_rows, written
from erp.tryton_records import SYSTEM, PartyRow, tell

NAME: Final = SYSTEM
FACTS: Final = Facts(
    name=NAME,
    title="Tryton",
    lists_all=True,
    lists_changes=True,
)
# The server is one process, which concurrent requests only make slower.
LIMITS: Final = Limits(concurrency=2)
# After a wrong login, the server delays the next one for up to half a minute.
_LOGIN_S: Final = 40.0
_MODEL: Final = "model.party.party"
_PAGE_ROWS: Final = 500
# More records than any company keeps of one document.
_ROWS: Final = 100
_ALL: Final = ["active", "in", [True, False]]
# The error for a field or a model that does not exist is nothing but its name in quotes.
_MISSING: Final = re.compile(r"'[a-z_0-9.]+'")
_REFUSALS: Final = {
    403: "the server does not offer this method",
    404: "there is no such database, or a wrong URL",
}
# A change of a telephone does not change the party's own date, and in 7.0 the write date of a row
# that was never edited is null.
_CHANGED: Final = tuple(
    f"{of}{date}"
    for of in ("", "identifiers.", "contact_mechanisms.")
    for date in ("create_date", "write_date")
)
_FIELDS: Final = (
    "name",
    "active",
    "identifiers.type",
    "identifiers.code",
    "identifiers.active",
    "contact_mechanisms.type",
    "contact_mechanisms.value",
    "contact_mechanisms.active",
    "categories.name",
    *_CHANGED,
)


class Tryton:
    """The Tryton of one company; the login finds out the version of the server."""

    def __init__(self, at: Connection) -> None:
        at.credentials.require(NAME, "url", "database", "username", "password")
        self._credentials = at.credentials
        url = read_address(at.credentials.url)
        at = replace(at, breaker=at.breaker or Breaker())
        patient = replace(
            at.limits,
            read_s=max(at.limits.read_s, _LOGIN_S),
            attempt_s=max(at.limits.attempt_s, _LOGIN_S),
            total_s=max(at.limits.total_s, _LOGIN_S),
        )
        self._client = at.client(NAME, url, refusals=_REFUSALS)
        self._patient_client = replace(at, limits=patient).client(NAME, url, refusals=_REFUSALS)
        self._login = Login(self._log_in)

    async def by_tax_id(self, tax_id: TaxId) -> Candidate | None:
        """Return the candidate with this tax id, from all parties that have it now."""

        async def ask(session: "_Session") -> Sequence[PartyRow]:
            # 7.0 stores a document as it was typed, 8.0 also without punctuation.
            asked = [[session.code_field, "in", written(tax_id)]]
            if tax_id.country == "BR":
                # With spaces, or after "BR". Not in one domain with "OR": within that, Tryton
                # hides inactive parties all the same.
                asked.append(["identifiers.code", "ilike", pattern(tax_id)])
            for term in asked:
                # Without `active_test` in the context, inactive identifiers and telephones stay
                # hidden, as they should here.
                rows = await self._search(session, [term, _ALL], limit=_ROWS, context={})
                if rows:
                    break
            return rows

        label = f"ERP {NAME} party"
        records = [
            record
            for row in await self._login.call(ask)
            if not row.is_of_another_country(tax_id) and not row.is_only_near(tax_id)
            for record in row.to_records(tax_id)
        ]
        return one_candidate(label, tax_id, records)

    async def page(self, cursor: str, *, since: datetime | None = None) -> ErpPage:
        """Return one page of all parties or of the changed ones, by id in either case."""
        newest = None if cursor else await self._newest()
        last = int(cursor or "0")
        domain: list[object] = [["id", ">", last], _ALL]
        if since is not None:
            domain.append(["OR", *([name, ">=", tell(since)] for name in _CHANGED)])

        async def ask(session: "_Session") -> Sequence[PartyRow]:
            # Making a telephone inactive is a change of its party, and visible only with this
            # context.
            context = {"active_test": False}
            return await self._search(session, domain, limit=_PAGE_ROWS, context=context)

        rows = await self._login.call(ask)
        last = last_id(f"ERP {NAME} party", rows, before=last)
        return ErpPage(
            records=[record for row in rows for record in row.to_records()],
            next=str(last) if len(rows) >= _PAGE_ROWS else None,
            latest=max((at for row in rows if (at := row.changed)), default=None),
            newest=newest,
        )

    async def _newest(self) -> datetime | None:
        """Return the newest time of change of a party that is not in the future by our clock."""
        now = utc_now()

        async def ask(session: "_Session", date: str) -> Sequence[PartyRow]:
            domain = [[date, "<=", tell(now)], _ALL]
            return await self._search(session, domain, limit=1, context={}, order=[date, "DESC"])

        times = []
        # The write date of a party that was never edited is null.
        for date in ("create_date", "write_date"):
            try:
                rows = await self._login.call(partial(ask, date=date))
            except AppError as error:
                warn_newest_unknown(NAME, error)
                return None
            times += [at for row in rows for at in row.times if at <= now]
        return max(times, default=None)

    async def probe(self) -> None:
        """Check that Tryton answers, accepts the login and has parties."""
        await self._login.call(
            lambda session: self._call(session, f"{_MODEL}.search", [[], 0, 1, None, {}])
        )

    async def _search(
        self,
        session: "_Session",
        domain: Sequence[object],
        *,
        limit: int,
        context: Fields,
        order: Sequence[str] = ("id", "ASC"),
    ) -> Sequence[PartyRow]:
        params = [domain, 0, limit, [list(order)], list(_FIELDS), context]
        answer = await self._call(session, f"{_MODEL}.search_read", params)
        return read_rows(f"ERP {NAME} party", PartyRow, answer)

    async def _call(self, session: "_Session", method: str, params: Sequence[object]) -> object:
        return await self._client.request(
            "POST",
            session.path,
            what="party",
            is_read=True,
            headers={"Authorization": session.header},
            body=_body(method, params),
            read=_result,
        )

    async def _log_in(self) -> "_Session":
        own = self._credentials
        version, face = await self._find_server()
        path = f"{own.database.strip()}/{face}"
        params = [own.username.strip(), {"password": own.password.get_secret_value()}, "en"]
        answer = await self._patient_client.request(
            "POST",
            path,
            what="login",
            # Each attempt counts: after five the user is locked out for minutes.
            is_read=False,
            body=_body("common.db.login", params),
            read=_result,
        )
        match answer:
            case [int() as user, str() as key, *_]:
                text = f"{own.username.strip()}:{user}:{key}"
                return _Session(
                    path=path,
                    header=f"Session {base64.b64encode(text.encode()).decode()}",
                    code_field="identifiers.code_compact" if version >= 8 else "identifiers.code",
                )
        raise UnreadableError(f"ERP {NAME} login: no session in the answer")

    async def _find_server(self) -> tuple[int, str]:
        """Return the major version, and the end of the path of all calls."""

        async def ask(face: str) -> tuple[int, str]:
            answer = await self._client.request(
                "POST",
                face,
                what="version",
                is_read=True,
                body=_body("common.server.version", []),
                read=_result,
            )
            major = str(answer).partition(".")[0]
            if not isinstance(answer, str) or not major.isdecimal():
                raise UnreadableError(f"ERP {NAME} version: no version in the answer")
            return int(major), face

        try:
            return await ask("rpc/")
        except (RefusedError, UnknownRefusalError) as error:
            # 7.0 takes this path for the name of a database, which does not exist.
            try:
                return await ask("")
            except RefusedError:
                raise error from None


ADAPTER: Final = Adapter(facts=FACTS, connect=Tryton, limits=LIMITS)


@dataclass(frozen=True, slots=True)
class _Session:
    """A login, and the details that depend on the version of its server."""

    path: str
    header: str
    code_field: str


def _body(method: str, params: Sequence[object]) -> Fields:
    # With any other key, errors come as HTML pages.
    return {"id": 1, "method": method, "params": params}


def _result(answer: HttpAnswer) -> object:
    if answer.status == 405:
        # The server was updated to a version with other paths: the next login finds them.
        raise UnauthorizedError(f"{answer.label}: HTTP 405")
    fields = answer.fields()
    if (error := fields.get("error")) is not None:
        name = error[0] if isinstance(error, list) and error else None
        if name == "LoginException":
            raise RefusedError(f"{answer.label}: Tryton asks for something else than the password")
        # Its text may quote names and documents.
        if isinstance(name, str) and _MISSING.fullmatch(name):
            raise RefusedError(f"{answer.label}: a field or the module `party` is missing")
        raise UnknownRefusalError(f"{answer.label}: an error in place of records")
    return rpc_result(answer.label, fields)
