"""Workers start and die: one worker at a time has a job; no row is lost or written twice."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.domain.errors import TryLaterError
from bot.domain.job import Batch, Job, JobState, JobTrouble, Progress, Report
from bot.domain.job_change import JobChange
from bot.runtime.jobs.job_progress import JobProgress
from bot.runtime.jobs.worker import Run, WorkJobs
from bot.usecases.jobs.manage_jobs import ManageJobs
from storage.engine.connection import connected
from storage.engine.embedded import embedded_server
from storage.engine.indexes import ensure_indexes
from storage.jobs.choices import Choices
from storage.register.verify import verify
from tests.jobs.conftest import HEADER, JobRunner, RecordingNotifier
from tests.jobs.rows import row
from tests.patience import HANG_S
from tests.second_server import MONGODB
from tests.storage.servers import connected_until_lost, kill, noted_pid, short_lived

CHAT = Progress(chat_id=1, message_id=2)
BATCH_ROWS = 100
ROWS = 8 * BATCH_ROWS
LEASE = timedelta(hours=1)
"""Expires by the test's clock only: no test lasts a third of it, when it is renewed."""
LOOKS_AFTER_S = 0.3
"""Seconds after which a worker has looked at its job again."""


class Clock:
    """A clock that only the test advances."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 24, 15, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, span: timedelta) -> None:
        self.now += span


class Halting:
    """The real run, which halts before it reports batch `at` as written."""

    def __init__(self, run: Run, at: int) -> None:
        self._run = run
        self._at = at
        self.halted = asyncio.Event()
        self.goes_on = asyncio.Event()

    async def __call__(self, job: Job, folder: Path, pace: JobProgress) -> JobChange:
        wrote = pace.wrote

        async def halting(batch: Batch) -> bool:
            if batch.number == self._at:
                self.halted.set()
                await self.goes_on.wait()
            return await wrote(batch)

        pace.wrote = halting  # type: ignore[method-assign]
        return await self._run(job, folder, pace)


class Dying:
    """The real run, cancelled as soon as `at` batches are written."""

    def __init__(self, run: Run, at: int) -> None:
        self._run = run
        self._at = at

    async def __call__(self, job: Job, folder: Path, pace: JobProgress) -> JobChange:
        async def dying(batch: Batch) -> bool:
            if batch.number == self._at:
                raise asyncio.CancelledError
            return True

        if pace.batch >= self._at:
            raise asyncio.CancelledError
        pace.wrote = dying  # type: ignore[method-assign]
        return await self._run(job, folder, pace)


class HangingNotifier(RecordingNotifier):
    """A notifier whose `notify` never returns."""

    def __init__(self) -> None:
        super().__init__()
        self.notifying = asyncio.Event()

    async def notify(self, job: Job, report: Report, files: Sequence[Path]) -> None:
        self.notifying.set()
        await asyncio.Event().wait()


class Replica(JobRunner):
    """One of several processes on a database; it works on a job only if the test calls it."""

    def __init__(self, database: Any, folder: Path, clock: Clock, *, notifier: Any = None) -> None:
        super().__init__(database, folder, notifier=notifier, batch_rows=BATCH_ROWS)
        self.now = clock
        self.work = self.worker(self.run)
        self.manage = ManageJobs(
            store=self.store,
            files=self.files,
            choices=Choices(database),
            wake=self._nobody,
            clock=clock,
        )

    def worker(self, run: Run, **more: Any) -> WorkJobs:
        return super().worker(run, **{"lease": LEASE, **more})

    def halts(self, at: int, **more: Any) -> Halting:
        halting = Halting(self.run, at)
        self.work = self.worker(halting, **more)
        return halting

    async def works(self, job: Job) -> Job:
        await self.work.work(job.id)
        return await self.job(job.id)

    async def batches(self, job: Job) -> list[Batch]:
        return [batch async for batch in self.store.batches(job.id)]

    async def _nobody(self, job_id: int) -> None:
        """Do nothing: each test chooses the worker."""


@pytest.fixture(scope="module")
async def mongodb_uri(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Start a server for this file alone: to drop so many rows takes longer than to write them."""
    if MONGODB:
        yield MONGODB
        return
    async with short_lived(tmp_path_factory.mktemp("data")) as uri:
        yield uri


