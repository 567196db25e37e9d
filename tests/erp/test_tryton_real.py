"""The adapter for Tryton against real servers, 7.0 and 8.0. `.ci/tryton` prepares them."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr

from bot.demo.documents import make_cnpj, make_cpf
from bot.domain.erp_record import ErpRecord, read_document
from bot.domain.errors import RefusedError, TryLaterError
from bot.domain.registration import Kind, Status
from bot.domain.tax_id import TaxId
from erp import tryton
from erp.adapter import Connection, Credentials
from erp.client import Limits
from erp.tryton import Tryton
from tests.erp.tryton_server import VERSIONS, TrytonServer, need_tryton, tryton_running
from tests.patience import patient

PEOPLE = 60
PATIENT = patient(Limits(attempts=2, wait_initial_s=0.01))


class Real:
    """A server, the adapter connected to it, and calls that write into it."""

    def __init__(
        self, server: TrytonServer, session: aiohttp.ClientSession, headers: dict[str, str]
    ) -> None:
        self.server = server
        self.erp = connect(session, server.credentials)
        self._session = session
        self._headers = headers

    async def rpc(self, method: str, *params: Any) -> Any:
        return await self.server.rpc(self._session, self._headers, method, *params)

    async def add(self, name: str, *codes: tuple[str | None, str], **more: Any) -> int:
        """Create a party and return its id; `codes` are pairs of identifier type and text."""
        identifiers = [{"type": type_, "code": code} for type_, code in codes]
        row = {"name": name, "identifiers": [["create", identifiers]]} | more
        [party] = await self.rpc("party.create", [row])
        return int(party)

    async def children(self, party: int, child: str) -> list[int]:
        [row] = await self.rpc("party.read", [party], [child])
        return [int(one) for one in row[child]]

    async def everybody(self, **since: Any) -> list[ErpRecord]:
        found: list[ErpRecord] = []
        cursor: str | None = ""
        while cursor is not None:
            page = await self.erp.page(cursor, **since)
            found += page.records
            cursor = page.next
        return found

    async def changed(self, **since: Any) -> set[str]:
        return {record.ref.id for record in await self.everybody(**since) if record.ref}


def connect(session: aiohttp.ClientSession, credentials: Credentials) -> Tryton:
    return Tryton(Connection(session=session, credentials=credentials, limits=PATIENT))


def contacts(**values: str) -> dict[str, Any]:
    rows = [{"type": type_, "value": value} for type_, value in values.items()]
    return {"contact_mechanisms": [["create", rows]]}


def cpf(n: int) -> TaxId:
    return make_cpf(300_000_000 + n)


@pytest.fixture(scope="module", params=VERSIONS)
async def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[TrytonServer]:
    version = str(request.param)
    need_tryton(version)
    async with (
        tryton_running(version, tmp_path_factory.mktemp("tryton")) as running,
        aiohttp.ClientSession() as session,
    ):
        await seed(running, session)
        yield running


async def seed(server: TrytonServer, session: aiohttp.ClientSession) -> None:
    headers = await server.log_in(session)
    names = [{"name": "Customer"}, {"name": "Supplier"}]
    customer, supplier = await server.rpc(session, headers, "category.create", names)
    rows = [
        {
            "name": f"Pessoa {n} Araújo",
            "identifiers": [["create", [{"type": "br_cpf", "code": _typed(cpf(n), n)}]]],
            "categories": [["add", [supplier if n % 7 == 0 else customer]]],
        }
        | contacts(mobile=f"+5549988{n:06}", phone="4933220012", email=f"p{n}@exemplo.com.br")
        for n in range(1, PEOPLE + 1)
    ]
    ids = await server.rpc(session, headers, "party.create", rows)
    await server.rpc(session, headers, "party.write", ids[9::10], {"active": False})


def _typed(tax_id: TaxId, n: int) -> str:
    return tax_id.masked if n % 2 else tax_id.number


@pytest.fixture
async def real(server: TrytonServer, session: aiohttp.ClientSession) -> Real:
    return Real(server, session, await server.log_in(session))


async def test_who_is_there_is_found_however_it_was_typed(real: Real) -> None:
    await real.erp.probe()
    for n in (1, 2, 7, 10):
        found = await real.erp.by_tax_id(cpf(n))
        assert found is not None
        assert found.name == f"Pessoa {n} Araújo"
        assert found.tax_id == cpf(n)
        assert found.phones.mobile == f"+5549988{n:06}"
        assert found.phones.home == "+554933220012"
        assert found.email == f"p{n}@exemplo.com.br"
        assert found.status is (Status.INACTIVE if n == 10 else Status.ACTIVE)
        assert found.kinds == {Kind.SUPPLIER if n == 7 else Kind.CUSTOMER}
    assert await real.erp.by_tax_id(cpf(PEOPLE + 1)) is None


async def test_a_company_is_found_also_by_a_number_with_letters(real: Real) -> None:
    for root in ("223344550001", "12ABC34501DE"):
        company = make_cnpj(root)
        party = await real.add(f"Padaria {root}", ("br_vat", company.masked))
        found = await real.erp.by_tax_id(company)
        assert found is not None
        assert found.name == f"Padaria {root}"
        assert {ref.id for ref in found.erp_refs} == {str(party)}


async def test_a_number_with_something_around_it_is_found(real: Real) -> None:
    company = make_cnpj("334455660001")
    party = await real.add("Filial", (None, f" BR {company.masked} "), active=False)
    found = await real.erp.by_tax_id(company)
    assert found is not None
    assert (found.status, {ref.id for ref in found.erp_refs}) == (Status.INACTIVE, {str(party)})


async def test_two_parties_with_one_document_are_one(real: Real) -> None:
    first = await real.add("Rui Antigo", ("br_cpf", cpf(101).number))
    second = await real.add("Rui", ("br_cpf", cpf(101).masked))
    await real.rpc("party.write", [first], {"active": False})
    found = await real.erp.by_tax_id(cpf(101))
    assert found is not None
    assert (found.name, found.status) == ("Rui", Status.ACTIVE)
    assert {ref.id for ref in found.erp_refs} == {str(first), str(second)}


async def test_each_document_of_a_party_finds_it_until_it_is_given_up(real: Real) -> None:
    party = await real.add("Eva", ("br_cpf", cpf(102).number), ("br_cpf", cpf(103).number))
    for tax_id in (cpf(102), cpf(103)):
        found = await real.erp.by_tax_id(tax_id)
        assert found is not None
        assert found.tax_id == tax_id
    _, second = await real.children(party, "identifiers")
    await real.rpc("identifier.write", [second], {"active": False})
    assert await real.erp.by_tax_id(cpf(103)) is None
    assert await real.erp.by_tax_id(cpf(102)) is not None


async def test_everybody_is_listed_once_and_who_is_inactive_too(
    real: Real, monkeypatch: pytest.MonkeyPatch
) -> None:
    # All of them would fit on one page, so use a smaller page.
    monkeypatch.setattr(tryton, "_PAGE_ROWS", 25)
    everyone = await real.rpc("party.search", [["active", "in", [True, False]]], 0, None, None)
    everyone.sort()
    active = await real.rpc("party.search", [], 0, None, None)
    assert len(everyone) >= PEOPLE
    found = await real.everybody()
    by_id = {int(record.ref.id): record for record in found if record.ref}
    assert len(found) == len(by_id)
    assert by_id.keys() == set(everyone)
    assert {id_ for id_, row in by_id.items() if row.status is Status.ACTIVE} == set(active)
    documents = {read_document(record) for record in found}
    assert documents >= {cpf(n) for n in range(1, PEOPLE + 1)}
    # Another process continues from the cursor.
    later = await connect(real._session, real.server.credentials).page(str(everyone[40]))
    assert later.records[0].ref is not None
    assert later.records[0].ref.id == str(everyone[41])


async def test_a_change_is_seen_wherever_it_was_made(real: Real) -> None:
    party = await real.add(
        "Ivo", ("br_cpf", cpf(104).number), **contacts(mobile="49988010104", phone="4933220104")
    )
    gone = await real.add("Lia", ("br_cpf", cpf(105).number), **contacts(mobile="49988010105"))

    async def latest() -> dict[str, Any]:
        page = await real.erp.page("")
        assert page.latest is not None
        assert page.next is None
        return {"since": page.latest + timedelta(microseconds=1)}

    since = await latest()
    assert await real.changed(**since) == set()
    # Direct writes to these records do not change the party's own date.
    mobile, _ = await real.children(party, "contact_mechanisms")
    await real.rpc("contact_mechanism.write", [mobile], {"value": "49988019999"})
    [record] = await real.everybody(**since)
    assert record.ref is not None
    assert record.ref.id == str(party)
    assert record.phones.mobile == "+5549988019999"
    assert (await real.erp.page("", **since)).latest is not None

    since = await latest()
    assert await real.changed(**since) == set()
    [number] = await real.children(gone, "contact_mechanisms")
    await real.rpc("contact_mechanism.write", [number], {"active": False})
    [record] = await real.everybody(**since)
    assert record.ref is not None
    assert record.ref.id == str(gone)
    assert record.phones.all() == ()

    since = await latest()
    new = {"party": party, "type": "br_cpf", "code": cpf(106).number}
    await real.rpc("identifier.create", [new])
    await real.rpc("party.write", [gone], {"active": False})
    assert await real.changed(**since) == {str(party), str(gone)}


async def test_what_is_no_telephone_or_address_is_left_out(real: Real) -> None:
    rows = [
        {"type": "mobile", "value": "nope"},
        {"type": "phone", "value": "(49) 3322"},
        {"type": "phone", "value": "0xx49 98801-0107"},
        {"type": "phone", "value": "(49) 98801-0107"},
        {"type": "fax", "value": "4933229999"},
        {"type": "email", "value": "nenhum"},
        {"type": "email", "value": "gil@exemplo.com.br"},
    ]
    more = {"contact_mechanisms": [["create", rows]]}
    await real.add("Gil", ("br_cpf", cpf(107).number), **more)
    found = await real.erp.by_tax_id(cpf(107))
    assert found is not None
    assert found.phones.all() == ("+5549988010107",)
    assert found.email == "gil@exemplo.com.br"


async def test_an_answer_that_only_says_it_is_packed_is_read(real: Real) -> None:
    """From 8.0 on, a client that refuses gzip gets plain text under a gzip header."""
    fields = ["name", "identifiers.code", "contact_mechanisms.value"]
    method = "model.party.party.search_read"
    body = {"id": 1, "method": method, "params": [[], 0, 50, None, fields, {}]}
    address = f"{real.server.url}/erp/{real.server.face}"
    headers = {**real._headers, "Accept-Encoding": "identity"}
    async with (
        aiohttp.ClientSession(auto_decompress=False) as raw,
        raw.post(address, json=body, headers=headers) as response,
    ):
        says_gzip = response.headers.get("Content-Encoding") == "gzip"
        content = await response.read()
    assert content.startswith(b'{"id":1')
    assert len(content) > 1400
    assert says_gzip is (real.server.version == "8.0")
    # The client leaves that header to aiohttp, so its answers are compressed, and it reads them.
    assert len((await real.erp.page("")).records) >= PEOPLE


async def test_a_wrong_database_is_refused(real: Real, session: aiohttp.ClientSession) -> None:
    own = real.server.credentials
    wrong = Credentials(
        url=own.url, database="outro", username=own.username, password=own.password
    )
    with pytest.raises(RefusedError, match="ERP tryton login: "):
        await connect(session, wrong).by_tax_id(cpf(1))


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_session_that_ended_is_renewed_and_a_wrong_password_is_refused(
    version: str, session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    # This needs a server of its own, because wrong logins lock a user out.
    async with tryton_running(version, tmp_path, max_age=3, max_attempt=0) as server:
        erp = connect(session, server.credentials)
        await erp.probe()
        younger = await server.log_in(session)
        await server.until_ended(session, younger)
        assert await erp.by_tax_id(cpf(1)) is None

        own = server.credentials
        wrong = Credentials(
            url=own.url, database="erp", username="admin", password=SecretStr("errada")
        )
        with pytest.raises(RefusedError) as refused:
            await connect(session, wrong).by_tax_id(cpf(1))
        assert "errada" not in str(refused.value)
        # Now even the right password must wait; that is no refusal.
        with pytest.raises(TryLaterError, match="HTTP 429"):
            await connect(session, own).by_tax_id(cpf(1))
