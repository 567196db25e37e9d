"""A database lent to a test is as good as new, whatever an earlier test did to it."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from bot.domain.conversation import Chat
from storage.engine.indexes import INDEXES, ensure_indexes
from storage.jobs.files import Files
from storage.talk.conversations import Chats
from tests.databases import Databases, IndexChanges

Leave = Callable[[Any], Awaitable[object]]


@pytest.fixture
def lending(databases: Databases) -> Databases:
    """A lender that lends a returned database again at once, and is used by this test only."""
    return Databases(databases.client, databases.changes, resting=0)


async def seen(database: Any) -> dict[str, Any]:
    """Return all that a test could find in it, except empty collections without indexes."""
    documents = {
        name: await database[name].find({}).to_list(None)
        for name in await database.list_collection_names()
    }
    indexes = {name: await database[name].index_information() for name in INDEXES}
    return {
        "documents": {name: found for name, found in documents.items() if found},
        "indexes": {name: found for name, found in indexes.items() if len(found) > 1},
    }


async def lent_after(lending: Databases, leave: Leave) -> bool:
    """Leave something behind and check that the next loan shows nothing of it.

    Return True if the same database was lent again.
    """
    async with lending.lent() as used:
        await leave(used)
    async with lending.lent() as again:
        assert await seen(again) == await seen(await lending.new())
        return bool(used.name == again.name)


async def documents(database: Any) -> None:
    await Chats(database).put(Chat(id=1))
    await database["states"].insert_one({"_id": "step"})
    await database["meta"].update_one({"_id": "jobs"}, {"$max": {"last": 7}}, upsert=True)
    await database["restore"].insert_one({"_id": "restore"})


async def a_collection_of_its_own(database: Any) -> None:
    await database["numbers"].create_index("number", unique=True)
    await database["numbers"].insert_one({"number": 1})


@pytest.mark.parametrize("leave", [documents, a_collection_of_its_own])
async def test_what_one_test_stored_is_not_there_in_the_next(lending: Databases, leave: Leave):
    assert await lent_after(lending, leave)


async def test_files_are_gone_and_can_be_stored_again(lending: Databases, tmp_path: Path):
    path = tmp_path / "file"
    await asyncio.to_thread(path.write_bytes, b"x" * 100)

    async def put(database: Any) -> None:
        await Files(database).put(path, name="file")

    assert await lent_after(lending, put)
    assert await lent_after(lending, put)


async def many_documents(database: Any) -> None:
    await database["states"].insert_many([{"_id": number} for number in range(1_000)])


async def an_index_dropped(database: Any) -> None:
    await database["registrations"].drop_index("tax_key")


async def an_index_more(database: Any) -> None:
    await database["registrations"].create_index("phone")


async def another_index_in_its_place(database: Any) -> None:
    await database["registrations"].drop_index("sort_name")
    await database["registrations"].create_index("phone")


async def another_time_to_live(database: Any) -> None:
    await ensure_indexes(database, inbox_days=9)


async def a_collection_dropped(database: Any) -> None:
    await database["inbox"].drop()


async def nothing_at_all(database: Any) -> None:
    await database.client.drop_database(database.name)


@pytest.mark.parametrize(
    "leave",
    [
        many_documents,
        an_index_dropped,
        an_index_more,
        another_index_in_its_place,
        another_time_to_live,
        a_collection_dropped,
        nothing_at_all,
    ],
)
async def test_what_is_not_quickly_mended_is_not_lent_again(lending: Databases, leave: Leave):
    assert not await lent_after(lending, leave)


async def test_a_database_in_which_work_goes_on_is_not_lent_again(lending: Databases):
    ended = asyncio.Event()
    running = []

    async def begin(_: Any) -> None:
        running.append(asyncio.create_task(ended.wait()))

    assert not await lent_after(lending, begin)
    ended.set()
    await asyncio.gather(*running)


async def test_only_databases_of_tests_are_dropped(databases: Databases):
    client, changes = databases.client, IndexChanges()
    names = {f"{prefix}{uuid.uuid4().hex}" for prefix in ("test_", "others_")}
    for name in names:
        await client[name]["things"].insert_one({})
    changes.ever |= names
    await Databases(client, changes).drop()
    [left] = names.intersection(await client.list_database_names())
    await client.drop_database(left)
    assert left.startswith("others_")


async def test_a_database_rests_before_it_is_lent_again(databases: Databases):
    lending = Databases(databases.client, databases.changes, resting=2)
    names = []
    for _ in range(4):
        async with lending.lent() as lent:
            names.append(lent.name)
    assert names[3] == names[0]
    assert len(set(names)) == 3
