"""MongoDB refuses the writes of an import: an outage is waited for, a refusal ends the job."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from bot.domain.job import JobState, JobTrouble
from storage.engine.connection import connected
from tests.jobs.conftest import HEADER, JobRunner
from tests.jobs.rows import row
from tests.storage.wire import Wire, wire_before

ROWS = [HEADER, *(row(n) for n in range(1, 4))]
INSERT = ("insert", "registrations")


@pytest.fixture
def wire(mongodb_uri: str) -> Iterator[Wire]:
    with wire_before(urlsplit(mongodb_uri).port or 0) as wire:
        yield wire


@pytest.fixture
async def runner(
    wire: Wire, database: Any, mongodb_uri: str, tmp_path: Path
) -> AsyncIterator[JobRunner]:
    through = mongodb_uri.replace(f":{urlsplit(mongodb_uri).port}", f":{wire.port}")
    async with connected(through, database.name) as opened:
        yield JobRunner(opened, tmp_path)


async def test_an_import_outlives_an_outage_of_any_length(runner: JobRunner, wire: Wire):
    with wire.refusing(8000, INSERT):
        job = await runner.imported(ROWS)
        for _ in range(15):
            await runner.work.work(job.id)
        job = await runner.job(job.id)
        assert (job.state, job.tries) == (JobState.RUNNING, 0)
    await runner.work.work(job.id)
    job = await runner.job(job.id)
    assert (job.state, job.counts.created) == (JobState.DONE, 3)


async def test_an_import_that_is_refused_for_an_unknown_reason_ends(runner: JobRunner, wire: Wire):
    with wire.refusing(999_999, INSERT):
        job = await runner.imported(ROWS)
        for _ in range(15):
            await runner.work.work(job.id)
        job = await runner.job(job.id)
    assert (job.state, job.trouble) == (JobState.FAILED, JobTrouble.TOO_MANY_TRIES)


async def test_an_import_with_a_row_that_can_never_be_stored_ends_at_once(
    runner: JobRunner, wire: Wire
):
    refusal = [{"index": 1, "code": 121, "errmsg": "x"}]
    with wire.answering(INSERT, ok=1.0, n=1, writeErrors=refusal):
        job = await runner.imported(ROWS)
    assert (job.state, job.trouble) == (JobState.FAILED, JobTrouble.DATABASE)
    assert await runner.register() == {}
