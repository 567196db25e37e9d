"""Nobody waits long for a place: long jobs leave one free, and give way to each other."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from bot.domain.bulk_change import BulkAction
from bot.domain.job import Job, JobState
from bot.domain.job_change import JobChange
from bot.runtime.jobs import job_progress, taking, worker
from bot.runtime.jobs.job_progress import JobProgress
from tests.jobs.conftest import VIP
from tests.jobs.kills import until
from tests.jobs.taker import Taker

LONG = 100_000
ROWS = 40


class Gated:
    """The real run, which long jobs begin when the gate is open."""

    def __init__(self, run: worker.Run) -> None:
        self._run = run
        self.gate = asyncio.Event()

    async def __call__(self, job: Job, folder: Path, progress: JobProgress) -> JobChange:
        if job.total == LONG:
            await self.gate.wait()
        return await self._run(job, folder, progress)


@pytest.fixture(autouse=True)
def always_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_progress, "_LOOK_S", 0.0)
    monkeypatch.setattr(job_progress, "_ASK_S", 0.0)
    monkeypatch.setattr(taking, "_WORTH", 0.0)


async def at_checkpoints(*, worked_s: float, began_s: float, has_checkpoint: bool) -> bool:
    return has_checkpoint


async def test_what_gives_way_at_every_batch_does_all_of_its_work_once(
    database: Any, tmp_path: Path
):
    one = Taker(database, tmp_path, batch_rows=10)

    async def in_turns(job: Job) -> Job:
        turns = 0
        while (now := await one.job(job.id)).needs_work:
            assert (now.waits_since is None) == (turns == 0)
            assert await one.take._work.work(job.id, at_checkpoints)
            turns += 1
        assert turns == ROWS // 10
        return now

    file = await in_turns(await one.file(0, ROWS, by="admin:1"))
    await one.assert_done_once({file.id: ROWS})
    before = await one.register()
    preview = await one.changing(BulkAction.ADD_TAG, VIP.id)
    assert await one.manage.confirm(preview.id)
    change = await in_turns(preview)
    assert (change.state, change.counts.rows) == (JobState.DONE, ROWS)
    assert change.counts.updated == ROWS
    undo = await one.manage.undo(change.id, by="admin:1")
    assert isinstance(undo, Job)
    assert (await in_turns(undo)).counts.updated == ROWS
    assert await one.register() == before
    assert [shown.state for shown, _ in one.notifier.shown] == [JobState.RUNNING] * 9


async def test_a_short_file_waits_for_no_long_one_and_long_ones_take_turns(
    database: Any, tmp_path: Path
):
    one = Taker(database, tmp_path, batch_rows=10, round_s=0.01, slice_s=0.0, turn_s=0.0)
    gated = Gated(one.run)
    one.works_by(gated)
    async with one.at_work():
        long = [
            await one.file(number * ROWS, ROWS, said=LONG, by="admin:1") for number in range(3)
        ]
        # Every place where a job may take long is taken, and will be for ever.
        short = await one.file(9_000, 50, by="admin:1")
        await until(lambda: one.is_over(short))

        async def is_told() -> bool:
            return {job.id for job, _ in one.notifier.shown if job.waits_since} >= {
                job.id for job in long[2:]
            }

        await until(is_told)
        others = await one.file(5_000, ROWS, said=LONG, by="admin:2")
        gated.gate.set()
        await until(lambda: one.is_over(*long, others))
    await one.assert_done_once({short.id: 50, others.id: ROWS, **{j.id: ROWS for j in long}})
    left = {job.id for job, done in one.notifier.shown if job.waits_since and done.rows}
    assert left >= {long[0].id, long[1].id}
    # It was begun last, by somebody who had nothing at work.
    ends = {job.id: (await one.job(job.id)).ended_at for job in (others, *long)}
    assert ends[others.id] < max(at for at in ends.values() if at)
