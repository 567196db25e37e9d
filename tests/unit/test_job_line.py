"""The line of jobs: who is taken first, and who gives way to whom."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.domain.job import Counts, Job, JobKind, JobState
from bot.domain.job_line import FEW_ROWS, Length, gives_way, in_line, length_of
from bot.runtime.jobs.places import Places

NOW = datetime(2026, 11, 24, 15, 30, tzinfo=UTC)
LONG = FEW_ROWS + 1


def job(number: int, by: str = "admin:1", *, total: int | None = LONG, **values: Any) -> Job:
    given = {"kind": JobKind.IMPORT, "state": JobState.RUNNING, "created_at": NOW} | values
    return Job(id=number, by=by, total=total, **given)


def at_work(number: int, by: str = "admin:1", **values: Any) -> Job:
    return job(number, by, owner="another", until=NOW + timedelta(seconds=30), **values)


@pytest.mark.parametrize(
    ("one", "length"),
    [
        (job(1, total=50), Length.SHORT),
        (job(1, total=FEW_ROWS), Length.SHORT),
        (job(1), Length.LONG),
        (job(1, counts=Counts(rows=1)), Length.SHORT),
        (job(1, total=50, preview=Counts(rows=50, passwords=50)), Length.LONG),
        (job(1, state=JobState.DONE, told=False), Length.SHORT),
        (job(1, total=None, kind=JobKind.EXPORT), Length.UNKNOWN),
        (job(1, total=None, kind=JobKind.EXPORT, waits_since=NOW), Length.LONG),
        (job(1, total=50, waits_since=NOW), Length.SHORT),
        (job(1, is_cancelled=True), Length.SHORT),
        (job(1, is_cancelled=True, batches=3), Length.LONG),
        (job(1, is_cancelled=True, kind=JobKind.UNDO), Length.LONG),
        # It begins anew, and would give way for ever.
        (job(1, total=50, state=JobState.CHECKING, waits_since=NOW), Length.LONG),
        *((job(1, total=9, kind=kind), Length.LONG) for kind in (JobKind.SYNC, JobKind.BACKUP)),
    ],
)
def test_a_job_is_as_long_as_the_work_that_is_left(one: Job, length: Length):
    assert length_of(one) is length


def test_the_shorter_goes_first_then_whose_author_has_less_at_work_then_who_waits_longest():
    line = [
        job(5, total=50),
        job(6, total=None, kind=JobKind.EXPORT),
        job(9, "admin:2", waits_since=NOW),
        job(4, waits_since=NOW - timedelta(minutes=1)),
        job(7),
        job(8),
    ]
    others = [at_work(1), at_work(2), job(3, total=50, owner="dead", until=NOW)]
    assert in_line([*others, *reversed(line)], NOW) == [others[2], *line]


@pytest.mark.parametrize(
    ("waiting", "to_long", "to_short"),
    [
        ([], False, False),
        ([at_work(8, "admin:2")], False, False),
        ([job(8)], True, False),
        ([job(8, "admin:2")], True, False),
        # This author has one at work as well.
        ([job(8, "admin:3")], False, False),
        ([job(8, total=50)], True, True),
        ([job(8, total=None, kind=JobKind.EXPORT)], True, True),
    ],
)
def test_who_gives_way(waiting: Sequence[Job], to_long: bool, to_short: bool):
    mine = at_work(1)
    active = [mine, at_work(2, "admin:3"), *waiting]
    assert gives_way(mine, active, NOW, in_long_place=True) is to_long
    assert gives_way(mine, active, NOW, in_long_place=False) is to_short


def test_long_jobs_leave_a_place_free():
    places = Places()
    assert [places.take(job(number)) for number in range(1, 5)] == [True, True, False, False]
    unknown = job(5, total=None, kind=JobKind.EXPORT)
    assert places.take(unknown)
    assert not places.is_long(unknown.id)
    assert not places.take(job(6, total=50))
    places.leave(1)
    # What takes long may stay where another long one has left.
    assert places.is_long(unknown.id)
    assert places.take(job(6, total=50))
    assert not places.take(job(6, total=50))
    assert not places.take(job(7, total=50))
