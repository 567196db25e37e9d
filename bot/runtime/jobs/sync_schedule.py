"""Begins syncs when they are due, and tells admins once that they fail, once that they work."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from bot.domain.errors import AppError
from bot.domain.job import OVER, SCHEDULE, Job, JobState
from bot.usecases.jobs.begin_sync import BeginSync
from bot.usecases.ports import Syncs

_LOOK_S: Final = 15.0

logger = structlog.get_logger()


class SyncNotifier(Protocol):
    """Where the admins are told."""

    async def sync_fails(self, job: Job) -> None: ...

    async def sync_works_again(self, job: Job) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncSchedule:
    """Every replica has one: what begins, and what is told, is decided in the database."""

    begin: BeginSync
    syncs: Syncs
    get_job: Callable[[int], Awaitable[Job | None]]
    notifier: SyncNotifier
    look_s: float = _LOOK_S

    async def run_forever(self) -> None:
        """Look again and again; what fails is tried at the next look."""
        while True:
            try:
                await self.look()
            except AppError as error:
                logger.warning("sync not looked after", error=str(error))
            except Exception:
                logger.exception("sync not looked after")
            await asyncio.sleep(self.look_s)

    async def look(self) -> None:
        """Tell what became of the last one, then begin the next if it is due."""
        await self._tell()
        if job := await self.begin.when_due():
            logger.info("sync begun", job=job.id)

    async def _tell(self) -> None:
        state = await self.syncs.get(self.begin.system)
        if state.job is None or state.job == state.looked_at:
            return
        job = await self.get_job(state.job)
        if job is None or job.state not in OVER:
            return
        is_failing = state.is_failing
        if job.state is JobState.FAILED and job.by == SCHEDULE:
            is_failing = True
        elif job.state is JobState.DONE:
            is_failing = False
        changed = await self.syncs.change(state, looked_at=job.id, is_failing=is_failing)
        if changed is None or is_failing == state.is_failing:
            # Another replica tells it, or there is nothing new.
            return
        if is_failing:
            await self.notifier.sync_fails(job)
        else:
            await self.notifier.sync_works_again(job)
