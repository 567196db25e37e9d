"""The work of a backup that an admin asked for in chat: the whole database, sent as one file."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import structlog

from bot.domain.backup import BackupFile
from bot.domain.job import Counts, Job, JobState, JobTrouble, Source
from bot.domain.job_change import JobChange, failed
from bot.runtime.jobs.job_progress import JobProgress
from bot.runtime.jobs.troubles import change_of

LARGEST_BYTES: Final = 50_000_000
"""The largest file that Telegram takes from a bot."""
_LOOK_S: Final = 0.2

logger = structlog.get_logger()


DeliverBackup = Callable[[Job, BackupFile], Awaitable[JobTrouble | None]]
"""Sends the file; returns the reason if it did not reach the admin, else None."""


BackUp = Callable[[Path, datetime, Callable[[str, int], None]], Awaitable[Mapping[str, int]]]
"""Writes a new file, as of this time; returns the number of documents of each collection.

Calls back with a collection and the number of its documents so far. Raises an AppError, and then
leaves no file.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeBackup:
    """Makes a backup and delivers it; a worker that takes over a backup begins it anew."""

    back_up: BackUp
    expected: Callable[[], Awaitable[Mapping[str, int]]]
    """Returns about how many documents each collection has."""
    deliver: DeliverBackup
    clock: Callable[[], datetime]
    largest_bytes: int = LARGEST_BYTES

    async def __call__(self, job: Job, path: Path, job_progress: JobProgress) -> JobChange:
        """Write it to the path and deliver it; return the values to set in the job."""
        await job_progress.expect(_counts(await self.expected()))
        copied: dict[str, int] = {}
        writing = asyncio.ensure_future(self.back_up(path, self.clock(), copied.__setitem__))
        try:
            while not writing.done():
                await asyncio.wait({writing}, timeout=_LOOK_S)
                if not await job_progress.counted(_counts(copied)):
                    return {"state": JobState.CANCELLED}
        finally:
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)
        if isinstance(error := writing.exception(), Exception):
            # Not left to another try: the admin who waits decides on that.
            return change_of(error)
        counts = writing.result()
        await job_progress.counted(_counts(counts))
        return await self._delivered(job, path, counts)

    async def _delivered(self, job: Job, path: Path, counts: Mapping[str, int]) -> JobChange:
        size_bytes, sha256 = await asyncio.to_thread(_measured, path)
        trouble: JobTrouble | None = JobTrouble.TOO_LARGE
        if size_bytes <= self.largest_bytes:
            file = BackupFile(path=path, size_bytes=size_bytes, sha256=sha256, counts=counts)
            trouble = await self.deliver(job, file)
        change: JobChange = {"state": JobState.DONE}
        if trouble is not None:
            logger.warning("backup not delivered", trouble=trouble, size_bytes=size_bytes)
            change = failed(trouble)
        # Not kept here: a copy of everything is in no database.
        change["results"] = (Source(file_id="", name=path.name, size_bytes=size_bytes),)
        return change


def _counts(documents: Mapping[str, int]) -> Counts:
    return Counts(rows=sum(documents.values()), fields=dict(documents))


def _measured(path: Path) -> tuple[int, str]:
    with path.open("rb") as file:
        return path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()
