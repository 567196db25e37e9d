"""Support for tests of killed workers: workers to kill, moments to do it, and files."""

import asyncio
import os
import random
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.demo.documents import make_cpf
from bot.domain.job import Batch, Counts, Job, JobState
from bot.domain.registration import ChangeSource, Kind, Provenance, Registration
from bot.usecases.jobs.manage_jobs import ManageJobs
from storage.engine.connection import connected
from storage.engine.indexes import ensure_indexes
from storage.jobs.choices import Choices
from storage.register.bulk import Bulk
from storage.register.verify import verify
from tests import warm
from tests.jobs.conftest import HEADER, JobRunner, table
from tests.jobs.worker import BATCH_ROWS
from tests.patience import HANG_S
from tests.storage.servers import is_running, short_lived

ROWS = 3_500
KILLS = 20
NOW = datetime(2026, 11, 24, 15, 30, 1, 234_000, tzinfo=UTC)
FIRST = 100_000_000
BEFORE = Provenance(at=NOW, by="admin:9", way=ChangeSource.CHAT)
# Fields that depend on the random id of a registration.
OF_THE_ID = ("_id", "sort_name", "words", "marks", "seal")


class Begun(JobRunner):
    """A runner that begins jobs without working on them.

    Its clock stands still, because the time is part of the stored data.
    """

    def __init__(self, database: Any, folder: Path) -> None:
        super().__init__(database, folder, batch_rows=BATCH_ROWS)
        self.manage = ManageJobs(
            store=self.store,
            files=self.files,
            choices=Choices(database),
            wake=self._nobody,
            clock=lambda: NOW,
        )

    async def _nobody(self, job_id: int) -> None:
        """Do nothing: a worker process will find the job."""

    async def worked(self, job: Job) -> Job:
        """Work on the job here without interruption, and return it."""
        await self.work.work(job.id)
        return await self.job(job.id)


@dataclass(frozen=True)
class Moment:
    batch: int
    """The last batch written at that moment."""
    has_come: Callable[[], Awaitable[bool]]


class Workers:
    """One process at a time that works on the jobs of a database."""

    def __init__(
        self, uri: str, runner: JobRunner, erp_url: str = "", broker_url: str = ""
    ) -> None:
        self._of = (uri, runner.database.name, str(runner.folder), erp_url)
        self._broker_url = broker_url
        self._runner = runner
        self._process: warm.Command | None = None
        self.kills = 0

    async def start(self, *, halts_at: int | None = None) -> None:
        """Start a process.

        halts_at: the batch that it does not finish; it does not reach the job's end either.
        """
        # No coverage: it would double the time, and a killed process reports none.
        env = {k: v for k, v in os.environ.items() if not k.startswith("COVERAGE_")}
        self._process = await warm.begin(
            *self._of,
            "" if halts_at is None else str(halts_at),
            self._broker_url,
            module="tests.jobs.worker",
            cwd=self._runner.folder,
            env=env | {"PYTHONPATH": os.pathsep.join(sys.path)},
            stderr=sys.__stderr__.fileno(),
        )

    async def kill(self) -> None:
        """Kill the process, as a power cut would."""
        assert self._process is not None
        assert is_running(self._process.pid)
        await self.close()
        self.kills += 1

    async def killed_when(self, moment: Moment) -> None:
        """Start a process, and kill it when the moment has come.

        The place of the kill is random, but its range is fixed: the process may have written one
        batch more, and it has not reached the job's end.
        """
        await self.start(halts_at=moment.batch + 1)
        await until(moment.has_come)
        await self.kill()

    async def finishes(self, job_id: int) -> Job:
        """Let a new process finish the job, and return the job."""
        await self.start()

        async def is_left() -> bool:
            job = await self._runner.job(job_id)
            return not job.is_active and job.owner is None

        await until(is_left)
        await self.close()
        return await self._runner.job(job_id)

    async def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            await self._process.communicate()
            self._process = None


@asynccontextmanager
async def workers(
    uri: str, runner: JobRunner, erp_url: str = "", broker_url: str = ""
) -> AsyncIterator[Workers]:
    """Give the workers, and kill the last one at the end."""
    some = Workers(uri, runner, erp_url, broker_url)
    try:
        yield some
    finally:
        await some.close()


@asynccontextmanager
async def opened(uri: str) -> AsyncIterator[Any]:
    """Create a database; it is not dropped, as its server is discarded."""
    async with connected(uri, f"test_{uuid.uuid4().hex[:12]}") as database:
        await ensure_indexes(database)
        yield database


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(HANG_S):
        while not await true():  # noqa: ASYNC110 - another process sets no event
            await asyncio.sleep(0.01)


