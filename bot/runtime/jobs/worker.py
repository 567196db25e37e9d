"""Job workers: one works on each job, as long as it renews its lease.

The document is the source of truth. The lease of a killed worker expires, and the first process
that sees it goes on after the last batch. `taking.py` chooses the jobs.
"""

import asyncio
import os
import shutil
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Protocol, Unpack

import structlog

from bot.domain.errors import (
    AppError,
    LostError,
    Problem,
    TakenError,
    TryLaterError,
    UnconfirmedError,
    UnknownRefusalError,
)
from bot.domain.job import (
    COMMAND_LINE,
    LINES,
    OVER,
    Batch,
    Counts,
    Job,
    JobKind,
    JobState,
    JobTrouble,
    Report,
)
from bot.domain.job_change import JobChange, failed
from bot.domain.job_line import ends_unbegun
from bot.runtime.files.work_folders import remove_left
from bot.runtime.jobs.job_files import forget_source
from bot.runtime.jobs.job_progress import (
    PROGRESS_INTERVAL_S,
    GaveWayError,
    GivesWay,
    JobProgress,
    never,
)
from bot.runtime.jobs.ports import Files, JobNotifier, Store
from bot.runtime.jobs.troubles import change_of
from bot.runtime.journal import Journal
from bot.runtime.leases import LeaseKeeper
from bot.runtime.owners import is_alive
from bot.runtime.tracing import NO_TRACES, Tracer, Values

_LEASE: Final = timedelta(seconds=30)
_MOST_TRIES: Final = 10
_AWAY: Final = frozenset((Problem.DATABASE_GONE, Problem.DATABASE_REFUSES))
_SHOW_S: Final = 2.0
_FOLDER: Final = "job-"
# Folders of backups, before these were jobs.
_OLD_FOLDER: Final = "chat-backup-"

logger = structlog.get_logger()


class Run(Protocol):
    """Does the work of a job."""

    async def __call__(self, job: Job, folder: Path, job_progress: JobProgress) -> JobChange:
        """Return the values to set in the job, its next state among them."""
        ...


