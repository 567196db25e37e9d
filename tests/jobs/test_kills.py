"""An import that is killed twenty times ends like an undisturbed one."""

import random
from pathlib import Path
from typing import Any

import pytest

from bot.domain.job import JobState
from tests.jobs.kills import (
    KILLS,
    ROWS,
    Begun,
    Moments,
    assert_same,
    created_by,
    generated,
    opened,
    prefill,
    there_of,
    workers,
)
from tests.jobs.kills import database as database
from tests.jobs.kills import mongodb_uri as mongodb_uri

pytestmark = pytest.mark.embedded


async def test_twenty_kills_leave_an_import_as_if_there_had_been_none(
    database: Any, mongodb_uri: str, tmp_path: Path
):
    chance = random.Random(KILLS)  # noqa: S311 - the same every time
    sent, there = generated(ROWS), there_of(ROWS)
    await prefill(database, there)
    async with opened(mongodb_uri) as second:
        await prefill(second, there)
        other = Begun(second, tmp_path)
        twin = await other.worked(await other.begun(sent, state=JobState.RUNNING))
        assert (twin.counts.rows, twin.counts.refused) == (ROWS, ROWS // 100)
        runner = Begun(database, tmp_path)
        job = await runner.begun(sent, state=JobState.RUNNING)
        moments = Moments(runner, job.id)
        async with workers(mongodb_uri, runner) as some:
            for _ in range(3):
                await some.killed_when(await moments.claimed())
            while some.kills < KILLS - 3:
                await some.killed_when(await moments.batches(chance.randint(1, 4)))
            # At the last kills every row is written, and the refused rows are not yet reported.
            await some.killed_when(await moments.written(twin.batches))
            await some.killed_when(await moments.claimed())
            await some.killed_when(await moments.claimed())
            assert (await runner.job(job.id)).is_active
            job = await some.finishes(job.id)
            assert some.kills == KILLS
        await assert_same(runner, job, other, twin)
        assert await runner.result(job) == await other.result(twin)
    # Each row was written once: the register holds exactly the people that the batches name.
    created = await created_by(runner, job)
    assert len(created) == len(set(created)) == job.counts.created
    found = await database["registrations"].find({}, {"_id": 1}).to_list(None)
    assert {one["_id"] for one in found} == {*created, *(one.id for one in there)}
