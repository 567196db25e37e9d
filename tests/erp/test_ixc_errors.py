"""Each failure of IXC becomes its own error, and none becomes "not found"."""

import json
from typing import Any

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.demo.documents import make_cpf
from bot.demo.ixc import IxcEmulator, faults
from bot.demo.ixc.faults import Fault
from bot.demo.ixc.records import customer
from bot.domain.candidate import Candidate
from bot.domain.errors import (
    AppError,
    RefusedError,
    TryLaterError,
    UnknownRefusalError,
    UnreadableError,
)
from erp.breaker import Breaker
from erp.ixc import Ixc
from tests.erp.conftest import IMPATIENT, Server, make_ixc

CPF = make_cpf(111222333)
ONCE, TWICE, THRICE = 1, 2, 3

ERRORS = [
    (faults.message("CPF já cadastrado<br />"), UnknownRefusalError, "in place of records", ONCE),
    (faults.message("Recurso cliente não está disponível!"), RefusedError, "not released", ONCE),
    (faults.IP_NOT_ALLOWED, RefusedError, "IP address is not allowed", ONCE),
    (faults.html(200), TryLaterError, "HTML", TWICE),
    (faults.html(500), TryLaterError, "HTTP 500", TWICE),
    (faults.html(504), TryLaterError, "HTTP 504", TWICE),
    (faults.status(400), RefusedError, "HTTP 400", ONCE),
    (faults.status(401), RefusedError, "HTTP 401", ONCE),
    (faults.status(403), RefusedError, "HTTP 403", ONCE),
    (faults.status(404), RefusedError, "HTTP 404", ONCE),
    (faults.status(429), TryLaterError, "HTTP 429", THRICE),
    (faults.status(429, retry_after="0"), TryLaterError, "HTTP 429", THRICE),
    (faults.status(429, retry_after="90"), TryLaterError, "HTTP 429", ONCE),
    (faults.status(500), TryLaterError, "HTTP 500", THRICE),
    (faults.status(504), TryLaterError, "HTTP 504", THRICE),
    (faults.BROKEN_JSON, UnreadableError, "not JSON", ONCE),
    (faults.DOWN, TryLaterError, "ServerDisconnected", THRICE),
]


@pytest.mark.parametrize(("fault", "error", "says", "asked"), ERRORS)
async def test_a_fault_is_its_own_error_and_never_not_found(
    ixc: Ixc,
    emulator: IxcEmulator,
    fault: Fault,
    error: type[AppError],
    says: str,
    asked: int,
) -> None:
    emulator.tables["cliente"] = [customer(1, "Ana", CPF.masked)]
    emulator.fail(fault, table="cliente")
    with pytest.raises(error, match=says):
        await ixc.by_tax_id(CPF)
    assert sum(r.table == "cliente" for r in emulator.requests) == asked
    emulator.heal()
    assert await ixc.by_tax_id(CPF) is not None


@pytest.mark.parametrize(("fault", "error", "says", "asked"), ERRORS)
async def test_the_probe_fails_the_same_way(
    ixc: Ixc,
    emulator: IxcEmulator,
    fault: Fault,
    error: type[AppError],
    says: str,
    asked: int,
) -> None:
    emulator.fail(fault)
    with pytest.raises(error, match=says):
        await ixc.probe()


@pytest.mark.parametrize("fault", [faults.html(500), faults.status(503), faults.DOWN])
async def test_a_passing_fault_is_not_noticed(
    ixc: Ixc, emulator: IxcEmulator, fault: Fault
) -> None:
    emulator.tables["cliente"] = [customer(1, "Ana", CPF.masked)]
    emulator.fail(fault, table="cliente", times=1)
    assert await ixc.by_tax_id(CPF) is not None


async def test_a_slow_erp_is_a_time_out(
    session: aiohttp.ClientSession, emulator: IxcEmulator
) -> None:
    emulator.fail(faults.slow(60))
    with pytest.raises(TryLaterError, match="no answer in time"):
        await make_ixc(session, emulator.url, limits=IMPATIENT).by_tax_id(CPF)


async def test_an_erp_that_is_off_refuses_the_connection(
    session: aiohttp.ClientSession, emulator: IxcEmulator
) -> None:
    await emulator.stop()
    with pytest.raises(TryLaterError, match="ClientConnectorError"):
        await make_ixc(session, emulator.url).by_tax_id(CPF)


