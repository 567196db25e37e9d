"""Use case: a sync with the ERP begins, by hand or by the clock; one at a time."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bot.domain.job import SCHEDULE, Job, JobKind, JobState, Progress, SyncMode, SyncOptions
from bot.domain.sync import SyncState
from bot.usecases.ports import JobStore, Syncs

_NEW: Final = 0
"""An id that the store replaces."""
_TAKES: Final = timedelta(minutes=1)
"""Longer than it is between a turn and the first step."""


@dataclass(frozen=True, slots=True)
class RunsAlready:
    """One is running; it has to end first."""

    job: Job


@dataclass(frozen=True, slots=True, kw_only=True)
class LastSync:
    """What /status says of the sync."""

    job: Job | None
    next_at: datetime | None
    """None when no sync is scheduled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BeginSync:
    system: str
    """The ERP's name, as in ERP_KIND."""
    lists_all: bool
    lists_changes: bool
    overlap: timedelta
    every: timedelta | None
    """Between two scheduled ones; None for none."""
    jobs: JobStore
    syncs: Syncs
    wake: Callable[[int], Awaitable[None]]
    clock: Callable[[], datetime]

    async def __call__(
        self,
        mode: SyncMode,
        *,
        by: str,
        everything: bool = False,
        progress: Progress | None = None,
    ) -> Job | RunsAlready:
        """The job that has begun, or the one that runs.

        everything: also what has not changed since the last one. That is read anyhow when there
            was none, and when the ERP's API does not tell changes.
        """
        state = await self.syncs.get(self.system)
        if running := await self._running(state):
            return RunsAlready(running)
        mark = state.mark(mode)
        only_changes = self.lists_changes and mark is not None and not everything
        now = self.clock()
        job = await self.jobs.add(
            Job(
                id=_NEW,
                kind=JobKind.SYNC,
                # Nobody works on it before it has its turn.
                state=JobState.DRAFT,
                by=by,
                created_at=now,
                began_at=now,
                sync_options=SyncOptions(
                    system=self.system,
                    mode=mode,
                    since=mark - self.overlap if only_changes and mark else None,
                ),
                progress=progress,
            )
        )
        full_began_at = now if mode is SyncMode.FULL else state.full_began_at
        claimed = await self.syncs.change(state, job=job.id, full_began_at=full_began_at)
        if claimed is None:
            await self.jobs.force_update(job.id, state=JobState.CANCELLED, ended_at=now)
            winner = await self._running(await self.syncs.get(self.system))
            # It may be over already: a sync of nothing takes no time.
            return RunsAlready(winner or job)
        begun = await self.jobs.force_update(job.id, state=JobState.RUNNING)
        await self.wake(job.id)
        return begun or job

    async def when_due(self) -> Job | None:
        """The scheduled sync, begun when its time has come; None when it has not."""
        if self.every is None or not self.lists_all:
            return None
        state = await self.syncs.get(self.system)
        if state.full_began_at is not None and self.clock() < state.full_began_at + self.every:
            return None
        begun = await self(SyncMode.FULL, by=SCHEDULE)
        return begun if isinstance(begun, Job) else None

    async def last(self) -> LastSync:
        """The last one, and when the next is due."""
        state = await self.syncs.get(self.system)
        job = await self.jobs.get(state.job) if state.job else None
        if self.every is None or not self.lists_all:
            return LastSync(job=job, next_at=None)
        began = state.full_began_at
        return LastSync(job=job, next_at=began + self.every if began else self.clock())

    async def _running(self, state: SyncState) -> Job | None:
        if state.job is None:
            return None
        job = await self.jobs.get(state.job)
        if job is None:
            return None
        if job.state is JobState.DRAFT:
            if self.clock() - job.created_at < _TAKES:
                return job
            # Whoever began it was killed between its turn and its first step.
            job = await self.jobs.force_update(job.id, state=JobState.RUNNING)
        return job if job is not None and job.is_active else None
