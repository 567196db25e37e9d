"""The job broker: carries ids of jobs to workers, within this process or over NATS JetStream.

A job's document is the source of truth; only its id travels. The id may come late, twice, or not
at all when a process dies: each process finds unfinished jobs in the database, too.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext, suppress
from contextvars import Context
from typing import Final

import structlog
from taskiq import AsyncBroker, InMemoryBroker
from taskiq.acks import AcknowledgeType
from taskiq.exceptions import SendTaskError
from taskiq.kicker import AsyncKicker
from taskiq.receiver import Receiver

from bot.domain.errors import TryLaterError
from bot.runtime.jobs.jetstream import (
    ANSWER_S,
    JetStream,
    OnChange,
    nobody_minds,
    read_address,
)
from bot.runtime.supervisor import is_cancelled

Work = Callable[[str], Awaitable[None]]

_TASK: Final = "job"
_PAUSE_S: Final = 1.0
logger = structlog.get_logger()


class JobBroker:
    """Sends ids of jobs."""

    def __init__(self, broker: AsyncBroker, leaving: asyncio.Event) -> None:
        self._broker = broker
        self._leaving = leaving

    async def send(self, job_id: str) -> None:
        """Return once the broker has the id, which is before a worker starts on the job.

        Raises TryLaterError when the broker does not confirm within 3 seconds; the id may still
        have been sent.
        """
        if self._leaving.is_set():
            raise TryLaterError("the job broker is closed")
        sender: AsyncKicker[[str], None] = AsyncKicker(_TASK, self._broker, labels={})
        try:
            async with asyncio.timeout(ANSWER_S):
                await sender.kiq(job_id)
        except TimeoutError as error:
            self._doubt()
            raise TryLaterError("the broker does not confirm in time") from error
        except SendTaskError as error:
            self._doubt()
            reason = type(error.__cause__).__name__
            raise TryLaterError(f"the broker does not confirm: {reason}") from error

    def _doubt(self) -> None:
        # The server may be cut off from the others, which its connection does not show.
        if isinstance(self._broker, JetStream):
            self._broker.doubt()


@asynccontextmanager
async def open_broker(
    broker_url: str,
    work: Work | None,
    *,
    at_once: int = 2,
    queue: str = "balcao",
    on_change: OnChange = nobody_minds,
) -> AsyncIterator[JobBroker]:
    """Open a broker between processes, or within this one when the address is empty.

    `work` is called with every id that arrives, at most `at_once` at a time. Leaving the block
    cancels the running work and waits for it. Without `work` this process only sends, which needs
    a broker. Processes on one server share jobs only if their `queue` (letters, digits, hyphens
    and underscores) is the same. `on_change` is called when the connection is there, or is not.
    Raises RefusedError for an address or credentials that the broker does not accept,
    TryLaterError when it does not answer within 3 seconds.
    """
    # taskiq logs every id at INFO, and every message at DEBUG.
    logging.getLogger("taskiq").setLevel(logging.WARNING)
    if not broker_url and work is None:
        raise ValueError("without a broker, the jobs are this process's own")
    broker: AsyncBroker = InMemoryBroker()
    if broker_url:
        broker = JetStream(*read_address(broker_url), queue=queue, on_change=on_change)
    sending = JobBroker(broker, leaving := asyncio.Event())
    try:
        if isinstance(broker, JetStream):
            await broker.first_startup()
        on_change(is_there=True)
        async with _working(broker, work, at_once, leaving) if work else nullcontext():
            yield sending
    finally:
        leaving.set()
        await broker.shutdown()


@asynccontextmanager
async def _working(
    broker: AsyncBroker, work: Work, at_once: int, leaving: asyncio.Event
) -> AsyncIterator[None]:
    """Work on the jobs whose ids arrive inside the block; cancel at its end what still runs."""
    arrivals = _Arrivals(work, at_once, leaving)

    @broker.task(task_name=_TASK)
    async def job(job_id: str) -> None:  # taskiq renames it, which a method does not allow
        await arrivals.take(job_id)

    taking = asyncio.create_task(_take(broker, at_once, leaving))
    try:
        yield
    finally:
        leaving.set()
        if isinstance(broker, JetStream):
            broker.leave()
        await arrivals.end()
        await taking


class _Arrivals:
    """The jobs that this process works on."""

    def __init__(self, work: Work, at_once: int, leaving: asyncio.Event) -> None:
        self._work = work
        self._leaving = leaving
        self._slots = asyncio.Semaphore(at_once)
        self._running: set[asyncio.Task[None]] = set()

    async def take(self, job_id: str) -> None:
        """Work on the job; return when the work has ended, even if it failed."""
        if self._leaving.is_set():
            return
        # A task of its own, because taskiq does not wait for the tasks that it started when it is
        # cancelled. And not in the sender's context, whose update has nothing to do with it.
        task = asyncio.create_task(self._work_on(job_id), context=Context())
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        await asyncio.wait({task})

    async def _work_on(self, job_id: str) -> None:
        async with self._slots:
            structlog.contextvars.bind_contextvars(job=job_id)
            try:
                await self._work(job_id)
            except Exception as error:
                logger.error("work on a job failed", exc_info=error)

    async def end(self) -> None:
        """Cancel the running work and return when it has ended."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)


async def _take(broker: AsyncBroker, at_once: int, leaving: asyncio.Event) -> None:
    """Take ids until leaving; return when no taken id is in progress any more."""
    if isinstance(broker, InMemoryBroker):
        # It starts a task for every id at once, so there is nothing to listen to.
        await leaving.wait()
        await broker.wait_all()
        return
    # Confirmed when received, not when done: the document is the source of truth, and a job that
    # takes hours would be delivered again and again. No id is fetched before there is room for it.
    receiver = Receiver(
        broker,
        max_async_tasks=at_once,
        ack_type=AcknowledgeType.WHEN_RECEIVED,
        run_startup=False,
    )
    while not leaving.is_set():
        try:
            await receiver.listen(leaving)
        except (Exception, asyncio.CancelledError) as error:
            # nats-py cancels what waits for an id when it closes a connection.
            if is_cancelled(error):
                raise
            logger.error("taking jobs failed", exc_info=error)
            with suppress(TimeoutError):
                await asyncio.wait_for(leaving.wait(), _PAUSE_S)
