import asyncio
from contextlib import AbstractAsyncContextManager
from zoneinfo import ZoneInfo

import pytest
from pydantic import SecretStr

from bot.demo.documents import make_cnpj, make_cpf
from bot.demo.ixc import CREDENTIAL, IxcEmulator, demo_emulator, faults
from bot.demo.people import (
    ANA,
    CARLOS,
    DEMO_PEOPLE,
    FIBRA,
    JOSE,
    LUCIA,
    PAULO,
    RITA,
    SANDRA,
    STRANGE_COMPANY,
    STRANGER,
    VALE_AZUL,
    DemoPerson,
)
from bot.domain.candidate import Candidate
from bot.domain.errors import TryLaterError
from bot.domain.phone import phone_key
from bot.domain.registration import Kind, Status
from bot.domain.tax_id import TaxId, read_tax_id
from erp.adapter import Credentials, Erp
from erp.registry import open_erp
from tests.patience import HANG_S, until

STRANGERS = (STRANGER, STRANGE_COMPANY)


def tax_id_of(person: DemoPerson) -> TaxId:
    tax_id = read_tax_id(person.tax_id)
    assert isinstance(tax_id, TaxId)
    return tax_id


def open_ixc(emulator: IxcEmulator) -> AbstractAsyncContextManager[Erp]:
    credentials = Credentials(url=emulator.url, token=SecretStr(CREDENTIAL))
    return open_erp("ixc", credentials, timezone=ZoneInfo("America/Sao_Paulo"))


async def look_up(person: DemoPerson, emulator: IxcEmulator) -> Candidate | None:
    async with emulator, open_ixc(emulator) as erp:
        return await erp.by_tax_id(tax_id_of(person))


def test_everybody_has_a_document_a_phone_and_a_user_of_their_own() -> None:
    for values in (
        [tax_id_of(person).key for person in DEMO_PEOPLE],
        [person.phone for person in DEMO_PEOPLE],
        [person.user_id for person in DEMO_PEOPLE],
    ):
        assert len(set(values)) == len(DEMO_PEOPLE) == 13


@pytest.mark.parametrize("person", [p for p in DEMO_PEOPLE if p not in (*STRANGERS, PAULO)])
async def test_the_erp_knows_them_by_name_and_telephone(person: DemoPerson) -> None:
    emulator = demo_emulator()
    if person is SANDRA:
        emulator.heal()
    found = await look_up(person, emulator)
    assert found is not None
    assert found.name == f"{person.first_name} {person.last_name}"
    assert phone_key(person.phone) in {phone_key(phone) for phone in found.phones.all()}


@pytest.mark.parametrize(
    ("person", "kinds", "status", "records"),
    [
        (ANA, {Kind.CUSTOMER}, Status.ACTIVE, 1),
        (JOSE, {Kind.CUSTOMER}, Status.ACTIVE, 1),
        (FIBRA, {Kind.CUSTOMER}, Status.ACTIVE, 1),
        (CARLOS, {Kind.CUSTOMER}, Status.INACTIVE, 1),
        (LUCIA, {Kind.CUSTOMER}, Status.ACTIVE, 2),
        (VALE_AZUL, {Kind.CUSTOMER, Kind.SUPPLIER}, Status.ACTIVE, 2),
        (RITA, {Kind.SUPPLIER}, Status.ACTIVE, 1),
    ],
)
async def test_each_shows_what_they_are_there_for(
    person: DemoPerson, kinds: set[Kind], status: Status, records: int
) -> None:
    found = await look_up(person, demo_emulator())
    assert found is not None
    assert (set(found.kinds), found.status, len(found.erp_refs)) == (kinds, status, records)


@pytest.mark.parametrize("person", STRANGERS)
async def test_strangers_are_unknown(person: DemoPerson) -> None:
    assert await look_up(person, demo_emulator()) is None


async def test_the_erp_fails_for_one_of_them() -> None:
    with pytest.raises(TryLaterError):
        await look_up(PAULO, demo_emulator())


async def test_the_erp_keeps_one_of_them_waiting() -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(look_up(SANDRA, demo_emulator()), 0.2)


async def test_stopping_does_not_wait_for_answers_still_owed(emulator: IxcEmulator) -> None:
    emulator.fail(faults.slow(3600))
    async with open_ixc(emulator) as erp:
        asked = asyncio.create_task(erp.probe())
        await until(lambda: len(emulator.requests) == 1)
        await asyncio.wait_for(emulator.stop(), HANG_S)
        with pytest.raises(TryLaterError):
            await asked


def test_documents_are_made_with_check_digits_that_hold() -> None:
    assert make_cpf(390533447).number == "39053344705"
    assert make_cnpj("12abc34501de").number == "12ABC34501DE35"
    assert [make_cpf(n).number for n in range(1, 200)] == [
        tax_id.number
        for n in range(1, 200)
        if isinstance(tax_id := read_tax_id(make_cpf(n).masked), TaxId)
    ]


@pytest.mark.parametrize("number", [111111111, 10**9, -1])
def test_no_document_where_there_is_none(number: int) -> None:
    with pytest.raises(ValueError, match="no document"):
        make_cpf(number)
