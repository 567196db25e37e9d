"""A place that cannot hold a database is one clear error with its problem code."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.domain.errors import AppError, Problem, RefusedError, TryLaterError
from storage.engine.connection import answers, connected
from storage.engine.embedded import embedded_server
from storage.updates.inbox import Inbox
from tests.storage import broken_places
from tests.storage.broken_places import corrupt, fill, mounted
from tests.storage.records import NOW
from tests.storage.servers import short_lived

pytestmark = pytest.mark.embedded

GARBAGE = b"lixo" * 2000


async def refused(data_dir: Path) -> AppError:
    with pytest.raises(AppError) as raised:
        async with short_lived(data_dir):
            pass
    assert "\n" not in str(raised.value)
    assert "Traceback" not in str(raised.value)
    return raised.value


@pytest.mark.parametrize(
    "place",
    [broken_places.a_file, broken_places.below_a_file, broken_places.database_is_a_file],
)
async def test_a_path_that_is_no_folder_is_called_so(
    tmp_path: Path, place: Callable[[Path], Path]
):
    error = await refused(place(tmp_path))
    assert isinstance(error, RefusedError)
    assert error.problem is Problem.DATA_DIR_NOT_A_FOLDER


@pytest.mark.parametrize("name", ["balcao.lock", "server.log"])
async def test_a_folder_in_the_place_of_our_own_files_is_told_in_our_own_words(
    tmp_path: Path, name: str
):
    (tmp_path / "database" / name).mkdir(parents=True)
    error = await refused(tmp_path)
    assert error.problem


async def test_a_directory_that_cannot_be_written_is_called_so(tmp_path: Path):
    with mounted(tmp_path / "ro", "ro", "size=64k") as read_only:
        error = await refused(read_only / "data")
    assert isinstance(error, RefusedError)
    assert error.problem is Problem.DATA_DIR_READ_ONLY


async def test_a_disk_that_is_full_at_the_start_is_called_so(tmp_path: Path):
    with mounted(tmp_path / "full", "size=64k") as disk:
        (disk / "database").mkdir()
        fill(disk)
        error = await refused(disk)
    assert error.problem is Problem.DISK_FULL


async def test_a_disk_with_too_little_room_for_a_database_is_called_full(tmp_path: Path):
    with mounted(tmp_path / "small", "size=64k") as disk:
        error = await refused(disk / "data")
    assert error.problem is Problem.DISK_FULL


async def test_a_disk_that_fills_up_is_noticed_by_every_call_and_by_health(tmp_path: Path):
    with mounted(tmp_path / "small", "size=24m") as disk:
        async with short_lived(disk / "data") as uri, connected(uri, "balcao") as database:
            inbox = Inbox(database)
            await inbox.add(1, [(0, "c", {})], at=NOW)
            fill(disk)
            failed = await first_failure(inbox)
            assert isinstance(failed, TryLaterError)
            assert failed.problem in (Problem.DISK_FULL, Problem.DATABASE_BROKEN)
            told = await asyncio.gather(
                answers(database), inbox.pending_of("c"), return_exceptions=True
            )
            assert {type(error) for error in told} == {TryLaterError}
            assert {error.problem for error in told} == {Problem.DATABASE_BROKEN}


async def first_failure(inbox: Inbox) -> AppError:
    for number in range(1, 5000):
        try:
            await inbox.add(1, [(number, "c", {"text": "x" * 50_000})], at=NOW)
        except AppError as error:
            return error
    pytest.fail("the disk never filled up")


@pytest.fixture(scope="module")
async def healthy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the directory of a database that was stopped properly."""
    data_dir: Path = tmp_path_factory.mktemp("healthy") / "data"
    async with embedded_server(data_dir) as uri, connected(uri, "balcao") as database:
        await database["x"].insert_one({"_id": 1})
    return data_dir


@pytest.mark.parametrize(
    ("pattern", "content"),
    [
        ("WiredTiger.wt", GARBAGE),
        ("WiredTiger.wt", b""),
        ("WiredTiger.turtle", GARBAGE),
        ("WiredTigerLog*", GARBAGE),
        ("*", GARBAGE),
        ("secantus_*.wt", GARBAGE),
        ("secantus_*.wt", b""),
    ],
)
async def test_damaged_files_are_called_so(
    tmp_path: Path, healthy: Path, pattern: str, content: bytes
):
    error = await refused(corrupt(healthy, tmp_path / "data", pattern, content))
    assert isinstance(error, RefusedError)
    assert error.problem is Problem.DATA_DIR_CORRUPT


async def test_a_refusal_changes_nothing_in_the_directory(tmp_path: Path, healthy: Path):
    data_dir = corrupt(healthy, tmp_path / "data", "WiredTiger.wt", GARBAGE)
    files = data_dir / "database" / "files"
    before = {path.name: path.read_bytes() for path in files.glob("secantus_*")}
    await refused(data_dir)
    assert {path.name: path.read_bytes() for path in files.glob("secantus_*")} == before
    shutil.copy(healthy / "database" / "files" / "WiredTiger.wt", files)
    async with short_lived(data_dir) as uri, connected(uri, "balcao") as database:
        found: Any = await database["x"].find_one()
        assert found == {"_id": 1}
