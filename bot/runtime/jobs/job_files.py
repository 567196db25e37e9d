"""Files of jobs: deleted when they are not needed, or after a week."""

from datetime import datetime, timedelta
from typing import Final

from bot.domain.job import OVER, Job, JobState
from bot.domain.job_change import JobChange, without_file
from bot.runtime.jobs.ports import Files, Store

_KEPT: Final = timedelta(days=7)
"""Files of jobs are deleted after this time: they hold people's data."""


async def forget_source(store: Store, files: Files, job: Job) -> None:
    """Delete the file that was sent, its shape and its plan: they are not needed once the job is
    over, and what was taken for a header may be a person's data."""
    for file_id in (job.source and job.source.file_id, job.plan_file_id):
        if file_id:
            await files.delete(file_id)
    await store.force_update(job.id, **without_file(job))


async def purge(store: Store, files: Files, now: datetime) -> None:
    """Delete the files whose retention time is over; cancel the jobs that would need them."""
    for job in await store.with_files(ended_before=now - _KEPT):
        for file in job.results:
            if file.file_id:
                await files.delete(file.file_id)
        values: JobChange = {"results": tuple(file.without_file() for file in job.results)}
        if job.state not in OVER:
            values |= {"state": JobState.CANCELLED, "ended_at": now}
        if changed := await store.change(job, **values):
            await forget_source(store, files, changed)
    # Twice the retention time, longer than any job has files: what is left was stored by a process
    # that was killed before it had linked the file to a job.
    await files.purge(now - 2 * _KEPT)
