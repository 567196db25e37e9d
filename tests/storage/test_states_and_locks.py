"""Steps of conversations, and leases with one owner at a time."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.domain.errors import RefusedError
from bot.runtime.leases import Leases
from storage.updates.states import States, chat_leases
from tests.storage import records
from tests.unit.leases_alone import LeasesAlone

# Of today: the server deletes leases that ended a day ago.
NOW = records.NOW + timedelta(days=(datetime.now(UTC) - records.NOW).days)


def after(**spans: float) -> datetime:
    return NOW + timedelta(**spans)


LEASE = timedelta(seconds=30)


async def test_nothing_is_stored_for_a_new_key(database: Any):
    assert await States(database).load("k") == (None, {}, 0)


@pytest.mark.parametrize(
    ("state", "data"),
    [("asking", {"failures": 2, "who": {"name": "Ana"}, "list": [1, None]}), (None, {}), ("", {})],
)
async def test_state_and_data_come_back_with_their_update(
    database: Any, state: str | None, data: dict[str, Any]
):
    states = States(database)
    await states.save([("k", "before", {"old": True})], update_id=1)
    await states.save([("k", state, data)], update_id=2)
    await states.save([("other", "x", {})], update_id=9)
    assert await states.load("k") == (state, data, 2)


async def test_states_written_at_once_are_whole(database: Any):
    states = States(database)
    await asyncio.gather(
        *[states.save([("k", f"s{n}", {"n": n})], update_id=n) for n in range(1, 21)]
    )
    state, data, update_id = await states.load("k")
    assert (state, data) == (f"s{update_id}", {"n": update_id})


@pytest.fixture(params=["stored", "alone"])
def locks(database: Any, request: pytest.FixtureRequest) -> Leases[str]:
    """Those of the database, and those of the tests, which have to be like them."""
    return chat_leases(database) if request.param == "stored" else LeasesAlone()


async def test_of_twenty_who_want_a_lock_at_once_one_has_it(locks: Leases[str]):
    got = await asyncio.gather(
        *[locks.acquire("chat:5", f"o{n}", now=NOW, lease=LEASE) for n in range(20)]
    )
    assert len(list(filter(None, got))) == 1
    assert await locks.acquire("chat:6", "o", now=NOW, lease=LEASE)


async def test_an_expired_lock_is_taken_over_by_one(locks: Leases[str]):
    assert await locks.acquire("a", "old", now=NOW, lease=LEASE)
    assert not await locks.acquire("a", "new", now=after(seconds=29), lease=LEASE)
    got = await asyncio.gather(
        *[locks.acquire("a", f"o{n}", now=after(seconds=31), lease=LEASE) for n in range(20)]
    )
    [winner] = [f"o{n}" for n, lease in enumerate(got) if lease]
    assert await locks.owners() == [("a", winner)]
    assert await locks.renew(["a"], "old", now=after(seconds=31), lease=LEASE) == []
    assert await locks.renew(["a"], winner, now=after(seconds=31), lease=LEASE) == ["a"]


async def test_only_its_owner_renews_a_lock(locks: Leases[str]):
    assert await locks.renew(["a"], "me", now=NOW, lease=LEASE) == []
    assert await locks.renew([], "me", now=NOW, lease=LEASE) == []
    for name, owner in (("a", "me"), ("b", "me"), ("c", "you")):
        assert await locks.acquire(name, owner, now=NOW, lease=LEASE)
    kept = await locks.renew(["a", "c", "d"], "me", now=after(seconds=20), lease=LEASE)
    assert kept == ["a"]
    assert not await locks.acquire("a", "you", now=after(seconds=31), lease=LEASE)
    assert await locks.acquire("b", "you", now=after(seconds=31), lease=LEASE)
    assert await locks.acquire("a", "you", now=after(seconds=51), lease=LEASE)


async def test_only_its_owner_releases_a_lock(locks: Leases[str]):
    for name, owner in (("a", "me"), ("b", "me"), ("c", "you")):
        assert await locks.acquire(name, owner, now=NOW, lease=LEASE)
    await locks.release(["a", "b", "c", "d"], "you")
    assert sorted(await locks.owners()) == [("a", "me"), ("b", "me")]
    await locks.release([], "me")
    await locks.release(["a"], "me")
    assert await locks.owners() == [("b", "me")]
    assert await locks.acquire("a", "you", now=NOW, lease=LEASE)
    await locks.release(["a"], "me")
    assert not await locks.acquire("a", "me", now=NOW, lease=LEASE)


async def test_an_owner_learns_who_waits_and_whether_a_look_is_enough(locks: Leases[str]):
    async def tries(key: str, *, wake: bool, at: datetime = NOW) -> bool:
        return bool(await locks.acquire(key, "you", now=at, lease=LEASE, wake=wake))

    for name in ("a", "b", "c"):
        assert await locks.acquire(name, "me", now=NOW, lease=LEASE)
    assert await locks.wanted("me") == {}
    assert not await tries("a", wake=True)
    assert not await tries("a", wake=True)
    assert not await tries("b", wake=False)
    assert await locks.wanted("me") == {"a": True, "b": False}
    assert await locks.wanted("you") == {}
    await locks.looked(["a", "b", "c"], "you")
    assert await locks.wanted("me") == {"a": True, "b": False}
    await locks.looked(["a", "b", "c"], "me")
    # Whoever needs the lease itself waits on.
    assert await locks.wanted("me") == {"b": False}
    assert not await tries("a", wake=True)
    assert not await tries("a", wake=False)
    assert not await tries("a", wake=True)
    assert await locks.wanted("me") == {"a": False, "b": False}
    await locks.release(["a"], "me")
    assert await tries("a", wake=True)
    assert await tries("b", wake=True, at=after(seconds=31))
    assert await locks.wanted("me") == await locks.wanted("you") == {}


async def test_states_loaded_at_once_are_everyones_own(database: Any):
    states = States(database)
    await states.save([("k", "s", {"list": []})], update_id=1)
    (_, one, _), (_, two, _) = await asyncio.gather(states.load("k"), states.load("k"))
    one["list"].append("mine")
    assert two == {"list": []}


async def test_steps_of_one_update_are_stored_together_or_not_at_all(database: Any):
    states = States(database)
    await states.save([("a", "x", {"n": 1}), ("b", None, {})], update_id=7)
    assert await states.load("a") == ("x", {"n": 1}, 7)
    assert await states.load("b") == (None, {}, 7)
    with pytest.raises(RefusedError):
        await states.save([("a", "y", {"n": 2}), ("b", None, {"n": 2**80})], update_id=8)
    assert await states.load("a") == ("x", {"n": 1}, 7)
