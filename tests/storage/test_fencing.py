"""Writes of a holder that has lost its lease are refused, though it does not know that."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.errors import LostError
from bot.domain.lease import held_number
from storage.updates.inbox import Inbox
from storage.updates.outbox import Outbox
from storage.updates.states import States, chat_leases
from tests.storage.records import NOW, after, outgoing

BOT = 777
LEASE = timedelta(seconds=15)
PREFIX = "fsm:777:5:"
STEPS = f"{PREFIX}5:default"


@contextmanager
def under(number: int) -> Iterator[None]:
    token = held_number.set(number)
    try:
        yield
    finally:
        held_number.reset(token)


Write = Callable[[Any], Awaitable[object]]
WRITES: dict[str, Write] = {
    "done": lambda database: Inbox(database).done(BOT, 1, at=NOW),
    "failed": lambda database: Inbox(database).failed(BOT, 1, attempts=1, error="E"),
    "set_aside": lambda database: Inbox(database).set_aside(BOT, 1, at=NOW),
    "begin": lambda database: Outbox(database).begin([outgoing(1, attempts=1)]),
    "steps": lambda database: States(database).save([(STEPS, "s", {})], update_id=1),
    "screen": lambda database: States(database).save(
        [(STEPS, "s", {}), (f"{PREFIX}6:x", "s", {})], update_id=1
    ),
}


@pytest.fixture
async def filled(database: Any) -> Any:
    await Inbox(database).add(BOT, [(1, "5", {"a": 1})], at=NOW)
    await Outbox(database).add([outgoing(1)])
    await States(database).save([(STEPS, "before", {})], update_id=0)
    return database


async def contents(database: Any) -> list[Any]:
    names = ("inbox", "outbox", "states")
    return [await database[name].find({}).sort("_id", 1).to_list(None) for name in names]


async def taken_over(database: Any, number: int) -> None:
    await Inbox(database).take_over("5", number)
    await Outbox(database).take_over(outgoing(1).chat_id, number)
    await States(database).take_over(PREFIX, number)


@pytest.mark.parametrize("name", WRITES)
async def test_a_stale_holder_writes_nothing_once_another_took_over(filled: Any, name: str):
    await taken_over(filled, 2)
    before = await contents(filled)
    with under(1), pytest.raises(LostError) as raised:
        await WRITES[name](filled)
    assert raised.value.newer == 2
    assert await contents(filled) == before
    with under(2):
        await WRITES[name](filled)
    assert await contents(filled) != before


@pytest.mark.parametrize("name", ["failed", "begin", "steps", "screen"])
async def test_a_write_fences_off_all_older_holders(filled: Any, name: str):
    with under(7):
        await WRITES[name](filled)
    before = await contents(filled)
    with under(6), pytest.raises(LostError):
        await WRITES[name](filled)
    assert await contents(filled) == before


@pytest.mark.parametrize("name", WRITES)
async def test_without_a_lease_or_a_fence_all_writes_are_done(filled: Any, name: str):
    before = await contents(filled)
    await WRITES[name](filled)
    assert await contents(filled) != before


async def test_another_chat_is_not_fenced_off(filled: Any):
    await States(filled).save([("fsm:777:55:5:default", "s", {})], update_id=0)
    await taken_over(filled, 2)
    with under(1):
        await States(filled).save([("fsm:777:55:5:default", "t", {})], update_id=1)
        await Inbox(filled).done(BOT, 99, at=NOW)


async def test_numbers_grow_over_takeovers_and_releases(database: Any):
    locks = chat_leases(database)
    numbers = []
    for n, (owner, now) in enumerate([("a", NOW), ("b", after(seconds=16)), ("c", NOW)]):
        lease = await locks.acquire("k", owner, now=after(minutes=n) if n else now, lease=LEASE)
        assert lease
        assert lease.is_takeover is (n > 0)
        numbers.append(lease.number)
    await locks.release(["k"], "c")
    lease = await locks.acquire("k", "d", now=after(minutes=9), lease=LEASE)
    assert lease
    assert not lease.is_takeover
    assert [*numbers, lease.number] == sorted({*numbers, lease.number})


async def test_a_takeover_by_a_clock_that_is_behind_still_counts_on(database: Any):
    locks = chat_leases(database)
    first = await locks.acquire("k", "a", now=after(days=9), lease=timedelta(days=-10))
    second = await locks.acquire("k", "b", now=NOW, lease=LEASE)
    third = await locks.acquire("l", "b", now=NOW, lease=LEASE, above=second.number)
    assert first.number < second.number < third.number


async def test_a_late_release_leaves_the_owners_next_lease_alone(database: Any):
    locks = chat_leases(database)
    first = await locks.acquire("k", "a", now=NOW, lease=LEASE)
    second = await locks.acquire("k", "a", now=after(seconds=1), lease=LEASE)
    assert not second.is_takeover
    await locks.release(["k"], "a", [first.number])
    assert await locks.owners() == [("k", "a")]
    await locks.release(["k"], "a", [second.number])
    assert await locks.owners() == []
