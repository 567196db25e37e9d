"""Use case: start a change of many registrations, or the export of chosen ones.

It begins with a preview; `bot.usecases.jobs.manage_jobs` confirms, cancels and undoes it.
"""

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.domain.bulk_change import BulkOptions, is_valid
from bot.domain.job import Job, JobKind, JobState, Progress
from bot.usecases.ports import Departments, JobFiles, JobStore, Tags

Ids = AsyncIterable[Sequence[str]]
"""The ids of registrations, some at a time."""


@dataclass(frozen=True, slots=True)
class BadValue:
    """The value does not suit the action: the label was archived, or the text is too long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BeginChange:
    jobs: JobStore
    files: JobFiles
    tags: Tags
    departments: Departments
    wake: Callable[[int], Awaitable[None]]
    """Notifies a worker that the job with this id is ready to run."""
    clock: Callable[[], datetime]

    async def __call__(
        self,
        options: BulkOptions,
        *,
        by: str,
        ids: Ids | None = None,
        progress: Progress | None = None,
    ) -> Job | BadValue:
        """Start the preview of the change; return its job.

        ids: the chosen registrations; None for all that `options.query` finds.
        by: as `Provenance.by`. An admin's right is looked at again when the job runs.
        """
        if (ids is None) is (options.query is None):
            raise ValueError("either a search or ids are chosen")
        tags, departments = await self.tags.all(), await self.departments.all()
        if not is_valid(options, tags=tags, departments=departments):
            return BadValue()
        job = await self.jobs.add(
            Job(
                kind=JobKind.CHANGE,
                state=JobState.CHECKING,
                by=by,
                created_at=self.clock(),
                bulk_options=options,
                plan_file_id=await stored_ids(self.files, ids) if ids is not None else None,
                progress=progress,
            )
        )
        await self.wake(job.id)
        return job


async def stored_ids(files: JobFiles, ids: Ids) -> str:
    """Store the ids as a file of a job, one on each line; return the file's id."""

    async def pieces() -> AsyncIterator[bytes]:
        async for some in ids:
            yield lines_of(some)

    return await files.put_pieces(pieces(), name="ids")


def lines_of(ids: Sequence[str]) -> bytes:
    return "".join(f"{one}\n" for one in ids).encode()
