"""Data of an older version is migrated at the start, whatever happens meanwhile, and data of a
newer one is refused."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from bot.domain.errors import Problem, RefusedError
from bot.settings import Settings
from bot.wiring import schema
from bot.wiring.clients import open_database
from storage.backup.backup import back_up
from storage.engine.schema import VERSION, begin_migration, stored_version
from storage.register.registrations import Registrations
from storage.schema.migrate import MIGRATIONS, migrate
from tests import warm
from tests.e2e.process import Running
from tests.patience import HANG_S
from tests.storage.before_versions import COUNT, assert_migrated, fill, marked
from tests.storage.commands import assert_one_sentence, balcao, balcao_in_a_terminal, environment
from tests.storage.records import NOW, registration

NEWER = {"_id": "schema", "version": VERSION + 1}
SENTENCE = "Uma versão mais nova do Balcão já atualizou o banco de dados"


def settings_of(database: Any, uri: str, folder: Path) -> Settings:
    return Settings.model_validate(
        {"mongodb_uri": uri, "mongodb_database": database.name, "data_dir": folder}
    )


@asynccontextmanager
async def opening(
    database: Any, uri: str, folder: Path, *, halts_at: int
) -> AsyncIterator[tuple[Running, int]]:
    """Start a process that migrates until so many documents are done.

    Gives it with the descriptor to close, on which it goes on.
    """
    theirs, ours = os.pipe()
    process = await warm.begin(
        *(uri, database.name, str(folder), str(halts_at)),
        module="tests.storage.migrating",
        cwd=folder,
        env=environment(),
        stdin=theirs,
    )
    os.close(theirs)
    running = Running(process)
    with os.fdopen(ours, "wb", closefd=False):
        try:
            yield running, ours
        finally:
            if running.is_running:
                await running.end(signal.SIGKILL)


def test_the_last_migration_leads_to_the_version_of_the_program():
    assert [one.version for one in MIGRATIONS] == list(range(1, VERSION + 1))


async def test_a_new_database_needs_no_migration(databases: Any, mongodb_uri: str, tmp_path: Path):
    settings = Settings.model_validate(
        {
            "mongodb_uri": mongodb_uri,
            "mongodb_database": f"new_{os.getpid()}",
            "data_dir": tmp_path,
        }
    )
    seen: list[schema.Progress | None] = []
    async with open_database(settings, report=seen.append) as database:
        assert await stored_version(database) == VERSION
    assert seen == []
    await databases.client.drop_database(settings.mongodb_database)


async def test_killed_within_it_goes_on_at_the_next_start(
    own_database: Any, mongodb_uri: str, tmp_path: Path
):
    await fill(own_database)
    whole = await marked(own_database)
    left = [whole]
    for halts_at in (COUNT // 2, COUNT + COUNT // 2):
        async with opening(own_database, mongodb_uri, tmp_path, halts_at=halts_at) as (process, _):
            await process.says("halted")
            await process.end(signal.SIGKILL)
        # An older program must not touch half migrated data.
        stored = await own_database["meta"].find_one({"_id": "schema"})
        assert stored == {"_id": "schema", "version": 0, "to": VERSION}
        left.append(await marked(own_database))
    assert whole > left[1] > left[2] > 0
    env = {"BALCAO_MONGODB_URI": mongodb_uri, "BALCAO_MONGODB_DATABASE": own_database.name}
    said = await balcao_in_a_terminal("jobs", answer="", cwd=tmp_path, **env)
    assert said.code == 0
    assert "Atualizando o banco de dados: cadastros" in said.err
    await assert_migrated(own_database)


async def test_one_process_migrates_and_the_others_wait_also_for_one_that_is_killed(
    own_database: Any, mongodb_uri: str, tmp_path: Path
):
    await fill(own_database)
    async with AsyncExitStack() as stack:

        async def begun(halts_at: int) -> tuple[Running, int]:
            return await stack.enter_async_context(
                opening(own_database, mongodb_uri, tmp_path, halts_at=halts_at)
            )

        first, _ = await begun(COUNT // 2)
        await first.says("halted")
        second, go_on = await begun(COUNT)
        third, _ = await begun(10**6)
        for waiting in (second, third):
            await waiting.says("waiting for another process")
        await first.end(signal.SIGKILL)
        os.close(go_on)
        assert await second.ended() == 0
        assert await third.ended() == 0
    logs = (first.log, second.log, third.log)
    assert sum("database migrated" in log for log in logs) == 1
    await assert_migrated(own_database)


async def test_every_command_refuses_newer_data_with_one_sentence(
    database: Any, mongodb_uri: str, tmp_path: Path
):
    env = {"BALCAO_MONGODB_URI": mongodb_uri, "BALCAO_MONGODB_DATABASE": database.name}
    assert (await balcao("backup", "b", cwd=tmp_path, **env)).code == 0
    await database["meta"].replace_one({"_id": "schema"}, NEWER)
    serving = {
        "BALCAO_BOT_TOKEN": "7000000001:AAabcdefghijklmnopqrstuvwxyz_-12345",
        "BALCAO_ATTENDANTS_CHAT_ID": "-1001234567890",
        "BALCAO_BROKER_URL": "nats://127.0.0.1:1",
    }
    commands = (
        *(("run",), ("worker",), ("check",), ("jobs",), ("backup", "c")),
        ("restore", "b", "--replace", "--yes"),
    )
    all_said = await asyncio.gather(
        *(balcao(*command, cwd=tmp_path, **env, **serving) for command in commands)
    )
    for said in all_said:
        assert_one_sentence(said, SENTENCE)
    assert f"✗ banco de dados: {SENTENCE}" in all_said[2].out
    assert await database["meta"].find_one({"_id": "schema"}) == NEWER


async def test_the_first_word_of_a_name_is_no_key_any_more(database: Any):
    register = Registrations(database)
    for number, name in enumerate(["Maria Souza", "Ana Maria", "Ana Ana"]):
        await register.create(registration(id=f"{number:032x}", tax_id=None, name=name))
    stored = database["registrations"]
    now = await stored.find({}).sort("_id", 1).to_list(None)
    for one in now:
        # As version 7 stored them.
        first = one["sort_name"].split()[0] + "\t"
        await stored.update_one({"_id": one["_id"]}, {"$addToSet": {"words": first}})
    await database["meta"].update_one({"_id": "schema"}, {"$set": {"version": 7}}, upsert=True)
    for _ in range(2):
        await migrate(database, lambda _: None)
        assert await stored.find({}).sort("_id", 1).to_list(None) == now
    assert await stored_version(database) == VERSION


async def test_data_that_a_newer_program_has_begun_to_migrate_is_newer(database: Any):
    await begin_migration(database)
    assert await stored_version(database) == 0
    await database["meta"].update_one({"_id": "schema"}, {"$set": {"to": VERSION + 1}})
    with pytest.raises(RefusedError) as raised:
        await stored_version(database)
    assert raised.value.problem is Problem.DATA_NEWER


async def test_a_program_that_runs_ends_when_the_data_becomes_newer(
    database: Any, mongodb_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(schema, "_ROUND_S", 0)
    settings = settings_of(database, mongodb_uri, tmp_path)

    async def work() -> None:
        async with open_database(settings):
            await database["meta"].replace_one({"_id": "schema"}, NEWER)
            await asyncio.Event().wait()

    with pytest.raises(RefusedError) as raised:
        await asyncio.wait_for(work(), HANG_S)
    assert raised.value.problem is Problem.DATA_NEWER


async def test_one_that_is_stopped_meanwhile_is_stopped(
    database: Any, mongodb_uri: str, tmp_path: Path
):
    inside = asyncio.Event()

    async def work() -> None:
        async with open_database(settings_of(database, mongodb_uri, tmp_path)):
            inside.set()
            await asyncio.Event().wait()

    working = asyncio.create_task(work())
    await inside.wait()
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert "schema" not in {task.get_name() for task in asyncio.all_tasks()}


async def test_no_backup_mixes_two_versions(database: Any, mongodb_uri: str, tmp_path: Path):
    await Registrations(database).create(registration())
    with MongoClient(mongodb_uri) as client:
        meta = client[database.name]["meta"]

        def migrated(_: object) -> None:
            meta.replace_one({"_id": "schema"}, NEWER, upsert=True)

        with pytest.raises(RefusedError) as raised:
            await back_up(database, tmp_path / "b", at=NOW, report=migrated)
    assert raised.value.problem is Problem.DATA_NEWER
    assert not (tmp_path / "b").exists()


async def test_a_restored_backup_of_this_version_needs_no_migration(
    database: Any, mongodb_uri: str, tmp_path: Path
):
    env = {"BALCAO_MONGODB_URI": mongodb_uri, "BALCAO_MONGODB_DATABASE": database.name}
    assert (await balcao("backup", "b", cwd=tmp_path, **env)).code == 0
    said = await balcao_in_a_terminal("restore", "b", answer="", cwd=tmp_path, **env)
    assert said.code == 0
    assert "Atualizando" not in said.err
    assert await stored_version(database) == VERSION
