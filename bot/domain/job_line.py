"""The line of jobs that wait for a process: which is taken first, and which gives way.

A short job never waits for a long one, and nobody's many jobs hold up another person's one.
"""

from collections import Counter
from collections.abc import Container, Iterable, Sequence
from datetime import datetime
from enum import IntEnum
from typing import Final

from bot.domain.job import Job, JobKind, JobState

FEW_ROWS: Final = 2_000
"""A job of so many rows is done in a few seconds."""
_ROWS_OF_A_PASSWORD: Final = 50
"""Hashing one password takes as long as writing so many rows."""
# They wait for an ERP or for Telegram, or read the whole register and keep nothing before the end.
_LONG: Final = frozenset((JobKind.SYNC, JobKind.BACKUP, JobKind.PAIRS))


class Length(IntEnum):
    """How long a job will take, as far as that is known; the shorter goes first."""

    SHORT = 0
    UNKNOWN = 1
    LONG = 2


def length_of(job: Job) -> Length:
    """Return the length of the work that is left of the job."""
    if not job.is_active or ends_unbegun(job):
        # Only its end has to be told.
        return Length.SHORT
    # A check begins anew where it gave way: it needs a place where it can stay.
    has_tried = job.waits_since is not None
    if job.kind in _LONG or (has_tried and job.state is JobState.CHECKING):
        return Length.LONG
    if job.total is None:
        return Length.LONG if has_tried else Length.UNKNOWN
    passwords = job.preview.passwords if job.preview else 0
    rows = job.total - job.counts.rows + _ROWS_OF_A_PASSWORD * passwords
    return Length.SHORT if rows <= FEW_ROWS else Length.LONG


def ends_unbegun(job: Job) -> bool:
    """Return True if the job was cancelled before it wrote anything, and nothing is to be done.

    An undo has to give its target free.
    """
    return job.is_cancelled and not job.batches and job.kind is not JobKind.UNDO


def in_line(active: Sequence[Job], now: datetime, *, let_go: Container[int] = ()) -> list[Job]:
    """Return those of the active jobs that nobody works on, in the order in which they go.

    Of equal length, those go first whose author has fewer jobs at work. let_go: ids of jobs that
    nobody works on although they have an owner.
    """
    at_work = _at_work(active, now)
    waiting = (job for job in active if job.id in let_go or _is_left(job, now))
    return sorted(
        waiting, key=lambda job: (length_of(job), at_work[job.by], _waits_since(job), job.id)
    )


def gives_way(job: Job, active: Sequence[Job], now: datetime, *, in_long_place: bool) -> bool:
    """Return True if a job whose turn is over has to leave its place to another that waits.

    A place for short jobs is left to anyone who is not long. One for long jobs goes round among
    the jobs of its author, and to authors who have fewer at work.
    """
    waiting = [one for one in active if _is_left(one, now)]
    if not in_long_place:
        return any(length_of(one) is not Length.LONG for one in waiting)
    at_work = _at_work(active, now)
    return any(one.by == job.by or at_work[one.by] < at_work[job.by] for one in waiting)


def _at_work(active: Iterable[Job], now: datetime) -> Counter[str]:
    return Counter(job.by for job in active if not _is_left(job, now))


def _is_left(job: Job, now: datetime) -> bool:
    return job.owner is None or job.until is None or job.until <= now


def _waits_since(job: Job) -> datetime:
    return job.waits_since or job.began_at or job.created_at