class Moments:
    """The moments of a job that a test can wait for."""

    def __init__(self, runner: JobRunner, job_id: int) -> None:
        self._runner = runner
        self._job_id = job_id
        self._done = 0

    async def claimed(self) -> Moment:
        """Return the moment when another worker has claimed the job."""
        before = (await self._runner.job(self._job_id)).owner

        async def claimed() -> bool:
            job = await self._runner.job(self._job_id)
            return job.owner is not None and job.owner != before

        return Moment(await self._written(), claimed)

    async def batches(self, more: int) -> Moment:
        """Return the moment when `more` further batches are written."""
        return await self.written(await self._written() + more)

    async def written(self, count: int) -> Moment:
        """Return the moment when `count` batches are written in all."""

        async def written() -> bool:
            return await self._written() >= count

        return Moment(count, written)

    async def _written(self) -> int:
        while await self._runner.store.batch(self._job_id, self._done + 1):
            self._done += 1
        return self._done


def generated(rows: int) -> bytes:
    """Return a CSV file of mostly new people; every 100th row is refused.

    `there_of` gives the people who are in the register already.
    """
    chance = random.Random(rows)  # noqa: S311 - the same every time
    lines: list[tuple[str, ...]] = [HEADER]
    for number in range(rows):
        tax_id, email = make_cpf(FIRST + number).masked, f"p{number}@example.com.br"
        if number % 100 == 7:
            # The tax id of an earlier, accepted row, so that it is a repeated key.
            before = chance.randrange(number) // 100 * 100 + 1
            wrong = (
                (tax_id, "nada"),
                ("111.111.111-11", email),
                (make_cpf(FIRST + before).masked, email),
            )
            tax_id, email = chance.choice(wrong)
        lines.append((name_of(number), tax_id, "", email, "cliente", "", ""))
    return table(lines)


def name_of(number: int) -> str:
    return f"José Conceição {number}"


def there_of(rows: int) -> list[Registration]:
    """Return the people of `generated` who are registered already.

    Every 50th person: half with another e-mail and half without. Besides, a stretch of rows / 25
    people whose data equals the file's.
    """
    stretch = range(rows // 2, rows // 2 + rows // 25)
    return [
        Registration(
            id=f"{number:032x}",
            tax_id=make_cpf(FIRST + number),
            name=name_of(number),
            email=f"p{number}@example.com.br"
            if number in stretch
            else None
            if number % 100
            else "velho@example.com.br",
            kinds=frozenset((Kind.CUSTOMER,)),
            created=BEFORE,
            updated=BEFORE,
        )
        for number in range(rows)
        if number in stretch or number % 50 == 0
    ]


async def prefill(database: Any, some: Sequence[Registration]) -> None:
    bulk = Bulk(database)
    for start in range(0, len(some), BATCH_ROWS):
        batch = Batch(job=0, number=start // BATCH_ROWS + 1, last_line=0, counts=Counts())
        creates = bulk.encoded(some[start : start + BATCH_ROWS])
        assert await bulk.write(batch, provenance=BEFORE, creates=creates)


async def content(database: Any) -> dict[str, dict[str, Any]]:
    """Return every registration by its tax id, without fields that depend on random ids."""
    found = await database["registrations"].find({}).to_list(None)
    return {
        document["tax_key"]: {k: v for k, v in document.items() if k not in OF_THE_ID}
        for document in found
    }


async def audit(database: Any) -> list[Any]:
    """Return every audit entry with its hashes.

    They are comparable, as changed registrations had their ids before.
    """
    found = await database["audit"].find({}).to_list(None)
    return sorted(found, key=lambda entry: str(entry["_id"]))


async def reported_rows(runner: JobRunner, job: Job) -> dict[str, list[Any]]:
    """Return all that the job's batches report about rows."""
    found: dict[str, list[Any]] = {"refused": [], "repaired": [], "replanned": [], "kept": []}
    async for batch in runner.store.batches(job.id):
        for name, some in found.items():
            some += getattr(batch, name)
    return found


async def created_by(runner: JobRunner, job: Job) -> list[str]:
    return [one async for batch in runner.store.batches(job.id) for one in batch.created]


async def assert_whole(database: Any) -> None:
    found = await verify(database, lambda _: None)
    assert not found.broken, found.broken[:3]


async def assert_same(runner: JobRunner, job: Job, other: JobRunner, twin: Job) -> None:
    assert (job.state, job.counts) == (twin.state, twin.counts)
    assert job.state is JobState.DONE
    assert await reported_rows(runner, job) == await reported_rows(other, twin)
    assert await content(runner.database) == await content(other.database)
    assert await audit(runner.database) == await audit(other.database)
    await assert_whole(runner.database)


@pytest.fixture(scope="module")
async def mongodb_uri(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Start a server for this file alone: to drop so many rows takes longer than to write them."""
    async with short_lived(tmp_path_factory.mktemp("data")) as uri:
        yield uri


@pytest.fixture
async def database(mongodb_uri: str) -> AsyncIterator[Any]:
    async with opened(mongodb_uri) as database:
        yield database
