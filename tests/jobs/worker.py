"""A process that works on jobs until it is killed, as `balcao run` does beside the chats.

With a batch number, it halts at that batch and never reaches a job's end. So a test can kill it
in time, however late the kill comes.

argv: address of the server, name of the database, folder of the process, address of an IXC or
nothing, batch number or nothing, addresses of NATS or nothing.
"""

import asyncio
import sys
from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import SecretStr

import erp.ixc
from bot.demo.ixc import CREDENTIAL
from bot.domain.job import Batch, Job
from bot.domain.job_change import JobChange
from bot.runtime.jobs.carrying import Carrying
from bot.runtime.jobs.job_progress import JobProgress
from bot.runtime.jobs.worker import Run
from bot.runtime.logs import configure_logs
from bot.wiring.jobs import work_on_jobs
from erp.adapter import Credentials
from erp.registry import open_erp
from storage.engine.connection import connected
from tests.jobs.conftest import JobRunner
from tests.patience import be_patient

BATCH_ROWS = 50
"""Small, so that a job of few rows has many moments for a kill."""


class _Halting:
    """The real run, which halts at a batch, or otherwise at its end."""

    def __init__(self, run: Run, at: int) -> None:
        self._run = run
        self._at = at

    async def __call__(self, job: Job, folder: Path, pace: JobProgress) -> JobChange:
        wrote = pace.wrote

        async def wrote_or_halts(batch: Batch) -> bool:
            if batch.number >= self._at:
                await asyncio.Event().wait()
            return await wrote(batch)

        pace.wrote = wrote_or_halts  # type: ignore[method-assign]
        values = await self._run(job, folder, pace)
        await asyncio.Event().wait()
        return values


async def _work(
    uri: str, name: str, folder: Path, erp_url: str, halts_at: int | None, broker_url: str
) -> None:
    credentials = Credentials(url=erp_url or "nowhere.example", token=SecretStr(CREDENTIAL))
    async with (
        connected(uri, name) as database,
        open_erp("ixc", credentials, timezone=ZoneInfo("America/Sao_Paulo")) as ixc,
    ):
        runner = JobRunner(database, folder, erp=ixc, batch_rows=BATCH_ROWS)
        work = runner.work if halts_at is None else runner.worker(_Halting(runner.run, halts_at))
        await work_on_jobs(runner.taking(work), Carrying(broker_url, queue=name, clock=runner.now))


if __name__ == "__main__":
    erp.ixc._PAGE_ROWS = BATCH_ROWS
    be_patient()
    configure_logs(level="WARNING", log_format="console")
    uri, name, folder, erp_url, halts_at, broker_url = sys.argv[1:]
    at = int(halts_at) if halts_at else None
    asyncio.run(_work(uri, name, Path(folder), erp_url, at, broker_url))
