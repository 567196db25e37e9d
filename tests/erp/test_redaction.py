"""No error and no log line holds a token, a document or part of a record, whatever fails."""

import base64
import logging
import traceback
from typing import Any

import aiohttp
import pytest

from bot.demo.documents import make_cpf
from bot.demo.ixc import CREDENTIAL, IxcEmulator, faults
from bot.demo.ixc.faults import Fault
from bot.demo.ixc.records import customer
from bot.domain.errors import AppError
from erp.breaker import Breaker
from tests.erp.conftest import IMPATIENT, Server, make_client, make_ixc, read

CPF = make_cpf(111222333)
SECRETS = (
    CPF.masked,
    CPF.number,
    CREDENTIAL,
    CREDENTIAL.partition(":")[2],
    base64.b64encode(CREDENTIAL.encode()).decode(),
    "segredo-da-central",
    "segr",
    "já cadastrado",
    "Maria Secreta",
)
FAULTS = [
    faults.message(f"CPF {CPF.masked} já cadastrado<br />"),
    faults.IP_NOT_ALLOWED,
    faults.html(500),
    faults.status(401),
    faults.status(429, retry_after="0"),
    faults.BROKEN_JSON,
    faults.OTHER_DOCUMENTS,
    faults.DOWN,
    faults.slow(60),
]


def all_text(error: BaseException, log: list[Any], caplog: pytest.LogCaptureFixture) -> str:
    shown = traceback.format_exception(error)
    # This log also holds the test server's own lines.
    lines = [r.getMessage() for r in caplog.records if not r.name.startswith("aiohttp.server")]
    return "\n".join([*shown, str(error), repr(error), repr(log), *lines])


@pytest.fixture(autouse=True)
def everything_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_tells_no_secrets(
    session: aiohttp.ClientSession,
    emulator: IxcEmulator,
    log: list[Any],
    caplog: pytest.LogCaptureFixture,
    fault: Fault,
) -> None:
    emulator.tables["cliente"] = [customer(1, "Maria Secreta", "52998224725")]
    emulator.fail(fault)
    ixc = make_ixc(session, emulator.url, limits=IMPATIENT, breaker=Breaker(failures=1))
    with pytest.raises(AppError) as raised:
        await ixc.by_tax_id(CPF)
    text = all_text(raised.value, log, caplog)
    assert [secret for secret in SECRETS if secret in text] == []


async def test_a_record_that_does_not_fit_is_not_quoted(
    session: aiohttp.ClientSession,
    server: Server,
    log: list[Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    row = f'["{CPF.masked}", "Maria Secreta", "segr"]'
    server.answer(body=f'{{"page": "1", "total": 1, "registros": [{row}]}}')
    with pytest.raises(AppError) as raised:
        await make_ixc(session, server.url).by_tax_id(CPF)
    text = all_text(raised.value, log, caplog)
    assert [secret for secret in SECRETS if secret in text] == []


@pytest.mark.parametrize("bad", ["hang", "cut", "status", "refused", "tls", "address"])
async def test_a_token_in_the_url_is_not_quoted(
    session: aiohttp.ClientSession,
    server: Server,
    log: list[Any],
    caplog: pytest.LogCaptureFixture,
    bad: str,
) -> None:
    url = server.url
    match bad:
        case "hang":
            server.hang()
        case "cut":
            server.cut()
        case "status":
            server.answer(status=503)
        case "refused":
            url = "http://127.0.0.1:1"
        case "tls":
            url = url.replace("http:", "https:")
        case "address":
            url = "http://0"
    with pytest.raises(AppError) as raised:
        await read(
            make_client(session, url, limits=IMPATIENT),
            params={"token": CREDENTIAL, "doc": CPF.number},
        )
    text = all_text(raised.value, log, caplog)
    assert [secret for secret in (*SECRETS, "token=", "127.0.0.1") if secret in text] == []


async def test_a_retry_is_logged_without_the_call_by_the_default_hooks(
    session: aiohttp.ClientSession, emulator: IxcEmulator, log: list[Any]
) -> None:
    emulator.fail(faults.status(503), times=1)
    await make_ixc(session, emulator.url).by_tax_id(CPF)
    [line] = [line for line in log if line["event"] == "stamina.retry_scheduled"]
    assert line["args"] == ()
    assert line["kwargs"] == {}
    assert line["caused_by"] in {
        f"TryLaterError('ERP ixc {table}: HTTP 503')" for table in ("cliente", "fornecedor")
    }


async def test_secrets_of_a_record_are_dropped(
    session: aiohttp.ClientSession, emulator: IxcEmulator
) -> None:
    row = customer(1, "Ana", CPF.masked)
    emulator.tables["cliente"] = [row]
    found = await make_ixc(session, emulator.url).by_tax_id(CPF)
    assert row["senha"] not in repr(found)
    assert row["senha_hotsite_md5"] not in repr(found)


async def test_neither_adapter_nor_client_shows_its_token(
    session: aiohttp.ClientSession, emulator: IxcEmulator
) -> None:
    ixc = make_ixc(session, emulator.url)
    for shown in (repr(ixc), repr(vars(ixc))):
        assert [secret for secret in SECRETS if secret in shown] == []
