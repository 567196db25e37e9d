"""Every index exists once, by its name, and a missing one is reported."""

from typing import Any

import pytest
from pymongo import monitoring

from bot.domain.errors import RefusedError
from storage.engine.connection import connected
from storage.engine.indexes import INDEXES, ensure_indexes, missing_indexes

ALL = [
    f"{collection}.{model.document['name']}"
    for collection, models in INDEXES.items()
    for model in models
]


async def names(database: Any) -> set[str]:
    there = set()
    for collection in INDEXES:
        found = await database[collection].index_information()
        there |= {f"{collection}.{name}" for name in found if name != "_id_"}
    return there


async def test_every_index_is_there_and_no_other(database: Any):
    assert await names(database) == set(ALL)
    assert await missing_indexes(database) == []


class Builds(monitoring.CommandListener):
    """Records how long the server may take for each build of indexes, in milliseconds."""

    def __init__(self) -> None:
        self.may_take_ms: list[int | None] = []

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if event.command_name == "createIndexes":
            self.may_take_ms.append(event.command.get("maxTimeMS"))

    def succeeded(self, event: object) -> None:
        """Do nothing: `started` has recorded the build."""

    def failed(self, event: object) -> None:
        """Do nothing: `started` has recorded the build."""


async def test_a_build_may_take_hours(mongodb_uri: str, own_database: Any):
    builds = Builds()
    monitoring.register(builds)
    async with connected(mongodb_uri, own_database.name) as database:
        # The driver sends the time that is left for the call instead of the client's time-out.
        await ensure_indexes(database)
    assert len(builds.may_take_ms) == sum(map(bool, INDEXES.values()))
    assert all(ms and ms > 12 * 3600 * 1000 for ms in builds.may_take_ms)


async def test_making_them_twice_changes_nothing(database: Any):
    await ensure_indexes(database)
    await ensure_indexes(database)
    assert await names(database) == set(ALL)


@pytest.mark.parametrize(("days", "seconds"), [(7, 7 * 86_400), (0, 86_400), (None, 30 * 86_400)])
async def test_words_end_as_the_setting_of_this_start_says(
    own_database: Any, days: int | None, seconds: int
):
    async def kept_s() -> int:
        found = await own_database["outbox"].index_information()
        return int(found["said"]["expireAfterSeconds"])

    assert await kept_s() == 30 * 86_400
    await ensure_indexes(own_database, transcript_days=days)
    assert await kept_s() == seconds
    # A process without the setting, such as a restore, changes nothing.
    await ensure_indexes(own_database)
    assert await kept_s() == seconds
    # Data of a version before has no such index.
    await own_database["outbox"].drop_index("said")
    await ensure_indexes(own_database, transcript_days=days)
    assert await kept_s() == seconds


async def test_a_missing_index_is_named_and_made_again(own_database: Any):
    for missing in ALL:
        collection, _, name = missing.partition(".")
        await own_database[collection].drop_index(name)
        assert await missing_indexes(own_database) == [missing]
        await ensure_indexes(own_database)
        assert await missing_indexes(own_database) == []


async def test_in_an_empty_database_all_are_missing(own_database: Any):
    for collection in INDEXES:
        await own_database[collection].drop()
    assert await missing_indexes(own_database) == ALL


async def test_all_are_ascending(database: Any):
    # The embedded server misses documents in descending ones.
    for collection in INDEXES:
        for index in (await database[collection].index_information()).values():
            assert {direction for _, direction in index["key"]} == {1}


async def test_what_must_be_unique_is_refused_twice_and_what_may_be_absent_is_not(
    own_database: Any,
):
    unique = [
        (collection, model.document)
        for collection, models in INDEXES.items()
        for model in models
        if model.document.get("unique")
    ]
    assert len(unique) == 7
    for collection, model in unique:
        [field] = model["key"]
        await own_database[collection].drop_index(model["name"])
        others = {"conversations": "protocol"}.get(collection, field)
        twice = [{others: number} | {field: "x"} for number in range(2)]
        await own_database[collection].insert_many(twice)
        with pytest.raises(RefusedError, match=collection):
            await ensure_indexes(own_database)
        await own_database[collection].delete_many({})
        await ensure_indexes(own_database)
