"""Tryton without a real server; test_tryton_real.py has the rest."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest

from bot.demo.documents import make_cpf
from bot.domain.errors import RefusedError, UnreadableError
from bot.domain.registration import Kind
from bot.domain.tax_id import TaxId
from erp.adapter import Connection, Credentials
from erp.tryton import Tryton
from erp.tryton_records import PartyRow, tell
from tests.erp.conftest import QUICK, Server
from tests.erp.dialects.dialect import Person
from tests.erp.dialects.tryton import PASSWORD, Tryton7Dialect, Tryton8Dialect, TrytonDialect

CPF = make_cpf(111222333)
PORTUGUESE = TaxId("501964843", "PT")
ANA = Person(id=11, name="Ana", document=CPF.number, mobile="49988010011")
BOTH = pytest.mark.parametrize("kind", [Tryton7Dialect, Tryton8Dialect])


def connect(session: aiohttp.ClientSession, credentials: Credentials) -> Tryton:
    return Tryton(Connection(session=session, credentials=credentials, limits=QUICK))


@BOTH
async def test_one_session_does_for_all_until_it_ends(
    session: aiohttp.ClientSession, kind: type[TrytonDialect]
) -> None:
    async with kind(people=[ANA]) as dialect:
        erp = connect(session, dialect.credentials())
        for _ in range(3):
            assert await erp.by_tax_id(CPF) is not None
        assert len(dialect.sessions) == 1
        dialect.sessions[:] = ["ended"]
        assert await erp.by_tax_id(CPF) is not None
        assert len(dialect.sessions) == 2


@BOTH
async def test_a_wrong_password_is_tried_once(
    session: aiohttp.ClientSession, kind: type[TrytonDialect], log: list[Any]
) -> None:
    async with kind(people=[ANA]) as dialect:
        with pytest.raises(RefusedError) as raised:
            await connect(session, dialect.wrong_credentials()).by_tax_id(CPF)
        logins = [method for method, _ in dialect.calls if method == "common.db.login"]
        assert logins == ["common.db.login"]
        assert "errada" not in f"{raised.value} {raised.value.__cause__} {log}"


async def test_a_server_that_was_updated_is_found_again(
    session: aiohttp.ClientSession, server: Server
) -> None:
    login = json.dumps({"id": 1, "result": [1, "a" * 64]})
    nobody = '{"id": 1, "result": []}'
    server.answer(status=401)
    server.answer(body='{"id": 1, "result": "7.0.59"}')
    server.answer(body=login)
    server.answer(body=nobody)
    server.answer(body=nobody)
    # The same path, one version later.
    server.answer(status=405, body="<!doctype html>")
    server.answer(body='{"id": 1, "result": "8.0"}')
    server.answer(body=login)
    server.answer(body=nobody)
    erp = connect(session, replace(Tryton8Dialect().credentials(), url=server.url))
    assert await erp.by_tax_id(CPF) is None
    assert await erp.by_tax_id(CPF) is None
    paths = [path for _, path, _, _ in server.requests]
    assert paths[:5] == ["/rpc/", "/", "/erp/", "/erp/", "/erp/"]
    assert paths[5:] == ["/erp/", "/rpc/", "/erp/rpc/", "/erp/rpc/", "/erp/rpc/"]
    asked = [json.loads(server.requests[n][3])["params"][0][0][0] for n in (3, 4, 8, 9)]
    assert asked == ["identifiers.code"] * 2 + ["identifiers.code_compact", "identifiers.code"]


@pytest.mark.parametrize(
    ("answer", "error", "says"),
    [
        ('{"id": 1, "error": ["LoginException", ["password", "?"]]}', RefusedError, "asks for"),
        ('{"id": 1, "result": null}', UnreadableError, "no session"),
        ('{"id": 1}', UnreadableError, "neither result nor error"),
        ("[]", UnreadableError, "not an object"),
    ],
)
async def test_a_login_that_is_none_is_an_error(
    session: aiohttp.ClientSession,
    server: Server,
    answer: str,
    error: type[Exception],
    says: str,
) -> None:
    server.answer(body='{"id": 1, "result": "8.0"}')
    server.answer(body=answer)
    erp = connect(session, replace(Tryton8Dialect().credentials(), url=server.url))
    with pytest.raises(error, match=says) as raised:
        await erp.probe()
    assert PASSWORD not in str(raised.value)


async def test_it_needs_all_of_its_settings(session: aiohttp.ClientSession) -> None:
    with pytest.raises(RefusedError, match="ERP_DATABASE, ERP_USERNAME, ERP_PASSWORD"):
        connect(session, Credentials(url="tryton.exemplo.com.br"))


def party(*identifiers: tuple[str | None, str], **more: Any) -> PartyRow:
    rows = [{"type": type_, "code": code, "active": 1} for type_, code in identifiers]
    return PartyRow.model_validate({"id": 5, "name": "Ana", "identifiers.": rows} | more)


@pytest.mark.parametrize(
    ("type_", "code", "is_the_one"),
    [
        ("pt_vat", "501964843", True),
        ("eu_vat", "PT501964843", True),
        ("eu_vat", "ES501964843", False),
        ("es_vat", "501964843", False),
        (None, "501964843", False),
    ],
)
async def test_a_foreign_document_counts_with_its_country(
    session: aiohttp.ClientSession, type_: str | None, code: str, is_the_one: bool
) -> None:
    async with Tryton8Dialect(people=[replace(ANA, document=code)]) as dialect:
        identifier = {"id": 3, "type": type_, "code": code, "active": 1}
        dialect.more[11] = {"identifiers.": [identifier]}
        erp = connect(session, dialect.credentials())
        assert (await erp.by_tax_id(PORTUGUESE) is not None) is is_the_one


def test_the_brazilian_document_of_several_is_the_one() -> None:
    [record] = party(("pt_vat", "501964843"), ("br_cpf", CPF.masked)).to_records()
    assert (record.document, record.is_foreign) == (CPF.masked, False)
    [record] = party(("pt_vat", "501964843")).to_records()
    assert record.is_foreign


def test_categories_say_the_kinds_and_nothing_says_customer() -> None:
    names = ({"name": "VIP"}, {"name": " Fornecedor "}, {"name": "Customer"})
    both = party(("br_cpf", CPF.number), **{"categories.": list(names)}).to_records()
    assert {record.kind for record in both} == {Kind.CUSTOMER, Kind.SUPPLIER}
    [one] = party(("br_cpf", CPF.number), **{"categories.": list(names[:1])}).to_records()
    assert one.kind is Kind.CUSTOMER


def test_odd_fields_spoil_nothing() -> None:
    odd = {
        "active": "yes",
        "write_date": {"__class__": "datetime", "year": 2026},
        "create_date": 5,
        "contact_mechanisms.": [None, {"type": "mobile", "value": 49988010011, "active": True}],
        "categories.": None,
    }
    [record] = party(("br_cpf", CPF.number), **odd).to_records()
    assert (record.status, record.updated) == (None, "")
    assert record.phones.mobile == "+5549988010011"


def test_the_latest_change_is_that_of_whatever_belongs_to_it() -> None:
    early, late = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, 1, 2, 3, 4, tzinfo=UTC)
    contact = {"type": "email", "value": "a@exemplo.com.br", "write_date": tell(late)}
    row = party(create_date=tell(early), write_date=None, **{"contact_mechanisms.": [contact]})
    assert row.changed == late
