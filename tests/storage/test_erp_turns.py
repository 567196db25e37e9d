"""What limits the requests to an ERP: over processes, and after one is killed."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import pytest

from bot.demo.documents import make_cpf
from bot.domain.errors import TakenError, TryLaterError
from bot.domain.pace import Pace
from bot.runtime.leases import LeaseKeeper, keep_turns
from erp.adapter import Connection
from erp.breaker import Breaker
from erp.client import open_session
from erp.negative_cache import NegativeCache
from erp.omie import Omie
from storage.engine.agreed import Agreed, Marks
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
        processes = [_omie(one, dialect, database) for _ in range(3)]
        asked = [processes[n % 3].by_tax_id(make_cpf(n)) for n in range(1, 7)]
        found = await asyncio.gather(*asked, processes[0].page(""))
    assert None not in found
    assert dialect.busy == 0
    assert await database["locks"].count_documents({}) == 0


async def test_what_one_process_has_asked_no_other_asks_again(database: Any):
    async with OmieDialect(people=PEOPLE, is_strict=True) as dialect, open_session() as session:
        one, other = (_omie(session, dialect, database) for _ in range(2))
        cached, same = (
            NegativeCache(erp, system="omie", marks=Marks(database, lambda: NOW))
            for erp in (one, other)
        )
        assert await cached.by_tax_id(make_cpf(1)) is not None
        with pytest.raises(TryLaterError) as raised:
            await same.by_tax_id(make_cpf(1))
        assert raised.value.retry_after_s == 60
        assert await cached.by_tax_id(make_cpf(9)) is None
        assert await same.by_tax_id(make_cpf(9)) is None
        assert len(dialect.asked) == 2
        # A process that Omie has blocked blocks all of them.
        await one._client.close(1800)
        with pytest.raises(TryLaterError, match="blocked"):
            await other.page("")
        assert len(dialect.asked) == 2
    kept = [str(document) for document in await database["marks"].find().to_list(None)]
    assert len(kept) == 3
    assert not any(make_cpf(n).number in one for one in kept for n in (1, 9))


def _omie(session: aiohttp.ClientSession, dialect: OmieDialect, database: Any) -> Omie:
    """Return the ERP as a process of its own has it."""
    return Omie(
        Connection(
            session=session,
            credentials=dialect.credentials(),
            limits=replace(QUICK, gap_s=1e-6),
            breaker=Breaker(failures=10**9),
            gate=keep_turns(turn_leases(database), lambda: NOW).holding,
            pace=Agreed(database, "erp:omie", Pace()),
            marks=Marks(database, lambda: NOW),
        )
    )


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
