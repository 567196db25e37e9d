"""The process of the embedded server: how it is started, found and stopped.

SecantusDB speaks MongoDB's wire protocol. It is GPL-2.0-only and would starve an event loop that
it shares, so it is a subprocess and never imported.
"""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from secrets import choice
from typing import Final

import structlog

from bot.domain.errors import AppError, Problem, RefusedError, TryLaterError
from storage.engine.connection import connected
from storage.engine.server_folder import Note, ServerFolder

_COMMAND: Final = "secantusd-py"
USER: Final = "balcao"
START_S: Final = 30.0
_PROBE_MS: Final = 400
# Below the ports that systems give to outgoing connections: else a client that looks for its
# server could be given the server's own port, and then hold it.
_PORTS: Final = range(20_000, 32_000)
_TRIES: Final = 5
# Long enough for the data that it holds. Every commit is synced, so killing it loses nothing.
_STOP_S: Final = 5.0
_ROUND_S: Final = 0.05
_LEAST_FREE_BYTES: Final = 64 * 1024 * 1024
_WARNING: Final = "WARNING"

logger = structlog.get_logger()

# By pid. Whoever started a server has to reap it, and may have left it to others meanwhile.
_started: Final[dict[int, subprocess.Popen[bytes]]] = {}


@dataclass(frozen=True, slots=True)
class Server:
    """A server on the folder."""

    pid: int
    port: int
    has_auth: bool

    def is_alive(self) -> bool:
        """Return True if it still runs; a pid that another program uses now does not count."""
        _reap()
        try:
            os.kill(self.pid, 0)
        except (ProcessLookupError, PermissionError):
            return False
        if not Path("/proc/self").exists():
            return True
        command_line = _read(Path(f"/proc/{self.pid}/cmdline"))
        return _COMMAND.encode() in command_line or _is_ending(self.pid)


class PortTakenError(RefusedError):
    """Another program has the port."""


def uri(port: int, secret: str | None) -> str:
    """Return the address of a server; without a secret, of one that asks for no password."""
    user = f"{USER}:{secret}@" if secret else ""
    # With retryable writes the server scans all records of the last half hour at each write.
    return f"mongodb://{user}127.0.0.1:{port}/?directConnection=true&retryWrites=false"


def find(folder: ServerFolder) -> Server | None:
    """Return the server that runs on the folder, whoever started it."""
    _reap()
    for pid, arguments in _servers():
        place = _after("--storage-path", arguments)
        port = _after("--port", arguments)
        # An earlier version gave the path from its own working directory.
        with suppress(OSError, ValueError):
            if (Path(f"/proc/{pid}/cwd").resolve() / place).resolve() == folder.files.resolve():
                return Server(pid, int(port), "--auth" in arguments)
    if Path("/proc/self").exists():
        return None
    note = folder.note()
    server = Server(note.pid, note.port, note.has_auth) if note else None
    return server if server and server.is_alive() else None


def _is_ending(pid: int) -> bool:
    """Return True while threads of a killed process still hold its port and its files."""
    with suppress(OSError):
        is_killed = not _read(Path(f"/proc/{pid}/cmdline"))
        return is_killed and len(list(Path(f"/proc/{pid}/task").iterdir())) > 1
    return False


def _reap() -> None:
    for pid in [pid for pid, process in _started.items() if process.poll() is not None]:
        del _started[pid]


def _servers() -> Iterator[tuple[int, list[str]]]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        read = _read(path)
        if _COMMAND.encode() in read:
            yield int(path.parent.name), read.decode(errors="replace").split("\0")


def _after(option: str, arguments: list[str]) -> str:
    following = dict(pairwise(arguments))
    return following.get(option, "")


def _read(path: Path) -> bytes:
    # The process may end at any moment; that of another user cannot be read.
    with suppress(OSError):
        return path.read_bytes()
    return b""


async def start(folder: ServerFolder, *, secret: str | None, port: int | None = None) -> Server:
    """Start a server and return it once it answers; it outlives this process.

    secret: the password that it asks for; without one it asks for none.
    port: the only port that serves; without one, any is chosen.
    Raises RefusedError or TryLaterError with the problem, PortTakenError for a given port.
    """
    if port is not None:
        return await _started_at(port, folder, secret)
    for _ in range(_TRIES - 1):
        with suppress(PortTakenError):
            return await _started_at(_free_port(), folder, secret)
    return await _started_at(_free_port(), folder, secret)


