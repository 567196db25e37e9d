from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from bot.demo.documents import make_cpf
from bot.demo.ixc import IxcEmulator, faults
from bot.demo.ixc.records import customer
from bot.domain.agreed import MarksAlone
from bot.domain.errors import TryLaterError
from erp.breaker import Breaker
from erp.negative_cache import NegativeCache
from tests.erp.conftest import Clock, make_ixc

CPF, OTHER = make_cpf(111222333), make_cpf(444555666)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def erp(session: aiohttp.ClientSession, emulator: IxcEmulator, clock: Clock) -> NegativeCache:
    ixc = make_ixc(session, emulator.url, breaker=Breaker(failures=10**9))
    marks = MarksAlone(lambda: datetime.fromtimestamp(clock(), UTC))
    return NegativeCache(ixc, system="ixc", marks=marks, believed=timedelta(seconds=30))


async def test_nobody_is_believed_for_a_moment(
    erp: NegativeCache, emulator: IxcEmulator, clock: Clock
) -> None:
    assert await erp.by_tax_id(CPF) is None
    emulator.tables["cliente"] = [customer(1, "Ana", CPF.masked)]
    asked = len(emulator.requests)
    clock.now += 29
    assert await erp.by_tax_id(CPF) is None
    assert len(emulator.requests) == asked
    clock.now += 2
    found = await erp.by_tax_id(CPF)
    assert found is not None
    assert found.name == "Ana"


async def test_who_is_found_is_asked_for_each_time(
    erp: NegativeCache, emulator: IxcEmulator
) -> None:
    emulator.tables["cliente"] = [customer(1, "Ana", CPF.masked)]
    assert await erp.by_tax_id(CPF)
    emulator.tables["cliente"] = [customer(1, "Ana Maria", CPF.masked)]
    found = await erp.by_tax_id(CPF)
    assert found is not None
    assert found.name == "Ana Maria"


async def test_an_error_is_no_nobody(erp: NegativeCache, emulator: IxcEmulator) -> None:
    emulator.tables["cliente"] = [customer(1, "Ana", CPF.masked)]
    emulator.fail(faults.status(500))
    with pytest.raises(TryLaterError):
        await erp.by_tax_id(CPF)
    emulator.heal()
    assert await erp.by_tax_id(CPF)


async def test_one_is_not_taken_for_another(erp: NegativeCache, emulator: IxcEmulator) -> None:
    emulator.tables["cliente"] = [customer(1, "Ana", OTHER.masked)]
    assert await erp.by_tax_id(CPF) is None
    assert await erp.by_tax_id(OTHER)
