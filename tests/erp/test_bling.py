"""Bling only: refresh tokens that can be used once, and details one by one."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import pytest
from pydantic import SecretStr
from yarl import URL

from bot.demo.documents import make_cnpj, make_cpf
from bot.domain.errors import (
    RefusedError,
    TryLaterError,
    UnknownRefusalError,
    UnreadableError,
)
from bot.domain.registration import Kind, Status
from bot.domain.tax_id import TaxId
from erp.adapter import Connection, Credentials, Tokens
from erp.answer import UnauthorizedError
from erp.bling import LIMITS, Bling
from erp.breaker import Breaker
from tests.erp.conftest import QUICK, Server
from tests.erp.dialects.bling import CLIENT, FIRST_TOKEN, SECRET, BlingDialect
from tests.erp.dialects.dialect import Person, Trouble
from tests.erp.dialects.tokens import MemoryTokens, stored_tokens
from tests.patience import HANG_S

CPF, OTHER = make_cpf(111222333), make_cpf(444555666)
COMPANY = make_cnpj("112223330001")
ANA = Person(id=11, name="Ana Araújo", document=CPF.number, mobile="49988010011")
PADARIA = Person(id=12, name="Padaria", document=COMPANY.number, home="4933220012")
_A_PROCESS = """
import asyncio, sys
from datetime import UTC, datetime
from pydantic import SecretStr
from bot.domain.tax_id import TaxId
from erp.adapter import Connection, Credentials
from erp.bling import Bling
from erp.client import open_session
from storage.engine.connection import connected
from bot.runtime.leases import keep_tokens
from storage.jobs.erp_tokens import ErpTokens, token_leases

async def main(uri, name, url, token, client, secret, number):
    async with connected(uri, name) as database, open_session() as session:
        keeper = keep_tokens(token_leases(database), lambda: datetime.now(UTC))
        tokens = ErpTokens(database, "bling", keeper.holding)
        credentials = Credentials(
            url=url, token=SecretStr(token), client_id=client, client_secret=SecretStr(secret)
        )
        at = Connection(session=session, credentials=credentials, tokens=tokens)
        await Bling(at).by_tax_id(TaxId(number))

