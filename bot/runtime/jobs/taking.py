"""Takes jobs that wait in the database, as far as this process has places for them.

Each process looks every few seconds, and takes those that are first in line. A broker only saves
the wait for the next look (`carrying.py`). A job whose turn is over gives way to others that wait,
and goes on behind its last batch when its next turn comes.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from contextvars import Context
from datetime import datetime
from functools import partial
from typing import Final

import structlog

from bot.domain.errors import AppError, TryLaterError
from bot.domain.job import Job
from bot.domain.job_line import Length, gives_way, in_line, length_of
from bot.runtime.jobs.job_files import purge
from bot.runtime.jobs.places import Places
from bot.runtime.jobs.ports import Files, Store
from bot.runtime.jobs.worker import WorkJobs
from bot.runtime.supervisor import TaskHealth, log_failure

_ROUND_S: Final = 2.0
_AGAIN_S: Final = 5.0
# The place for short jobs is another's after so long, and that for long ones after a turn.
_SLICE_S: Final = 2.0
_TURN_S: Final = 30.0
# To go on, a job reads its file up to where it was: no more than a fifth of its time goes there.
_WORTH: Final = 4.0
_PURGE_S: Final = 3600.0

logger = structlog.get_logger()


class TakeJobs:
    """Has `WorkJobs` work on the jobs that are first in line."""

    def __init__(
        self,
        *,
        store: Store,
        files: Files,
        work: WorkJobs,
        clock: Callable[[], datetime],
        lease_clock: Callable[[], datetime],
        round_s: float = _ROUND_S,
        slice_s: float = _SLICE_S,
        turn_s: float = _TURN_S,
    ) -> None:
        """round_s: between looks for jobs. slice_s, turn_s: how long a job may keep a place for
        short and for long jobs when others wait for it."""
        self._store = store
        self._files = files
        self._work = work
        self._clock = clock
        self._lease_clock = lease_clock
        self._round_s = round_s
        self._slice_s = slice_s
        self._turn_s = turn_s
        self._places = Places()
        self._left: dict[int, float] = {}
        """Jobs that could not be worked on, to the loop time at which they are tried again."""
        self._without_place: set[int] = set()
        self._look = asyncio.Event()
        self._working: set[asyncio.Task[None]] = set()
        self._send: Callable[[str], Awaitable[None]] | None = None
        self.health = TaskHealth()

    async def wake(self, job_id: int) -> None:
        """Have a process look for this new job; without a broker, this one looks."""
        if self._send is None:
            return
        try:
            await self._send(str(job_id))
        except TryLaterError as error:
            logger.info("job not sent to the broker", job=job_id, error=str(error))
            self._look.set()

    async def take(self, job_id: str) -> None:
        """Work on what is first in line, as long as something waits that there is a place for.

        job_id: of a job that has begun to wait. Another one may be first, or another process may
            have taken it.
        """
        try:
            if (job := await self._next()) is not None:
                await self._work_through(job)
        except AppError as error:
            logger.warning("no job taken", error=str(error))

    async def run_forever(self, send: Callable[[str], Awaitable[None]]) -> None:
        """Take jobs that nobody works on, and delete files past their retention time.

        send: brings an id to a process that has room, maybe another one.
        """
        self._send = send
        await self._work.clean_up()
        purged_at: float | None = None
        loop = asyncio.get_running_loop()
        try:
            while True:
                try:
                    await self._fill()
                    if purged_at is None or loop.time() - purged_at >= _PURGE_S:
                        purged_at = loop.time()
                        await purge(self._store, self._files, self._clock())
                    self.health.works()
                except Exception as error:
                    # Not the end of the task, which would cancel the jobs that are worked on.
                    self.health.failed()
                    log_failure("jobs", error)
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._round_s):
                        await self._look.wait()
                self._look.clear()
        finally:
            for task in self._working:
                task.cancel()
            await asyncio.gather(*self._working, return_exceptions=True)

    async def _fill(self) -> None:
        """Begin with as many waiting jobs as there are places for."""
        while (job := await self._next()) is not None:
            self._begin(self._work_through(job))
        await self._tell_who_waits()

    async def _tell_who_waits(self) -> None:
        """Show on long jobs that they wait, if nobody has had a place for them for a round."""
        line = self._line(await self._store.active())
        waiting = [one for one in line if length_of(one) is Length.LONG and not one.waits_since]
        for job in waiting:
            if job.id in self._without_place:
                self._begin(self._work.show_waiting(job))
        self._without_place = {job.id for job in waiting if job.id not in self._left}

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        # Not in the context of whoever has woken it.
        task = asyncio.create_task(work, context=Context())
        self._working.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._working.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log_failure("jobs", error)

    async def _next(self) -> Job | None:
        """Return the first job in line that this process had a place for, and has given it."""
        active = await self._store.active()
        now = asyncio.get_running_loop().time()
        self._left = {job_id: again for job_id, again in self._left.items() if again > now}
        for job in self._line(active):
            if job.id not in self._left and self._places.take(job):
                return job
        return None

    def _line(self, active: Sequence[Job]) -> list[Job]:
        # Still ours if the database was away when its lease was to be released.
        owner = self._work.leases.owner
        let_go = {job.id for job in active if job.owner == owner and job.id not in self._places}
        return in_line(active, self._lease_clock(), let_go=let_go)

    async def _work_through(self, job: Job | None) -> None:
        """Work on a job that has a place here, and then on those that follow it in the line."""
        loop = asyncio.get_running_loop()
        while job is not None:
            is_done = False
            try:
                is_done = await self._work.work(job.id, partial(self._gives_way, job))
            finally:
                self._places.leave(job.id)
                if not is_done:
                    self._left[job.id] = loop.time() + _AGAIN_S
            job = await self._next()

    async def _gives_way(
        self, job: Job, *, worked_s: float, began_s: float, has_checkpoint: bool
    ) -> bool:
        in_long_place = self._places.is_long(job.id)
        if in_long_place and not has_checkpoint:
            return False
        turn_s = max(self._turn_s, _WORTH * began_s) if in_long_place else self._slice_s
        if worked_s < turn_s:
            return False
        active = await self._store.active()
        return gives_way(job, active, self._lease_clock(), in_long_place=in_long_place)
