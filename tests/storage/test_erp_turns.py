"""Turns at an ERP that works on one request at a time: over processes, and after one is killed."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.demo.documents import make_cpf
from bot.domain.errors import TakenError
from bot.runtime.leases import LeaseKeeper, keep_turns
from erp.adapter import Connection
from erp.breaker import Breaker
from erp.client import open_session
from erp.omie import Omie
from storage.jobs.erp_turns import turn_leases
from tests.erp.conftest import QUICK
from tests.erp.dialects.dialect import Person
from tests.erp.dialects.omie import OmieDialect
from tests.storage.records import NOW

PEOPLE = [Person(id=n, name=f"P{n}", document=make_cpf(n).number) for n in range(1, 7)]


async def test_no_two_processes_ask_omie_at_once(database: Any):
    async with (
        OmieDialect(people=PEOPLE, others=asyncio.Event()) as dialect,
        open_session() as one,
    ):
        processes = [
            Omie(
                Connection(
                    session=one,
                    credentials=dialect.credentials(),
                    limits=QUICK,
                    breaker=Breaker(failures=10**9),
                    gate=keep_turns(turn_leases(database), lambda: NOW).holding,
                )
            )
            for _ in range(3)
        ]
        asked = [processes[n % 3].by_tax_id(make_cpf(n)) for n in range(1, 7)]
        found = await asyncio.gather(*asked, processes[0].page(""))
    assert None not in found
    assert dialect.busy == 0
    assert await database["locks"].count_documents({}) == 0


async def test_who_was_killed_holds_the_others_up_for_a_lease(database: Any):
    now = NOW

    def clock() -> datetime:
        return now

    killed = keep_turns(turn_leases(database), clock).holding("omie")
    await killed.__aenter__()
    keeper = LeaseKeeper(turn_leases(database), clock, id_of="erp:{}".format, patience_s=0)
    with pytest.raises(TakenError):
        async with keeper.holding("omie"):
            raise AssertionError("two are at it")
    async with keeper.holding("another"):
        now += timedelta(seconds=16)
    async with keeper.holding("omie"):
        pass
