"""The progress of a job while a worker works on it."""

import asyncio
import time
from typing import Final, Protocol, Unpack

from bot.domain.errors import LostError
from bot.domain.job import Batch, Counts, Job
from bot.domain.job_change import JobChange
from bot.runtime.jobs.ports import JobNotifier, Store
from bot.runtime.tracing import NO_TRACES, Tracer

PROGRESS_INTERVAL_S: Final = 3.0
"""Telegram lets a message be edited about this often."""
_LOOK_S: Final = 0.2
_ASK_S: Final = 1.0


class GaveWayError(Exception):
    """The job leaves its place to another one, and goes on later."""


class GivesWay(Protocol):
    async def __call__(self, *, worked_s: float, began_s: float, has_checkpoint: bool) -> bool:
        """Return True if the job must leave its place now.

        worked_s: since it got the place. began_s: the part of it before the first result.
        has_checkpoint: True if nothing will be done again.
        """
        ...


async def never(*, worked_s: float, began_s: float, has_checkpoint: bool) -> bool:
    """Return False: the process has no other work."""
    return False


class JobProgress:
    """The progress of a job: keeps its counts, shows them, and says when the job must stop.

    What reports to it raises GaveWayError when the job has to wait for its next turn.
    """

    def __init__(
        self,
        job: Job,
        store: Store,
        notifier: JobNotifier,
        *,
        progress_interval_s: float,
        gives_way: GivesWay = never,
        tracer: Tracer = NO_TRACES,
    ) -> None:
        self.job_id = job.id
        self._job = job
        self._store = store
        self._notifier = notifier
        self._progress_interval_s = progress_interval_s
        self._gives_way = gives_way
        self._tracer = tracer
        self._began = self._looked = self._showed = self._wrote = time.monotonic()
        self._reported: float | None = None
        self._asked = 0.0
        self._before = job.working_s
        self._first = 0
        self._saying: asyncio.Task[None] | None = None
        self.counts = job.counts
        self.batch = job.batches
        """The number of the last batch that it has counted."""

    def begin(self) -> None:
        """Measure this worker's speed from here on: the rows so far were another worker's."""
        self._first = self.counts.rows

    @property
    def working_s(self) -> float:
        """Return the seconds that all workers together have worked on the job."""
        return self._before + time.monotonic() - self._began

    async def wrote(self, batch: Batch) -> bool:
        """Count a written batch; return False if the job must stop."""
        self.counts = self.counts.plus(batch.counts)
        self.batch = batch.number
        before, self._wrote = self._wrote, time.monotonic()
        values = {"balcao.batch": batch.number, "balcao.rows": batch.counts.rows}
        self._tracer.took("batch", self._wrote - before, values)
        return await self._look(
            True, counts=self.counts, batches=batch.number, working_s=self.working_s, tries=0
        )

    async def counted(self, counts: Counts) -> bool:
        """Set the counts when nothing was written; return False if the job must stop."""
        self.counts = counts
        return await self._look(False)

    async def expect(self, preview: Counts) -> None:
        """Store how much there is to do, and show it."""
        expected = await self._store.force_update(self.job_id, preview=preview, total=preview.rows)
        self._job = expected or self._job
        self._show(time.monotonic())

    async def _look(self, has_checkpoint: bool, **values: Unpack[JobChange]) -> bool:
        now = time.monotonic()
        if self._reported is None:
            self._reported = now
        if now - self._looked >= _LOOK_S:
            self._looked = now
            job = await self._store.get(self.job_id)
            if job is None or job.owner != self._job.owner:
                raise LostError("another worker does this job")
            if job.is_cancelled:
                return False
            if values and (changed := await self._store.change(job, **values)):
                job = changed
            self._job = job
            is_last = job.total is not None and self.counts.rows >= job.total
            if now - self._asked >= _ASK_S and not is_last:
                self._asked = now
                if await self._gives_way(
                    worked_s=now - self._began,
                    began_s=self._reported - self._began,
                    has_checkpoint=has_checkpoint,
                ):
                    raise GaveWayError
        if now - self._showed >= self._progress_interval_s:
            self._show(now)
        return True

    def _show(self, now: float) -> None:
        if self._saying is None or self._saying.done():
            self._showed = now
            self._saying = asyncio.create_task(self._say(now))

    async def _say(self, now: float) -> None:
        rate = (self.counts.rows - self._first) / max(0.001, now - self._began)
        left = (self._job.total or 0) - self.counts.rows
        left_s = left / rate if self._job.total and rate > 0 else None
        await self._notifier.progress(self._job, self.counts, rows_a_second=rate, left_s=left_s)

    async def over(self) -> None:
        """Wait for the last progress message; none is shown after it."""
        if self._saying is not None:
            await asyncio.gather(self._saying, return_exceptions=True)
