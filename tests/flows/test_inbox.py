"""Updates are handled in order, once, and none is lost."""

import asyncio
from typing import Any

import pytest

from bot.domain.errors import TryLaterError
from bot.runtime.updates.inbox import chat_key
from storage.updates.inbox import Inbox as StoredInbox
from storage.updates.states import States
from tests.flows.conftest import Clock
from tests.flows.replica import Replica, background, update
from tests.patience import until


@pytest.fixture
def replica(database: Any, clock: Clock) -> Replica:
    return Replica(database, clock)


async def test_an_update_that_comes_twice_is_handled_once(replica: Replica):
    await replica.inbox.take([update(1), update(2)])
    await replica.inbox.take([update(2), update(3)])
    await replica.inbox.idle()
    await replica.inbox.take([update(1), update(3)])
    await replica.inbox.idle()
    assert replica.handled == [1, 2, 3]


async def test_what_another_process_left_is_found_by_the_sweep(
    replica: Replica, database: Any, clock: Clock
):
    await StoredInbox(database).add(1, [(5, "7", update(5)), (4, "7", update(4))], at=clock())
    async with background(replica.inbox.sweep_forever()):
        await until(lambda: len(replica.handled) == 2)
    assert replica.handled == [4, 5]


async def test_updates_that_arrive_while_others_are_handled_follow_in_order(replica: Replica):
    replica.gate = asyncio.Event()
    await replica.inbox.take([update(1)])
    await replica.inbox.take([update(2), update(3)])
    await replica.inbox.take([update(3), update(4)])
    replica.gate.set()
    await replica.inbox.idle()
    assert replica.handled == [1, 2, 3, 4]


async def test_one_chat_in_trouble_does_not_stop_another(replica: Replica):
    replica.trouble[1] = ValueError("a fault")
    await replica.inbox.take([update(1, 7), update(2, 7), update(3, 8)])
    await replica.inbox.idle()
    assert replica.handled == [3, 2]
    assert replica.set_aside == [(1, "7", "ValueError")]


async def test_while_something_is_away_nothing_is_set_aside(replica: Replica):
    replica.trouble[1] = TryLaterError("away")
    await replica.inbox.take([update(1), update(2)])
    await until(lambda: replica.tried >= 2)
    del replica.trouble[1]
    await replica.inbox.idle()
    assert replica.handled == [1, 2]
    assert replica.set_aside == []


async def test_stopping_finishes_what_is_held_and_leaves_the_rest(
    replica: Replica, database: Any, clock: Clock
):
    replica.gate = asyncio.Event()
    await replica.inbox.take([update(1), update(2)])
    stopping = asyncio.create_task(replica.inbox.stop(5))
    await asyncio.sleep(0)
    replica.gate.set()
    await stopping
    assert replica.handled in ([1], [])
    await replica.locks.release_all()
    later = Replica(database, clock)
    async with background(later.inbox.sweep_forever()):
        await until(lambda: len(replica.handled + later.handled) == 2)
    assert replica.handled + later.handled == [1, 2]


async def test_a_handler_that_does_not_end_is_left_for_the_next_start(replica: Replica):
    replica.gate = asyncio.Event()
    await replica.inbox.take([update(1)])
    await replica.inbox.stop(0.05)
    assert replica.handled == []
    assert await replica.store.pending_chats() == ["7"]


@pytest.mark.parametrize(
    ("payload", "key"),
    [
        ({"update_id": 1, "message": {"chat": {"id": 5}, "from": {"id": 6}}}, "5"),
        (
            {
                "update_id": 1,
                "callback_query": {"message": {"chat": {"id": 5}}, "from": {"id": 6}},
            },
            "5",
        ),
        ({"update_id": 1, "callback_query": {"from": {"id": 6}, "inline_message_id": "x"}}, "6"),
        ({"update_id": 1, "my_chat_member": {"chat": {"id": -5}, "from": {"id": 6}}}, "-5"),
        ({"update_id": 1, "poll_answer": {"user": {"id": 6}}}, "6"),
        ({"update_id": 1, "poll": {"id": "x"}}, "-"),
        ({"update_id": 1}, "-"),
    ],
)
def test_whose_order_an_update_belongs_to(payload: dict[str, Any], key: str):
    assert chat_key(payload) == key


async def test_an_update_whose_steps_are_fenced_off_is_handled_under_a_new_lease(
    replica: Replica, database: Any
):
    """The clock was set back: the chat's steps have a higher number than the lease."""
    states = States(database)
    await states.save([("k", "before", {})], update_id=0)
    await database["states"].update_one({"_id": "k"}, {"$set": {"fence": 2**60}})

    async def step(payload: dict[str, Any]) -> None:
        await states.save([("k", "after", {})], update_id=payload["update_id"])

    replica.inbox._handle = step
    await replica.inbox.take([update(1)])
    await replica.inbox.idle()
    assert (await states.load("k"))[::2] == ("after", 1)
    assert (await database["inbox"].find_one({}))["attempts"] == 0
