"""A process that forks a worker for every line on its stdin, and prints the worker's process id.

Each worker works on jobs until it is killed, as `balcao run` does beside the chats. Workers are
forked from a process that has loaded everything: a test that kills twenty would otherwise wait
mostly for imports.

A line may hold a batch number: the worker halts at that batch and never reaches a job's end. So
the test can kill it in time, however late the kill comes.

argv: address of the server, name of the database, folder of the process, address of an IXC.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import SecretStr

import erp.ixc
from bot.demo.ixc import CREDENTIAL
from bot.domain.job import Batch, Job
from bot.runtime.jobs.broker import open_broker
from bot.runtime.jobs.worker import JobProgress, Run
from bot.runtime.logs import configure_logs
from erp.adapter import Credentials
from erp.registry import open_erp
from storage.engine.connection import connected
from tests.jobs.conftest import JobRunner
from tests.patience import be_patient

BATCH_ROWS = 100
"""Small, so that a job of few rows has many moments for a kill."""


class _Halting:
    """The real run, which halts at a batch, or otherwise at its end."""

    def __init__(self, run: Run, at: int) -> None:
        self._run = run
        self._at = at

    async def __call__(self, job: Job, folder: Path, pace: JobProgress) -> dict[str, Any]:
        wrote = pace.wrote

        async def wrote_or_halts(batch: Batch) -> bool:
            if batch.number >= self._at:
                await asyncio.Event().wait()
            return await wrote(batch)

        pace.wrote = wrote_or_halts  # type: ignore[method-assign]
        values = await self._run(job, folder, pace)
        await asyncio.Event().wait()
        return values


async def _work(uri: str, name: str, folder: Path, erp_url: str, halts_at: int | None) -> None:
    credentials = Credentials(url=erp_url or "nowhere.example", token=SecretStr(CREDENTIAL))
    async with (
        connected(uri, name) as database,
        open_erp("ixc", credentials, timezone=ZoneInfo("America/Sao_Paulo")) as ixc,
    ):
        runner = JobRunner(database, folder, erp=ixc, batch_rows=BATCH_ROWS)
        work = runner.work if halts_at is None else runner.worker(_Halting(runner.run, halts_at))
        async with open_broker("", work.work) as carrier:
            await work.run_forever(carrier.send)


def _begin_with_every_line() -> None:
    # No zombies: a killed worker's process id must not seem to be in use.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(2, 1)
            uri, name, folder, *more = sys.argv[1:]
            asyncio.run(
                _work(uri, name, Path(folder), "".join(more), int(line) if line.strip() else None)
            )
            os._exit(1)
        print(pid, flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    erp.ixc._PAGE_ROWS = BATCH_ROWS
    be_patient()
    configure_logs(level="WARNING", log_format="console")
    _begin_with_every_line()
