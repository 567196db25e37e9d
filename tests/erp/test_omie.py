"""Omie only: HTTP 500 with many meanings, and its limits on repeated requests."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import pytest
from pydantic import SecretStr
from yarl import URL

from bot.demo.documents import make_cnpj, make_cpf
from bot.domain.agreed import AgreedAlone, MarksAlone
from bot.domain.errors import (
    AppError,
    RefusedError,
    TryLaterError,
    UnknownRefusalError,
    UnreadableError,
)
from bot.domain.pace import Pace
from bot.domain.registration import Kind, Status
from bot.domain.tax_id import TaxId
from erp.adapter import Connection, Credentials
from erp.breaker import Breaker
from erp.client import Limits
from erp.omie import LIMITS, Omie
from tests.erp.conftest import QUICK, Clock, Server
from tests.erp.dialects.dialect import Person
from tests.erp.dialects.omie import KEY, SECRET, OmieDialect

CPF, OTHER = make_cpf(111222333), make_cpf(444555666)
COMPANY = make_cnpj("112223330001")
ANA = Person(id=11, name="Ana Araújo", document=CPF.number, mobile="49988010011")
PADARIA = Person(id=12, name="Padaria", document=COMPANY.number, home="4933220012")
ZONE = "America/Sao_Paulo"


@pytest.fixture
async def dialect() -> AsyncIterator[OmieDialect]:
    async with OmieDialect(people=[ANA, PADARIA]) as running:
        yield running


def connect(
    session: aiohttp.ClientSession,
    credentials: Credentials,
    *,
    zone: str = ZONE,
    clock: Clock | None = None,
    limits: Limits = QUICK,
) -> Omie:
    clock = clock or Clock()

    def utc() -> datetime:
        return datetime.fromtimestamp(clock(), UTC)

    at = Connection(
        session=session,
        credentials=credentials,
        pace=AgreedAlone(Pace(), utc),
        marks=MarksAlone(utc),
        limits=limits,
        breaker=Breaker(failures=10**9),
        timezone=ZoneInfo(zone),
    )
    return Omie(at, clock=clock)


def of(
    session: aiohttp.ClientSession,
    server: Server,
    *,
    clock: Clock | None = None,
    limits: Limits = QUICK,
) -> Omie:
    credentials = replace(OmieDialect().credentials(), url=server.url)
    return connect(session, credentials, clock=clock, limits=limits)


async def test_the_same_is_asked_once_a_minute(
    session: aiohttp.ClientSession, dialect: OmieDialect
) -> None:
    dialect.is_strict, clock = True, Clock()
    erp = connect(session, dialect.credentials(), clock=clock)
    assert await erp.by_tax_id(CPF) == await erp.by_tax_id(CPF) is not None
    assert await erp.by_tax_id(OTHER) is None
    assert await erp.by_tax_id(OTHER) is None
    assert len(dialect.asked) == 2
    dialect.people = []
    dialect.params.clear()
    clock.now += 61
    assert await erp.by_tax_id(CPF) is None
    # Another process has sent the same request.
    with pytest.raises(TryLaterError) as raised:
        await connect(session, dialect.credentials()).by_tax_id(CPF)
    assert raised.value.retry_after_s == 43.0
    # The client does not retry, because that would make it worse.
    assert len(dialect.asked) == 4


@pytest.mark.parametrize(
    ("said", "code", "status", "expected", "wait_s"),
    [
        (
            "ERROR: Consumo redundante detectado. Aguarde 1 segundo.",
            "SOAP-ENV:Client-6",
            500,
            TryLaterError,
            1.0,
        ),
        ("REDUNDANT", "SOAP-ENV:Client-6", 200, TryLaterError, 60.0),
        ("Já existe uma requisição", "SOAP-ENV:Client-1100", 500, TryLaterError, 60.0),
        (
            "API bloqueada por consumo indevido. Tente novamente em 1799 segundos.",
            "MISUSE_API_PROCESS",
            425,
            TryLaterError,
            1799.0,
        ),
        ("falha", "MISUSE_API_PROCESS", 425, TryLaterError, 1800.0),
        ("ERROR: Timeout", "SOAP-ENV:Server", 500, TryLaterError, None),
        ("ERROR: App Key inválida", "SOAP-ENV:Client-101", 500, RefusedError, None),
        ("A chave de acesso não está preenchida", "SOAP-ENV:Client", 200, RefusedError, None),
        ("Tag [PAGINA] inválida", "SOAP-ENV:Client-5113", 500, UnknownRefusalError, None),
        ("Aplicativo suspenso", "SOAP-ENV:Client-8", 403, RefusedError, None),
    ],
)
@pytest.mark.parametrize("form", [("faultstring", "faultcode"), ("description", "code")])
async def test_what_omie_says_becomes_what_can_be_done(
    session: aiohttp.ClientSession,
    server: Server,
    form: tuple[str, str],
    said: str,
    code: str,
    status: int,
    expected: type[AppError],
    wait_s: float | None,
) -> None:
    body = json.dumps({form[0]: f"{said} {CPF.masked}", form[1]: code})
    server.answer(status=status, body=body)
    with pytest.raises(expected) as raised:
        await of(session, server).by_tax_id(CPF)
    assert getattr(raised.value, "retry_after_s", None) == wait_s
    assert CPF.masked not in str(raised.value)


@pytest.mark.parametrize(
    ("area", "number", "phone"),
    [
        ("49", "99999-8888", "+5549999998888"),
        ("(049)", "999998888", "+5549999998888"),
        ("49", "(49) 99999-8888", "+5549999998888"),
        ("", "49999998888", "+5549999998888"),
        ("4", "999998888", None),
        (None, "999998888", None),
    ],
)
async def test_half_an_area_code_takes_no_digit_of_the_number(
    session: aiohttp.ClientSession,
    server: Server,
    area: str | None,
    number: str,
    phone: str | None,
) -> None:
    row = {"codigo_cliente_omie": 1, "cnpj_cpf": CPF.masked, "telefone1_ddd": area}
    row["telefone1_numero"] = number
    server.answer(status=200, body=json.dumps({"clientes_cadastro": [row]}))
    found = await of(session, server).by_tax_id(CPF)
    assert found is not None
    assert found.phones.mobile == phone
    assert found.phones.home is None


@pytest.mark.parametrize("status", [200, 500])
async def test_no_records_are_nobody_whatever_the_status(
    session: aiohttp.ClientSession, server: Server, status: int
) -> None:
    said = "ERROR: Não existem registros para a página [1]!"
    body = json.dumps({"faultstring": said, "faultcode": "SOAP-ENV:Client-5113"})
    server.answer(status=status, body=body)
    erp = of(session, server)
    assert await erp.by_tax_id(CPF) is None
    assert (await erp.page("")).next is None
    await erp.probe()


async def test_a_blocked_app_is_left_alone_until_it_is_free(
    session: aiohttp.ClientSession, server: Server
) -> None:
    said = "API bloqueada por consumo indevido. Tente novamente em 1800 segundos."
    server.answer(status=425, body=json.dumps({"faultstring": said, "faultcode": "MISUSE"}))
    server.answer(body=json.dumps({"clientes_cadastro": []}))
    clock = Clock()
    erp = of(session, server, clock=clock, limits=replace(QUICK, gap_s=1e-6))
    for rest in (1800.0, 1200.0, 600.0):
        with pytest.raises(TryLaterError) as raised:
            await erp.by_tax_id(CPF)
        assert raised.value.retry_after_s == rest
        clock.now += 600
    assert len(server.requests) == 1
    assert await erp.by_tax_id(CPF) is None


async def test_changes_are_the_altered_and_the_included_by_brazils_clock(
    session: aiohttp.ClientSession, dialect: OmieDialect
) -> None:
    changed = datetime(2026, 3, 1, 1, 30, tzinfo=UTC)
    # An odd id is a changed person, an even one a new person.
    dialect.people = [replace(ANA, changed=changed), replace(PADARIA, changed=changed)]
    erp = connect(session, dialect.credentials())
    altered = await erp.page("", since=changed)
    assert altered.latest == changed
    assert [record.names[0] for record in altered.records] == [ANA.name]
    assert altered.next is not None
    included = await erp.page(altered.next, since=changed)
    assert [record.names[0] for record in included.records] == [PADARIA.name]
    assert included.next is None
    for param in dialect.params:
        assert param["filtrar_por_data_de"] == "28/02/2026"
        assert param["filtrar_por_hora_de"] == "22:30:00"


async def test_who_is_customer_and_supplier_is_both(
    session: aiohttp.ClientSession, dialect: OmieDialect
) -> None:
    tags = [{"tag": "Cliente"}, {"tag": " fornecedor "}, {"tag": "VIP"}, None, "?"]
    dialect.more = {11: {"tags": tags, "inativo": "S"}, 12: {"tags": [{"tag": "Transportadora"}]}}
    erp = connect(session, dialect.credentials())
    ana, padaria = await erp.by_tax_id(CPF), await erp.by_tax_id(COMPANY)
    assert ana is not None
    assert padaria is not None
    assert (ana.kinds, ana.status) == ({Kind.CUSTOMER, Kind.SUPPLIER}, Status.INACTIVE)
    assert [ref.id for ref in ana.erp_refs] == ["11"]
    assert padaria.kinds == {Kind.CUSTOMER}


async def test_odd_fields_spoil_nothing(
    session: aiohttp.ClientSession, dialect: OmieDialect
) -> None:
    dialect.more = {11: {"info": None, "email": [], "tags": "x", "telefone2_ddd": None}}
    page = await connect(session, dialect.credentials()).page("")
    ana, padaria = page.records
    assert (ana.names[0], ana.email, ana.updated, ana.phones.mobile) == (ANA.name, None, "", None)
    assert padaria.phones.home == "+554933220012"
    assert page.latest == PADARIA.changed


async def test_foreigners_are_told_apart_and_not_asked_for(
    session: aiohttp.ClientSession, dialect: OmieDialect
) -> None:
    dialect.more = {11: {"exterior": "S"}}
    erp = connect(session, dialect.credentials())
    assert [record.is_foreign for record in (await erp.page("")).records] == [True, False]
    asked = len(dialect.asked)
    with pytest.raises(RefusedError, match="CPF and CNPJ"):
        await erp.by_tax_id(TaxId("12345", "PT"))
    assert len(dialect.asked) == asked


async def test_the_answer_to_another_page_ends_the_listing(
    session: aiohttp.ClientSession, server: Server
) -> None:
    rows: list[Any] = [{"codigo_cliente_omie": 1}]
    answer = {"pagina": 1, "total_de_paginas": 3, "clientes_cadastro": rows}
    server.answer(body=json.dumps(answer))
    erp = of(session, server)
    following = (await erp.page("")).next
    assert following is not None
    with pytest.raises(UnreadableError):
        await erp.page(following)


async def test_the_apps_secret_is_in_no_error_and_no_log(
    session: aiohttp.ClientSession,
    server: Server,
    log: list[Any],
    capsys: pytest.CaptureFixture[str],
) -> None:
    server.answer(status=503, body=f'{{"app_secret": "{SECRET}"}}')
    with pytest.raises(TryLaterError) as raised:
        await of(session, server).by_tax_id(CPF)
    told = f"{raised.value!r} {raised.value.__cause__!r} {log} {capsys.readouterr()}"
    assert SECRET not in told
    assert KEY not in told
    assert SECRET in server.requests[0][3].decode()
    assert SECRET not in server.requests[0][1]


async def test_without_an_address_it_is_the_vendors(session: aiohttp.ClientSession) -> None:
    own = Credentials(client_id=KEY, client_secret=SecretStr(SECRET))
    for url in ("", " ", "app.omie.com.br", "https://app.omie.com.br/api/v1/geral/clientes/"):
        erp = connect(session, replace(own, url=url))
        assert erp._client._url == URL("https://app.omie.com.br/api/v1")
    with pytest.raises(RefusedError, match="ERP_CLIENT_ID, ERP_CLIENT_SECRET"):
        connect(session, Credentials())
    assert 60 / LIMITS.gap_s <= 240
