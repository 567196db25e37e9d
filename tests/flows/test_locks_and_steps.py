"""Chat locks keep replicas apart, and dialog steps survive a crash."""

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiogram.fsm.storage.base import StorageKey

from bot.demo import people as demo
from bot.domain.errors import LostError, TakenError
from bot.domain.lease import held_number
from bot.runtime.leases import LeaseKeeper, keep_chats, keep_polling
from bot.runtime.updates.fsm import AlreadyHandledError, DurableStorage
from handlers.customer import texts
from storage.engine.connection import connected
from storage.updates.states import States, chat_leases, polling_leases
from tests.flows.conftest import Clock, Start
from tests.patience import HANG_S, until
from tests.storage.wire import Wire, wire_before

LEASE = timedelta(seconds=15)
KEY = StorageKey(bot_id=1, chat_id=7, user_id=7)


async def test_two_replicas_never_work_on_one_chat_at_once(database: Any, clock: Clock):
    """Run forty steps on two replicas; each reads, yields and writes, as a dialog step does."""
    locks = [keep_chats(chat_leases(database), clock) for _ in range(2)]
    inside, worst, counted = 0, 0, 0

    async def turn(mine: LeaseKeeper[str]) -> None:
        nonlocal inside, worst, counted
        async with mine.holding("7"):
            inside += 1
            worst = max(worst, inside)
            before = counted
            await asyncio.sleep(0)
            counted = before + 1
            inside -= 1

    await asyncio.gather(*(turn(locks[n % 2]) for n in range(40)))
    assert worst == 1
    assert counted == 40


async def test_a_kept_lease_is_not_new_and_a_released_one_is(database: Any, clock: Clock):
    locks, forgotten = keep_chats(chat_leases(database), clock), []
    locks.on_release(forgotten.append)
    async with locks.holding(7) as is_new:
        assert is_new
    async with locks.holding(7) as is_new:
        assert not is_new
    await locks.release_all()
    assert forgotten == ["7"]
    async with locks.holding(7) as is_new:
        assert is_new


