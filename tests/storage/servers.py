"""Database servers of a test's own, to be broken."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from bot.domain.errors import AppError, Problem
from storage.engine.connection import connected
from storage.engine.embedded import embedded_server

SECANTUSD = Path(sys.executable).with_name("secantusd-py")
SOON_MS = 300


async def until(true: Callable[[], bool]) -> None:
    """Return when another process has done something."""
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110 - another process sets no event
            await asyncio.sleep(0.02)


def is_running(pid: int) -> bool:
    """Whether the process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
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
    """An embedded server killed at the end: stopping it politely takes two seconds."""
    async with embedded_server(data_dir) as address:
        yield address
        await kill(noted_pid(data_dir))


@asynccontextmanager
async def plain_server(files: Path, *options: str) -> AsyncIterator[int]:
    """The port of a server on these files, killed at the end."""
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
        async with asyncio.timeout(20):
            while not await _answers(port):
                pass
        yield port
    finally:
        process.kill()
        process.wait()


async def _answers(port: int) -> bool:
    try:
        async with connected(uri(port), "admin", server_selection_ms=SOON_MS):
            return True
    except AppError as error:
        return error.problem is Problem.DATABASE_PASSWORD


def uri(port: int, user: str = "") -> str:
    return f"mongodb://{user}127.0.0.1:{port}/?directConnection=true"


async def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    await until(lambda: not is_running(pid))
