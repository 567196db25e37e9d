"""SGP only: changes by day, versions with other answers, and its HTTP 403."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import pytest
from pydantic import SecretStr

from bot.demo.documents import make_cpf
from bot.domain.errors import RefusedError, TryLaterError, UnreadableError
from bot.domain.registration import Status
from bot.domain.tax_id import TaxId
from erp.adapter import Connection, Credentials
from erp.breaker import Breaker
from erp.sgp import Sgp
from tests.erp.conftest import QUICK, Server
from tests.erp.dialects.dialect import Person, Trouble
from tests.erp.dialects.sgp import APP, TOKEN, SgpDialect

CPF = make_cpf(111222333)
ANA = Person(id=11, name="Ana Araújo", document=CPF.number, mobile="49988010011")


@pytest.fixture
async def dialect() -> AsyncIterator[SgpDialect]:
    async with SgpDialect(people=[ANA]) as running:
        yield running


def connect(
    session: aiohttp.ClientSession, credentials: Credentials, *, zone: str = "America/Sao_Paulo"
) -> Sgp:
    return Sgp(
        Connection(
            session=session,
            credentials=credentials,
            limits=QUICK,
            breaker=Breaker(failures=10**9),
            timezone=ZoneInfo(zone),
        )
    )


def answering(session: aiohttp.ClientSession, server: Server, answer: Any) -> Sgp:
    server.answer(body=json.dumps(answer))
    return connect(session, replace(SgpDialect().credentials(), url=server.url))


def people(count: int) -> list[Person]:
    return [
        Person(id=n, name=f"Pessoa {n}", document=make_cpf(100_000_000 + n).number)
        for n in range(1, count + 1)
    ]


async def ids(erp: Sgp) -> list[str]:
    found: list[str] = []
    cursor: str | None = ""
    for _ in range(100):
        page = await erp.page(cursor)
        found += [record.ref.id for record in page.records if record.ref]
        cursor = page.next
        if cursor is None:
            return found
    raise AssertionError("paging never ends")


@pytest.mark.parametrize(
    ("zone", "begin"), [("America/Sao_Paulo", "2026-02-28"), ("Asia/Tokyo", "2026-03-01")]
)
async def test_changes_are_asked_for_by_the_companys_own_days(
    session: aiohttp.ClientSession, dialect: SgpDialect, zone: str, begin: str
) -> None:
    since = datetime(2026, 3, 1, 1, 30, tzinfo=UTC)
    page = await connect(session, dialect.credentials(), zone=zone).page("", since=since)
    [body] = dialect.bodies
    assert body["data_alteracao_inicio"] == begin
    # SGP requires both days; the range must include today.
    assert body["data_alteracao_fim"] > datetime.now(ZoneInfo(zone)).date().isoformat()
    assert page.latest is None


@pytest.mark.parametrize("count", [0, 99, 100, 250])
async def test_a_version_that_gives_nothing_but_records_is_read_to_its_end(
    session: aiohttp.ClientSession, dialect: SgpDialect, count: int
) -> None:
    dialect.people, dialect.is_bare = people(count), True
    erp = connect(session, dialect.credentials())
    assert await ids(erp) == [str(n) for n in range(1, count + 1)]
    assert await erp.by_tax_id(make_cpf(999_888_777)) is None
    dialect.trouble = Trouble.SAME_PAGE
    if count >= 100:
        with pytest.raises(UnreadableError, match="same page"):
            await ids(erp)


async def test_a_short_page_is_not_the_last_one(
    session: aiohttp.ClientSession, dialect: SgpDialect, log: list[Any]
) -> None:
    dialect.people, dialect.most = people(120), 50
    assert len(await ids(connect(session, dialect.credentials()))) == 120
    assert log == []


async def test_fewer_people_than_announced_are_told_to_the_log(
    session: aiohttp.ClientSession, server: Server, log: list[Any]
) -> None:
    answer = {"paginacao": {"total": 7}, "clientes": []}
    page = await answering(session, server, answer).page("")
    assert page.next is None
    assert [(line["event"], line["missing"]) for line in log] == [("erp.fewer_than_announced", 7)]


@pytest.mark.parametrize(
    ("detail", "meaning"),
    [
        ("Credenciais de autenticação incorretas.", "minds capitals"),
        ("As credenciais de autenticação não foram fornecidas.", "no token and app arrived"),
        (f"Sem acesso a {CPF.number}", "limited to other hosts or routes"),
    ],
)
async def test_a_refusal_is_told_in_our_words(
    session: aiohttp.ClientSession,
    server: Server,
    log: list[Any],
    detail: str,
    meaning: str,
) -> None:
    server.answer(status=403, body=json.dumps({"detail": detail}))
    credentials = replace(SgpDialect().credentials(), url=server.url)
    with pytest.raises(RefusedError, match=meaning) as refused:
        await connect(session, credentials).by_tax_id(CPF)
    assert len(server.requests) == 1
    said = f"{refused.value}{log}"
    assert not [secret for secret in (CPF.number, TOKEN) if secret in said]
    # The token belongs in the body, because many logs keep URLs.
    [(_, path, _, _)] = server.requests
    assert path == "/api/ura/clientes/"


async def test_the_app_is_sent_with_its_capitals(
    session: aiohttp.ClientSession, dialect: SgpDialect
) -> None:
    await connect(session, dialect.credentials()).probe()
    with pytest.raises(RefusedError, match="minds capitals"):
        await connect(session, replace(dialect.credentials(), client_id=APP.lower())).probe()


async def test_a_wrong_address_is_not_nobody(
    session: aiohttp.ClientSession, dialect: SgpDialect
) -> None:
    wrong = replace(dialect.credentials(), url=f"{dialect.url}/somewhere")
    with pytest.raises(TryLaterError, match="HTTP 404"):
        await connect(session, wrong).by_tax_id(CPF)


@pytest.mark.parametrize("page", ["", "/", "/admin", "/admin/cliente/?q=1", "/api/ura/clientes/"])
async def test_the_address_may_be_that_of_any_page(
    session: aiohttp.ClientSession, dialect: SgpDialect, page: str
) -> None:
    await connect(session, replace(dialect.credentials(), url=dialect.url + page)).probe()


@pytest.mark.parametrize(
    "answer",
    [{}, "text", None, {"msg": "Nenhum contrato localizado"}, {"clientes": {}}, ["x"]],
)
async def test_json_of_another_shape_is_unreadable(
    session: aiohttp.ClientSession, server: Server, answer: Any
) -> None:
    with pytest.raises(UnreadableError):
        await answering(session, server, answer).by_tax_id(CPF)


@pytest.mark.parametrize(
    ("contracts", "status"),
    [
        ([3, 4], Status.ACTIVE),
        (["Cancelado", " Ativo V. Reduzida "], Status.ACTIVE),
        ([2, "Cancelado"], Status.INACTIVE),
        (["Cancelado", "Outra coisa"], None),
        ([], None),
    ],
)
async def test_whether_a_customer_is_active_is_what_the_contracts_say(
    session: aiohttp.ClientSession,
    server: Server,
    contracts: list[object],
    status: Status | None,
) -> None:
    row = {"id": 1, "cpfcnpj": CPF.masked, "contratos": [{"status": s} for s in contracts]}
    found = await answering(session, server, {"clientes": [row]}).by_tax_id(CPF)
    assert found is not None
    assert found.status is status


async def test_contacts_are_read_in_both_forms(
    session: aiohttp.ClientSession, server: Server
) -> None:
    row = {
        "id": 1,
        "nome": "Ana",
        "cpfcnpj": CPF.number,
        "contatos": {
            "celulares": [],
            "telefones": [{"contato": "(49) 98801-0011"}, None, "4933220012", {"contato": {}}],
            "emails": [{"tipoContato": "E-mail", "contato": "ana@exemplo.com.br"}],
        },
        "contratos": [None, {"status": ["?"], "contratoCentralSenha": "s3nha"}],
    }
    erp = answering(session, server, {"clientes": [row, {**row, "contatos": "?"}]})
    found = await erp.by_tax_id(CPF)
    assert found is not None
    assert (found.phones.mobile, found.phones.home) == ("+5549988010011", "+554933220012")
    assert found.email == "ana@exemplo.com.br"
    assert "s3nha" not in str(await erp.page(""))


async def test_invoices_are_not_asked_for_and_contracts_are(
    session: aiohttp.ClientSession, dialect: SgpDialect
) -> None:
    await connect(session, dialect.credentials()).by_tax_id(CPF)
    [body] = dialect.bodies
    assert body["omitir_titulos"] is True
    assert "omitir_contratos" not in body
    assert body["cpfcnpj"] == CPF.number


async def test_what_sgp_cannot_do_is_refused_without_asking(
    session: aiohttp.ClientSession, dialect: SgpDialect
) -> None:
    with pytest.raises(RefusedError, match="only CPF and CNPJ"):
        await connect(session, dialect.credentials()).by_tax_id(TaxId("123456789", "PT"))
    assert dialect.asked == []
    with pytest.raises(RefusedError, match="ERP_CLIENT_ID"):
        connect(session, Credentials(url="x.y", token=SecretStr("t")))