async def test_a_kept_lease_is_handed_to_the_replica_that_waits_for_it(
    database: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("bot.runtime.leases._KEPT_S", HANG_S)
    here, other = (keep_chats(chat_leases(database), clock) for _ in range(2))
    for _ in range(2):
        for locks in (here, other):
            async with asyncio.timeout(HANG_S / 2), locks.holding(7) as is_new:
                assert is_new
            async with locks.holding(7) as is_new:
                assert not is_new
    assert here.held_since(7) is None
    assert other.held_since(7) is not None
    await other.release_all()


async def test_a_lease_whose_holder_died_runs_out(database: Any, clock: Clock):
    stored = chat_leases(database)
    await stored.acquire("chat:7", "elsewhere/1/x", now=clock(), lease=timedelta(seconds=15))
    locks = keep_chats(stored, clock)
    waiting = asyncio.create_task(_hold(locks))
    await asyncio.sleep(0)
    clock.advance(timedelta(seconds=16))
    await waiting


async def test_leases_of_killed_processes_of_this_machine_are_freed(database: Any, clock: Clock):
    stored, locks = chat_leases(database), keep_chats(chat_leases(database), clock)
    others = keep_polling(polling_leases(database), clock)
    async with locks.holding("mine"), others.holding(1):
        here, pid, _ = locks.owner.rsplit("/", 2)
        lease = timedelta(seconds=15)
        for name, other in (
            ("chat:dead", f"{here}/4194305/x"),
            ("chat:before", f"{here}/{pid}/x"),
            ("chat:alive", f"{here}/1/x"),
            ("chat:elsewhere", "other:1/4194305/x"),
        ):
            assert await stored.acquire(name, other, now=clock(), lease=lease)
        await locks.release_the_dead()
        left = sorted(name for name, _ in await stored.owners())
    assert left == ["chat:alive", "chat:elsewhere", "chat:mine", "poll:1"]


async def test_a_lost_lease_ends_the_work(database: Any, clock: Clock):
    locks = renewing_quickly(database, clock)
    inside = asyncio.Event()
    working = asyncio.create_task(_hold_for_ever(locks, inside))
    await inside.wait()
    await rob(database)
    with pytest.raises(LostError):
        await working


async def test_who_waited_for_a_lost_lease_gets_it_alone_and_has_it_renewed(
    database: Any, clock: Clock
):
    """Lose the lease for a moment, with a second task waiting here and a third coming later."""
    locks, inside = renewing_quickly(database, clock), [asyncio.Event() for _ in range(3)]
    first = asyncio.create_task(_hold_for_ever(locks, inside[0]))
    await inside[0].wait()
    second = asyncio.create_task(_hold_for_ever(locks, inside[1]))
    await asyncio.sleep(0)
    await rob(database)
    with pytest.raises(LostError):
        await first
    await database["locks"].delete_one({"_id": "chat:7"})
    await inside[1].wait()
    third = asyncio.create_task(_hold_for_ever(locks, inside[2]))
    for _ in range(2):
        # Only a lease that somebody renews can end later than the test's clock made it end.
        clock.advance(timedelta(seconds=1))
        async with asyncio.timeout(HANG_S):
            while (await database["locks"].find_one({"_id": "chat:7"}))["until"] <= clock():
                pass
    assert not inside[2].is_set()
    for task in (second, third):
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_lease_that_expired_is_taken_over_with_what_waits_fenced_off(
    database: Any, clock: Clock
):
    """The first holder is stopped for longer than its lease, and then goes on."""
    first, second = (keep_chats(chat_leases(database), clock) for _ in range(2))
    states, taken_over = States(database), []

    async def fence_off(name: str, number: int) -> None:
        taken_over.append(name)
        await states.take_over("fsm:1:7:", number)

    second.on_takeover(fence_off)
    await states.save([("fsm:1:7:7:default", "before", {})], update_id=1)
    went_on = asyncio.Event()

    async def stopped() -> None:
        async with first.holding(7):
            await went_on.wait()
            await states.save([("fsm:1:7:7:default", "stale", {})], update_id=2)

    stale = asyncio.create_task(stopped())
    await until(lambda: first.held_since(7) is not None)
    clock.advance(timedelta(seconds=16))
    async with second.holding(7):
        went_on.set()
        with pytest.raises(LostError):
            await stale
        assert first.held_since(7) is None, "it may not go on under the lost lease"
        assert (await states.load("fsm:1:7:7:default"))[0] == "before"
        await states.save([("fsm:1:7:7:default", "mine", {})], update_id=2)
    assert taken_over == ["7"]
    await second.release_all()
    async with first.holding(7) as is_new:
        assert is_new
        await states.save([("fsm:1:7:7:default", "again", {})], update_id=3)
    await first.close()


async def test_a_clock_that_was_set_back_blocks_no_chat(database: Any, clock: Clock):
    locks, states = keep_chats(chat_leases(database), clock), States(database)
    async with locks.holding(7):
        await states.save([("k", "a", {})], update_id=1)
    await locks.release_all()
    clock.advance(timedelta(hours=-1))
    with pytest.raises(LostError):
        async with locks.holding(7):
            await states.save([("k", "b", {})], update_id=2)
    async with locks.holding(7):
        await states.save([("k", "b", {})], update_id=2)
    assert (await states.load("k"))[0] == "b"
    await locks.close()


async def test_a_look_that_fails_does_not_keep_leases_from_being_renewed(
    database: Any, clock: Clock, mongodb_uri: str
):
    """Only reads of the leases that others want are refused."""
    with wire_before_server(mongodb_uri) as (wire, through):
        async with connected(through, database.name) as opened:
            locks, inside = renewing_quickly(opened, clock), asyncio.Event()
            working = asyncio.create_task(_hold_for_ever(locks, inside))
            await inside.wait()
            with wire.refusing(8000, ("find", "locks")):
                await until(lambda: not locks.health.is_up)
                clock.advance(timedelta(seconds=1))
                async with asyncio.timeout(HANG_S):
                    stored = database["locks"]
                    while (await stored.find_one({"_id": "chat:7"}))["until"] <= clock():
                        pass
            await until(lambda: locks.health.is_up)
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
            await locks.close()


async def test_the_keeper_ends_with_the_bot(database: Any, clock: Clock):
    locks, inside, others = renewing_quickly(database, clock), asyncio.Event(), asyncio.all_tasks()
    working = asyncio.create_task(_hold_for_ever(locks, inside))
    await inside.wait()
    await locks.close()
    begun = asyncio.all_tasks() - others
    assert "leases" not in {task.get_name() for task in begun}
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)


