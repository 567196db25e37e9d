"""The schedule of syncs: begins those that are due, and notifies the admins once when they fail
and once when they work again."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from bot.domain.errors import TryLaterError
from bot.domain.job import OVER, SCHEDULE, Job, JobState
from bot.usecases.jobs.begin_sync import BeginSync
from bot.usecases.ports import Syncs

LOOK_S: Final = 15.0
"""Between two looks."""

logger = structlog.get_logger()


class SyncNotifier(Protocol):
    """Notifies the admins of syncs."""

    async def sync_fails(self, job: Job) -> None: ...

    async def sync_works_again(self, job: Job) -> None: ...

    async def sync_asks(self, job: Job) -> None:
        """Ask the admins whether the sync may take away so much."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncSchedule:
    """Begins due syncs. Every replica has one: the database decides which of them begins or
    notifies."""

    begin: BeginSync
    syncs: Syncs
    get_job: Callable[[int], Awaitable[Job | None]]
    notifier: SyncNotifier

    async def look(self) -> None:
        """Announce the outcome of the last sync, then begin the next one if it is due."""
        await self._notify()
        if job := await self.begin.when_due():
            logger.info("sync begun", job=job.id)

    async def _notify(self) -> None:
        state = await self.syncs.get(self.begin.system)
        if state.job is None or state.job == state.looked_at:
            return
        job = await self.get_job(state.job)
        if job is None or not (job.state in OVER or job.asks_about_losses):
            return
        is_failing = state.is_failing
        if job.state is JobState.FAILED and job.by == SCHEDULE:
            is_failing = True
        elif job.state is JobState.DONE or job.asks_about_losses:
            is_failing = False
        # Who began it in a chat is asked there.
        asks = job.asks_about_losses and job.progress is None
        changed = await self.syncs.change(state, looked_at=job.id, is_failing=is_failing)
        if changed is None:
            # Another replica announces it.
            return
        try:
            if is_failing != state.is_failing:
                fails = self.notifier.sync_fails
                await (fails if is_failing else self.notifier.sync_works_again)(job)
            if asks:
                await self.notifier.sync_asks(job)
        except TryLaterError as error:
            logger.warning("admins not told of a sync", job=job.id, error=str(error))
            # The next look announces it.
            await self.syncs.change(
                changed, looked_at=state.looked_at, is_failing=state.is_failing
            )
