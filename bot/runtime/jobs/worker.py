"""Job workers: one works on each job, as long as it renews its lease.

The document is the source of truth. The lease of a killed worker expires, and the first process
that sees it goes on after the last batch. Brokers only carry ids (`broker.py`).
"""

import asyncio
import errno
import os
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, Protocol

import structlog

from bot.domain.errors import AppError, LostError, Problem, TakenError, TryLaterError
from bot.domain.file_refusal import FileRefused
from bot.domain.job import (
    LINES,
    OVER,
    Batch,
    Counts,
    FileTrouble,
    Job,
    JobState,
    JobTrouble,
    Report,
    Source,
)
from bot.runtime.leases import LeaseKeeper, Leases, is_alive
from bot.usecases.ports import JobChanges, JobFiles

_LEASE: Final = timedelta(seconds=30)
_ROUND_S: Final = 5.0
PROGRESS_INTERVAL_S: Final = 3.0
"""Telegram lets a message be edited about this often."""
_LOOK_S: Final = 0.2
_MOST_TRIES: Final = 10
_KEPT: Final = timedelta(days=7)
"""Files of jobs are deleted after this time: they hold people's data."""
_PURGE_S: Final = 3600.0
_FOLDER: Final = "job-"
_TROUBLES: Final[Mapping[Problem | None, JobTrouble]] = {
    Problem.DISK_FULL: JobTrouble.DISK_FULL,
    Problem.FILE_GONE: JobTrouble.FILE_GONE,
}

logger = structlog.get_logger()


class Store(JobChanges, Protocol):
    """The store of jobs."""

    @property
    def leases(self) -> Leases[int]: ...

    async def active(self) -> list[Job]: ...

    async def last_batch(self, job_id: int) -> int: ...

    async def batch(self, job_id: int, number: int) -> Batch | None: ...

    def batches(self, job_id: int, *, backwards: bool = False) -> AsyncIterator[Batch]: ...

    async def with_files(self, *, ended_before: datetime) -> list[Job]: ...


class Files(JobFiles, Protocol):
    async def purge(self, before: datetime) -> None:
        """Delete every file that was stored before then, and every file that was never
        completed."""
        ...


class JobNotifier(Protocol):
    """Notifies the person who began a job. It raises nothing: what cannot be sent is logged."""

    async def progress(
        self, job: Job, done: Counts, *, rows_a_second: float, left_s: float | None
    ) -> None: ...

    async def notify(self, job: Job, report: Report, files: Sequence[Path]) -> None:
        """Report the outcome of a job that has come to CHECKED or is over."""
        ...


class Run(Protocol):
    """Does the work of a job."""

    async def __call__(
        self, job: Job, folder: Path, job_progress: "JobProgress"
    ) -> dict[str, Any]:
        """Return the values to set in the job, its next state among them."""
        ...


class JobProgress:
    """The progress of a job: keeps its counts, shows them, and says when the job must stop."""

    def __init__(
        self,
        job: Job,
        store: Store,
        notifier: JobNotifier,
        *,
        progress_interval_s: float,
    ) -> None:
        self.job_id = job.id
        self._job = job
        self._store = store
        self._notifier = notifier
        self._progress_interval_s = progress_interval_s
        self._began = self._looked = self._showed = time.monotonic()
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
        return await self._look(
            counts=self.counts, batches=batch.number, working_s=self.working_s, tries=0
        )

    async def counted(self, counts: Counts) -> bool:
        """Set the counts when nothing was written; return False if the job must stop."""
        self.counts = counts
        return await self._look()

    async def _look(self, **values: Any) -> bool:
        now = time.monotonic()
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
        if now - self._showed >= self._progress_interval_s and (
            self._saying is None or self._saying.done()
        ):
            self._showed = now
            self._saying = asyncio.create_task(self._say(now))
        return True

    async def _say(self, now: float) -> None:
        rate = (self.counts.rows - self._first) / max(0.001, now - self._began)
        left = (self._job.total or 0) - self.counts.rows
        left_s = left / rate if self._job.total and rate > 0 else None
        await self._notifier.progress(self._job, self.counts, rows_a_second=rate, left_s=left_s)

    async def over(self) -> None:
        """Wait for the last progress message; none is shown after it."""
        if self._saying is not None:
            await asyncio.gather(self._saying, return_exceptions=True)