async def test_a_wrong_token_and_a_wrong_path_are_refused(
    session: aiohttp.ClientSession, emulator: IxcEmulator
) -> None:
    with pytest.raises(RefusedError, match="HTTP 401"):
        await make_ixc(session, emulator.url, token="7:wrong").probe()
    with pytest.raises(RefusedError, match="HTTP 404"):
        await make_ixc(session, f"{emulator.url}/somewhere").probe()


@pytest.mark.parametrize(
    "answer",
    [
        [],
        "text",
        1,
        None,
        {},
        {"page": "1"},
        {"page": "1", "total": "3"},
        {"page": "1", "total": None},
        {"page": "1", "total": False},
        {"page": "1", "total": "zero"},
        {"page": "1", "total": 1, "registros": {"0": {}}},
        {"page": "1", "total": 1, "registros": "x"},
        {"page": "1", "total": 1, "registros": ["x"]},
        {"type": "success", "message": "Registro inserido", "id": "9"},
    ],
)
async def test_json_of_another_shape_is_unreadable(
    session: aiohttp.ClientSession, server: Server, answer: Any
) -> None:
    server.answer(body=json.dumps(answer))
    with pytest.raises(UnreadableError):
        await make_ixc(session, server.url).by_tax_id(CPF)


@pytest.mark.parametrize(
    "answer",
    [
        {"page": "1", "total": "0"},
        {"page": "1", "total": 0},
        {"page": "1", "total": 0, "registros": None},
        {"page": "1", "total": "0", "registros": []},
    ],
)
async def test_an_empty_answer_is_nobody(
    session: aiohttp.ClientSession, server: Server, answer: Any
) -> None:
    server.answer(body=json.dumps(answer))
    assert await make_ixc(session, server.url).by_tax_id(CPF) is None


async def test_numbers_and_nulls_in_a_record_are_taken_for_text(
    session: aiohttp.ClientSession, server: Server
) -> None:
    row = {"id": 5, "cnpj_cpf": CPF.masked, "cpf_cnpj": CPF.masked, "razao": "Ana", "fone": None}
    server.answer(body=json.dumps({"page": 1, "total": 1, "registros": [row]}))
    found = await make_ixc(session, server.url).by_tax_id(CPF)
    assert found is not None
    assert {(ref.table, ref.id) for ref in found.erp_refs} == {
        ("cliente", "5"),
        ("fornecedor", "5"),
    }


async def test_half_a_character_is_left_out(
    session: aiohttp.ClientSession, server: Server
) -> None:
    row = {"cnpj_cpf": CPF.masked, "razao": "An\ud800a", "email": "a\ud800@b.com", "id": "\udc00"}
    server.answer(body=json.dumps({"page": "1", "total": 1, "registros": [row]}))
    found = await make_ixc(session, server.url).by_tax_id(CPF)
    assert found is not None
    assert (found.name, found.email, found.erp_refs) == ("Ana", "a@b.com", frozenset())


TEXT = st.text(st.characters(exclude_categories=()))
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=8,
)
FIELDS = (
    "id",
    "razao",
    "fantasia",
    "tipo_pessoa",
    "email",
    "ativo",
    "ultima_atualizacao",
    "fone",
    "telefone_celular",
    "whatsapp",
    "crm",
    "senha",
)
DOCUMENTS = st.sampled_from((CPF.masked, CPF.number)) | ANYTHING
ROWS = st.builds(
    lambda row, document: {**row, "cnpj_cpf": document, "cpf_cnpj": document},
    st.dictionaries(st.sampled_from(FIELDS), TEXT | ANYTHING),
    DOCUMENTS,
)
ANSWERS = ANYTHING | st.fixed_dictionaries(
    {},
    optional={
        "page": ANYTHING,
        "total": st.sampled_from((0, "0", 1, "1")) | ANYTHING,
        "type": st.just("error") | ANYTHING,
        "message": ANYTHING,
        "registros": st.lists(ROWS | ANYTHING, max_size=3) | ANYTHING,
    },
)


@given(answer=ANSWERS)
@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_no_answer_at_all_gives_anything_but_a_candidate_none_or_our_errors(
    session: aiohttp.ClientSession, server: Server, answer: Any
) -> None:
    server.answers.clear()
    server.answer(body=json.dumps(answer))
    ixc = make_ixc(session, server.url, breaker=Breaker(failures=10**9))
    try:
        found = await ixc.by_tax_id(CPF)
    except (TryLaterError, RefusedError, UnreadableError):
        return
    assert found is None or isinstance(found, Candidate)
