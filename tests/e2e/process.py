"""`balcao run` as a process, as in production but for its libraries, which are loaded before."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from tests import warm
from tests.patience import HANG_S


class Running:
    """One run of the bot; `log` holds all lines that it has written."""

    def __init__(self, process: warm.Command) -> None:
        self._process = process
        self._more = asyncio.Event()
        self.log = ""
        self._running = asyncio.create_task(process.communicate(tell=self._read))

    def _read(self, line: str) -> None:
        self.log += line
        self._more.set()

    async def says(self, words: str) -> None:
        """Return once these words are in the log."""
        async with asyncio.timeout(HANG_S):
            while words not in self.log:
                self._more.clear()
                await self._more.wait()

    async def ready(self) -> None:
        await self.says('"ready"')

    async def end(self, signal_number: int) -> int:
        """Send the signal, wait for the end, and return the exit code."""
        self._process.send_signal(signal_number)
        return await self.ended()

    async def ended(self) -> int:
        async with asyncio.timeout(HANG_S):
            await self._running
        assert self._process.returncode is not None
        return self._process.returncode

    @property
    def is_running(self) -> bool:
        return not self._running.done()


@asynccontextmanager
async def balcao_run(
    settings: Mapping[str, str],
    *,
    cwd: Path,
    minute_s: float | None = None,
    round_s: float | None = None,
) -> AsyncIterator[Running]:
    """Start the process, and kill it at the end if it still runs.

    minute_s: a shorter minute for Telegram's rate limits, which the process obeys.
    round_s: a shorter round of looking for newer data.
    """
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("BALCAO_")}
    env = {**inherited, **settings}
    if round_s is not None:
        command = (str(round_s), "run")
        process = await warm.begin(*command, module="tests.short_rounds", cwd=cwd, env=env)
    elif minute_s is None:
        process = await warm.begin("run", cwd=cwd, env=env)
    else:
        process = await warm.begin(str(minute_s), module="tests.short_minutes", cwd=cwd, env=env)
    running = Running(process)
    try:
        yield running
    finally:
        if running.is_running:
            await running.end(signal.SIGKILL)
