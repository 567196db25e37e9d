"""The embedded server: a separate process, started in the data directory and stopped with Balcão.

SecantusDB speaks MongoDB's wire protocol. It is GPL-2.0-only and would starve an event loop that
it shares, so it is a subprocess and never imported.
"""

import asyncio
import errno
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

import structlog

from bot.domain.errors import AppError, Problem, RefusedError, TryLaterError
from storage.engine.connection import connected

_COMMAND: Final = "secantusd-py"
_START_S: Final = 30.0
_PROBE_MS: Final = 400
_PORTS: Final = 5
# Long enough for the data that it holds. Every commit is synced, so killing it loses nothing.
_STOP_S: Final = 5.0
_LEAST_FREE_BYTES: Final = 64 * 1024 * 1024
_WARNING: Final = "WARNING"

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Running:
    """A running server. Its pid and port are stored beside the data, for later processes."""

    pid: int
    port: int
    process: subprocess.Popen[bytes] | None = None
    """Set if this process started the server and so has to reap it."""

    def is_alive(self) -> bool:
        """Return True if the server still runs; a pid that another program uses now does not
        count."""
        if self.process is not None:
            return self.process.poll() is None
        try:
            os.kill(self.pid, 0)
        except (ProcessLookupError, PermissionError):
            return False
        command_line = Path(f"/proc/{self.pid}/cmdline")
        return not command_line.exists() or _COMMAND.encode() in command_line.read_bytes()


@asynccontextmanager
async def embedded_server(data_dir: Path) -> AsyncIterator[str]:
    """Yield the URI of a server on `data_dir`; its starter stops it at the end.

    A second Balcão on the same directory uses the server of the first. A server left behind by a
    Balcão that was killed is taken over. Raises RefusedError or TryLaterError with the problem.
    """
    directory = _prepared(data_dir)
    with _usable(directory):
        lock = (directory / "balcao.lock").open("w")
    with lock:
        if not _is_ours(lock):
            yield await _join(directory)
            return
        running = await _take_over(directory)
        if running is None:
            running = await _start(directory)
        try:
            yield _uri(running.port)
        finally:
            await _stop(running, directory)


def _uri(port: int) -> str:
    # With retryable writes the server scans all records of the last half hour at each write.
    return f"mongodb://127.0.0.1:{port}/?directConnection=true&retryWrites=false"


def _prepared(data_dir: Path) -> Path:
    directory = data_dir / "database"
    try:
        # The data is personal: no other user of the machine may read it.
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(0o700)
        probe = directory / ".write-test"
        probe.write_text("x")
        probe.unlink()
    except (FileExistsError, NotADirectoryError) as error:
        raise RefusedError(
            f"the data directory {data_dir} is not a folder",
            problem=Problem.DATA_DIR_NOT_A_FOLDER,
        ) from error
    except OSError as error:
        raise RefusedError(
            f"the data directory {data_dir} cannot be written ({error.strerror})",
            problem=_of_disk(error, Problem.DATA_DIR_READ_ONLY),
        ) from error
    return directory