@pytest.mark.parametrize("seed", range(6))
async def test_in_any_order_of_events_one_task_works_and_no_stale_write_is_done(
    database: Any, clock: Clock, seed: int
):
    """Two replicas, several tasks each; leases expire, are renewed, released, waited for."""
    chance = random.Random(seed)  # noqa: S311 - the same every time
    states = States(database)
    replicas = [keep_chats(chat_leases(database), clock) for _ in range(2)]
    for locks in replicas:
        locks.on_takeover(lambda _, number: states.take_over("fsm:1:7:", number))
    inside: dict[int, set[int]] = {0: set(), 1: set()}
    done: list[int] = []
    tasks: list[asyncio.Task[None]] = []
    gates: list[asyncio.Event] = []

    async def work(replica: int, gate: asyncio.Event) -> None:
        async with replicas[replica].holding(7):
            number = held_number.get()
            assert number is not None
            assert not inside[replica], "two tasks of one process at once"
            inside[replica].add(number)
            try:
                await gate.wait()
                await states.save([("fsm:1:7:7:default", "s", {"by": number})], update_id=1)
                done.append(number)
            finally:
                inside[replica].discard(number)

    for _ in range(40):
        match chance.randrange(7):
            case 0 | 1:
                gates.append(asyncio.Event())
                tasks.append(asyncio.create_task(work(chance.randrange(2), gates[-1])))
            case 2 if gates:
                chance.choice(gates).set()
            case 3 if tasks:
                chance.choice(tasks).cancel()
            case 4:
                clock.advance(timedelta(seconds=chance.choice((1, 16))))
            case 5:
                await chance.choice(replicas).renew()
            case 6:
                await chance.choice(replicas).release_all()
        for _ in range(chance.randrange(30)):
            await asyncio.sleep(0)
    for gate in gates:
        gate.set()
    while pending := [task for task in tasks if not task.done()]:
        # Whoever waits for a lease that nobody has any more.
        clock.advance(timedelta(seconds=16))
        await asyncio.wait(pending, timeout=0.05)
    faults = [t.exception() for t in tasks if not t.cancelled() and t.exception()]
    assert {type(fault) for fault in faults} <= {LostError}
    assert done == sorted(done), "a stale holder has written after a newer one"
    stored = await states.load("fsm:1:7:7:default")
    assert not done or stored[1] == {"by": done[-1]}
    for locks in replicas:
        async with locks.holding(7):
            clock.advance(timedelta(seconds=10))
            await locks.renew()
            lease = await database["locks"].find_one({"_id": "chat:7"})
            assert lease["owner"] == locks.owner
            assert lease["until"] > clock() + timedelta(seconds=14), "nobody renews it"
        await locks.close()


async def test_a_lease_that_another_replica_wants_is_kept_inside_a_block(
    database: Any, clock: Clock
):
    mine, other = renewing_quickly(database, clock), renewing_quickly(database, clock)
    async with mine.holding("7"):
        pass
    with mine.kept("7"):
        # Longer than the rounds in which idle leases are released.
        with pytest.raises(TakenError):
            async with other.holding("7", patience_s=1.0):
                pass
        assert mine.held_since("7") is not None
    async with other.holding("7", patience_s=HANG_S):
        assert mine.held_since("7") is None
        with mine.kept("7"):
            assert mine.held_since("7") is None
    await asyncio.gather(mine.close(), other.close())


