"""The bot's processes: started, killed, stopped for a while, and started again when they end."""

import asyncio
import os
import secrets
import signal
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from tests.chaos.plan import Fault, What
from tests.chaos.wall_clock import HAS_COMPILER, WallClock, library
from tests.patience import HANG_S
from tests.warm import Command, Commands

_AGAIN_S: Final = 0.5
"""A service manager starts what has ended again, after this time."""

_TICKS_S: Final = os.sysconf("SC_CLK_TCK")
_PORTS: Final = range(10_000, 20_000)
_NO_DATABASE: Final = "Erro: O MongoDB não"


class Forks:
    """The process that has loaded the libraries; its forks have a wall clock that can be moved."""

    def __init__(self, folder: Path) -> None:
        preloaded = {"LD_PRELOAD": str(library(folder))} if HAS_COMPILER else {}
        self._commands = Commands(preloaded)

    async def begin(self, *command: str, env: Mapping[str, str], cwd: Path) -> Command:
        return await self._commands.begin(
            *command, module="tests.chaos.bot", cwd=cwd, env=dict(env)
        )

    def stop(self) -> None:
        self._commands.stop()


def free_port() -> int:
    """Return a free port that no outgoing connection is given, also not while it is restarted."""
    while True:
        port = _PORTS[secrets.randbelow(len(_PORTS))]
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class Process:
    """One replica, which is started again until it is told to end."""

    def __init__(
        self,
        forks: Forks,
        env: Mapping[str, str],
        cwd: Path,
        *,
        minute_s: float,
        command: str = "run",
    ) -> None:
        self._forks = forks
        self._cwd = cwd
        self._command = str(minute_s), command
        self.port = port = free_port()
        """Of its health checks."""
        self.clock = WallClock(cwd / f"clock-{port}")
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("BALCAO_")}
        self._env = {
            **inherited,
            **env,
            "BALCAO_HTTP_PORT": str(port),
            "CHAOS_CLOCK": str(self.clock.file),
        }
        self.log = ""
        self.killed: list[float] = []
        """When it was killed or stopped: what was on its way then may be repeated once."""
        self.ended: list[str] = []
        """Ends that nobody wanted: exit code and last line."""
        self._wanted = True
        self._may_end = False
        self._running: Command | None = None
        self._began_at = 0
        self._keeping: asyncio.Task[None] | None = None
        self._pause_s = _AGAIN_S
        self._spent_s = 0.0

    @property
    def pid(self) -> int:
        """The process id of the present run; 0 before the first."""
        return self._running.pid if self._running else 0

    def cpu_s(self) -> float:
        """Return the seconds of CPU of the present run and of those that were killed."""
        return self._spent_s + self._of_this_run_s()

    def _of_this_run_s(self) -> float:
        try:
            stat = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return 0.0
        return (int(stat[11]) + int(stat[12])) / _TICKS_S

    @property
    def is_ready(self) -> bool:
        """True once the present run has said so."""
        return 'ready"' in self.log[self._began_at :]

    @property
    def _waits_for_database(self) -> bool:
        """True if it ended because it found no database to begin with, as it may."""
        return not self.is_ready and _NO_DATABASE in self.log[self._began_at :]

    def start(self) -> None:
        self._keeping = asyncio.create_task(self._keep())

    async def end(self) -> int:
        """Send SIGTERM, and return the exit code."""
        self._wanted = False
        if self._keeping is None:
            return 0
        if self._running is None:
            self._keeping.cancel()
            return 0
        self._signal(signal.SIGTERM)
        async with asyncio.timeout(HANG_S):
            await self._keeping
        assert self._running is not None
        code = self._running.returncode or 0
        # Before it is ready it has nothing to finish.
        return 0 if code == -signal.SIGTERM and not self.is_ready else code

    async def kill_for_good(self) -> None:
        """Kill it, and start it no more."""
        self._wanted = False
        self._signal(signal.SIGCONT)
        self._signal(signal.SIGKILL)
        if self._keeping is not None:
            if self._running is None:
                self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)

    async def suffer(self, fault: Fault) -> None:
        """Do to it what the plan says; return when that is over."""
        loop = asyncio.get_running_loop()
        match fault.what:
            case What.KILL:
                self.killed.append(loop.time())
                self._spent_s += self._of_this_run_s()
                self._may_end, self._pause_s = True, fault.for_s
                self._signal(signal.SIGKILL)
            case What.STOP:
                self.killed.append(loop.time())
                self._signal(signal.SIGSTOP)
                await asyncio.sleep(fault.for_s)
                self._signal(signal.SIGCONT)
            case What.CLOCK:
                self.clock.set(fault.value)
                await asyncio.sleep(fault.for_s)
                self.clock.set(0)
            case other:
                raise ValueError(other)

    def _signal(self, number: int) -> None:
        if self._running is not None and self._running.returncode is None:
            with suppress(ProcessLookupError):
                self._running.send_signal(number)

    async def _keep(self) -> None:
        while self._wanted:
            self._began_at = len(self.log)
            running = await self._forks.begin(*self._command, env=self._env, cwd=self._cwd)
            self._running = running
            out, _ = await running.communicate(tell=self._read)
            self.log += out.decode(errors="replace")
            if self._wanted and not self._may_end and not self._waits_for_database:
                # Only the code: what is behind it is in the log, which is judged as a whole.
                self.ended.append(f"exit code {running.returncode}")
            pause_s, self._pause_s, self._may_end = self._pause_s, _AGAIN_S, False
            if self._wanted:
                self._running = None
                await asyncio.sleep(pause_s)

    def _read(self, line: str) -> None:
        self.log += line