class WorkJobs:
    """Works on the jobs whose ids arrive, and resumes jobs that another worker left."""

    def __init__(
        self,
        *,
        store: Store,
        files: Files,
        run: Run,
        notifier: JobNotifier,
        data_dir: Path,
        clock: Callable[[], datetime],
        lease: timedelta = _LEASE,
        round_s: float = _ROUND_S,
        progress_interval_s: float = PROGRESS_INTERVAL_S,
    ) -> None:
        """progress_interval_s: between two progress messages. round_s: between looks for jobs."""
        self._store = store
        self._files = files
        self._run = run
        self._notifier = notifier
        self._data_dir = data_dir
        self._clock = clock
        self._leases = LeaseKeeper(store.leases, clock, id_of=int, lease=lease, patience_s=0.0)
        self.release_the_dead = self._leases.release_the_dead
        self._round_s = round_s
        self._progress_interval_s = progress_interval_s
        self._mine: set[int] = set()
        self._send: Callable[[str], Awaitable[None]] | None = None

    async def wake(self, job_id: int) -> None:
        """Have a worker look at the job; if the id cannot be sent now, the next round sends it."""
        if self._send is None:
            return
        try:
            await self._send(str(job_id))
        except TryLaterError as error:
            logger.warning("job not sent to the broker", job=job_id, error=str(error))

    async def work(self, job_id: str) -> None:
        """Work on this job until it is over or another worker has it."""
        if not job_id.isdecimal() or int(job_id) in self._mine:
            return
        number = int(job_id)
        self._mine.add(number)
        try:
            job = await self._store.get(number)
            if job is None or not job.needs_work:
                return
            async with self._leases.holding(number):
                while job := await self._next(number):
                    await self._work(job)
        except TakenError:
            pass
        except AppError as error:
            # A worker tries again in its next round.
            logger.warning("job left", job=number, error=str(error))
        finally:
            self._mine.discard(number)

    async def run_forever(self, send: Callable[[str], Awaitable[None]]) -> None:
        """Send the ids of jobs that nobody works on, and delete files past their retention
        time."""
        self._send = send
        with suppress(AppError):
            await self.release_the_dead()
        await asyncio.to_thread(_sweep, self._data_dir)
        purged_at: float | None = None
        while True:
            try:
                await self._send_left()
                if purged_at is None or time.monotonic() - purged_at >= _PURGE_S:
                    purged_at = time.monotonic()
                    await self._purge()
            except AppError as error:
                logger.warning("jobs not kept", error=str(error))
            except Exception:
                logger.exception("jobs not kept")
            await asyncio.sleep(self._round_s)

    async def _send_left(self) -> None:
        now = self._clock()
        for job in await self._store.active():
            if job.id not in self._mine and (job.until is None or job.until <= now):
                await self.wake(job.id)

    async def _next(self, job_id: int) -> Job | None:
        """Return the job if it needs work, with this try counted."""
        job = await self._store.get(job_id)
        if job is None or not job.needs_work:
            return None
        goes_on = await self._store.last_batch(job_id) > job.batches
        return await self._change_mine(job_id, tries=1 if goes_on else job.tries + 1)

    async def _work(self, job: Job) -> None:
        folder = self._data_dir / f"{_FOLDER}{job.id}-{os.getpid()}"
        with structlog.contextvars.bound_contextvars(job=job.id):
            await asyncio.to_thread(_make_empty, folder)
            try:
                if job.is_active:
                    job = await self._done(job, folder)
                if not job.told:
                    await self._notify(job, folder)
            finally:
                await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def _done(self, job: Job, folder: Path) -> Job:
        """Do the job's work; return the job as it is stored afterwards."""
        logger.info("job", kind=job.kind, state=job.state, tries=job.tries)
        job_progress = JobProgress(
            job, self._store, self._notifier, progress_interval_s=self._progress_interval_s
        )
        await self._catch_up(job_progress)
        if job_progress.batch > job.batches:
            # Otherwise a worker that is killed in the next batch, time after time, would seem to
            # make progress each time, and `tries` would start again at 1.
            await self._store.force_update(
                job.id, counts=job_progress.counts, batches=job_progress.batch
            )
        job_progress.begin()
        try:
            if job.tries > _MOST_TRIES:
                values: dict[str, Any] = _failed(JobTrouble.TOO_MANY_TRIES)
            else:
                values = await self._run(job, folder, job_progress)
        except (TryLaterError, asyncio.CancelledError):
            raise
        except FileRefused as error:
            values = _failed(JobTrouble.FILE) | {
                "file_trouble": FileTrouble(
                    reason=error.reason.value,
                    line=error.line,
                    names=error.names,
                    found=error.found,
                )
            }
        except AppError as error:
            logger.warning("job failed", error=str(error))
            values = _failed(_TROUBLES.get(error.problem, JobTrouble.DATABASE))
        except OSError as error:
            logger.warning("job failed", error=error.strerror)
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            values = _failed(JobTrouble.DISK_FULL if full else JobTrouble.UNKNOWN)
        except Exception:
            logger.exception("job failed")
            values = _failed(JobTrouble.UNKNOWN)
        await job_progress.over()
        return await self._ended(job, values, job_progress)

    async def _ended(self, job: Job, values: dict[str, Any], job_progress: JobProgress) -> Job:
        if values["state"] in OVER:
            await self._catch_up(job_progress)
            values |= {
                "ended_at": self._clock(),
                "counts": job_progress.counts if job.state is JobState.RUNNING else job.counts,
                "batches": job_progress.batch,
                "working_s": job_progress.working_s,
            }
        ended = await self._change_mine(job.id, **values, told=job.progress is None)
        logger.info("job ended", state=ended.state, **ended.counts.model_dump(exclude={"fields"}))
        if ended.state in OVER:
            await self._forget_source(ended)
        return ended

    async def _change_mine(self, job_id: int, **values: Any) -> Job:
        """Return the job with these values set. Raises LostError when another worker has it."""
        while True:
            job = await self._store.get(job_id)
            if job is None or job.owner != self._leases.owner:
                raise LostError("another worker does this job")
            if changed := await self._store.change(job, **values):
                return changed

    async def _catch_up(self, job_progress: JobProgress) -> None:
        """Count the batches that are written but not counted.

        A worker may have been killed between the two.
        """
        for number in range(
            job_progress.batch + 1, await self._store.last_batch(job_progress.job_id) + 1
        ):
            batch = await self._store.batch(job_progress.job_id, number)
            if batch is not None:
                job_progress.counts = job_progress.counts.plus(batch.counts)
                job_progress.batch = number

    async def _notify(self, job: Job, folder: Path) -> None:
        files = []
        for result in job.results:
            path = folder / Path(result.name).name
            if result.file_id:
                await self._files.fetch(result.file_id, path)
                files.append(path)
        await self._notifier.notify(job, await self.report(job), files)
        await self._store.force_update(job.id, told=True)

    async def report(self, job: Job) -> Report:
        """Return the report of the job's batches; before it runs, the refused rows of its
        preview."""
        if job.state is JobState.CHECKED:
            return Report(refused=job.to_refuse)
        found: dict[str, list[Any]] = {name: [] for name in Report.model_fields}
        expected = {
            "refused": job.counts.refused,
            "repaired": job.counts.repaired,
            "replanned": job.counts.replanned,
            "kept": job.counts.kept,
        }
        async for batch in self._store.batches(job.id):
            for name, some in found.items():
                some += getattr(batch, name)[: LINES - len(some)]
            if all(len(found[name]) >= min(LINES, n) for name, n in expected.items()):
                break
        return Report(**{name: tuple(some) for name, some in found.items()})

    async def _forget_source(self, job: Job) -> None:
        """Delete the file that was sent and its plan: they are not needed once the job is over."""
        values: dict[str, Any] = {"plan_file_id": None}
        if job.source is not None and job.source.file_id:
            await self._files.delete(job.source.file_id)
            values["source"] = job.source.model_copy(update={"file_id": ""})
        if job.plan_file_id:
            await self._files.delete(job.plan_file_id)
        await self._store.force_update(job.id, **values)

    async def _purge(self) -> None:
        for job in await self._store.with_files(ended_before=self._clock() - _KEPT):
            for file in job.results:
                if file.file_id:
                    await self._files.delete(file.file_id)
            gone = tuple(Source(**file.model_dump() | {"file_id": ""}) for file in job.results)
            values: dict[str, Any] = {"results": gone}
            if job.state not in OVER:
                values |= {"state": JobState.CANCELLED, "ended_at": self._clock()}
            if changed := await self._store.change(job, **values):
                await self._forget_source(changed)
        # Twice the retention time, longer than any job has files: what is left was stored by a
        # process that was killed before it had linked the file to a job.
        await self._files.purge(self._clock() - 2 * _KEPT)


def _sweep(data_dir: Path) -> None:
    """Remove the work folders of killed processes."""
    for folder in data_dir.glob(f"{_FOLDER}*-*"):
        pid = folder.name.rpartition("-")[2]
        if pid.isdecimal() and (int(pid) == os.getpid() or not is_alive(int(pid))):
            shutil.rmtree(folder, ignore_errors=True)


def _failed(trouble: JobTrouble) -> dict[str, Any]:
    return {"state": JobState.FAILED, "trouble": trouble}


def _make_empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
