"""Voalle only: two ports, a login that expires hourly, and a look-up without a list."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest

from bot.demo.documents import make_cpf
from bot.domain.errors import RefusedError, TryLaterError, UnreadableError
from bot.domain.registration import Kind, Status
from bot.domain.tax_id import TaxId
from erp.adapter import Connection, Credentials
from erp.breaker import Breaker
from erp.voalle import Voalle, addresses
from tests.erp.conftest import QUICK, Server
from tests.erp.dialects.dialect import Person
from tests.erp.dialects.voalle import OWN, VoalleDialect

CPF, OTHER = make_cpf(111222333), make_cpf(444555666)
ANA = Person(id=11, name="Ana Araújo", document=CPF.number, mobile="49988010011")
LOGIN = {"access_token": "chave", "token_type": "Bearer", "expires_in": 3600}


@pytest.fixture
async def dialect() -> AsyncIterator[VoalleDialect]:
    async with VoalleDialect(people=[ANA]) as running:
        yield running


def connect(session: aiohttp.ClientSession, credentials: Credentials) -> Voalle:
    breaker = Breaker(failures=10**9)
    return Voalle(
        Connection(session=session, credentials=credentials, limits=QUICK, breaker=breaker)
    )


def answering(
    session: aiohttp.ClientSession, server: Server, answer: Any, *, status: int = 200
) -> Voalle:
    """Return an adapter whose login succeeds; the server then gives this answer."""
    server.answers.clear()
    server.answer(body=json.dumps(LOGIN))
    body = answer if isinstance(answer, str) else json.dumps(answer)
    server.answer(status=status, body=body)
    return connect(session, replace(VoalleDialect().credentials(), url=server.url))


@pytest.mark.parametrize(
    ("address", "login", "api"),
    [
        ("e.br", "https://e.br:45700", "https://e.br:45715"),
        ("http://e.br/admin#/login", "http://e.br:45700", "http://e.br:45715"),
        ("https://e.br:45715/external/integrations", "https://e.br:45700", "https://e.br:45715"),
        ("https://e.br:45700/connect/token", "https://e.br:45700", "https://e.br:45715"),
        ("https://e.br:8443/voalle/", "https://e.br:8443/voalle", "https://e.br:8443/voalle"),
        ("https://e.br:8443/v/external/x", "https://e.br:8443/v", "https://e.br:8443/v"),
        ("https://e.br:443", "https://e.br", "https://e.br"),
    ],
)
def test_the_ports_are_added_unless_the_address_has_one(
    address: str, login: str, api: str
) -> None:
    found = [str(url).rstrip("/") for url in addresses(address)]
    assert found == [login, api]


@pytest.mark.parametrize("missing", [200, 404])
async def test_nobody_is_nobody_in_both_ways(
    session: aiohttp.ClientSession, dialect: VoalleDialect, missing: int
) -> None:
    dialect.missing = missing
    erp = connect(session, dialect.credentials())
    await erp.probe()
    assert await erp.by_tax_id(OTHER) is None
    # Voalle does not show a supplier.
    dialect.people = [replace(ANA, kind=Kind.SUPPLIER)]
    assert await erp.by_tax_id(CPF) is None


@pytest.mark.parametrize(
    ("status", "answer", "error"),
    [
        (200, {"success": False, "messages": [CPF.number], "response": None}, TryLaterError),
        (200, {"success": False, "response": {"txId": CPF.number}}, TryLaterError),
        (200, {"success": True}, UnreadableError),
        (200, {"success": True, "response": []}, UnreadableError),
        (200, {}, UnreadableError),
        (200, [], UnreadableError),
        (200, {"response": None}, TryLaterError),
        (404, "", TryLaterError),
        (404, "<html>404</html>", TryLaterError),
        (404, {"message": "no route"}, TryLaterError),
        (403, {"success": False, "response": None}, TryLaterError),
        (500, {"success": False, "response": None}, TryLaterError),
    ],
)
async def test_nothing_else_says_that_nobody_is_there(
    session: aiohttp.ClientSession,
    server: Server,
    status: int,
    answer: Any,
    error: type[Exception],
) -> None:
    with pytest.raises(error) as raised:
        await answering(session, server, answer, status=status).by_tax_id(CPF)
    assert CPF.number not in str(raised.value)


async def test_a_probe_needs_nobody_but_an_answer_of_the_api(
    session: aiohttp.ClientSession, server: Server
) -> None:
    invalid = {"success": False, "messages": ["CPF inválido"], "response": None}
    await answering(session, server, invalid).probe()
    assert server.requests[1][1].endswith("/people/txid/00000000000")
    with pytest.raises(TryLaterError, match="a wrong URL"):
        await answering(session, server, "", status=404).probe()


async def test_a_token_that_has_ended_is_made_again(
    session: aiohttp.ClientSession, dialect: VoalleDialect
) -> None:
    erp = connect(session, dialect.credentials())
    await erp.probe()
    dialect.tokens[:] = ["?"]
    assert await erp.by_tax_id(CPF)
    assert dialect.asked.count("/connect/token") == 2


@pytest.mark.parametrize(
    ("said", "status"),
    [(1, Status.ACTIVE), ("1", Status.ACTIVE), (2, Status.INACTIVE), (None, None)],
)
async def test_odd_fields_spoil_nothing(
    session: aiohttp.ClientSession, server: Server, said: Any, status: Status | None
) -> None:
    row = {
        "id": 11,
        "name": "Padaria Pão Ltda",
        "name2": "Pão & Cia",
        "txId": CPF.masked,
        "email": {"?": 1},
        "status": said,
        "phone": 4933220012,
        "titles": "?",
    }
    found = await answering(session, server, {"success": True, "response": row}).by_tax_id(CPF)
    assert found is not None
    assert (found.status, found.email) == (status, None)
    assert (found.name, found.trade_name) == ("Padaria Pão Ltda", "Pão & Cia")
    assert found.phones.home == "+554933220012"


@pytest.mark.parametrize("status", [400, 401, 403])
async def test_a_login_that_is_refused_says_which_settings_and_no_secret(
    session: aiohttp.ClientSession, server: Server, log: list[Any], status: int
) -> None:
    server.answer(status=status, body=json.dumps({"error": "invalid_client", "q": OWN}))
    erp = connect(session, replace(VoalleDialect().credentials(), url=server.url))
    with pytest.raises(RefusedError, match=r"syndata \(ERP_TOKEN\) not accepted") as raised:
        await erp.by_tax_id(CPF)
    assert len(server.requests) == 1
    said = f"{raised.value}{raised.value.__cause__}{log}"
    secrets = (OWN["client_secret"], OWN["syndata"], OWN["client_id"], CPF.number)
    assert not [secret for secret in secrets if secret in said]


async def test_what_voalle_cannot_do_is_refused_without_asking(
    session: aiohttp.ClientSession, dialect: VoalleDialect
) -> None:
    erp = connect(session, dialect.credentials())
    with pytest.raises(RefusedError, match="only CPF and CNPJ"):
        await erp.by_tax_id(TaxId("123456789", "PT"))
    with pytest.raises(RefusedError, match="no list of people"):
        await erp.page("")
    with pytest.raises(RefusedError, match="no list of changes"):
        await erp.page("", since=datetime(2026, 3, 1, tzinfo=UTC))
    assert dialect.asked == []
    with pytest.raises(RefusedError, match="ERP_CLIENT_ID, ERP_CLIENT_SECRET, ERP_TOKEN"):
        connect(session, Credentials(url="x.y"))
