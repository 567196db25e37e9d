"""Odoo only: two APIs, optional fields, archived people, and contact persons."""

import json
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr

from bot.demo.documents import make_cnpj, make_cpf
from bot.domain.erp_record import read_document
from bot.domain.errors import RefusedError, UnknownRefusalError, UnreadableError
from bot.domain.registration import Kind, Status
from bot.domain.tax_id import TaxId
from erp.adapter import Connection, Credentials
from erp.odoo import Odoo
from tests.erp.conftest import QUICK, Server
from tests.erp.dialects.dialect import Person, Trouble
from tests.erp.dialects.odoo import (
    API_KEY,
    DATABASE,
    LOGIN,
    PASSWORD,
    OdooJson2Dialect,
    OdooRpcDialect,
)

CPF, COMPANY = make_cpf(111222333), make_cnpj("112223330001")
PORTUGUESE = TaxId("501964843", "PT")
ANA = Person(id=11, name="Ana", document=CPF.number, mobile="49988010011")
PADARIA = Person(id=12, name="Padaria", document=COMPANY.number)


def connect(session: aiohttp.ClientSession, credentials: Credentials) -> Odoo:
    return Odoo(Connection(session=session, credentials=credentials, limits=QUICK))


async def test_a_document_is_found_in_either_writing(session: aiohttp.ClientSession) -> None:
    # The dialect stores documents of odd ids with punctuation, the others without.
    async with OdooRpcDialect(people=[ANA, replace(ANA, id=14)]) as dialect:
        found = await connect(session, dialect.credentials()).by_tax_id(CPF)
        assert found is not None
        assert {ref.id for ref in found.erp_refs} == {"11", "14"}


async def test_who_is_archived_is_found_and_the_persons_of_a_company_are_not(
    session: aiohttp.ClientSession,
) -> None:
    people = [replace(PADARIA, is_active=False), replace(PADARIA, id=13, name="Rui, da padaria")]
    async with OdooRpcDialect(people=people) as dialect:
        # A contact person has the company's document.
        dialect.more[13] = {"parent_id": [12, "Padaria"]}
        erp = connect(session, dialect.credentials())
        found = await erp.by_tax_id(COMPANY)
        assert found is not None
        assert (found.name, found.status) == ("Padaria", Status.INACTIVE)
        assert {ref.id for ref in found.erp_refs} == {"12"}
        assert [record.names for record in (await erp.page("")).records] == [("Padaria",)]


@pytest.mark.parametrize("is_company_stored", [True, False])
async def test_a_branch_is_a_partner_and_so_is_who_has_a_document_of_their_own(
    session: aiohttp.ClientSession, is_company_stored: bool
) -> None:
    branch, sister = make_cnpj("112223330002"), make_cnpj("112223330003")
    people = [
        PADARIA,
        Person(id=13, name="Filial", document=branch.number),
        Person(id=14, name="Entrega", document=COMPANY.number),
        Person(id=15, name="Rui, da filial", document=branch.number),
        replace(ANA, id=16),
        Person(id=17, name="Filial de fora", document=sister.number),
        # A parent that is on another page, or that this user may not see.
        *(Person(id=n, name=f"Loja {n}", document=make_cpf(n).number) for n in range(100, 301)),
        Person(id=400, name="Contato da última", document=make_cpf(300).number),
    ]
    async with OdooRpcDialect(people=people) as dialect:
        if not is_company_stored:
            dialect.fields.discard("is_company")
        for id_, parent in ((13, 12), (14, 12), (15, 13), (16, 12), (17, 999), (400, 300)):
            own = {"parent_id": [parent, "?"], "is_company": id_ in (13, 17)}
            dialect.more[id_] = own
        # The contact person of the branch has the branch's document in another notation.
        dialect.more[15]["vat"] = f"BR {branch.masked}"
        erp = connect(session, dialect.credentials())
        for tax_id, name in ((COMPANY, "Padaria"), (branch, "Filial"), (CPF, "Ana")):
            found = await erp.by_tax_id(tax_id)
            assert found is not None
            assert (found.name, len(found.erp_refs)) == (name, 1)
        assert await erp.by_tax_id(sister) is not None
        first = await erp.page("")
        ids = [record.ref.id for record in first.records if record.ref]
        assert ids[:5] == ["12", "13", "16", "17", "100"]
        assert first.next is not None
        assert [r.ref.id for r in (await erp.page(first.next)).records if r.ref][-1] == "300"