@contextmanager
def _usable(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RefusedError(
            f"a file in {directory} cannot be used ({error.strerror})",
            problem=_of_disk(error, Problem.DATA_DIR_CORRUPT),
        ) from error


def _of_disk(error: OSError, otherwise: Problem) -> Problem:
    return Problem.DISK_FULL if error.errno in (errno.ENOSPC, errno.EDQUOT) else otherwise


def _is_ours(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _note(directory: Path) -> Path:
    return directory / "server.json"


def _read_note(directory: Path) -> _Running | None:
    try:
        note = json.loads(_note(directory).read_text())
        return _Running(int(note["pid"]), int(note["port"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


async def _join(directory: Path) -> str:
    """Return the URI of a server that another Balcão owns, waiting for it to start."""
    try:
        async with asyncio.timeout(_START_S):
            while True:
                running = _read_note(directory)
                if running and await _responds(running.port):
                    return _uri(running.port)
                await asyncio.sleep(0.1)
    except TimeoutError as error:
        raise _not_in_time() from error


async def _take_over(directory: Path) -> _Running | None:
    running = _read_note(directory)
    if running is None or not running.is_alive():
        return None
    if await _responds(running.port):
        logger.info("took over the embedded server of an earlier run", pid=running.pid)
        return running
    await _terminate(running)
    return None


class _PortTakenError(RefusedError):
    """Another process has taken the port between its choice and its use."""


async def _start(directory: Path) -> _Running:
    for _ in range(_PORTS - 1):
        with suppress(_PortTakenError):
            return await _started(directory)
    return await _started(directory)


async def _started(directory: Path) -> _Running:
    errors_path = directory / "server.log"
    with _usable(directory):
        running = _spawn(directory, errors_path)
    try:
        with _usable(directory):
            _note(directory).write_text(json.dumps({"pid": running.pid, "port": running.port}))
        async with asyncio.timeout(_START_S):
            while not await _responds(running.port):
                if not running.is_alive():
                    raise _why_it_failed(directory, errors_path)
    except BaseException as error:
        # Also when this process is cancelled while the server starts: nothing would stop it later.
        await _terminate(running)
        if isinstance(error, TimeoutError):
            raise _not_in_time() from error
        raise
    logger.info("embedded server started", pid=running.pid, port=running.port)
    return running


def _not_in_time() -> TryLaterError:
    return TryLaterError(
        "the embedded server did not answer in time", problem=Problem.EMBEDDED_FAILED
    )


def _spawn(directory: Path, errors_path: Path) -> _Running:
    port = _free_port()
    with errors_path.open("wb") as errors:
        process = subprocess.Popen(  # noqa: S603 - our own command, no text from outside
            [
                _executable(),
                *("--host", "127.0.0.1", "--port", str(port)),
                *("--storage-path", str(directory / "files"), "--sync-on-commit"),
                *("--log-level", _WARNING),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            # Ctrl-C reaches the whole foreground process group, but the server must run until
            # Balcão has finished its work.
            start_new_session=True,
            umask=0o077,
        )
    return _Running(process.pid, port, process)


def _executable() -> str:
    beside = Path(sys.executable).with_name(_COMMAND)
    found = str(beside) if beside.exists() else shutil.which(_COMMAND)
    if not found:
        raise RefusedError(
            f"the embedded server's command {_COMMAND} is not installed",
            problem=Problem.EMBEDDED_MISSING,
        )
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _why_it_failed(directory: Path, errors_path: Path) -> AppError:
    """Return the error for the traceback that the server left, or for its lack of output."""
    if shutil.disk_usage(directory).free < _LEAST_FREE_BYTES:
        return RefusedError("the disk has no room for a database", problem=Problem.DISK_FULL)
    lines = errors_path.read_text(errors="replace").strip().splitlines() or ["no message"]
    said = "\n".join(lines).lower()
    if "address already in use" in said:
        return _PortTakenError(
            f"the embedded server stopped: {lines[-1][:200]}", problem=Problem.EMBEDDED_FAILED
        )
    for words, problem in (
        ("no space left", Problem.DISK_FULL),
        ("not a directory", Problem.DATA_DIR_NOT_A_FOLDER),
        ("permission denied", Problem.DATA_DIR_READ_ONLY),
        ("read-only", Problem.DATA_DIR_READ_ONLY),
        ("corrupt", Problem.DATA_DIR_CORRUPT),
        ("wt_panic", Problem.DATA_DIR_CORRUPT),
        ("salvage", Problem.DATA_DIR_CORRUPT),
        ("wt_error", Problem.DATA_DIR_CORRUPT),
    ):
        if words in said:
            return RefusedError(f"the embedded server stopped: {lines[-1][:200]}", problem=problem)
    return RefusedError(
        f"the embedded server stopped: {lines[-1][:200]}", problem=Problem.EMBEDDED_FAILED
    )


async def _responds(port: int) -> bool:
    try:
        async with connected(_uri(port), "admin", server_selection_ms=_PROBE_MS):
            return True
    except AppError:
        return False


async def _stop(running: _Running, directory: Path) -> None:
    await _terminate(running)
    _note(directory).unlink(missing_ok=True)


async def _terminate(running: _Running) -> None:
    """Stop the process with SIGTERM, and with SIGKILL if it does not stop in time."""
    for to_send in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.kill(running.pid, to_send)
            async with asyncio.timeout(_STOP_S):
                # The stop takes two seconds when no client is connected. A connection attempt
                # would end the wait at once, but it locks up one stop in ten.
                while running.is_alive():  # noqa: ASYNC110 - another process sets no event
                    await asyncio.sleep(0.05)
        except ProcessLookupError:
            return
        except TimeoutError:
            logger.warning("embedded server did not stop in time", pid=running.pid)
        else:
            return
