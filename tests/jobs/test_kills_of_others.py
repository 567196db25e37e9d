"""An undo and a dry run that are killed end like undisturbed ones."""

import random
from pathlib import Path
from typing import Any

import pytest

from bot.domain.job import Job, JobState
from tests.jobs.conftest import JobRunner
from tests.jobs.kills import (
    Begun,
    Moments,
    assert_whole,
    content,
    generated,
    opened,
    prefill,
    there_of,
    workers,
)
from tests.jobs.kills import database as database
from tests.jobs.kills import mongodb_uri as mongodb_uri

pytestmark = pytest.mark.embedded


async def test_kills_leave_an_undo_as_if_there_had_been_none(
    database: Any, mongodb_uri: str, tmp_path: Path
):
    rows = 1_000
    chance = random.Random(rows)  # noqa: S311 - the same every time
    sent, there = generated(rows), there_of(rows)
    async with opened(mongodb_uri) as second:
        runner, other = Begun(database, tmp_path), Begun(second, tmp_path)
        for one in (runner, other):
            await prefill(one.database, there)
        before = await content(database)
        imported, twin = [
            await one.worked(await one.begun(sent, state=JobState.RUNNING))
            for one in (runner, other)
        ]
        undo = await runner.manage.undo(imported.id, by="admin:1")
        assert isinstance(undo, Job)
        moments = Moments(runner, undo.id)
        async with workers(mongodb_uri, runner) as some:
            await some.killed_when(await moments.claimed())
            for _ in range(4):
                await some.killed_when(await moments.batches(chance.randint(1, 3)))
            assert (await runner.job(undo.id)).is_active
            undo = await some.finishes(undo.id)
        second = await other.manage.undo(twin.id, by="admin:1")
        assert isinstance(second, Job)
        await assert_undone(runner, undo, other, await other.worked(second))
        assert {key: own(one) for key, one in (await content(database)).items()} == {
            key: own(one) for key, one in before.items()
        }


def own(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document without `updated` and `version`, which an undo changes."""
    return {key: one for key, one in document.items() if key not in ("updated", "version")}


async def assert_undone(runner: JobRunner, undo: Job, other: JobRunner, twin: Job) -> None:
    assert (await runner.job(undo.undoes or 0)).undone_by == undo.id
    assert (undo.state, undo.counts) == (twin.state, twin.counts)
    assert undo.state is JobState.DONE
    assert undo.counts.removed
    assert undo.counts.updated
    assert await content(runner.database) == await content(other.database)
    await assert_whole(runner.database)


async def test_kills_leave_a_dry_run_as_if_there_had_been_none(
    database: Any, mongodb_uri: str, tmp_path: Path
):
    rows = 1_500
    sent = generated(rows)
    await prefill(database, there_of(rows))
    runner = Begun(database, tmp_path)
    drafts = [await runner.begun(sent, state=JobState.DRAFT) for _ in range(2)]
    for one in drafts:
        assert await runner.manage.check(one.id)
    twin = await runner.worked(drafts[1])
    before = await runner.register()
    moments = Moments(runner, drafts[0].id)
    async with workers(mongodb_uri, runner) as some:
        for _ in range(5):
            await some.killed_when(await moments.claimed())
        assert (await runner.job(drafts[0].id)).state is JobState.CHECKING
        job = await some.finishes(drafts[0].id)
    assert job.state is twin.state is JobState.CHECKED
    assert (job.preview, job.samples) == (twin.preview, twin.samples)
    assert await runner.register() == before
    # Once confirmed, the import does what the preview showed.
    assert await runner.manage.confirm(job.id)
    done = await runner.worked(job)
    # What could be accepted is asked about in the preview only.
    assert done.counts == job.preview.model_copy(update={"problems": {}})