@pytest.mark.parametrize("field", ["l10n_br_cpf_code", "cnpj_cpf", "cnpj_cpf_stripped"])
async def test_a_document_is_found_in_each_field_of_a_brazilian_module(
    session: aiohttp.ClientSession, field: str
) -> None:
    async with OdooJson2Dialect(people=[ANA]) as dialect:
        dialect.fields.add(field)
        text = CPF.number if field.endswith("stripped") else CPF.masked
        # Odoo itself writes a slash for "no document".
        dialect.more[11] = {field: text, "vat": "/"}
        erp = connect(session, dialect.credentials())
        assert await erp.by_tax_id(CPF) is not None
        assert [read_document(record) for record in (await erp.page("")).records] == [CPF]


async def test_an_api_key_takes_the_place_of_the_password(session: aiohttp.ClientSession) -> None:
    async with OdooRpcDialect(people=[ANA], password=API_KEY) as dialect:
        own = replace(dialect.credentials(), token=SecretStr(API_KEY))
        assert await connect(session, own).by_tax_id(CPF) is not None
        assert set(dialect.asked) == {"/jsonrpc"}


async def test_the_brazilian_fields_come_first_where_they_are(
    session: aiohttp.ClientSession,
) -> None:
    async with OdooJson2Dialect(people=[PADARIA]) as dialect:
        dialect.fields |= {"legal_name", "cnpj_cpf", "cnpj_cpf_stripped"}
        dialect.more[12] = {
            "legal_name": "Padaria Pão & Cia Ltda",
            "cnpj_cpf": COMPANY.masked,
            "cnpj_cpf_stripped": COMPANY.number,
            "vat": False,
        }
        found = await connect(session, dialect.credentials()).by_tax_id(COMPANY)
        assert found is not None
        assert (found.name, found.trade_name) == ("Padaria Pão & Cia Ltda", "Padaria")


async def test_kinds_are_those_of_its_invoices(session: aiohttp.ClientSession) -> None:
    async with OdooRpcDialect(people=[ANA]) as dialect:
        both = dialect.more[11] = {"customer_rank": 3, "supplier_rank": 1}
        erp = connect(session, dialect.credentials())
        found = await erp.by_tax_id(CPF)
        assert found is not None
        assert found.kinds == {Kind.CUSTOMER, Kind.SUPPLIER}
        assert len(found.erp_refs) == 1
        both.update(customer_rank=0, supplier_rank=0)
        found = await erp.by_tax_id(CPF)
        assert found is not None
        assert found.kinds == {Kind.PROSPECT}


async def test_without_invoicing_everybody_is_a_customer(session: aiohttp.ClientSession) -> None:
    async with OdooRpcDialect(people=[ANA]) as dialect:
        dialect.fields -= {"customer_rank", "supplier_rank"}
        found = await connect(session, dialect.credentials()).by_tax_id(CPF)
        assert found is not None
        assert found.kinds == {Kind.CUSTOMER}


@pytest.mark.parametrize(
    ("vat", "country", "is_found"),
    [
        ("PT501964843", False, True),
        ("501 964 843", "PT", False),
        ("501964843", "PT", True),
        ("501964843", "ES", False),
    ],
)
async def test_a_foreign_document_is_found_with_its_country(
    session: aiohttp.ClientSession, vat: str, country: Any, is_found: bool
) -> None:
    async with OdooRpcDialect(people=[ANA]) as dialect:
        dialect.more[11] = {"vat": vat, "country_code": country}
        erp = connect(session, dialect.credentials())
        assert (await erp.by_tax_id(PORTUGUESE) is not None) is is_found
        [record] = (await erp.page("")).records
        assert not isinstance(read_document(record), TaxId)