asyncio.run(main(*sys.argv[1:]))
"""


class Now:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
async def dialect() -> AsyncIterator[BlingDialect]:
    async with BlingDialect(people=[ANA, PADARIA]) as running:
        yield running


def connect(
    session: aiohttp.ClientSession,
    dialect: BlingDialect,
    *,
    tokens: Tokens | None = None,
    credentials: Credentials | None = None,
    clock: Now | None = None,
) -> Bling:
    at = Connection(
        session=session,
        credentials=credentials or dialect.credentials(),
        limits=QUICK,
        breaker=Breaker(failures=10**9),
        tokens=tokens or dialect.kept,
        timezone=ZoneInfo("America/Sao_Paulo"),
    )
    return Bling(at, clock=clock or Now())


@pytest.fixture(params=["memory", "database"])
def tokens(request: pytest.FixtureRequest) -> Tokens:
    if request.param == "memory":
        return MemoryTokens()
    database = request.getfixturevalue("database")
    return stored_tokens(database, "bling", lambda: datetime.now(UTC), patience_s=HANG_S)


async def test_adapters_that_renew_at_once_make_one_renewal(
    session: aiohttp.ClientSession, dialect: BlingDialect, tokens: Tokens
) -> None:
    clock = Now()
    erps = [connect(session, dialect, tokens=tokens, clock=clock) for _ in range(4)]
    found = await asyncio.gather(*[erp.by_tax_id(CPF) for erp in erps for _ in range(2)])
    assert None not in found
    assert dialect.logins == 1
    # The same holds for tokens that expired early.
    clock.at += timedelta(hours=1)
    dialect.access = []
    found = await asyncio.gather(*[erp.by_tax_id(COMPANY) for erp in erps for _ in range(2)])
    assert None not in found
    assert dialect.logins == 2


async def test_a_process_killed_between_renewal_and_use_loses_no_token(
    session: aiohttp.ClientSession, dialect: BlingDialect, database: Any, mongodb_uri: str
) -> None:
    dialect.gate.clear()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _A_PROCESS, mongodb_uri, database.name),
        *(f"{dialect.url}/Api/v3", FIRST_TOKEN, CLIENT, SECRET, CPF.number),
    )
    try:
        # The other process has renewed its token, and its first request waits at the server.
        await asyncio.wait_for(dialect.waiting.wait(), HANG_S)
    finally:
        process.send_signal(signal.SIGKILL)
        await process.wait()
    assert dialect.refresh != [FIRST_TOKEN]
    dialect.gate.set()
    tokens = stored_tokens(database, "bling", lambda: datetime.now(UTC))
    clock = Now()
    clock.at = datetime.now(UTC)
    assert await connect(session, dialect, tokens=tokens, clock=clock).by_tax_id(CPF)
    assert dialect.logins == 1
    # The next renewal uses the token that it stored.
    clock.at += timedelta(hours=7)
    dialect.access = []
    assert await connect(session, dialect, tokens=tokens, clock=clock).by_tax_id(CPF)
    assert dialect.logins == 2


async def test_who_gives_up_during_a_renewal_loses_no_token(
    session: aiohttp.ClientSession, dialect: BlingDialect, tokens: Tokens
) -> None:
    dialect.login_gate.clear()
    erp = connect(session, dialect, tokens=tokens)
    asking = asyncio.create_task(erp.by_tax_id(CPF))
    # The old token is spent, and the new one has not arrived yet.
    await asyncio.wait_for(dialect.waiting.wait(), HANG_S)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    again = asyncio.create_task(erp.by_tax_id(CPF))
    dialect.login_gate.set()
    assert await again is not None
    assert dialect.logins == 1
    assert await connect(session, dialect, tokens=tokens).by_tax_id(CPF)


async def test_a_token_is_renewed_before_it_ends(
    session: aiohttp.ClientSession, dialect: BlingDialect
) -> None:
    clock = Now()
    assert await connect(session, dialect, clock=clock).by_tax_id(CPF)
    clock.at += timedelta(hours=5, minutes=58)
    assert await connect(session, dialect, clock=clock).by_tax_id(CPF)
    assert dialect.logins == 1
    clock.at += timedelta(minutes=1)
    assert await connect(session, dialect, clock=clock).by_tax_id(CPF)
    assert dialect.logins == 2
    assert dialect.asked.count("/Api/v3/contatos") == 3


async def test_a_token_set_anew_takes_the_place_of_what_is_stored(
    session: aiohttp.ClientSession, dialect: BlingDialect
) -> None:
    clock = Now()
    assert await connect(session, dialect, clock=clock).by_tax_id(CPF)
    # The admin authorized the app again, so the stored tokens are no longer valid.
    dialect.access, dialect.refresh = [], ["autorizado-de-novo"]
    clock.at += timedelta(hours=1)
    erp = connect(session, dialect, clock=clock)
    with pytest.raises(RefusedError, match="ERP_TOKEN"):
        await erp.by_tax_id(CPF)
    anew = replace(dialect.credentials(), token=SecretStr("autorizado-de-novo"))
    assert await connect(session, dialect, credentials=anew, clock=clock).by_tax_id(CPF)
    assert await connect(session, dialect, credentials=anew, clock=clock).by_tax_id(COMPANY)
    assert dialect.logins == 3
    assert "autorizado-de-novo" not in str(dialect.kept.values)
    assert dialect.kept.values["refresh"] == dialect.refresh[0]


async def test_a_refused_token_is_not_tried_again_and_again(
    session: aiohttp.ClientSession, dialect: BlingDialect
) -> None:
    dialect.refresh = []
    erp = connect(session, dialect)
    for _ in range(5):
        with pytest.raises(RefusedError) as raised:
            await erp.by_tax_id(CPF)
        assert FIRST_TOKEN not in str(raised.value)
    assert dialect.logins == 1


async def test_a_new_token_that_is_refused_is_not_renewed_at_once(
    session: aiohttp.ClientSession, dialect: BlingDialect
) -> None:
    clock = Now()
    erp = connect(session, dialect, clock=clock)
    assert await erp.by_tax_id(CPF)
    dialect.access = []
    for _ in range(5):
        with pytest.raises(UnauthorizedError):
            await erp.by_tax_id(CPF)
    assert dialect.logins == 1
    clock.at += timedelta(minutes=2)
    assert await erp.by_tax_id(CPF)


async def test_a_login_that_is_away_spends_nothing(
    session: aiohttp.ClientSession, server: Server
) -> None:
    server.answer(status=503)
    tokens = MemoryTokens()
    own = replace(BlingDialect().credentials(), url=server.url)
    erp = connect(session, BlingDialect(), tokens=tokens, credentials=own)
    with pytest.raises(TryLaterError):
        await erp.by_tax_id(CPF)
    # The client does not retry it: the token may be spent although no answer came.
    assert len(server.requests) == 1
    server.answers.clear()
    server.answer(body=json.dumps({"access_token": "a", "refresh_token": "r", "expires_in": 9000}))
    server.answer(body=json.dumps({"data": []}))
    assert await erp.by_tax_id(CPF) is None
    assert tokens.values["refresh"] == "r"


async def test_details_are_the_whole_contact_unless_it_was_removed(
    session: aiohttp.ClientSession, dialect: BlingDialect
) -> None:
    types = [{"id": 1, "descricao": "Cliente"}, {"id": 2, "descricao": "Fornecedor"}, None]
    dialect.more = {12: {"fantasia": "Pão & Cia", "email": "p@exemplo.com.br"}}
    dialect.more[12] |= {"tiposContato": types, "situacao": "E", "telefone": "(49) 98802-0012"}
    dialect.removed = {11}
    erp = connect(session, dialect)
    ana, padaria = await erp.by_tax_id(CPF), await erp.by_tax_id(COMPANY)
    assert ana is not None
    assert padaria is not None
    assert (ana.name, ana.phones.mobile, ana.email) == (ANA.name, "+5549988010011", None)
    assert (padaria.trade_name, padaria.email) == ("Pão & Cia", "p@exemplo.com.br")
    assert (padaria.kinds, padaria.status) == ({Kind.CUSTOMER, Kind.SUPPLIER}, Status.INACTIVE)
    assert (padaria.phones.home, padaria.phones.mobile) == (None, "+5549988020012")
    page = await erp.page("")
    assert [record.names[0] for record in page.records] == [ANA.name, PADARIA.name, PADARIA.name]


async def test_an_ignored_filter_costs_no_details(
    session: aiohttp.ClientSession, dialect: BlingDialect
) -> None:
    dialect.trouble = Trouble.OTHER_DOCUMENT
    with pytest.raises(UnreadableError):
        await connect(session, dialect).by_tax_id(CPF)
    assert dialect.asked.count("/Api/v3/contatos") == len(dialect.asked) - dialect.logins == 1


async def test_foreigners_are_told_apart_and_not_asked_for(
    session: aiohttp.ClientSession, dialect: BlingDialect
) -> None:
    dialect.more = {11: {"tipo": "E"}}
    erp = connect(session, dialect)
    assert [record.is_foreign for record in (await erp.page("")).records] == [True, False]
    asked = len(dialect.asked)
    with pytest.raises(RefusedError, match="CPF and CNPJ"):
        await erp.by_tax_id(TaxId("12345", "PT"))
    assert len(dialect.asked) == asked


async def test_changes_of_years_are_asked_for_a_year_at_a_time(
    session: aiohttp.ClientSession, dialect: BlingDialect
) -> None:
    clock = Now()
    dialect.people = [
        Person(id=n, name=f"P{n}", document=CPF.number, changed=clock.at - timedelta(days=100 * n))
        for n in range(1, 11)
    ]
    found: set[str] = set()
    cursor: str | None = ""
    while cursor is not None:
        # Another process reads each page.
        erp = connect(session, dialect, clock=clock)
        page = await erp.page(cursor, since=clock.at - timedelta(days=850))
        assert page.latest is None
        found |= {record.ref.id for record in page.records if record.ref}
        cursor = page.next
    assert found == {str(n) for n in range(1, 9)}
    days = [query for query in dialect.queries if "limite" in query]
    assert {query["criterio"] for query in days} == {"1"}
    assert "dataAlteracaoInicial" in days[0]
    assert "dataInclusaoFinal" in days[-1]
    # Bling's clock may be ahead.
    assert days[-1]["dataInclusaoFinal"] == "2026-05-05"


@pytest.mark.parametrize(
    ("status", "kind", "expected"),
    [
        (403, "FORBIDDEN", RefusedError),
        (400, "VALIDATION_ERROR", RefusedError),
        (404, "RESOURCE_NOT_FOUND", UnknownRefusalError),
        (429, "TOO_MANY_REQUESTS", TryLaterError),
        (200, "TOO_MANY_REQUESTS", TryLaterError),
        (200, "SERVER_ERROR", UnknownRefusalError),
    ],
)
async def test_errors_of_a_list_are_never_nobody(
    session: aiohttp.ClientSession, server: Server, status: int, kind: str, expected: type
) -> None:
    server.answer(body=json.dumps({"access_token": "a1", "refresh_token": "r1"}))
    error = {"type": kind, "message": f"{CPF.masked} {SECRET}"}
    server.answer(status=status, body=json.dumps({"error": error}), Retry_After="7")
    own = replace(BlingDialect().credentials(), url=server.url)
    with pytest.raises(expected) as raised:
        await connect(session, BlingDialect(), credentials=own).by_tax_id(CPF)
    assert CPF.masked not in str(raised.value)
    if expected is TryLaterError:
        assert raised.value.retry_after_s == 7.0


async def test_secrets_are_in_no_error_and_no_log(
    session: aiohttp.ClientSession,
    dialect: BlingDialect,
    log: list[Any],
    capsys: pytest.CaptureFixture[str],
) -> None:
    own = replace(dialect.credentials(), client_secret=SecretStr("errado-e-secreto"))
    with pytest.raises(RefusedError) as raised:
        await connect(session, dialect, credentials=own).by_tax_id(CPF)
    told = f"{raised.value!r} {raised.value.__cause__!r} {log} {capsys.readouterr()}"
    for secret in ("errado-e-secreto", FIRST_TOKEN, CPF.number, CLIENT):
        assert secret not in told
    assert "authorize" in told


async def test_what_is_missing_is_said_before_anything_is_asked(
    session: aiohttp.ClientSession,
) -> None:
    own = replace(BlingDialect().credentials(), url="")
    with pytest.raises(RefusedError, match="ERP_TOKEN, ERP_CLIENT_ID, ERP_CLIENT_SECRET"):
        Bling(Connection(session=session, credentials=Credentials()))
    with pytest.raises(RefusedError, match="keep the tokens"):
        Bling(Connection(session=session, credentials=own))
    for url in ("", "api.bling.com.br", "https://api.bling.com.br/Api/v3/contatos"):
        erp = connect(session, BlingDialect(), credentials=replace(own, url=url))
        assert erp._client._url == URL("https://api.bling.com.br/Api/v3")
    assert 1 / LIMITS.gap_s < 3
