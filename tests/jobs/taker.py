"""A process that works on what it finds in the database, as `balcao run` does."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bot.domain.file_shape import FileShape
from bot.domain.job import Counts, Job, JobState, Report
from bot.runtime.files.table import inspect
from bot.runtime.jobs.carrying import Carrying
from bot.runtime.jobs.worker import Run
from bot.usecases.jobs.manage_jobs import ManageJobs
from bot.wiring.jobs import work_on_jobs
from storage.jobs.choices import Choices
from storage.register.verify import verify
from tests.jobs.conftest import HEADER, JobRunner, RecordingNotifier, table
from tests.jobs.rows import row


class WatchingNotifier(RecordingNotifier):
    """Also records which job each progress was of."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[tuple[Job, Counts]] = []

    async def progress(
        self, job: Job, done: Counts, *, rows_a_second: float, left_s: float | None
    ) -> None:
        self.shown.append((job, done))

    async def notify(self, job: Job, report: Report, files: Sequence[Path]) -> None:
        await super().notify(job, report, [])


class Taker(JobRunner):
    def __init__(
        self, database: Any, folder: Path, *, batch_rows: int, broker_url: str = "", **how: Any
    ) -> None:
        """how: the times of `TakeJobs`."""
        super().__init__(database, folder, notifier=WatchingNotifier(), batch_rows=batch_rows)
        self.carrying = Carrying(broker_url, queue=database.name, clock=self.now)
        self._how = how
        self.works_by(self.run)
        self.manage = ManageJobs(
            store=self.store,
            files=self.files,
            choices=Choices(database),
            wake=self._woken,
            clock=self.now,
        )

    def works_by(self, run: Run) -> None:
        self.take = self.taking(self.worker(run), **self._how)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        working = asyncio.create_task(work_on_jobs(self.take, self.carrying))
        try:
            yield
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)

    async def file(self, start: int, count: int, *, said: int | None = None, by: str) -> Job:
        """Begin the import of so many new people; `said`: how many the file seems to have."""
        # `row` has telephones for ten thousand only.
        people = [row(number, celular="") for number in range(start, start + count)]
        content = table([HEADER, *people])
        path = self.folder / "asked"
        await asyncio.to_thread(path.write_bytes, content)
        shape: FileShape = (await inspect(path, name="clientes.csv")).shape
        shape = shape.model_copy(update={"rows": said or count})
        return await self.begun(content, state=JobState.RUNNING, shape=shape, by=by)

    async def is_over(self, *jobs: Job) -> bool:
        return not any([(await self.job(job.id)).needs_work for job in jobs])

    async def assert_done_once(self, rows: dict[int, int]) -> None:
        """rows: job ids to the people whom each has created."""
        named: list[str] = []
        for job_id, count in rows.items():
            job = await self.job(job_id)
            assert job.state is JobState.DONE, job
            assert job.counts.model_dump(exclude_defaults=True) == {
                "rows": count,
                "created": count,
            }
            batches = [batch async for batch in self.store.batches(job_id)]
            assert [batch.number for batch in batches] == list(range(1, job.batches + 1))
            named += [one for batch in batches for one in batch.created]
        assert sorted(named) == sorted(await self.register())
        assert len(named) == sum(rows.values())
        assert not (await verify(self.database, lambda _: None)).broken

    async def _woken(self, job_id: int) -> None:
        await self.take.wake(job_id)
