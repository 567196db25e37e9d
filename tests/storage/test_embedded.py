"""The embedded server: one for each directory, shared, taken over, stopped by its starter."""

import asyncio
import socket
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.domain.errors import RefusedError, TryLaterError
from storage.engine import embedded
from storage.engine.connection import answers, connected
from storage.engine.embedded import embedded_server
from tests.patience import HANG_MS
from tests.storage.servers import free_port, is_running, kill, noted_pid, short_lived, until

pytestmark = pytest.mark.embedded

# Another Balcão process: starts the server, prints its address, and waits to be killed.
OTHER = """
import asyncio, pathlib, sys
from storage.engine.embedded import embedded_server
from tests.patience import be_patient
async def main():
    be_patient()
    async with embedded_server(pathlib.Path(sys.argv[1])) as uri:
        print(uri, flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""


@asynccontextmanager
async def other_balcao(data_dir: Path) -> AsyncIterator[str]:
    """Give the address that another process uses; kill that process at the end, not its server."""
    other = subprocess.Popen(  # noqa: ASYNC220, S603
        [sys.executable, "-c", OTHER, str(data_dir)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with other:
        try:
            assert other.stdout
            address = ""
            while not address.startswith("mongodb://"):
                address = (await asyncio.to_thread(other.stdout.readline)).strip()
                assert other.poll() is None
            yield address
        finally:
            other.kill()


async def test_the_directory_is_nobody_elses_and_the_server_ends_with_us(tmp_path: Path):
    data_dir = tmp_path / "a" / "b"
    async with embedded_server(data_dir) as uri, connected(uri, "balcao") as database:
        await database["x"].insert_one({"_id": 1})
        pid = noted_pid(data_dir)
        assert is_running(pid)
        private = data_dir / "database"
        assert stat.S_IMODE(private.stat().st_mode) == 0o700
        for path in private.rglob("*"):
            assert path.parent == private or stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
    assert not is_running(pid)
    assert not (private / "server.json").exists()
    private.chmod(0o755)
    async with short_lived(data_dir) as uri, connected(uri, "balcao") as database:
        assert await database["x"].find_one() == {"_id": 1}
        assert stat.S_IMODE(private.stat().st_mode) == 0o700


async def test_a_second_one_joins_the_first_ones_server_and_does_not_stop_it(tmp_path: Path):
    async with short_lived(tmp_path) as first, connected(first, "balcao") as database:
        pid = noted_pid(tmp_path)
        async with embedded_server(tmp_path) as second:
            assert second == first
            async with connected(second, "balcao") as same:
                await same["x"].insert_one({"_id": 1})
        assert noted_pid(tmp_path) == pid
        assert is_running(pid)
        await answers(database)
        assert await database["x"].find_one() == {"_id": 1}


async def test_a_second_one_waits_for_a_first_that_is_starting(tmp_path: Path):
    async def joined() -> str:
        async with embedded_server(tmp_path) as uri:
            await together.wait()
            return uri

    together = asyncio.Barrier(3)
    uris = await asyncio.gather(*[joined() for _ in range(3)])
    assert len(set(uris)) == 1


async def test_the_server_of_one_that_was_killed_is_taken_over_and_then_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    # It is asked once whether it answers, and may be late.
    monkeypatch.setattr(embedded, "_PROBE_MS", HANG_MS)
    async with other_balcao(tmp_path) as uri:
        pid = noted_pid(tmp_path)
    assert is_running(pid)
    async with embedded_server(tmp_path) as taken_over:
        assert taken_over == uri
        assert noted_pid(tmp_path) == pid
    await until(lambda: not is_running(pid))


async def test_a_note_that_cannot_be_read_is_passed_over(tmp_path: Path):
    async def start_despite(note: str) -> None:
        data_dir = tmp_path / str(notes.index(note))
        (data_dir / "database").mkdir(parents=True)
        (data_dir / "database" / "server.json").write_text(note)
        async with short_lived(data_dir) as uri, connected(uri, "balcao") as database:
            await answers(database)

    notes = ["", "null", '{"pid": "x", "port": 1}', '{"pid": 1}']
    await asyncio.gather(*[start_despite(note) for note in notes])


async def test_a_note_that_names_another_process_does_that_one_no_harm(tmp_path: Path):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as innocent:  # noqa: ASYNC220
        (tmp_path / "database").mkdir()
        note = f'{{"pid": {innocent.pid}, "port": 1}}'
        (tmp_path / "database" / "server.json").write_text(note)
        async with short_lived(tmp_path) as uri, connected(uri, "balcao") as database:
            await answers(database)
            assert innocent.poll() is None
        assert innocent.poll() is None
        innocent.communicate(b"\n")


async def test_a_server_that_dies_under_us_is_no_trouble_at_the_end(tmp_path: Path):
    async with embedded_server(tmp_path):
        await kill(noted_pid(tmp_path))
    async with short_lived(tmp_path) as uri, connected(uri, "balcao") as database:
        await answers(database)


async def test_giving_up_while_it_starts_leaves_no_server_behind(tmp_path: Path):
    async def enter() -> None:
        async with embedded_server(tmp_path):
            await asyncio.Event().wait()

    starting = asyncio.create_task(enter())
    await until((tmp_path / "database" / "server.json").exists)
    await until(lambda: (tmp_path / "database" / "server.json").read_text() != "")
    pid = noted_pid(tmp_path)
    starting.cancel()
    await asyncio.wait([starting])
    try:
        assert not is_running(pid)
    finally:
        if is_running(pid):
            await kill(pid)


async def test_a_first_one_that_never_gets_ready_is_told_in_our_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(embedded, "_START_S", 0.3)  # a short time-out, to be quick
    async with other_balcao(tmp_path):
        await kill(noted_pid(tmp_path))
        with pytest.raises(TryLaterError):
            async with embedded_server(tmp_path):
                pass


async def test_a_port_that_was_taken_meanwhile_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        ports = iter([taken.getsockname()[1], free_port()])
        monkeypatch.setattr(embedded, "_free_port", lambda: next(ports))
        async with short_lived(tmp_path) as address, connected(address, "balcao") as database:
            await answers(database)


async def test_two_directories_have_servers_of_their_own(tmp_path: Path):
    async with (
        short_lived(tmp_path / "a") as one,
        short_lived(tmp_path / "b") as two,
    ):
        assert one != two
    with pytest.raises((TryLaterError, RefusedError)):
        async with connected(one, "balcao", server_selection_ms=200):
            pass
