"""Database servers that belong to one test, which may break them."""

import asyncio
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from bot.domain.errors import AppError, Problem, TryLaterError
from storage.engine.connection import connected
from storage.engine.embedded import embedded_server
from tests.patience import HANG_MS, HANG_S

SECANTUSD = Path(sys.executable).with_name("secantusd-py")
SOON_MS = 60
"""The time that a client looks for a server that is not there, in milliseconds."""


async def until(true: Callable[[], bool]) -> None:
    """Return when `true` does; another process makes it so."""
    async with asyncio.timeout(HANG_S):
        while not true():  # noqa: ASYNC110 - another process sets no event
            await asyncio.sleep(0.02)


def is_running(pid: int) -> bool:
    """Return True if the process exists and is no zombie without threads."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        # Threads that still end hold its port and its files.
        return state != "Z" or len(list(Path(f"/proc/{pid}/task").iterdir())) > 1
    except OSError:
        return False


def noted_pid(data_dir: Path) -> int:
    return int(json.loads((data_dir / "database" / "server.json").read_text())["pid"])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def short_lived(data_dir: Path) -> AsyncIterator[str]:
    """Start an embedded server and kill it at the end: a graceful stop takes two seconds."""
    async with embedded_server(data_dir) as address:
        yield address
        await kill(noted_pid(data_dir))


@asynccontextmanager
async def plain_server(files: Path, *options: str) -> AsyncIterator[int]:
    """Start a server on these files, give its port, and kill it at the end."""
    port = free_port()
    process = subprocess.Popen(  # noqa: ASYNC220, S603 - a server, not waited for
        [
            SECANTUSD,
            *("--host", "127.0.0.1", "--port", str(port), "--storage-path", str(files)),
            *("--sync-on-commit", "--log-level", "WARNING", *options),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(HANG_S):
            for tries in itertools.count(1):
                if await _answers(port, within_ms=tries * SOON_MS):
                    break
        yield port
    finally:
        process.kill()
        process.wait()


async def _answers(port: int, *, within_ms: int) -> bool:
    try:
        async with connected(uri(port), "admin", server_selection_ms=within_ms):
            return True
    except AppError as error:
        return error.problem is Problem.DATABASE_PASSWORD


@asynccontextmanager
async def connected_until_lost(address: str, database: str = "balcao") -> AsyncIterator[Any]:
    """Give a database whose client soon reports that its server is gone.

    It waits for a server that is only slow: each attempt to open the database has a longer time-
    out than the one before, and open connections are kept.
    """
    async with AsyncExitStack() as stack:
        yield await _opened(stack, address, database)


async def _opened(stack: AsyncExitStack, address: str, database: str) -> Any:
    async with asyncio.timeout(HANG_S):
        for tries in itertools.count(1):
            opening = connected(
                address, database, server_selection_ms=tries * SOON_MS, connect_ms=HANG_MS
            )
            with suppress(TryLaterError):
                return await stack.enter_async_context(opening)
    raise AssertionError("counting ends")


def uri(port: int, user: str = "") -> str:
    return f"mongodb://{user}127.0.0.1:{port}/?directConnection=true&retryWrites=false"


async def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    await until(lambda: not is_running(pid))