async def test_a_login_that_was_changed_is_made_anew_once(session: aiohttp.ClientSession) -> None:
    async with OdooRpcDialect(people=[ANA]) as dialect:
        erp = connect(session, dialect.credentials())
        assert await erp.by_tax_id(CPF) is not None
        dialect.uid = 8
        assert await erp.by_tax_id(CPF) is not None
        dialect.password = "outra-senha"
        dialect.asked.clear()
        with pytest.raises(RefusedError, match="the login is not accepted"):
            await erp.by_tax_id(CPF)
        assert len(dialect.asked) == 2


async def test_the_database_is_named_where_a_server_has_several(
    session: aiohttp.ClientSession,
) -> None:
    async with OdooJson2Dialect(people=[ANA], databases=(DATABASE, "outra")) as dialect:
        own = dialect.credentials()
        with pytest.raises(RefusedError, match="HTTP 404"):
            await connect(session, own).probe()
        erp = connect(session, replace(own, database=DATABASE))
        assert await erp.by_tax_id(CPF) is not None


async def test_only_fields_that_are_there_are_asked_for(session: aiohttp.ClientSession) -> None:
    async with OdooJson2Dialect(people=[ANA]) as dialect:
        found = await connect(session, dialect.credentials()).by_tax_id(CPF)
        assert found is not None
        # A version without the field `mobile` has the mobile number in `phone`.
        assert found.phones.mobile == "+5549988010011"
        [(_, fields_get), (_, asked)] = dialect.calls
        assert fields_get == {"attributes": ["type", "searchable"]}
        assert not {"mobile", "comment", "signup_token"} & set(asked["fields"])


async def test_a_refusal_quotes_neither_secrets_nor_documents(
    session: aiohttp.ClientSession, log: list[Any]
) -> None:
    async with OdooRpcDialect(people=[ANA]) as dialect:
        erp = connect(session, dialect.credentials())
        await erp.probe()
        # A field that goes with a module is no longer asked for.
        dialect.fields.discard("email")
        assert await erp.by_tax_id(CPF) is not None
        dialect.trouble = Trouble.ERROR_INSIDE
        with pytest.raises(UnknownRefusalError) as raised:
            await erp.by_tax_id(CPF)
        told = f"{raised.value} {raised.value.__cause__} {log}"
        for secret in (PASSWORD, CPF.number, CPF.masked, "11122233396", "Traceback"):
            assert secret not in told


async def test_an_answer_without_a_result_is_not_nobody(
    session: aiohttp.ClientSession, server: Server
) -> None:
    server.answer(body='{"jsonrpc": "2.0", "id": 1, "result": 7}')
    fields = {name: {} for name in ("id", "name", "vat", "parent_id")}
    server.answer(body=json.dumps({"jsonrpc": "2.0", "id": 1, "result": fields}))
    server.answer(body='{"jsonrpc": "2.0", "id": 1}')
    own = Credentials(
        url=server.url, database=DATABASE, username=LOGIN, password=SecretStr(PASSWORD)
    )
    with pytest.raises(UnreadableError, match="neither result nor error"):
        await connect(session, own).by_tax_id(CPF)


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({}, "ERP_URL, ERP_TOKEN"),
        ({"url": "odoo.exemplo.com.br"}, "ERP_TOKEN"),
        ({"url": "odoo.exemplo.com.br", "username": "ana"}, "ERP_DATABASE, ERP_TOKEN"),
        ({"username": "ana", "password": SecretStr("x")}, "ERP_URL, ERP_DATABASE"),
    ],
)
async def test_what_is_missing_is_named(
    session: aiohttp.ClientSession, given: dict[str, Any], missing: str
) -> None:
    with pytest.raises(RefusedError, match=f"ERP odoo: needs {missing}$"):
        connect(session, Credentials(**given))
