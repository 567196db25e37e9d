"""The embedded server is killed below a Balcão that runs: it is started again, or that ends."""

import asyncio
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from bot.domain.errors import Problem, TryLaterError
from storage.engine import embedded
from storage.engine.connection import connected
from storage.engine.embedded import embedded_server
from storage.engine.server_folder import prepared
from storage.engine.server_process import PortTakenError, find
from tests.patience import HANG_S
from tests.storage.servers import is_running, kill, noted_pid, until

pytestmark = pytest.mark.embedded


async def read_again(database: Any) -> Any:
    """Return a document once the server answers; calls in between fail."""
    async with asyncio.timeout(HANG_S):
        while True:
            with suppress(Exception):
                return await database["x"].find_one()
            await asyncio.sleep(0)


async def test_it_is_started_again_at_the_same_address_and_stopped_at_the_end(data_dir: Path):
    async with (
        embedded_server(data_dir, restarts=True) as uri,
        connected(uri, "balcao") as database,
    ):
        await database["x"].insert_one({"_id": 1})
        before = noted_pid(data_dir)
        await kill(before)
        assert await read_again(database) == {"_id": 1}
        after = noted_pid(data_dir)
        assert after != before
    assert not is_running(after)


async def test_whoever_comes_before_it_is_started_again_starts_it_at_the_others_address(
    data_dir: Path,
):
    async with embedded_server(data_dir) as uri:
        await kill(noted_pid(data_dir))
        async with embedded_server(data_dir) as same:
            assert same == uri
        # This one still uses it.
        assert is_running(noted_pid(data_dir))


async def test_when_another_program_has_its_port_the_work_ends_with_that_error(data_dir: Path):
    folder = prepared(data_dir)

    async def work(other: socket.socket) -> None:
        async with embedded_server(data_dir, restarts=True):
            async with folder.locked(HANG_S):
                server = find(folder)
                assert server
                await kill(server.pid)
                other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                other.bind(("127.0.0.1", server.port))
                other.listen()
            await asyncio.Event().wait()

    with socket.socket() as other, pytest.raises(PortTakenError) as raised:
        await work(other)
    assert raised.value.problem is Problem.EMBEDDED_PORT
    assert find(folder) is None


async def test_a_restart_that_has_to_wait_is_tried_again(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = prepared(data_dir)
    async with embedded_server(data_dir, restarts=True):
        async with folder.locked(HANG_S):
            pid = noted_pid(data_dir)
            monkeypatch.setattr(embedded, "_lock_s", lambda: 0.0)
            await kill(pid)
            with pytest.raises(TryLaterError):
                async with folder.locked(0):
                    pass
        monkeypatch.undo()
        await until(lambda: noted_pid(data_dir) != pid)
