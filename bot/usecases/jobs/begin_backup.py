"""Use case: start a backup of everything; one runs at a time over all replicas."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bot.domain.backup import Backups, latest_backups
from bot.domain.job import Job, JobKind, JobState, Progress
from bot.usecases.ports import BackupJobs

BACKUP_LEASE: Final = "backup"


@dataclass(frozen=True, slots=True)
class AlreadyRunning:
    """A backup is being made; it has to end first."""

    job: Job


@dataclass(frozen=True, slots=True)
class AlreadyOver:
    """This button was pressed before, and the backup that it started is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BeginBackup:
    jobs: BackupJobs
    wake: Callable[[int], Awaitable[None]]
    holding: Callable[[str], AbstractAsyncContextManager[object]]
    """Keeps a lease: two replicas must not each start a backup."""
    clock: Callable[[], datetime]

    async def __call__(self, *, by: str, progress: Progress) -> Job | AlreadyRunning | AlreadyOver:
        """Start a backup that is shown in this message; return its job at once.

        The message identifies the request: two requests from one message make one backup.
        """
        async with self.holding(BACKUP_LEASE):
            known = await self.jobs.backups()
            if any(job.progress == progress and not job.is_active for job in known):
                return AlreadyOver()
            if running := latest_backups(known).running:
                return AlreadyRunning(running)
            now = self.clock()
            job = await self.jobs.add(
                Job(
                    kind=JobKind.BACKUP,
                    state=JobState.RUNNING,
                    by=by,
                    created_at=now,
                    began_at=now,
                    progress=progress,
                )
            )
        await self.wake(job.id)
        return job

    async def was_begun(self, progress: Progress) -> bool:
        """Return True if a backup of this message is being made, or is over."""
        return any(job.progress == progress for job in await self.jobs.backups())

    async def latest(self) -> Backups:
        """Return the running backup and the latest ones."""
        return latest_backups(await self.jobs.backups())