@pytest.fixture
async def database(mongodb_uri: str) -> AsyncIterator[Any]:
    async with opened(mongodb_uri) as database:
        yield database


@asynccontextmanager
async def opened(uri: str) -> AsyncIterator[Any]:
    """Create a database; it is dropped only where its server is not discarded."""
    async with connected(uri, f"test_{uuid.uuid4().hex[:12]}") as database:
        await ensure_indexes(database)
        yield database
        if MONGODB:
            await database.client.drop_database(database.name)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def replicas(database: Any, tmp_path: Path, clock: Clock) -> tuple[Replica, Replica]:
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
    first, second = (Replica(database, folder, clock) for folder in folders)
    return first, second


def people(start: int = 0, count: int = ROWS, **more: str) -> list[Sequence[str]]:
    return [HEADER, *(row(number, **more) for number in range(start, start + count))]


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(HANG_S):
        while not await true():  # noqa: ASYNC110 - another worker sets no event
            await asyncio.sleep(0.01)


async def looks_again() -> None:
    """Return after the time in which every worker looks at its job again."""
    since = time.monotonic()

    async def is_over() -> bool:
        return time.monotonic() - since > LOOKS_AFTER_S

    await until(is_over)


async def no_broker(job_id: str) -> None:
    raise TryLaterError("the broker is away")


