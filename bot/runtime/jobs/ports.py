"""The needs of workers: stores of jobs and of their files, and a way to notify people."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from bot.domain.job import Batch, Counts, Job, Report
from bot.runtime.leases import Leases
from bot.usecases.ports import JobChanges, JobFiles


class Store(JobChanges, Protocol):
    """The store of jobs."""

    @property
    def leases(self) -> Leases[int]: ...

    async def active(self) -> list[Job]: ...

    async def last_batch(self, job_id: int) -> int: ...

    async def batch(self, job_id: int, number: int) -> Batch | None: ...

    def batches(self, job_id: int, *, backwards: bool = False) -> AsyncIterator[Batch]: ...

    async def forget_seen(self, job_id: int) -> None:
        """Delete `Batch.seen` of all batches of the job."""
        ...

    async def with_files(self, *, ended_before: datetime) -> list[Job]: ...


class Files(JobFiles, Protocol):
    async def purge(self, before: datetime) -> None:
        """Delete every file that was stored before then, and every file that was never
        completed."""
        ...


class JobNotifier(Protocol):
    """Notifies the person who began a job."""

    async def progress(
        self, job: Job, done: Counts, *, rows_a_second: float, left_s: float | None
    ) -> None: ...

    async def notify(self, job: Job, report: Report, files: Sequence[Path]) -> None:
        """Report the outcome of a job that has come to CHECKED or is over.

        Raises TryLaterError while it cannot be sent; a call that was confirmed before is not made
        again when it is called again in the same journal.
        """
        ...

    async def show_end(self, job: Job, report: Report) -> None:
        """Show the outcome in place of the progress, when nobody knows if the report arrived.

        Raises TryLaterError while it cannot be shown; it may be called any number of times.
        """
        ...
