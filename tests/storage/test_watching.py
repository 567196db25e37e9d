"""What is watched of the database: whose a shared call is, and no word of what is asked."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.domain.errors import AppError
from bot.domain.job import Job, JobKind, JobState
from bot.domain.trace import here
from storage.engine.batching import Batched
from storage.engine.connection import connected, translated
from storage.engine.watching import Commands
from storage.jobs.figures import JobFigures
from storage.jobs.jobs import Jobs
from storage.updates.inbox import Inbox
from storage.updates.waiting import waiting_updates
from tests.patience import until

DOCUMENT = "529.982.247-25"
NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


async def test_a_call_for_many_belongs_to_the_first_of_them_that_is_traced(database: Any):
    calls: list[tuple[object, list[str]]] = []
    go_on = asyncio.Event()

    async def run(items: Sequence[str]) -> Sequence[str]:
        calls.append((here.get(), list(items)))
        await go_on.wait()
        return items

    batched: Batched[str, str] = Batched(database["health"], run)

    async def ask(item: str, place: object) -> str:
        here.set(place)
        return await batched(item)

    first = asyncio.create_task(ask("a", "trace a"))
    await until(lambda: calls)
    later = [asyncio.create_task(ask("b", None)), asyncio.create_task(ask("c", "trace c"))]
    await asyncio.sleep(0)
    go_on.set()
    assert await asyncio.gather(first, *later) == ["a", "b", "c"]
    assert await ask("d", None) == "d"
    assert calls == [("trace a", ["a"]), ("trace c", ["b", "c"]), (None, ["d"])]


async def test_commands_are_told_without_what_they_say(database: Any, mongodb_uri: str):
    told: list[tuple[Any, ...]] = []
    commands = Commands(lambda *command: told.append(command))
    async with connected(mongodb_uri, database.name, listeners=[commands]) as opened:
        await opened["chats"].insert_one({"_id": 1})
        here.set("a trace")
        await opened["chats"].insert_many([{"_id": n} for n in range(2, 205)])
        cursor = opened["chats"].find({"tax": {"$ne": DOCUMENT}}, batch_size=100)
        assert len(await cursor.to_list(None)) == 204
        with pytest.raises(AppError), translated():
            await opened["chats"].aggregate([{f"${DOCUMENT}": {}}]).to_list(None)
        here.set(None)
    assert [(name, of, bool(error)) for name, of, _, error in told] == [
        ("insert", "chats", False),
        ("find", "chats", False),
        ("getMore", "chats", False),
        ("getMore", "chats", False),
        ("aggregate", "chats", True),
    ]
    assert all(seconds >= 0 for _, _, seconds, _ in told)
    assert DOCUMENT not in repr(told)


def ago(**time: float) -> datetime:
    return NOW - timedelta(**time)


async def test_updates_that_wait_and_that_were_given_up(database: Any):
    assert await waiting_updates(database) == (0, None, 0)
    inbox = Inbox(database)
    for number, minutes in ((1, 3), (2, 9), (3, 1), (4, 20)):
        await inbox.add(1, [(number, "7", {})], at=ago(minutes=minutes))
    await inbox.done(1, 4, at=NOW)
    await inbox.set_aside(1, 3, at=NOW)
    assert await waiting_updates(database) == (2, ago(minutes=9), 1)


async def test_jobs_by_kind_and_state_and_those_that_nobody_works_on(database: Any):
    store, figures = Jobs(database), JobFigures(database)
    assert await figures.by_state(NOW) == {}
    assert await figures.waiting(NOW) == (0, None)
    begun = {"by": "cli", "created_at": ago(hours=3)}
    running = begun | {"kind": JobKind.IMPORT, "state": JobState.RUNNING}
    mine = {"owner": "a", "until": NOW + timedelta(seconds=20)}
    over = begun | {"kind": JobKind.SYNC, "state": JobState.FAILED}
    for values in (
        running | mine,
        # A worker was killed.
        running | {"owner": "b", "until": ago(minutes=2)},
        running | {"began_at": ago(minutes=5)},
        begun | {"kind": JobKind.IMPORT, "state": JobState.CHECKED},
        over | {"ended_at": ago(minutes=59)},
        over | {"ended_at": ago(minutes=61)},
        over | {"ended_at": ago(minutes=10), "told": False},
    ):
        await store.add(Job.model_validate(values))
    assert await figures.by_state(NOW) == {
        ("import", "running"): 3,
        ("import", "checked"): 1,
        ("sync", "failed"): 2,
    }
    assert await figures.waiting(NOW) == (2, ago(minutes=5))
