"""Values and marks that processes agree on: the database keeps what the one for a process alone
keeps."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.domain.agreed import Agreed, AgreedAlone, Marks, MarksAlone
from bot.domain.shares import Share, Shares, Wait
from bot.runtime.sending.limits import TELEGRAM_LIMITS, RateLimiter
from bot.runtime.sending.share import KeepShare
from storage.engine.agreed import Agreed as StoredAgreed
from storage.engine.agreed import Marks as StoredMarks
from tests.storage.records import NOW

KINDS = pytest.mark.parametrize("kind", ["stored", "alone"])


def places(kind: str, database: Any, count: int) -> list[Agreed[Shares]]:
    """Return the value as so many processes have it."""
    if kind == "stored":
        return [StoredAgreed(database, "telegram:1", Shares()) for _ in range(count)]
    return [AgreedAlone(Shares(), lambda: datetime.now(UTC))] * count


@KINDS
async def test_of_many_changes_at_once_none_is_lost(kind: str, database: Any):
    def adding(place: str) -> Callable[[Shares, datetime], Shares]:
        def change(shares: Shares, now: datetime) -> Shares:
            return shares.waiting([Wait(place=place, until=now + timedelta(hours=1))], now)

        return change

    processes = places(kind, database, 4)
    share = Share(owner="a", until=datetime(2026, 1, 1, 12, 0, tzinfo=UTC), units=7)
    await processes[0].change(lambda shares, _: shares.model_copy(update={"shares": (share,)}))
    await asyncio.gather(
        *(one.change(adding(f"{n}:{m}")) for n, one in enumerate(processes) for m in range(3))
    )
    at = list[datetime]()
    found = await processes[3].change(lambda shares, now: at.append(now) or shares)
    assert {one.place for one in found.waits} == {f"{n}:{m}" for n in range(4) for m in range(3)}
    assert found.shares == (share,)
    # Whatever the clock of a process says.
    assert abs(at[0] - datetime.now(UTC)) < timedelta(minutes=1)
    if kind == "stored":
        before = await database["limits"].find_one({"_id": "telegram:1"})
        await processes[0].change(lambda shares, _: shares.model_copy())
        assert await database["limits"].find_one({"_id": "telegram:1"}) == before


@KINDS
async def test_a_mark_is_put_once_until_it_ends(kind: str, database: Any):
    now = NOW

    def clock() -> datetime:
        return now

    stored: list[Marks] = [StoredMarks(database, clock) for _ in range(3)]
    marks: list[Marks] = stored if kind == "stored" else [MarksAlone(clock)] * 3
    lasts = timedelta(seconds=15)

    async def put() -> int:
        return sum(await asyncio.gather(*(one.put("a", lasts) for one in marks)))

    assert not await marks[0].has("a")
    assert await put() == 1
    assert await marks[2].has("a")
    assert not await marks[2].has("b")
    now += timedelta(seconds=14)
    assert await put() == 0
    now += timedelta(seconds=2)
    assert not await marks[1].has("a")
    assert await put() == 1
    await marks[0].remove("a")
    assert not await marks[1].has("a")
    assert await put() == 1


async def test_two_processes_share_one_limit_by_the_database(database: Any):
    limiters = [RateLimiter(TELEGRAM_LIMITS) for _ in range(2)]
    one, two = (
        KeepShare(StoredAgreed(database, "telegram:1", Shares()), limiter, owner=f"p{n}")
        for n, limiter in enumerate(limiters)
    )
    assert not limiters[0].overall.is_free()
    await one.join()
    assert limiters[0].overall.units() == 30
    await two.join()
    # The other one has the rest until its next heartbeat.
    assert limiters[1].overall.units() == 1
    limiters[1].asked(-100, 60.0)
    await one.join()
    await two.join()
    await one.join()
    assert sum(limiter.overall.units() for limiter in limiters) <= 30
    assert all(limiter.overall.is_free() for limiter in limiters)
    assert 55 < limiters[0].closed_for_s(-100) <= 60
    await two.leave()
    await one.join()
    assert limiters[0].overall.units() == 30
