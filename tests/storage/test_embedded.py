"""The embedded server: one for each directory, shared, taken over, stopped by the last user."""

import asyncio
import os
import shutil
import socket
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.domain.errors import Problem, RefusedError, TryLaterError
from storage.engine import server_process
from storage.engine.connection import answers, connected
from storage.engine.embedded import embedded_server
from storage.engine.server_folder import prepared
from storage.engine.server_process import find
from tests.storage.servers import (
    free_port,
    is_running,
    kill,
    noted_pid,
    short_lived,
    until,
)

pytestmark = pytest.mark.embedded

# Another Balcão process: prints the server's address once it answers, and ends with its input.
OTHER = """
import asyncio, pathlib, sys
from storage.engine.connection import connected
from storage.engine.embedded import embedded_server
from tests.patience import be_patient
async def main():
    be_patient()
    async with embedded_server(pathlib.Path(sys.argv[1])) as uri, connected(uri, "balcao"):
        print(uri, flush=True)
        await asyncio.to_thread(sys.stdin.read)
asyncio.run(main())
"""


def cpus_of_threads(pid: int) -> list[set[int]]:
    """Return the CPUs that each thread of the process may use."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return [os.sched_getaffinity(int(thread.name)) for thread in threads]


@asynccontextmanager
async def other_balcao(data_dir: Path) -> AsyncIterator[tuple[subprocess.Popen[str], str]]:
    """Give another process and the address that it uses; kill it at the end, not its server."""
    other = subprocess.Popen(  # noqa: ASYNC220, S603
        [sys.executable, "-c", OTHER, str(data_dir)],
        stdin=subprocess.PIPE,
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
            yield other, address
        finally:
            other.kill()


async def end(other: subprocess.Popen[str]) -> None:
    """Let the other process leave the server in an orderly way."""
    await asyncio.to_thread(other.communicate)
    assert other.returncode == 0


async def test_the_directory_is_nobody_elses_and_the_server_ends_with_us(tmp_path: Path):
    data_dir = tmp_path / "a" / "b"
    async with embedded_server(data_dir) as uri, connected(uri, "balcao") as database:
        await database["x"].insert_one({"_id": 1})
        pid = noted_pid(data_dir)
        assert is_running(pid)
        private = data_dir / "database"
        assert stat.S_IMODE(private.stat().st_mode) == 0o700
        for path in [*(private / "files").rglob("*"), private / "secret"]:
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
    assert not is_running(pid)
    assert not (private / "server.json").exists()
    private.chmod(0o755)
    async with short_lived(data_dir) as uri, connected(uri, "balcao") as database:
        assert await database["x"].find_one() == {"_id": 1}
        assert stat.S_IMODE(private.stat().st_mode) == 0o700


async def test_all_threads_of_the_server_stay_on_one_of_the_cpus_that_its_starter_may_use(
    data_dir: Path,
):
    async with short_lived(data_dir) as uri, connected(uri, "balcao") as database:
        await answers(database)
        cpus = cpus_of_threads(noted_pid(data_dir))
    assert len(cpus) > 1
    assert all(one == cpus[0] for one in cpus)
    assert len(cpus[0]) == 1
    assert cpus[0] <= os.sched_getaffinity(0)


async def test_a_second_one_joins_the_first_ones_server_and_does_not_stop_it(data_dir: Path):
    async with short_lived(data_dir) as first, connected(first, "balcao") as database:
        pid = noted_pid(data_dir)
        async with embedded_server(data_dir) as second:
            assert second == first
            async with connected(second, "balcao") as same:
                await same["x"].insert_one({"_id": 1})
        assert noted_pid(data_dir) == pid
        assert is_running(pid)
        await answers(database)
        assert await database["x"].find_one() == {"_id": 1}


async def test_a_second_one_waits_for_a_first_that_is_starting(data_dir: Path):
    async def joined() -> str:
        async with embedded_server(data_dir) as uri:
            await together.wait()
            return uri

    together = asyncio.Barrier(3)
    uris = await asyncio.gather(*[joined() for _ in range(3)])
    assert len(set(uris)) == 1


async def test_whoever_comes_last_stops_the_server(data_dir: Path):
    async with other_balcao(data_dir) as (first, address):
        pid = noted_pid(data_dir)
        async with other_balcao(data_dir) as (second, same):
            assert same == address
            await end(first)
            assert is_running(pid)
            async with connected(address, "balcao") as database:
                await answers(database)
            await end(second)
    assert not is_running(pid)
    assert not (data_dir / "database" / "server.json").exists()


async def test_the_server_of_those_that_were_killed_is_taken_over_and_then_stopped(
    data_dir: Path,
):
    async with other_balcao(data_dir) as (_, address):
        pid = noted_pid(data_dir)
    assert is_running(pid)
    # Its note is lost, too.
    (data_dir / "database" / "server.json").unlink()
    async with embedded_server(data_dir) as taken_over:
        assert taken_over == address
        assert is_running(pid)
    assert not is_running(pid)


async def test_some_that_come_and_go_at_once_all_have_a_server_and_leave_none(data_dir: Path):
    async def come_and_go() -> str:
        async with other_balcao(data_dir) as (other, address):
            await end(other)
        return address

    addresses = await asyncio.gather(*[come_and_go() for _ in range(3)])
    assert all(addresses)
    assert server_process.find(prepared(data_dir)) is None


async def test_a_note_that_cannot_be_read_is_passed_over(data_dir: Path):
    for note in ["", "null", "[]", '{"pid": "x", "port": 1}', '{"pid": 1}']:
        (data_dir / "database" / "server.json").write_text(note)
        assert prepared(data_dir).note() is None
    async with short_lived(data_dir) as uri, connected(uri, "balcao") as database:
        await answers(database)


async def test_a_note_that_names_another_process_does_that_one_no_harm(data_dir: Path):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as innocent:  # noqa: ASYNC220
        note = f'{{"pid": {innocent.pid}, "port": 1}}'
        (data_dir / "database" / "server.json").write_text(note)
        async with short_lived(data_dir) as uri, connected(uri, "balcao") as database:
            await answers(database)
            assert innocent.poll() is None
        assert innocent.poll() is None
        innocent.communicate(b"\n")


async def test_a_server_that_dies_under_us_is_no_trouble_at_the_end(data_dir: Path):
    async with embedded_server(data_dir):
        await kill(noted_pid(data_dir))
    async with short_lived(data_dir) as uri, connected(uri, "balcao") as database:
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
    # Without a password yet, it may be the one that was being stopped: the signal is sent then.
    await until(lambda: not is_running(pid))
    assert find(prepared(tmp_path)) is None


async def test_one_that_starts_for_too_long_is_told_in_our_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    async with prepared(tmp_path).locked(0):
        monkeypatch.setattr(server_process, "START_S", 0.01)  # a short time-out, to be quick
        with pytest.raises(TryLaterError) as raised:
            async with embedded_server(tmp_path):
                pass
    assert raised.value.problem is Problem.EMBEDDED_HELD


async def test_a_port_that_was_taken_meanwhile_is_passed_over(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        ports = iter([taken.getsockname()[1], free_port()])
        monkeypatch.setattr(server_process, "_free_port", lambda: next(ports))
        async with short_lived(data_dir) as address, connected(address, "balcao") as database:
            await answers(database)


async def test_two_directories_have_servers_of_their_own(data_dir: Path, tmp_path: Path):
    shutil.copytree(data_dir, tmp_path / "other")
    async with short_lived(data_dir) as one, short_lived(tmp_path / "other") as two:
        assert one != two
    with pytest.raises((TryLaterError, RefusedError)):
        async with connected(one, "balcao", server_selection_ms=200):
            pass
