"""MK only: split letters, a token in every URL, and ranges of codes."""

import json
import logging
import traceback
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr

from bot.demo.documents import make_cpf
from bot.domain.errors import (
    AppError,
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
from erp.mk import Mk
from tests.erp.conftest import IMPATIENT, QUICK, Server
from tests.erp.dialects.dialect import Person, Trouble
from tests.erp.dialects.mk import MISSING, PASSWORD, TOKEN, MkDialect

CPF, OTHER = make_cpf(111222333), make_cpf(444555666)
ANA = Person(id=11, name="Ana Araújo", document=CPF.number, mobile="49988010011")
LOGIN = {"status": "OK", "Token": "ficha-de-acesso"}


@pytest.fixture
async def dialect() -> AsyncIterator[MkDialect]:
    async with MkDialect(people=[ANA]) as running:
        yield running


def connect(
    session: aiohttp.ClientSession, credentials: Credentials, *, limits: Any = QUICK
) -> Mk:
    breaker = Breaker(failures=10**9)
    return Mk(Connection(session=session, credentials=credentials, limits=limits, breaker=breaker))


def answering(session: aiohttp.ClientSession, server: Server, *answers: Any) -> Mk:
    """Return an adapter whose login succeeds; the server then gives these answers."""
    for answer in (LOGIN, *answers):
        body = answer if isinstance(answer, bytes) else json.dumps(answer)
        server.answer(body=body)
    return connect(session, replace(MkDialect().credentials(), url=server.url))


async def listed(erp: Mk) -> list[str]:
    found: list[str] = []
    cursor = ""
    for _ in range(100):
        page = await erp.page(cursor)
        found += [record.ref.id for record in page.records if record.ref]
        if page.next is None:
            return found
        cursor = page.next
    raise AssertionError("paging never ends")


@pytest.mark.parametrize(
    "name",
    [
        b"Jo\xc3\\u00A3o Muni\xc3\\u00A7\xc3\\u00A3o",
        "João Munição".encode(),
        "João Munição".encode("latin-1"),
        b"Jo\\u00E3o Muni\\u00E7\\u00E3o",
    ],
    ids=["pieces", "utf-8", "as declared", "escaped"],
)
async def test_letters_are_put_together(
    session: aiohttp.ClientSession, server: Server, name: bytes
) -> None:
    row = b'[{"CodigoPessoa":11,"CPF_CNPJ":"%s","Nome":"%s"}]' % (CPF.masked.encode(), name)
    erp = answering(session, server, {"status": "OK", "CodigoPessoa": 11}, row)
    found = await erp.by_tax_id(CPF)
    assert found is not None
    assert found.name == "João Munição"


async def test_the_other_registrations_of_a_document_are_read_in_full(
    session: aiohttp.ClientSession, dialect: MkDialect
) -> None:
    dialect.people = [replace(ANA, id=n, is_active=n == 13, mobile="") for n in (11, 12, 13)]
    dialect.people[1] = replace(dialect.people[1], home="4933220012")
    found = await connect(session, dialect.credentials()).by_tax_id(CPF)
    assert found is not None
    assert {ref.id for ref in found.erp_refs} == {"11", "12", "13"}
    assert (found.status, found.phones.home) == (Status.ACTIVE, "+554933220012")
    asked, *codes = dialect.queries
    assert asked == {"doc": CPF.number}
    assert codes == [{"cd_cliente": str(n)} for n in (11, 12, 13)]


async def test_what_shows_no_document_proves_nothing(
    session: aiohttp.ClientSession, server: Server
) -> None:
    erp = answering(
        session, server, {"status": "OK", "CodigoPessoa": 11, "Nome": "Outra Pessoa"}, []
    )
    with pytest.raises(UnreadableError, match="other documents"):
        await erp.by_tax_id(CPF)


@pytest.mark.parametrize(
    "answer",
    [
        {"status": "OK"},
        {"status": "OK", "CodigoPessoa": None, "Nome": ""},
        {"Nome": "Ana"},
        {"status": "ERRO", "Num. ERRO": "004", "Mensagem": "Informe um parâmetro"},
        {"status": "ERRO", "CODIGO_ERRO": 7, "mensagem": "Falha"},
        {"status": "ERRO", "Num. ERRO": "003", "Mensagem": "Token não encontrado."},
        {"status": "ERRO"},
        {},
        [],
    ],
)
async def test_only_one_answer_says_that_nobody_is_there(
    session: aiohttp.ClientSession, server: Server, answer: Any
) -> None:
    erp = answering(session, server, answer, LOGIN, answer)
    with pytest.raises((RefusedError, UnknownRefusalError, UnreadableError)):
        await erp.by_tax_id(CPF)
    server.answers.clear()
    server.answer(body=json.dumps(LOGIN))
    server.answer(body=json.dumps(MISSING))
    erp = connect(session, replace(MkDialect().credentials(), url=server.url))
    assert await erp.by_tax_id(CPF) is None


@pytest.mark.parametrize("status", [200, 401, 403])
async def test_a_token_that_has_ended_is_made_again_once(
    session: aiohttp.ClientSession, dialect: MkDialect, status: int
) -> None:
    dialect.expired = status
    erp = connect(session, dialect.credentials())
    await erp.probe()
    dialect.tokens.clear()
    assert await erp.by_tax_id(CPF)
    logins = [path for path in dialect.asked if "Autenticacao" in path]
    assert len(logins) == 2
    dialect.uses, before = 0, len(dialect.asked)
    with pytest.raises((UnauthorizedError, UnknownRefusalError)):
        await erp.by_tax_id(CPF)
    assert len(dialect.asked) - before == 3


async def test_tokens_for_one_use_are_made_as_often_as_needed(
    session: aiohttp.ClientSession, dialect: MkDialect
) -> None:
    dialect.uses, dialect.token_name = 1, "tokenRetornoAutenticacao"
    assert await connect(session, dialect.credentials()).by_tax_id(CPF)


@pytest.mark.parametrize("is_wrapped", [False, True])
async def test_gaps_between_codes_lose_nobody(
    session: aiohttp.ClientSession, dialect: MkDialect, is_wrapped: bool
) -> None:
    codes = [1, 500, 501, 1400, 90_000, 90_001, 2_000_000]
    dialect.people = [replace(ANA, id=code) for code in codes]
    dialect.is_wrapped = is_wrapped
    erp = connect(session, dialect.credentials())
    assert await listed(erp) == [str(code) for code in codes]
    assert len(dialect.queries) < 25
    # Another process needs only the cursor.
    first = await erp.page("")
    assert first.next
    second = await connect(session, dialect.credentials()).page(first.next)
    assert [record.ref.id for record in second.records if record.ref] == ["501"]


async def test_rows_without_codes_end_the_listing(
    session: aiohttp.ClientSession, server: Server
) -> None:
    with pytest.raises(UnreadableError, match="not the fields we know"):
        await answering(session, server, [{"Nome": "Ana"}]).page("")
    server.answers.clear()
    rows = [{"Nome": ["?"]}, "?"]
    with pytest.raises(UnreadableError, match="no list of records"):
        await answering(session, server, rows).page("")
    server.answers.clear()
    [odd, whole] = (
        await answering(session, server, [{"Nome": ["?"]}, {"CodigoPessoa": 2}]).page("")
    ).records
    assert odd.ref is None
    assert whole.ref is not None


@pytest.mark.parametrize("trouble", [None, *Trouble])
async def test_no_error_and_no_log_line_holds_a_url(
    session: aiohttp.ClientSession,
    dialect: MkDialect,
    log: list[Any],
    caplog: pytest.LogCaptureFixture,
    trouble: Trouble | None,
) -> None:
    caplog.set_level(logging.DEBUG)
    limits = IMPATIENT if trouble is Trouble.SLOW else QUICK
    erp = connect(session, dialect.credentials(), limits=limits)
    await connect(session, dialect.credentials()).probe()
    dialect.trouble = trouble
    raised: list[AppError] = []
    for ask in (lambda: erp.by_tax_id(CPF), lambda: erp.page("501|0"), erp.probe):
        try:
            await ask()
        except AppError as error:
            raised.append(error)
    wrong = connect(session, dialect.wrong_credentials())
    gone = connect(session, replace(dialect.credentials(), url="http://127.0.0.1:9"))
    for ask, kind in ((wrong.probe, RefusedError), (gone.probe, TryLaterError)):
        with pytest.raises(kind) as caught:
            await ask()
        raised.append(caught.value)
    # This log also holds the test server's own lines.
    lines = [r.getMessage() for r in caplog.records if not r.name.startswith("aiohttp.server")]
    said = "\n".join([*("".join(traceback.format_exception(e)) for e in raised), *lines])
    said += repr(log)
    secrets = [TOKEN, PASSWORD, "errada", *dialect.tokens, CPF.number, CPF.masked, ".rule?"]
    assert not [secret for secret in (*secrets, "11122233396") if secret in said]
    assert raised


async def test_what_mk_cannot_do_is_refused_without_asking(
    session: aiohttp.ClientSession, dialect: MkDialect
) -> None:
    erp = connect(session, dialect.credentials())
    with pytest.raises(RefusedError, match="only CPF and CNPJ"):
        await erp.by_tax_id(TaxId("123456789", "PT"))
    with pytest.raises(RefusedError, match="no list of changes"):
        await erp.page("", since=datetime(2026, 3, 1, tzinfo=UTC))
    assert dialect.asked == []
    with pytest.raises(RefusedError, match="ERP_TOKEN"):
        connect(session, Credentials(url="x.y", password=SecretStr("p")))


@pytest.mark.parametrize("page", ["", "/", "/mk", "/mk/", "/mk/index.jsp?x=1"])
async def test_the_address_may_be_that_of_any_page(
    session: aiohttp.ClientSession, dialect: MkDialect, page: str
) -> None:
    await connect(session, replace(dialect.credentials(), url=dialect.url + page)).probe()


async def test_a_version_without_the_service_says_so(
    session: aiohttp.ClientSession, server: Server
) -> None:
    server.answer(body=json.dumps(LOGIN))
    server.answer(status=404, body="<html>404</html>")
    erp = connect(session, replace(MkDialect().credentials(), url=server.url))
    with pytest.raises(RefusedError, match="lacks this service"):
        await erp.by_tax_id(OTHER)
