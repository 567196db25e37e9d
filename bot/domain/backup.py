"""Backups: the one that is running, and the latest ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bot.domain.job import Job, JobState


@dataclass(frozen=True, slots=True, kw_only=True)
class Backups:
    """The running backup, and the latest delivered and the latest failed one."""

    running: Job | None = None
    made: Job | None = None
    failed: Job | None = None


def latest_backups(jobs: Sequence[Job]) -> Backups:
    """Return the latest of these backups, which may come in any order."""

    def ended_at(job: Job) -> datetime:
        return job.ended_at or job.created_at

    def latest(state: JobState) -> Job | None:
        return max((job for job in jobs if job.state is state), key=ended_at, default=None)

    return Backups(
        running=next((job for job in jobs if job.is_active), None),
        made=latest(JobState.DONE),
        failed=latest(JobState.FAILED),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupFile:
    """A complete backup file on disk."""

    path: Path
    size_bytes: int
    sha256: str
    counts: Mapping[str, int]
    """Number of documents, by collection."""
