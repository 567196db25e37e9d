"""HubSoft only: its login, people that it hides by default, and its two first pages."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr

from bot.demo.documents import make_cpf
from bot.domain.errors import (
    RefusedError,
    TryLaterError,
    UnknownRefusalError,
    UnreadableError,
)
from bot.domain.registration import Status
from bot.domain.tax_id import TaxId
from erp.adapter import Connection, Credentials
from erp.answer import UnauthorizedError
from erp.breaker import Breaker
from erp.hubsoft import HubSoft
from tests.erp.conftest import QUICK, Server
from tests.erp.dialects.dialect import Person
from tests.erp.dialects.hubsoft import OWN, HubSoftDialect

CPF = make_cpf(111222333)
ANA = Person(id=11, name="Ana Araújo", document=CPF.number, mobile="49988010011")
TOKEN = {"access_token": "chave", "token_type": "Bearer", "expires_in": 2592000}


@pytest.fixture
async def dialect() -> AsyncIterator[HubSoftDialect]:
    async with HubSoftDialect(people=[ANA]) as running:
        yield running


def connect(session: aiohttp.ClientSession, credentials: Credentials) -> HubSoft:
    breaker = Breaker(failures=10**9)
    return HubSoft(
        Connection(session=session, credentials=credentials, limits=QUICK, breaker=breaker)
    )


def answering(session: aiohttp.ClientSession, server: Server, *answers: Any) -> HubSoft:
    """Return an adapter whose login succeeds; the server then gives these answers."""
    for answer in (TOKEN, *answers):
        server.answer(body=json.dumps(answer))
    return connect(session, replace(HubSoftDialect().credentials(), url=server.url))


def people(count: int) -> list[Person]:
    return [
        Person(id=n, name=f"Pessoa {n}", document=make_cpf(100_000_000 + n).number)
        for n in range(1, count + 1)
    ]


async def ids(erp: HubSoft) -> list[str]:
    found: list[str] = []
    cursor: str | None = ""
    for _ in range(100):
        page = await erp.page(cursor)
        found += [record.ref.id for record in page.records if record.ref]
        cursor = page.next
        if cursor is None:
            return found
    raise AssertionError("paging never ends")


async def test_former_customers_are_found_too(
    session: aiohttp.ClientSession, dialect: HubSoftDialect
) -> None:
    dialect.people = [replace(ANA, id=n, is_active=False) for n in range(1, 9)]
    found = await connect(session, dialect.credentials()).by_tax_id(CPF)
    assert found is not None
    assert found.status is Status.INACTIVE
    # HubSoft's own default limit of five would have dropped three of them.
    assert len(found.erp_refs) == 8
    assert [query["cancelado"] for query in dialect.queries] == ["sim", "nao"]
    assert {query["termo_busca"] for query in dialect.queries} == {CPF.number}


async def test_a_token_that_ends_is_fetched_again_once(
    session: aiohttp.ClientSession, dialect: HubSoftDialect
) -> None:
    erp = connect(session, dialect.credentials())
    assert await erp.by_tax_id(CPF) is not None
    assert await erp.by_tax_id(CPF) is not None
    assert dialect.asked.count("/oauth/token") == 1
    dialect.tokens = ["of-somebody-else"]
    assert await erp.by_tax_id(CPF) is not None
    assert dialect.asked.count("/oauth/token") == 2


async def test_a_new_token_that_is_refused_too_is_not_fetched_for_ever(
    session: aiohttp.ClientSession, server: Server
) -> None:
    server.answer(body=json.dumps(TOKEN))
    server.answer(status=401)
    server.answer(body=json.dumps(TOKEN))
    server.answer(status=401)
    credentials = replace(HubSoftDialect().credentials(), url=server.url)
    with pytest.raises(UnauthorizedError, match="cliente: HTTP 401"):
        await connect(session, credentials).by_tax_id(CPF)
    assert len(server.requests) == 4


@pytest.mark.parametrize("first_page", [0, 1])
@pytest.mark.parametrize("lists_only_former", [False, True])
async def test_everybody_is_listed_once_however_the_documentation_is_meant(
    session: aiohttp.ClientSession,
    dialect: HubSoftDialect,
    log: list[Any],
    first_page: int,
    lists_only_former: bool,
) -> None:
    dialect.people = [replace(one, is_active=one.id % 3 > 0) for one in people(450)]
    dialect.first_page, dialect.lists_only_former = first_page, lists_only_former
    found = await ids(connect(session, dialect.credentials()))
    assert sorted(found, key=int) == [str(n) for n in range(1, 451)]
    assert log == []


@pytest.mark.parametrize("is_active", [False, True])
async def test_a_customer_is_found_however_the_documentation_is_meant(
    session: aiohttp.ClientSession, dialect: HubSoftDialect, is_active: bool
) -> None:
    dialect.lists_only_former = True
    dialect.people = [replace(ANA, is_active=is_active)]
    found = await connect(session, dialect.credentials()).by_tax_id(CPF)
    assert found is not None
    assert found.status is (Status.ACTIVE if is_active else Status.INACTIVE)


async def test_the_services_of_both_answers_count(
    session: aiohttp.ClientSession, server: Server
) -> None:
    # Each answer has only those of the customer's services that were asked for.
    rows = [
        {"id_cliente": 1, "cpf_cnpj": CPF.number, "servicos": [{"status_prefixo": word}]}
        for word in ("cancelado", "servico_habilitado")
    ]
    answers = [{"status": "success", "clientes": [row]} for row in rows]
    found = await answering(session, server, *answers).by_tax_id(CPF)
    assert found is not None
    assert (found.status, len(found.erp_refs)) == (Status.ACTIVE, 1)


async def test_short_and_empty_pages_in_the_middle_are_not_the_end(
    session: aiohttp.ClientSession, dialect: HubSoftDialect, log: list[Any]
) -> None:
    dialect.people = people(1000)
    dialect.left_out = {7, *range(201, 401), *range(601, 1001)}
    found = await ids(connect(session, dialect.credentials()))
    assert found == [str(n) for n in range(1, 601) if n not in dialect.left_out]
    assert [(line["event"], line["missing"]) for line in log] == [
        ("erp.fewer_than_announced", 601)
    ]


async def test_a_page_that_is_said_to_be_the_first_is_not_taken_for_the_second(
    session: aiohttp.ClientSession, server: Server
) -> None:
    paging = {"primeira_pagina": 0, "ultima_pagina": 5, "pagina_atual": 0, "total_registros": 9}
    first = {"status": "success", "paginacao": paging, "clientes": [{"id_cliente": 1}]}
    second = {**first, "clientes": [{"id_cliente": 2}]}
    erp = answering(session, server, first, second)
    page = await erp.page("")
    with pytest.raises(UnreadableError, match="same page"):
        await erp.page(page.next or "")


async def test_fewer_people_than_announced_are_told_to_the_log(
    session: aiohttp.ClientSession, server: Server, log: list[Any]
) -> None:
    paging = {"primeira_pagina": 0, "ultima_pagina": 0, "pagina_atual": 0, "total_registros": 9}
    rows = [{"id_cliente": 1, "cpf_cnpj": CPF.number, "servicos": [{"senha": "s3nha"}]}]
    answer = {"status": "success", "paginacao": paging, "clientes": rows}
    erp = answering(session, server, answer)
    page = await erp.page("")
    assert page.next is not None
    assert (await erp.page(page.next)).next is None
    line = log[0]
    assert (line["event"], line["missing"]) == ("erp.fewer_than_announced", 8)
    assert CPF.number not in str(log)
    assert "s3nha" not in str((log, page))


@pytest.mark.parametrize(
    ("services", "status"),
    [
        (["cancelado", "suspenso_debito"], Status.ACTIVE),
        (["aguardando_instalacao"], Status.ACTIVE),
        (["franquia_excedida"], Status.ACTIVE),
        (["cancelado", "agendado_para_instalacao"], Status.ACTIVE),
        (["cancelado", "inativo"], Status.INACTIVE),
        (["cancelado", "uma_palavra_nova"], None),
        ([], None),
    ],
)
async def test_whether_a_customer_is_active_is_what_the_services_say(
    session: aiohttp.ClientSession, server: Server, services: list[str], status: Status | None
) -> None:
    row = {
        "id_cliente": 1,
        "cpf_cnpj": CPF.number,
        "servicos": [{"status_prefixo": word} for word in services],
    }
    erp = answering(session, server, {"status": "success", "clientes": [row]})
    found = await erp.by_tax_id(CPF)
    assert found is not None
    assert found.status is status


async def test_an_odd_field_spoils_no_record(
    session: aiohttp.ClientSession, server: Server
) -> None:
    row = {
        "id_cliente": 1,
        "cpf_cnpj": CPF.number,
        "nome_razaosocial": "Ana",
        "servicos": ["?", None, {"status_prefixo": ["?"]}],
        "telefone_primario": False,
        "telefone_terciario": 49988010011,
    }
    found = await answering(session, server, {"clientes": [row]}).by_tax_id(CPF)
    assert found is not None
    assert (found.name, found.phones.mobile, found.status) == ("Ana", "+5549988010011", None)


async def test_no_error_holds_a_secret_or_what_hubsoft_said(
    session: aiohttp.ClientSession, dialect: HubSoftDialect, server: Server, log: list[Any]
) -> None:
    with pytest.raises(UnauthorizedError, match="login: HTTP 401") as refused:
        await connect(session, dialect.wrong_credentials()).by_tax_id(CPF)
    quoting = {"status": "error", "msg": f"Não encontrado: {CPF.number}"}
    with pytest.raises(UnknownRefusalError, match="an error in place of records") as inside:
        await answering(session, server, quoting).by_tax_id(CPF)
    server.answers.clear()
    server.answer(status=503)
    with pytest.raises(TryLaterError, match="login: HTTP 503") as later:
        await connect(session, replace(dialect.credentials(), url=server.url)).by_tax_id(CPF)
    said = f"{refused.value}{inside.value}{later.value}{log}"
    secrets = (CPF.number, OWN["password"], OWN["client_secret"], OWN["username"], "errada")
    assert not [secret for secret in secrets if secret in said]


async def test_what_hubsoft_cannot_do_is_refused_without_asking(
    session: aiohttp.ClientSession, dialect: HubSoftDialect
) -> None:
    erp = connect(session, dialect.credentials())
    with pytest.raises(RefusedError, match="only CPF and CNPJ"):
        await erp.by_tax_id(TaxId("123456789", "PT"))
    with pytest.raises(RefusedError, match="no list of changes"):
        await erp.page("", since=datetime(2026, 3, 1, tzinfo=UTC))
    assert dialect.asked == []
    with pytest.raises(RefusedError, match="ERP_CLIENT_SECRET, ERP_USERNAME"):
        connect(session, Credentials(url="x.y", client_id="1", password=SecretStr("p")))


@pytest.mark.parametrize("page", ["", "/", "/api/v1/integracao/cliente?x=1", "/oauth/token"])
async def test_the_address_may_be_that_of_any_page(
    session: aiohttp.ClientSession, dialect: HubSoftDialect, page: str
) -> None:
    credentials = replace(dialect.credentials(), url=dialect.url + page)
    await connect(session, credentials).probe()
