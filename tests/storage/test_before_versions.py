"""Data, and backups, from before there were versions work after the migration."""

import gzip
import struct
from pathlib import Path
from typing import Any

from bot.domain.search import Query
from bot.wiring import schema
from bot.wiring.clients import open_database
from storage.backup.backup import back_up
from storage.register.search import Search
from storage.register.verify import verify
from storage.talk.conversations import Conversations
from tests.storage.before_versions import COUNT, assert_migrated, fill
from tests.storage.commands import balcao
from tests.storage.records import NOW
from tests.storage.test_schema import settings_of

MAGIC = b"balcao backup\n"


async def test_data_is_migrated_at_the_start_and_works(
    own_database: Any, mongodb_uri: str, tmp_path: Path
):
    whole = await fill(own_database)
    seen: list[schema.Progress | None] = []
    settings = settings_of(own_database, mongodb_uri, tmp_path)
    async with open_database(settings, report=seen.append) as database:
        await assert_migrated(database)
        assert await database["registrations"].find({}).sort("_id", 1).to_list(None) == whole
        assert "own" in await database["registrations"].index_information()
        assert "day" in await database["own_reports"].index_information()
        assert await database["backups"].find_one({}) is None
        assert await database["meta"].find_one({"_id": "search"}) is None
        found = await Search(database)(Query(text="zuleica"))
        assert [one.name for one in found.registrations] == ["Zuleica Antiga"]
        assert await Conversations(database).open_in(1) is not None
        checked = await verify(database, lambda _: None)
        assert (checked.registrations, checked.broken) == (COUNT, ())
    assert {one.collection: one.documents for one in seen if one} == {
        "registrations": COUNT,
        "audit": await own_database["audit"].count_documents({}),
    }
    seen.clear()
    async with open_database(settings, report=seen.append):
        assert seen == []


def from_before(backup: bytes) -> bytes:
    """Return the backup as a program from before versions would have written it."""
    plain = gzip.decompress(backup)
    assert plain[: len(MAGIC) + 4] == MAGIC + struct.pack(">HH", 2, 0)
    return gzip.compress(MAGIC + struct.pack(">H", 1) + plain[len(MAGIC) + 4 :])


async def test_a_backup_is_migrated_when_it_is_restored(
    own_database: Any, database: Any, mongodb_uri: str, tmp_path: Path
):
    whole = await fill(own_database, count=5)
    await back_up(own_database, tmp_path / "new", at=NOW, report=lambda _: None)
    (tmp_path / "old").write_bytes(from_before((tmp_path / "new").read_bytes()))
    env = {"BALCAO_MONGODB_URI": mongodb_uri, "BALCAO_MONGODB_DATABASE": database.name}
    assert (await balcao("jobs", cwd=tmp_path, **env)).code == 0
    said = await balcao("restore", "old", cwd=tmp_path, **env)
    assert (said.code, said.err) == (0, "")
    await assert_migrated(database)
    assert await database["registrations"].find({}).sort("_id", 1).to_list(None) == whole
    assert await Conversations(database).open_in(1) is not None