async def _started_at(port: int, folder: ServerFolder, secret: str | None) -> Server:
    earlier = folder.note()
    while earlier and _is_ending(earlier.pid):  # noqa: ASYNC110 - another process sets no event
        await asyncio.sleep(_ROUND_S)
    with folder.usable():
        server = _spawn(port, folder, has_auth=secret is not None)
    try:
        with folder.usable():
            folder.write_note(Note(server.pid, server.port, server.has_auth))
        await until_it_answers(server, folder, secret)
    except BaseException:
        # Also when this process is cancelled while the server starts.
        await terminate(server)
        raise
    logger.info(
        "embedded server started", pid=server.pid, port=server.port, has_auth=server.has_auth
    )
    return server


async def until_it_answers(server: Server, folder: ServerFolder, secret: str | None) -> None:
    """Return once the server answers a read.

    Raises TryLaterError when it does not in time, RefusedError when it has ended or refuses the
    secret.
    """
    try:
        async with asyncio.timeout(START_S):
            while not await _answers(server.port, secret):
                if not server.is_alive():
                    raise _why_it_failed(folder)
    except TimeoutError as error:
        raise TryLaterError(
            "the embedded server did not answer in time", problem=Problem.EMBEDDED_FAILED
        ) from error


def _spawn(port: int, folder: ServerFolder, *, has_auth: bool) -> Server:
    with folder.log.open("wb") as errors:
        process = subprocess.Popen(  # noqa: S603 - our own command, no text from outside
            [
                _executable(),
                *("--host", "127.0.0.1", "--port", str(port)),
                *("--storage-path", str(folder.files), "--sync-on-commit"),
                *("--log-level", _WARNING),
                *(["--auth"] if has_auth else []),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            # It outlives its starter while others use it: neither Ctrl-C nor the end of the
            # terminal may reach it.
            start_new_session=True,
            umask=0o077,
        )
    _started[process.pid] = process
    _keep_on_one_cpu(process.pid)
    return Server(process.pid, port, has_auth)


def _keep_on_one_cpu(pid: int) -> None:
    """Keep a process that has begun on one of the CPUs that this one may use.

    The server is written in Python: one of its threads runs at a time. On several CPUs a third of
    its time goes into handing over the turn.
    """
    if sys.platform == "linux":
        with suppress(OSError):
            os.sched_setaffinity(pid, {choice(sorted(os.sched_getaffinity(0)))})


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
    for _ in range(len(_PORTS)):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", choice(_PORTS)))
            return int(probe.getsockname()[1])
    raise PortTakenError("no port is free", problem=Problem.EMBEDDED_PORT)


def _why_it_failed(folder: ServerFolder) -> AppError:
    """Return the error for the traceback that the server left, or for its lack of output."""
    if shutil.disk_usage(folder.path).free < _LEAST_FREE_BYTES:
        return RefusedError("the disk has no room for a database", problem=Problem.DISK_FULL)
    lines = folder.log.read_text(errors="replace").strip().splitlines() or ["no message"]
    said = "\n".join(lines).lower()
    last = f"the embedded server stopped: {lines[-1][:200]}"
    if "address already in use" in said:
        return PortTakenError(last, problem=Problem.EMBEDDED_PORT)
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
            return RefusedError(last, problem=problem)
    return RefusedError(last, problem=Problem.EMBEDDED_FAILED)


async def _answers(port: int, secret: str | None) -> bool:
    if not await _accepts(port):
        await asyncio.sleep(_ROUND_S)
        return False
    try:
        async with connected(uri(port, secret), "admin", server_selection_ms=_PROBE_MS):
            return True
    except AppError as error:
        if error.problem is Problem.DATABASE_PASSWORD:
            raise RefusedError(
                "the embedded server refuses the secret", problem=Problem.EMBEDDED_SECRET
            ) from error
        return False


async def _accepts(port: int) -> bool:
    """Return True if anything listens there: the driver takes longer to find that nothing does."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def terminate(server: Server, *, at_once: bool = False) -> None:
    """Stop the process with SIGTERM, and with SIGKILL if it does not stop in time.

    at_once: with SIGKILL, which saves two seconds.
    """
    for to_send in (signal.SIGKILL,) if at_once else (signal.SIGTERM, signal.SIGKILL):
        try:
            os.kill(server.pid, to_send)
            async with asyncio.timeout(_STOP_S):
                # The stop takes two seconds when no client is connected. A connection attempt
                # would end the wait at once, but it locks up one stop in ten.
                while server.is_alive():  # noqa: ASYNC110 - another process sets no event
                    await asyncio.sleep(_ROUND_S)
        except ProcessLookupError:
            return
        except TimeoutError:
            logger.warning("embedded server did not stop in time", pid=server.pid)
        else:
            return
