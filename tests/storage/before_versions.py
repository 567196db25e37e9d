"""Data as programs stored it before the data had a version."""

import asyncio
from typing import Any

from bot.demo.documents import make_cpf
from storage.engine.indexes import INDEXES
from storage.engine.schema import VERSION
from storage.register.registrations import Registrations
from storage.talk.conversations import Conversations
from tests.storage.records import conversation, registration, renaming
from tests.storage.test_old_backups import MADE

COUNT = 60


async def fill(database: Any, count: int = COUNT) -> list[Any]:
    """Store registrations, their audit, an open conversation and a backup as such programs did.

    Returns the registrations as this program stores them, in the order of their ids.
    """
    register = Registrations(database)
    people = [
        registration(
            id=f"{number * 2**32 // count:08x}{number:024x}",
            tax_id=make_cpf(500_000_000 + number),
            name=f"Pessoa {number}",
        )
        for number in range(count)
    ]
    await asyncio.gather(*map(register.create, people))
    assert await register.update(renaming(people[0], "Zuleica Antiga"))
    whole = await database["registrations"].find({}).sort("_id", 1).to_list(None)
    for name in ("registrations", "audit"):
        await database[name].update_many({}, {"$set": {"marks": ["1wold", "2wold"]}})
        await database[name].create_index("marks", name="marks", sparse=True)
    await database["registrations"].update_many(
        {}, {"$set": {"words": ["=customer\told"]}, "$unset": {"labels": ""}}
    )
    # The index of version 3 that the one on words replaces.
    await database["registrations"].create_index([("labels", 1), ("sort_name", 1)], name="labels")
    # Indexes that an administrator of the database has made.
    await database["registrations"].create_index("fixed_note", name="own")
    await database["own_reports"].create_index("day", name="day")
    assert await Conversations(database).add(conversation())
    await database["backups"].insert_one(MADE)
    await database["meta"].delete_one({"_id": "schema"})
    await database["meta"].replace_one({"_id": "search"}, {"version": 1}, upsert=True)
    return list(whole)


async def marked(database: Any) -> int:
    """Return how many documents are as they were before."""
    return sum(
        [
            await database[name].count_documents({"marks": {"$exists": True}})
            for name in ("registrations", "audit")
        ]
    )


async def assert_migrated(database: Any) -> None:
    stored = await database["meta"].find_one({"_id": "schema"})
    assert stored == {"_id": "schema", "version": VERSION}
    assert await marked(database) == 0
    for name, models in INDEXES.items():
        there = await database[name].index_information()
        assert there.keys() - {"_id_", "own"} == {model.document["name"] for model in models}, name