async def assert_done_once(one: Replica, job: Job) -> None:
    job = await one.job(job.id)
    assert job.state is JobState.DONE
    assert job.counts.model_dump(exclude_defaults=True) == {"rows": ROWS, "created": ROWS}
    batches = await one.batches(job)
    assert [batch.number for batch in batches] == list(range(1, ROWS // BATCH_ROWS + 1))
    assert await one.database["job_batches"].count_documents({}) == len(batches)
    named = {one for batch in batches for one in batch.created}
    assert named == set(await one.register())
    assert len(named) == ROWS
    assert not (await verify(one.database, lambda _: None)).broken


async def test_a_job_that_somebody_works_on_is_left_alone(replicas: tuple[Replica, Replica]):
    first, second = replicas
    job = await first.begun(people(), state=JobState.RUNNING)
    halting = first.halts(at=3)
    working = asyncio.create_task(first.works(job))
    await halting.halted.wait()
    await second.works(job)
    assert (await first.job(job.id)).is_active
    assert len(await first.batches(job)) == 3
    halting.goes_on.set()
    await working
    await assert_done_once(first, job)


@pytest.mark.parametrize("looks", [True, False], ids=["looks", "writes"])
async def test_who_lost_its_lease_writes_no_batch_twice(
    replicas: tuple[Replica, Replica], clock: Clock, looks: bool
):
    first, second = replicas
    job = await first.begun(people(), state=JobState.RUNNING)
    halting, other = first.halts(at=3), second.halts(at=6)
    working = asyncio.create_task(first.works(job))
    await halting.halted.wait()
    clock.pass_by(LEASE + timedelta(seconds=1))
    taking_over = asyncio.create_task(second.works(job))
    await other.halted.wait()
    mine = (await first.job(job.id)).owner
    if looks:
        await looks_again()
    halting.goes_on.set()
    left = await working
    # The first worker has not touched the job that the second one took over.
    assert (left.state, left.owner) == (JobState.RUNNING, mine)
    assert len(await first.batches(job)) == 6
    other.goes_on.set()
    await taking_over
    await assert_done_once(first, job)


async def test_a_worker_whose_job_another_has_finished_ends_quietly(
    replicas: tuple[Replica, Replica], clock: Clock
):
    first, second = replicas
    job = await first.begun(people(), state=JobState.RUNNING)
    halting = first.halts(at=3)
    working = asyncio.create_task(first.works(job))
    await halting.halted.wait()
    clock.pass_by(LEASE + timedelta(seconds=1))
    done = await second.works(job)
    halting.goes_on.set()
    assert await working == done
    await assert_done_once(first, job)


async def test_a_worker_that_hangs_is_ended_when_its_lease_is_lost(
    replicas: tuple[Replica, Replica], clock: Clock
):
    first, second = replicas
    job = await first.begun(people(), state=JobState.RUNNING)
    halting = first.halts(at=3, lease=timedelta(seconds=0.3))
    working = asyncio.create_task(first.works(job))
    await halting.halted.wait()
    # It renews its lease ten times a second, until the other worker takes over in between.
    while (await second.works(job)).is_active:
        clock.pass_by(LEASE + timedelta(seconds=1))
    async with asyncio.timeout(HANG_S):
        await working
    assert not halting.goes_on.is_set()
    await assert_done_once(first, job)


async def test_cancelled_it_ends_with_its_present_batch(replicas: tuple[Replica, Replica]):
    first, _ = replicas
    rows = [*people(count=1, email="nada"), *people(1)[1:]]
    job = await first.begun(rows, state=JobState.RUNNING)
    halting = first.halts(at=3)
    working = asyncio.create_task(first.works(job))
    await halting.halted.wait()
    assert await first.manage.cancel(job.id)
    await looks_again()
    halting.goes_on.set()
    job = await working
    done = await first.batches(job)
    assert job.state is JobState.CANCELLED
    assert len(done) == job.batches == 3
    assert job.counts.rows == sum(batch.counts.rows for batch in done)
    assert len(await first.register()) == job.counts.created
    # The work done is reported, and can be undone.
    assert len(job.results) == 1
    assert job.can_be_undone


@pytest.mark.parametrize("at", [0, 1], ids=["first-batch", "second-batch"])
async def test_a_job_that_kills_its_workers_ends(replicas: tuple[Replica, Replica], at: int):
    first, second = replicas
    job = await first.begun(people(), state=JobState.RUNNING)
    first.work = first.worker(Dying(first.run, at))
    tries = 0
    while job.is_active:
        with suppress(asyncio.CancelledError):
            await first.works(job)
        job = await first.job(job.id)
        tries += 1
        assert tries < 20
    assert (job.state, job.trouble) == (JobState.FAILED, JobTrouble.TOO_MANY_TRIES)
    assert job.counts.created == len(await first.register()) == at * BATCH_ROWS
    assert await second.works(job) == job


async def test_a_job_whose_file_is_gone_says_so(replicas: tuple[Replica, Replica]):
    first, _ = replicas
    job = await first.begun(people(count=1), state=JobState.RUNNING)
    assert job.source
    await first.files.delete(job.source.file_id)
    job = await first.works(job)
    assert (job.state, job.trouble) == (JobState.FAILED, JobTrouble.FILE_GONE)


async def test_who_was_killed_before_it_told_has_another_tell(
    database: Any, replicas: tuple[Replica, Replica], tmp_path: Path, clock: Clock
):
    killed = Replica(database, tmp_path, clock, notifier=HangingNotifier())
    job = await killed.begun(people(count=3, email="nada"), state=JobState.RUNNING)
    await killed.store.force_update(job.id, progress=CHAT)
    notifying = asyncio.create_task(killed.works(job))
    await killed.notifier.notifying.wait()
    notifying.cancel()
    with suppress(asyncio.CancelledError):
        await notifying
    ended = await killed.job(job.id)
    assert (ended.state, ended.told) == (JobState.DONE, False)
    for one in replicas:
        await one.works(job)
    [(told, report, files)] = [end for one in replicas for end in one.notifier.ends]
    assert (told.id, len(report.refused), len(files)) == (job.id, 3, 1)
    assert (await killed.job(job.id)).told
    # The end is notified, and the work is not repeated.
    assert len(await killed.batches(job)) == ended.batches == 1


@pytest.mark.embedded
async def test_when_the_database_was_gone_the_job_goes_on(tmp_path: Path):
    clock = Clock()
    async with (
        embedded_server(tmp_path) as uri,
        connected_until_lost(uri) as database,
    ):
        await ensure_indexes(database)
        first = Replica(database, tmp_path, clock)
        job = await first.begun(people(), state=JobState.RUNNING)
        halting = first.halts(at=3)
        working = asyncio.create_task(first.work.work(job.id))
        await halting.halted.wait()
        await kill(noted_pid(tmp_path))
        halting.goes_on.set()
        async with asyncio.timeout(HANG_S):
            await working
    async with short_lived(tmp_path) as uri, connected(uri, "balcao") as database:
        second = Replica(database, tmp_path, clock)
        left = await second.job(job.id)
        assert left.is_active
        assert left.owner
        clock.pass_by(LEASE + timedelta(seconds=1))
        await second.works(job)
        await assert_done_once(second, job)


async def test_who_looks_after_jobs_finds_those_that_nobody_works_on(
    replicas: tuple[Replica, Replica], clock: Clock
):
    first, second = replicas
    job = await first.begun(people(), state=JobState.RUNNING)
    halting = first.halts(at=3)
    working = asyncio.create_task(first.works(job))
    await halting.halted.wait()
    clock.pass_by(LEASE + timedelta(seconds=1))
    keeping = asyncio.create_task(second.taking(second.work).run_forever(no_broker))

    async def is_over() -> bool:
        return not (await second.job(job.id)).is_active

    await until(is_over)
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    halting.goes_on.set()
    await working
    await assert_done_once(first, job)


async def test_files_are_kept_for_a_week(
    database: Any, replicas: tuple[Replica, Replica], clock: Clock
):
    first, _ = replicas
    refused = people(count=3, email="nada")
    draft = await first.begun(refused, state=JobState.DRAFT)
    checked = await first.begun(refused, state=JobState.DRAFT)
    assert await first.manage.check(checked.id)
    assert (await first.works(checked)).state is JobState.CHECKED
    done = await first.works(await first.begun(refused, state=JobState.RUNNING))
    clock.pass_by(timedelta(days=1))
    later = await first.works(await first.begun(refused, state=JobState.RUNNING))
    clock.pass_by(timedelta(days=6, seconds=1))
    keeping = asyncio.create_task(first.taking(first.work).run_forever(no_broker))

    async def is_purged() -> bool:
        jobs = [await first.job(one.id) for one in (draft, checked, done)]
        return not any(file.file_id for job in jobs for file in (job.source, *job.results) if file)

    await until(is_purged)
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    ends = [await first.job(one.id) for one in (draft, checked, done)]
    assert [job.state for job in ends] == [
        JobState.CANCELLED,
        JobState.CANCELLED,
        JobState.DONE,
    ]
    [kept] = (await first.job(later.id)).results
    found = await database["files.files"].find({}).to_list(None)
    assert [str(one["_id"]) for one in found] == [kept.file_id]
    assert await first.manage.confirm(checked.id) is None


async def test_two_files_with_the_same_people_at_once_create_each_once(
    replicas: tuple[Replica, Replica],
):
    emails = ("a@example.com.br", "b@example.com.br")
    jobs = [
        await one.begun(people(email=email), state=JobState.RUNNING)
        for one, email in zip(replicas, emails, strict=True)
    ]
    jobs = await asyncio.gather(*(o.works(job) for o, job in zip(replicas, jobs, strict=True)))
    assert [job.state for job in jobs] == [JobState.DONE, JobState.DONE]
    assert sum(job.counts.created for job in jobs) == ROWS
    for job in jobs:
        counts = job.counts
        assert counts.created + counts.updated + counts.unchanged == counts.rows == ROWS
    first = replicas[0]
    stored = await first.database["registrations"].find({}).to_list(None)
    assert len({one["tax_key"] for one in stored}) == len(stored) == ROWS
    assert {one["email"] for one in stored} <= set(emails)
    created = [one for job in jobs for batch in await first.batches(job) for one in batch.created]
    assert sorted(created) == sorted(one["_id"] for one in stored)
    assert not (await verify(first.database, lambda _: None)).broken
