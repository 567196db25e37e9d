"""The end of old jobs: those that changed nothing go, of the others a line stays for the audit."""

from datetime import datetime
from typing import Final

from bot.domain.backup import latest_backups
from bot.domain.job import Job, JobKind
from bot.domain.job_change import JobChange
from bot.domain.retention import IDLE_JOBS_KEPT, JOBS_KEPT
from storage.engine.connection import Collection, Database, translated
from storage.engine.repeating import delete_once
from storage.jobs.jobs import Jobs
from storage.register.bulk import batch_id

_AT_ONCE: Final = 100
# What can be long in a job, or holds values of registrations.
_DETAILS: Final[JobChange] = {
    "preview": None,
    "samples": (),
    "to_refuse": (),
    "shape": None,
    "is_summary": True,
}


class JobEnds:
    """Ends what is kept of jobs that were over long ago."""

    def __init__(self, database: Database) -> None:
        self._jobs: Collection = database["jobs"]
        self._batches: Collection = database["job_batches"]
        self._store = Jobs(database)

    async def __call__(self, now: datetime) -> int:
        """Return how many jobs were ended, in part or whole."""
        ended = 0
        latest = latest_backups(await self._store.backups())
        kept = {job.id for job in (latest.made, latest.failed) if job is not None}
        last = await self._store.last_id()
        for low in range(1, last + 1, _AT_ONCE):
            for job in await self._store.of_ids(range(low, min(low + _AT_ONCE, last + 1))):
                over_since = now - (job.ended_at or job.created_at)
                if job.needs_work or job.id in kept:
                    continue
                if not job.wrote:
                    ended += over_since > IDLE_JOBS_KEPT and await self._delete(job)
                elif over_since > JOBS_KEPT and (not job.is_summary or job.batches):
                    ended += await self._reduce(job)
        return ended

    async def _delete(self, job: Job) -> bool:
        await self._delete_batches(job)
        with translated():
            return await delete_once(self._jobs, {"_id": job.id, "version": job.version})

    async def _reduce(self, job: Job) -> bool:
        """Return True if only the summary is left: what the job was, who began it, its counts."""
        if job.undone_by is not None:
            undo = await self._store.get(job.undone_by)
            if undo is not None and undo.needs_work:
                return False
        # First the mark, so that nobody undoes a job of which a part is gone; `batches` says until
        # the end that some are left.
        details: JobChange = {
            **_DETAILS,
            "bulk_options": job.bulk_options and job.bulk_options.summary,
        }
        reduced = job if job.is_summary else await self._store.change(job, **details)
        if reduced is None:
            return False
        await self._delete_batches(reduced)
        return await self._store.change(reduced, batches=0) is not None

    async def _delete_batches(self, job: Job) -> None:
        if job.kind in (JobKind.EXPORT, JobKind.BACKUP, JobKind.PAIRS):
            return
        number, deleted = 1, 0
        # The number in the job may be too low, and those that are stored have no gaps.
        while deleted or number <= job.batches + 1:
            ids = [batch_id(job.id, each) for each in range(number, number + _AT_ONCE)]
            with translated():
                deleted = (await self._batches.delete_many({"_id": {"$in": ids}})).deleted_count
            number += _AT_ONCE
