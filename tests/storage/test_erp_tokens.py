"""Tokens that an ERP renews: the store in the database, and its stand-in for adapter tests."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.domain.errors import TryLaterError
from erp.adapter import Tokens
from storage.engine.indexes import INDEXES
from tests.erp.dialects.tokens import MemoryTokens, stored_tokens
from tests.patience import HANG_S
from tests.storage.records import NOW

# Makes the token store of one process; the number is its time-out for the lock, in seconds.
Make = Callable[[float], Tokens]


@pytest.fixture(params=["memory", "database"])
def make(request: pytest.FixtureRequest) -> Make:
    if request.param == "memory":
        hasty = MemoryTokens(patience_s=0.05)
        patient = MemoryTokens()

        def of_memory(patience_s: float) -> Tokens:
            return hasty if patience_s < 1 else patient

        return of_memory
    database = request.getfixturevalue("database")
    return lambda patience_s: stored_tokens(database, "bling", lambda: NOW, patience_s=patience_s)


async def test_what_is_stored_takes_the_place_of_all_that_was(make: Make):
    one, other = make(HANG_S), make(HANG_S)
    assert await other.load() == {}
    await one.store({"refresh": "r0", "access": "a0"})
    assert await other.load() == {"refresh": "r0", "access": "a0"}
    async with other.alone():
        await other.store({"refresh": "r1"})
    assert await one.load() == {"refresh": "r1"}


async def test_one_at_a_time_is_alone(make: Make):
    inside, most = 0, 0

    async def renew() -> None:
        nonlocal inside, most
        async with make(HANG_S).alone():
            inside += 1
            most = max(most, inside)
            number = int((await make(HANG_S).load()).get("n", "0"))
            await make(HANG_S).store({"n": str(number + 1)})
            inside -= 1

    await asyncio.gather(*[renew() for _ in range(8)])
    assert most == 1
    assert await make(HANG_S).load() == {"n": "8"}


async def test_who_waits_too_long_is_told_to_try_later(make: Make):
    async with make(0.05).alone():
        with pytest.raises(TryLaterError):
            async with make(0.05).alone():
                raise AssertionError("two are alone")
    async with make(0.05).alone():
        pass


async def test_an_error_inside_frees_the_place(make: Make):
    with pytest.raises(ZeroDivisionError):
        async with make(0.05).alone():
            raise ZeroDivisionError
    async with make(0.05).alone():
        await make(0.05).store({"n": "1"})


async def test_who_was_killed_inside_holds_the_others_up_for_a_lease(database: Any):
    now = NOW

    def clock() -> datetime:
        return now

    dead = stored_tokens(database, "bling", clock)
    held = dead.alone()
    await held.__aenter__()
    await dead.store({"refresh": "r1"})
    other = stored_tokens(database, "bling", clock, patience_s=0.0)
    with pytest.raises(TryLaterError):
        async with other.alone():
            raise AssertionError("two are alone")
    now += timedelta(seconds=61)
    async with other.alone():
        # The first holder had stored this before its lease expired.
        assert await other.load() == {"refresh": "r1"}
        # If the first holder is only slow, its late release does not free the other's lease.
        await held.__aexit__(None, None, None)
        with pytest.raises(TryLaterError):
            async with stored_tokens(database, "bling", clock, patience_s=0.0).alone():
                raise AssertionError("two are alone")


async def test_who_gives_up_while_waiting_leaves_nothing_behind(database: Any):
    tokens = stored_tokens(database, "bling", lambda: NOW, patience_s=HANG_S)

    async def enter() -> None:
        async with tokens.alone():
            raise AssertionError("two are alone")

    async with tokens.alone():
        waiting = asyncio.create_task(enter())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    async with stored_tokens(database, "bling", lambda: NOW, patience_s=0.0).alone():
        pass


async def test_each_erp_has_its_own(database: Any):
    bling, other = (stored_tokens(database, name, lambda: NOW) for name in ("bling", "other"))
    await bling.store({"refresh": "r0"})
    assert await other.load() == {}
    async with bling.alone(), other.alone():
        await other.store({"refresh": "x"})
    assert await bling.load() == {"refresh": "r0"}
    assert await database["erp_tokens"].count_documents({}) == 2
    assert "erp_tokens" in INDEXES
