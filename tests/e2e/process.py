"""`balcao run` as a process, as in production."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from tests.patience import HANG_S


class Running:
    """One run of the bot; `log` holds all lines that it has written."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._more = asyncio.Condition()
        self.log = ""
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self._process.stderr
        async for line in self._process.stderr:
            async with self._more:
                self.log += line.decode()
                self._more.notify_all()

    async def says(self, words: str) -> None:
        """Return once these words are in the log."""
        async with asyncio.timeout(HANG_S), self._more:
            await self._more.wait_for(lambda: words in self.log)

    async def ready(self) -> None:
        await self.says('"ready"')

    async def end(self, signal_number: int) -> int:
        """Send the signal, wait for the end, and return the exit code."""
        self._process.send_signal(signal_number)
        return await self.ended()

    async def ended(self) -> int:
        async with asyncio.timeout(HANG_S):
            code = await self._process.wait()
        await self._reading
        return code

    @property
    def is_running(self) -> bool:
        return self._process.returncode is None


@asynccontextmanager
async def balcao_run(
    settings: Mapping[str, str], *, cwd: Path, minute_s: float | None = None
) -> AsyncIterator[Running]:
    """Start the process, and kill it at the end if it still runs.

    minute_s: a shorter minute for Telegram's rate limits, which the process obeys.
    """
    with_limits = ("tests.short_minutes", str(minute_s))
    started = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", *(("bot", "run") if minute_s is None else with_limits)),
        env={
            **{k: v for k, v in os.environ.items() if not k.startswith("BALCAO_")},
            **settings,
            "PYTHONPATH": os.pathsep.join(sys.path),
        },
        cwd=cwd,
        stderr=asyncio.subprocess.PIPE,
    )
    running = Running(started)
    try:
        yield running
    finally:
        if running.is_running:
            await running.end(signal.SIGKILL)
