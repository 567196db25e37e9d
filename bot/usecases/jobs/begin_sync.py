"""Use case: start a sync with the ERP, by hand or by schedule; one runs at a time."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bot.domain.job import (
    SCHEDULE,
    Job,
    JobKind,
    JobState,
    Progress,
    SyncMode,
    SyncOptions,
)
from bot.domain.sync import SyncChange, SyncState
from bot.usecases.ports import JobStore, Syncs

_TAKES: Final = timedelta(minutes=1)
"""Longer than a start takes; a draft older than this was cut short by a crash."""
_WHOLE_EVERY: Final = timedelta(days=7)
GOES_ON: Final = timedelta(hours=6)
"""How long after its beginning a sync can still go on: its changes have the time of that."""


@dataclass(frozen=True, slots=True)
class RunsAlready:
    """A sync is running; it has to end first."""

    job: Job


@dataclass(frozen=True, slots=True, kw_only=True)
class LastSync:
    """The last sync and the next one, as /status shows them."""

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
    """The interval between scheduled syncs; None to schedule none."""
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
        """Start a sync; return its job, or the sync that is already running.

        If the ERP went away during the last one, or Ctrl-C stopped it, that goes on where it
        stopped.
        everything: read the unchanged records too. They are always read when there was no sync
            before, or when the ERP's API cannot list changes.
        """
        state = await self.syncs.get(self.system)
        if running := await self._running(state):
            return RunsAlready(running)
        if stopped := await self._stopped(state, mode, everything=everything):
            return await self._go_on(state, stopped, by=by, progress=progress)
        mark = state.mark(mode) if self.lists_changes and not everything else None
        since = mark - self.overlap if mark else None
        now = self.clock()
        job = await self.jobs.add(
            Job(
                kind=JobKind.SYNC,
                # No worker takes it before this process has claimed the sync.
                state=JobState.DRAFT,
                by=by,
                created_at=now,
                began_at=now,
                sync_options=SyncOptions(system=self.system, mode=mode, since=since),
                progress=progress,
            )
        )
        change: SyncChange = {"job": job.id}
        if mode is SyncMode.FULL:
            change["full_began_at"] = now
            if since is None:
                change["whole_began_at"] = now
        claimed = await self.syncs.change(state, **change)
        if claimed is None:
            await self.jobs.force_update(job.id, state=JobState.CANCELLED, ended_at=now)
            winner = await self._running(await self.syncs.get(self.system))
            # The other sync may be over already, when it found nothing to do.
            return RunsAlready(winner or job)
        begun = await self.jobs.force_update(job.id, state=JobState.RUNNING)
        await self.wake(job.id)
        return begun or job

    async def _stopped(self, state: SyncState, mode: SyncMode, *, everything: bool) -> Job | None:
        """Return the last sync if it can go on as the one that is asked for."""
        job = await self.jobs.get(state.job) if state.job else None
        options = job.sync_options if job else None
        if job is None or options is None or not job.syncs_on:
            return None
        is_the_same = options.mode is mode and not (everything and options.since is not None)
        is_recent = self.clock() - (job.began_at or job.created_at) < GOES_ON
        return job if is_the_same and is_recent else None

    async def _go_on(
        self, state: SyncState, job: Job, *, by: str, progress: Progress | None
    ) -> Job | RunsAlready:
        full_began_at = state.full_began_at
        if job.sync_options is not None and job.sync_options.mode is SyncMode.FULL:
            full_began_at = self.clock()
        # Only one process changes this version of the state.
        if not await self.syncs.change(state, looked_at=None, full_began_at=full_began_at):
            return RunsAlready(job)
        begun = await self.jobs.force_update(
            job.id,
            state=JobState.RUNNING,
            by=by,
            ended_at=None,
            trouble=None,
            is_cancelled=False,
            progress=progress,
            tries=0,
        )
        await self.wake(job.id)
        return begun or job

    async def when_due(self) -> Job | None:
        """Start the scheduled sync if it is due; return its job, or None.

        Once a week it reads the unchanged records too.
        """
        if self.every is None or not self.lists_all:
            return None
        state = await self.syncs.get(self.system)
        if state.full_began_at is not None and self.clock() < state.full_began_at + self.every:
            return None
        whole = state.whole_began_at
        # Some changes no list of changes shows, whatever the reason.
        everything = whole is None or self.clock() >= whole + _WHOLE_EVERY
        begun = await self(SyncMode.FULL, by=SCHEDULE, everything=everything)
        return begun if isinstance(begun, Job) else None

    async def last(self) -> LastSync:
        """Return the last sync, and the time at which the next one is due."""
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
            # The process that started it was killed between the claim and the first step.
            job = await self.jobs.force_update(job.id, state=JobState.RUNNING)
        return job if job is not None and job.is_active else None
