"""What is watched of the database: whose a shared call is, and no word of what is asked."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from bot.domain.errors import AppError
from bot.domain.trace import here
from storage.engine.batching import Batched
from storage.engine.connection import connected, translated
from storage.engine.watching import Commands, Connections
from tests.patience import until

DOCUMENT = "529.982.247-25"


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
    connections = Connections()
    commands = Commands(lambda *command: told.append(command))
    async with connected(mongodb_uri, database.name, listeners=[commands, connections]) as opened:
        await opened["chats"].insert_one({"_id": 1})
        here.set("a trace")
        await opened["chats"].insert_many([{"_id": n} for n in range(2, 205)])
        cursor = opened["chats"].find({"tax": {"$ne": DOCUMENT}}, batch_size=100)
        assert len(await cursor.to_list(None)) == 204
        with pytest.raises(AppError), translated():
            await opened["chats"].aggregate([{f"${DOCUMENT}": {}}]).to_list(None)
        here.set(None)
        assert connections.open > 0
        assert connections.in_use == connections.refused == 0
    assert [(name, of, bool(error)) for name, of, _, error in told] == [
        ("insert", "chats", False),
        ("find", "chats", False),
        ("getMore", "chats", False),
        ("getMore", "chats", False),
        ("aggregate", "chats", True),
    ]
    assert all(seconds >= 0 for _, _, seconds, _ in told)
    assert DOCUMENT not in repr(told)
    assert connections.open == 0