class WorkJobs:
    """Works on jobs, and resumes those that another worker left."""

    def __init__(
        self,
        *,
        store: Store,
        files: Files,
        run: Run,
        notifier: JobNotifier,
        data_dir: Path,
        clock: Callable[[], datetime],
        names_of: Callable[[Sequence[str]], Awaitable[Mapping[str, str]]],
        lease_clock: Callable[[], datetime] | None = None,
        lease: timedelta = _LEASE,
        progress_interval_s: float = PROGRESS_INTERVAL_S,
        tracer: Tracer = NO_TRACES,
    ) -> None:
        """names_of: returns the names of registrations that exist, by id.
        lease_clock: `clock` unless given. progress_interval_s: between two progress messages."""
        self._store = store
        self._files = files
        self._run = run
        self._notifier = notifier
        self._data_dir = data_dir
        self._clock = clock
        self._names_of = names_of
        self._lease_clock = lease_clock or clock
        self.leases = LeaseKeeper(
            store.leases, self._lease_clock, id_of=int, lease=lease, patience_s=0.0
        )
        self.release_the_dead = self.leases.release_the_dead
        self.tracer = tracer
        self._progress_interval_s = progress_interval_s
        self._mine: set[int] = set()
        self._journals: dict[int, Journal] = {}
        """Job ids to what Telegram has confirmed of the message about the job's end."""

    async def work(self, job_id: int, gives_way: GivesWay = never) -> bool:
        """Work on this job until it is over or gives way.

        Returns False if it is to be tried again: another worker has it, or it had to be left.
        """
        if job_id in self._mine:
            return False
        self._mine.add(job_id)
        try:
            job = await self._store.get(job_id)
            if job is None or not job.needs_work:
                return True
            async with self.leases.holding(job_id):
                while job := await self._next(job_id):
                    values: Values = {
                        "balcao.job": job.id,
                        "balcao.job.kind": str(job.kind),
                        "balcao.job.state": str(job.state),
                        "balcao.job.tries": job.tries,
                    }
                    with self.tracer.span("job", values, parent=job.trace):
                        try:
                            await self._work(job, gives_way)
                        except GaveWayError:
                            return True
        except TakenError:
            return False
        except AppError as error:
            logger.warning("job left", job=job_id, error=str(error))
            return False
        finally:
            self._mine.discard(job_id)
        return True

    async def clean_up(self) -> None:
        """Release the leases and remove the work folders of killed processes."""
        with suppress(AppError):
            await self.release_the_dead()
        await asyncio.to_thread(_sweep, self._data_dir)

    async def _next(self, job_id: int) -> Job | None:
        """Return the job if it needs work, with this try counted."""
        job = await self._store.get(job_id)
        if job is None or not job.needs_work:
            return None
        goes_on = await self._store.last_batch(job_id) > job.batches
        tries = 1 if goes_on else job.tries + 1
        return await self._change_mine(job_id, tries=tries, waits_since=None)

    async def _work(self, job: Job, gives_way: GivesWay) -> None:
        folder = self._data_dir / f"{_FOLDER}{job.id}-{os.getpid()}"
        with structlog.contextvars.bound_contextvars(job=job.id):
            try:
                if job.is_active:
                    job = await self._done(job, folder, gives_way)
                if not job.told:
                    await self._notify(job, folder)
            finally:
                await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def _done(self, job: Job, folder: Path, gives_way: GivesWay) -> Job:
        """Do the job's work; return the job as it is stored afterwards.

        Raises GaveWayError when it was put back into the line.
        """
        logger.info("job", kind=job.kind, state=job.state, tries=job.tries)
        job_progress = JobProgress(
            job,
            self._store,
            self._notifier,
            progress_interval_s=self._progress_interval_s,
            gives_way=gives_way,
            tracer=self.tracer,
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
                values = failed(JobTrouble.TOO_MANY_TRIES)
            elif ends_unbegun(job) and not job_progress.batch:
                values = {"state": JobState.CANCELLED}
            else:
                await asyncio.to_thread(_make_empty, folder)
                values = await self._run(job, folder, job_progress)
        except GaveWayError:
            await job_progress.over()
            await self._put_back(job, job_progress)
            raise
        except TryLaterError as error:
            if error.problem in _AWAY and not isinstance(error, UnknownRefusalError):
                # An outage is not the job's fault, however long it takes.
                with suppress(AppError):
                    await self._change_mine(job.id, tries=job.tries - 1)
            raise
        except Exception as error:
            values = change_of(error)
        await job_progress.over()
        return await self._ended(job, values, job_progress)

    async def _put_back(self, job: Job, job_progress: JobProgress) -> None:
        """Store where the job goes on when its next turn comes, and show that it waits."""
        values: JobChange = {"waits_since": self._lease_clock(), "tries": 0}
        if job_progress.batch:
            values |= {
                "counts": job_progress.counts,
                "batches": job_progress.batch,
                "working_s": job_progress.working_s,
            }
        waiting = await self._change_mine(job.id, **values)
        logger.info("job gives way", batches=waiting.batches)
        await self._show(waiting)

    async def show_waiting(self, job: Job) -> None:
        """Store and show that the job waits for its turn, unless somebody has taken it."""
        if waiting := await self._store.change(job, waits_since=self._lease_clock()):
            await self._show(waiting)

    async def _show(self, job: Job) -> None:
        with suppress(TimeoutError):
            # Others wait for this meanwhile, so Telegram may not take long.
            async with asyncio.timeout(_SHOW_S):
                await self._notifier.progress(job, job.counts, rows_a_second=0, left_s=None)

    async def _ended(self, job: Job, values: JobChange, job_progress: JobProgress) -> Job:
        if values["state"] in OVER:
            await self._catch_up(job_progress)
            values |= {
                "ended_at": self._clock(),
                "counts": job_progress.counts if job.state is JobState.RUNNING else job.counts,
                "batches": job_progress.batch,
                "working_s": job_progress.working_s,
            }
        values["told"] = job.progress is None
        ended = await self._change_mine(job.id, **values)
        logger.info("job ended", state=ended.state, **ended.counts.model_dump(exclude={"fields"}))
        # On the command line Ctrl-C cancels: what it stopped can go on, as long as files are kept.
        if ended.state in OVER and not (ended.can_go_on and ended.by == COMMAND_LINE):
            await forget_source(self._store, self._files, ended)
        return ended

    async def _change_mine(self, job_id: int, **values: Unpack[JobChange]) -> Job:
        """Return the job with these values set. Raises LostError when another worker has it."""
        while True:
            job = await self._store.get(job_id)
            if job is None or job.owner != self.leases.owner:
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
        kept = [result for result in job.results if result.file_id]
        if kept:
            await asyncio.to_thread(_make_empty, folder)
        for result in kept:
            path = folder / Path(result.name).name
            await self._files.fetch(result.file_id, path)
            files.append(path)
        await self._tell(job, await self.report(job), files)
        await self._store.force_update(job.id, told=True)

    async def _tell(self, job: Job, report: Report, files: Sequence[Path]) -> None:
        """Notify the person; raise TryLaterError if a later round is to do it again."""
        journal = self._journals.setdefault(job.id, Journal())
        try:
            if not journal.is_spent:
                with journal.attempt():
                    await self._notifier.notify(job, report, files)
        except UnconfirmedError:
            if not journal.is_spent:
                raise
            logger.warning("the end of a job was not confirmed")
        except UnknownRefusalError:
            if job.tries <= _MOST_TRIES:
                raise
            logger.warning("the end of a job was refused")
        except TryLaterError:
            raise
        except Exception:
            logger.exception("the end of a job was not sent")
        if journal.is_spent:
            await self._notifier.show_end(job, report)
        del self._journals[job.id]

    async def report(self, job: Job) -> Report:
        """Return the report of the job's batches; before it runs, the refused rows of its
        preview."""
        if job.state is JobState.CHECKED:
            return await self._named(job, Report(refused=job.to_refuse))
        found = Report()
        async for batch in self._store.batches(job.id):
            found = _with(found, batch)
            if _is_full(found, job.counts):
                break
        return await self._named(job, found)

    async def _named(self, job: Job, report: Report) -> Report:
        """Return the report with the names of those whom a change of many left out."""
        if job.kind is not JobKind.CHANGE or not report.refused:
            return report
        names = await self._names_of([row.ref for row in report.refused])
        refused = tuple(
            row.model_copy(update={"name": names.get(row.ref, "")}) for row in report.refused
        )
        return report.model_copy(update={"refused": refused})


def _with(report: Report, batch: Batch) -> Report:
    return Report(
        refused=(report.refused + batch.refused)[:LINES],
        repaired=(report.repaired + batch.repaired)[:LINES],
        replanned=(report.replanned + batch.replanned)[:LINES],
        accepted=(report.accepted + batch.accepted)[:LINES],
        kept=(report.kept + batch.kept)[:LINES],
    )


def _is_full(report: Report, counts: Counts) -> bool:
    lists = (
        (report.refused, counts.refused),
        (report.repaired, counts.repaired),
        (report.replanned, counts.replanned),
        (report.accepted, counts.accepted),
        (report.kept, counts.kept),
    )
    return all(len(some) >= min(LINES, count) for some, count in lists)


def _sweep(data_dir: Path) -> None:
    """Remove the work folders of killed processes."""
    remove_left(data_dir)
    for folder in data_dir.glob(f"{_OLD_FOLDER}*"):
        shutil.rmtree(folder, ignore_errors=True)
    for folder in data_dir.glob(f"{_FOLDER}*-*"):
        pid = folder.name.rpartition("-")[2]
        if pid.isdecimal() and (int(pid) == os.getpid() or not is_alive(int(pid))):
            shutil.rmtree(folder, ignore_errors=True)


def _make_empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
