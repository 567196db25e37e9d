"""What tests of killed workers need: workers to kill, moments to do it, and files."""

import asyncio
import os
import random
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
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
from tests.jobs.conftest import HEADER, Bench, table
from tests.jobs.worker import BATCH_ROWS
from tests.patience import HANG_S
from tests.storage.servers import is_running, kill, short_lived

ROWS = 10_000
KILLS = 20
NOW = datetime(2026, 11, 24, 15, 30, 1, 234_000, tzinfo=UTC)
FIRST = 100_000_000
BEFORE = Provenance(at=NOW, by="admin:9", way=ChangeSource.CHAT)
# What holds the random id of a registration that the import created.
OF_THE_ID = ("_id", "sort_name", "words", "marks", "seal")


class Begun(Bench):
    """Begins jobs without working on them, all at one time of day: it is in what they write."""

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
        """Whoever looks after jobs will find it."""

    async def worked(self, job: Job) -> Job:
        """The job after it was worked on here, undisturbed."""
        await self.work.work(str(job.id))
        return await self.job(job.id)


@dataclass(frozen=True)
class Moment:
    batch: int
    """That is written last by then."""
    has_come: Callable[[], Awaitable[bool]]


class Workers:
    """One process at a time that works on the jobs of a database."""

    def __init__(self, forking: asyncio.subprocess.Process, bench: Bench) -> None:
        self._forking = forking
        self._bench = bench
        self._pid: int | None = None
        self.kills = 0

    async def start(self, *, halts_at: int | None = None) -> None:
        """halts_at: the batch that it does not go beyond, nor to the end of the job."""
        assert self._forking.stdin
        assert self._forking.stdout
        self._forking.stdin.write(b"\n" if halts_at is None else b"%d\n" % halts_at)
        self._pid = int(await self._forking.stdout.readline())

    async def kill(self) -> None:
        """End it as the power does."""
        assert self._pid is not None
        assert is_running(self._pid)
        await self.close()
        self.kills += 1

    async def killed_when(self, moment: Moment) -> None:
        """One that is started, and killed when this has come about.

        Where it is killed is chance, and how far it gets until then is not: it may have written
        one batch more, and it has not come to the end.
        """
        await self.start(halts_at=moment.batch + 1)
        await until(moment.has_come)
        await self.kill()

    async def finishes(self, job_id: int) -> Job:
        """The job after one was left alone with it."""
        await self.start()

        async def is_left() -> bool:
            job = await self._bench.job(job_id)
            return not job.is_active and job.owner is None

        await until(is_left)
        await self.close()
        return await self._bench.job(job_id)

    async def close(self) -> None:
        if self._pid is not None:
            with suppress(ProcessLookupError):
                await kill(self._pid)
            self._pid = None


@asynccontextmanager
async def workers(uri: str, bench: Bench, *more: str) -> AsyncIterator[Workers]:
    """more: what such a process is told beyond the database."""
    forking = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.jobs.worker"),
        *(uri, bench.database.name, str(bench.folder), *more),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        # Not measured: it would take twice as long, and what is killed tells nothing.
        env={
            **{k: v for k, v in os.environ.items() if not k.startswith("COVERAGE_")},
            "PYTHONPATH": os.pathsep.join(sys.path),
        },
    )
    some = Workers(forking, bench)
    try:
        yield some
    finally:
        await some.close()
        # With nobody to tell it anything it ends.
        await forking.communicate(b"")


@asynccontextmanager
async def opened(uri: str) -> AsyncIterator[Any]:
    """A new database, left to be thrown away with its server."""
    async with connected(uri, f"test_{uuid.uuid4().hex[:12]}") as database:
        await ensure_indexes(database)
        yield database


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(HANG_S):
        while not await true():  # noqa: ASYNC110 - another process sets no event
            await asyncio.sleep(0.01)


class Moments:
    """What of a job can be waited for."""

    def __init__(self, bench: Bench, job_id: int) -> None:
        self._bench = bench
        self._job_id = job_id
        self._done = 0

    async def claimed(self) -> Moment:
        """Another worker than the one of now has it."""
        before = (await self._bench.job(self._job_id)).owner

        async def claimed() -> bool:
            job = await self._bench.job(self._job_id)
            return job.owner is not None and job.owner != before

        return Moment(await self._written(), claimed)

    async def batches(self, more: int) -> Moment:
        """So many batches more are written than are now."""
        return await self.written(await self._written() + more)

    async def written(self, count: int) -> Moment:
        """So many batches are written in all."""

        async def written() -> bool:
            return await self._written() >= count

        return Moment(count, written)

    async def _written(self) -> int:
        while await self._bench.store.batch(self._job_id, self._done + 1):
            self._done += 1
        return self._done


def generated(rows: int) -> bytes:
    """Mostly people who are new, every 100th row refused; what there is of them already is told
    by `there_of`."""
    chance = random.Random(rows)  # noqa: S311 - the same every time
    lines: list[tuple[str, ...]] = [HEADER]
    for number in range(rows):
        tax_id, email = make_cpf(FIRST + number).masked, f"p{number}@example.com.br"
        if number % 100 == 7:
            # Of somebody further up who is not refused, so that it is a repetition.
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
    """Every 50th of them: half with another e-mail, half without; and a stretch of some hundreds
    just as the file has them."""
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
    """Every registration by its tax id, but for what follows from an id that chance gave."""
    found = await database["registrations"].find({}).to_list(None)
    return {
        document["tax_key"]: {k: v for k, v in document.items() if k not in OF_THE_ID}
        for document in found
    }


async def audit(database: Any) -> list[Any]:
    """Every entry with its hashes: those who are changed had their ids before."""
    found = await database["audit"].find({}).to_list(None)
    return sorted(found, key=lambda entry: str(entry["_id"]))


async def told_of(bench: Bench, job: Job) -> dict[str, list[Any]]:
    """What is told of the rows, all of it."""
    found: dict[str, list[Any]] = {"refused": [], "repaired": [], "replanned": [], "kept": []}
    async for batch in bench.store.batches(job.id):
        for name, some in found.items():
            some += getattr(batch, name)
    return found


async def created_by(bench: Bench, job: Job) -> list[str]:
    return [one async for batch in bench.store.batches(job.id) for one in batch.created]


async def assert_whole(database: Any) -> None:
    found = await verify(database, lambda _: None)
    assert not found.broken, found.broken[:3]


async def assert_same(bench: Bench, job: Job, other: Bench, twin: Job) -> None:
    assert (job.state, job.counts) == (twin.state, twin.counts)
    assert job.state is JobState.DONE
    assert await told_of(bench, job) == await told_of(other, twin)
    assert await content(bench.database) == await content(other.database)
    assert await audit(bench.database) == await audit(other.database)
    await assert_whole(bench.database)


@pytest.fixture(scope="module")
async def mongodb_uri(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """A server of this file's own: to drop so many rows takes longer than to write them."""
    async with short_lived(tmp_path_factory.mktemp("data")) as uri:
        yield uri


@pytest.fixture
async def database(mongodb_uri: str) -> AsyncIterator[Any]:
    async with opened(mongodb_uri) as database:
        yield database
