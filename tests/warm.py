"""`python -m bot`, or another module, as a process forked from one that has loaded the libraries.

Most processes take less time than loading the libraries. The forking process runs nothing itself:
each has its own exit code, streams, environment, folder and signals. Each loads `bot.cli` anew,
because that module inspects the terminal when it is loaded.
"""

import asyncio
import atexit
import gc
import json
import os
import runpy
import select
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parents[1]
_REQUEST_BYTES = 1 << 16
_NUMBER = struct.Struct("!i")


class Command:
    """A running command, with the part of `asyncio.subprocess.Process` that tests need."""

    def __init__(self, status: socket.socket, pid: int, streams: list[IO[bytes]]) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._status = status
        self._streams = streams

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    async def communicate(
        self, *, tell: Callable[[str], None] = lambda _: None
    ) -> tuple[bytes, bytes]:
        """Return the command's stdout and stderr once it has ended, and set `returncode`.

        tell: called with each line of stderr at once.
        """
        with self._status:
            out, err = self._streams
            said = await asyncio.gather(_all_of(out, lambda _: None), _all_of(err, tell))
            code = await asyncio.get_running_loop().sock_recv(self._status, _NUMBER.size)
        [self.returncode] = _NUMBER.unpack(code)
        return said[0], said[1]


async def _all_of(stream: IO[bytes], tell: Callable[[str], None]) -> bytes:
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), stream
    )
    lines = []
    try:
        async for line in reader:
            lines.append(line)
            tell(line.decode())
    finally:
        transport.close()
    return b"".join(lines)


class Commands:
    """The forking process, and our end of the socket to it.

    env: variables that it has besides ours, such as a library that is loaded before all others.
    """

    def __init__(self, env: Mapping[str, str] | None = None) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - this very file
                [sys.executable, "-m", "tests.warm", str(theirs.fileno())],
                cwd=ROOT,
                env=os.environ | {"COLUMNS": "300"} | dict(env or {}),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
            )
        self._line = ours

    async def begin(
        self,
        *command: str,
        module: str,
        cwd: Path,
        env: dict[str, str],
        stdin: int | None = None,
        stderr: int | None = None,
    ) -> Command:
        """Start a module with these arguments, as `python -m` does.

        stdin: file descriptor; without it the command reads nothing.
        stderr: file descriptor; without it `communicate` returns the errors.
        """
        out, their_out = os.pipe()
        err, their_err = os.pipe()
        nothing = os.open(os.devnull, os.O_RDONLY)
        status, their_status = socket.socketpair()
        given = [
            nothing if stdin is None else stdin,
            their_out,
            their_err if stderr is None else stderr,
            their_status.fileno(),
        ]
        wanted = {"module": module, "command": command, "cwd": str(cwd), "env": env}
        request = json.dumps(wanted).encode()
        assert len(request) < _REQUEST_BYTES
        with their_status:
            socket.send_fds(self._line, [request], given)
            for number in (nothing, their_out, their_err):
                os.close(number)
        status.setblocking(False)
        loop = asyncio.get_running_loop()
        [pid] = _NUMBER.unpack(await loop.sock_recv(status, _NUMBER.size))
        return Command(status, pid, [os.fdopen(out, "rb"), os.fdopen(err, "rb")])

    def stop(self) -> None:
        """Close the socket, on which the forking process ends, and wait for its end."""
        self._line.close()
        self._process.wait()


_commands: list[Commands] = []


async def begin(
    *command: str,
    module: str = "bot",
    cwd: Path,
    env: dict[str, str],
    stdin: int | None = None,
    stderr: int | None = None,
) -> Command:
    """Start `balcao` with these arguments and folder, and with only this environment."""
    if not _commands:
        _commands.append(Commands())
        atexit.register(_commands[0].stop)
    return await _commands[0].begin(
        *command, module=module, cwd=cwd, env=env, stdin=stdin, stderr=stderr
    )


def _serve(line: socket.socket) -> str:
    """Fork for each request; return only in the child, with the module that it is to run."""
    _load()
    wake, woken = os.pipe()
    os.set_blocking(wake, False)
    os.set_blocking(woken, False)
    signal.set_wakeup_fd(woken)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    running: dict[int, socket.socket] = {}
    while True:
        ready, _, _ = select.select([line, wake], [], [])
        if wake in ready:
            os.read(wake, 1024)
            _report_ends(running)
        if line not in ready:
            continue
        request, given, _, _ = socket.recv_fds(line, _REQUEST_BYTES, 4)
        if not request:
            sys.exit()
        status = socket.socket(fileno=given.pop())
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for number, stream in enumerate(given):
                os.dup2(stream, number)
            for inherited in (line, status, *running.values()):
                inherited.close()
            for number in (wake, woken, *given):
                os.close(number)
            return _become(**json.loads(request))
        for number in given:
            os.close(number)
        status.send(_NUMBER.pack(pid))
        running[pid] = status


def _report_ends(running: dict[int, socket.socket]) -> None:
    while running:
        pid, ended = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        with running.pop(pid) as status:
            status.send(_NUMBER.pack(os.waitstatus_to_exitcode(ended)))


def _load() -> None:
    import bot.app
    import bot.cli.commands
    import bot.wiring.worker  # noqa: F401

    for name in [name for name in sys.modules if f"{name}.".startswith("bot.cli.")]:
        del sys.modules[name]
    gc.collect()
    gc.freeze()


def _become(module: str, command: list[str], cwd: str, env: dict[str, str]) -> str:
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    sys.argv = ["balcao", *command]
    return module


if __name__ == "__main__":
    runpy.run_module(_serve(socket.socket(fileno=int(sys.argv[1]))), run_name="__main__")