@contextmanager
def wire_before_server(mongodb_uri: str) -> Iterator[tuple[Wire, str]]:
    port = urlsplit(mongodb_uri).port or 0
    with wire_before(port) as wire:
        yield wire, mongodb_uri.replace(f":{port}", f":{wire.port}")


def renewing_quickly(database: Any, clock: Clock) -> LeaseKeeper[str]:
    return LeaseKeeper(
        chat_leases(database),
        clock,
        id_of="chat:{}".format,
        lease=timedelta(seconds=0.3),
        kept_s=HANG_S,
    )


async def rob(database: Any) -> None:
    await database["locks"].update_one({"_id": "chat:7"}, {"$set": {"owner": "a/1/thief"}})


async def _hold(locks: LeaseKeeper[str]) -> None:
    async with locks.holding("7"):
        pass


async def _hold_for_ever(locks: LeaseKeeper[str], inside: asyncio.Event) -> None:
    async with locks.holding("7"):
        inside.set()
        await asyncio.Event().wait()


async def test_steps_are_written_together_and_only_when_the_update_ends_well(database: Any):
    storage = DurableStorage(States(database))

    async def fail_in_the_middle() -> None:
        async with storage.unit(1):
            await storage.set_state(KEY, "asking")
            await storage.set_data(KEY, {"failures": 1})
            raise ValueError("in the middle")

    with pytest.raises(ValueError, match="in the middle"):
        await fail_in_the_middle()
    async with storage.unit(1):
        assert await storage.get_state(KEY) is None
        await storage.set_state(KEY, "asking")
        await storage.set_data(KEY, {"failures": [1]})
    after_restart = DurableStorage(States(database))
    async with after_restart.unit(2):
        assert await after_restart.get_state(KEY) == "asking"
        (await after_restart.get_data(KEY))["failures"].append(2)
    async with after_restart.unit(3):
        assert await after_restart.get_data(KEY) == {"failures": [1]}


async def test_an_update_that_finds_its_own_stamp_is_not_handled_again(database: Any):
    storage = DurableStorage(States(database))
    async with storage.unit(1):
        await storage.set_state(KEY, "asking")
    for again in (storage, DurableStorage(States(database))):
        with pytest.raises(AlreadyHandledError):
            async with again.unit(1):
                await again.get_state(KEY)


async def test_steps_changed_elsewhere_are_read_again_once_the_chat_was_let_go(database: Any):
    here, elsewhere = DurableStorage(States(database)), DurableStorage(States(database))
    async with here.unit(1):
        await here.set_state(KEY, "asking")
    async with elsewhere.unit(2):
        await elsewhere.set_state(KEY, "talking")
    here.forget("7")
    async with here.unit(3):
        assert await here.get_state(KEY) == "talking"


async def test_done_in_the_store_but_not_marked_is_not_done_twice(start: Start, database: Any):
    """Kill between the step's write and its mark: the next start retries the update."""
    async with start() as people:
        bruno = people.customer(demo.STRANGER)
        await bruno.says("oi")
        await bruno.says(demo.STRANGER.tax_id)
        await bruno.says(texts.SKIP)
        stored = await database["inbox"].find({}).to_list(None)
        last = max(stored, key=lambda document: document["update_id"])
        message = next(m for m in people.messages(bruno.id) if m.get("text") == texts.SKIP)
        said = bruno.read
    await database["inbox"].update_one(
        {"_id": last["_id"]},
        {
            "$set": {
                "pending": str(bruno.id),
                "payload": {"update_id": last["update_id"], "message": message},
            }
        },
    )
    async with start() as people:
        await people.balcao.inbox.idle()
        assert await bruno.says("Bruno") != ""
        assert bruno.read[: len(said)] == said
        assert len(bruno.read) == len(said) + 1
