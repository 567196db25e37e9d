"""The job broker: carries ids of jobs to workers, within this process or over NATS JetStream.

A job's document is the source of truth; only its id travels. The id may come late, twice, or not
at all when a process dies. The process that keeps the jobs sends unfinished ones again.
"""

import asyncio
import contextvars
import logging
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import structlog
from nats.errors import Error as NatsError
from nats.errors import SecureConnWantedError, StaleConnectionError
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js.api import ConsumerConfig, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import BadRequestError, NoStreamResponseError, ServiceUnavailableError
from taskiq import AckableMessage, AsyncBroker, BrokerMessage, InMemoryBroker
from taskiq.acks import AcknowledgeType
from taskiq.exceptions import SendTaskError
from taskiq.kicker import AsyncKicker
from taskiq.receiver import Receiver
from taskiq_nats import PullBasedJetStreamBroker

from bot.domain.errors import RefusedError, TryLaterError

Work = Callable[[str], Awaitable[None]]

_TASK: Final = "job"
_ANSWER_S: Final = 3.0
_PAUSE_S: Final = 1.0
# One pull request stays open this long. A restarted server does not remember it, so the first id
# after a restart may be this late.
_PULL_S: Final = 5.0
# An id is confirmed as soon as it arrives: no confirmation in this time means that the process has
# died.
_CONFIRM_S: Final = 10.0
# Without a worker, ids of the same jobs pile up, as they are sent again and again.
_KEEP_S: Final = 24 * 60 * 60.0

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
        sender: AsyncKicker[[str], Any] = AsyncKicker(_TASK, self._broker, labels={})
        try:
            async with asyncio.timeout(_ANSWER_S):
                await sender.kiq(job_id)
        except TimeoutError as error:
            raise TryLaterError("the broker does not confirm in time") from error
        except SendTaskError as error:
            reason = type(error.__cause__).__name__
            raise TryLaterError(f"the broker does not confirm: {reason}") from error


@asynccontextmanager
async def open_broker(
    broker_url: str, work: Work | None, *, at_once: int = 2, queue: str = "balcao"
) -> AsyncIterator[JobBroker]:
    """Open a broker between processes, or within this one when the address is empty.

    `work` is called with every id that arrives, at most `at_once` at a time. Leaving the block
    cancels the running work and waits for it. Without `work` this process only sends, which needs
    a broker. Processes on one server share jobs only if their `queue` (letters, digits, hyphens
    and underscores) is the same. Raises RefusedError for an address or credentials that the broker
    does not accept, TryLaterError when it does not answer within 3 seconds.
    """
    # taskiq logs every id at INFO, and every message at DEBUG.
    logging.getLogger("taskiq").setLevel(logging.WARNING)
    if not broker_url and work is None:
        raise ValueError("without a broker, the jobs are this process's own")
    broker = _JetStream(*_address(broker_url), queue=queue) if broker_url else InMemoryBroker()
    leaving = asyncio.Event()
    arrivals = _Arrivals(work, at_once, leaving) if work else None
    try:
        if isinstance(broker, _JetStream):
            await broker.first_startup()
        if arrivals is None:
            yield JobBroker(broker, leaving)
            return

        @broker.task(task_name=_TASK)
        async def job(job_id: str) -> None:  # taskiq renames it, which a method does not allow
            await arrivals.take(job_id)

        taking = asyncio.create_task(_take(broker, at_once, leaving))
        try:
            yield JobBroker(broker, leaving)
        finally:
            leaving.set()
            await arrivals.end()
            await taking
    finally:
        leaving.set()
        await broker.shutdown()


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
        task = asyncio.create_task(self._work_on(job_id), context=contextvars.Context())
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
        except Exception as error:
            logger.error("taking jobs failed", exc_info=error)
            with suppress(TimeoutError):
                await asyncio.wait_for(leaving.wait(), _PAUSE_S)


class _JetStream(PullBasedJetStreamBroker):
    """taskiq's broker on a work-queue stream, with connection and stream restored after failures.

    It pulls, because a process then gets an id only when it has room for it, and a process that
    only sends gets none. The push broker subscribes in every process that starts it.
    """

    def __init__(self, servers: list[str], login: dict[str, str], *, queue: str) -> None:
        self._ready = asyncio.Event()
        self._started = self._leaving = False
        self._mending: asyncio.Task[None] | None = None
        credentials: dict[str, Any] = {**login}
        if any(server.startswith("tls:") for server in servers):
            # nats-py speaks plain text with a server that offers no TLS, even if the address says
            # tls. The only place to stop it is the callback that returns the credentials.
            credentials = {
                name: partial(self._over_tls, value)
                for name, value in (login or {"token": ""}).items()
            }
        super().__init__(
            servers,
            subject=f"{queue}.jobs",
            stream_name=f"{queue}_jobs",
            durable="workers",
            stream_config=StreamConfig(
                retention=RetentionPolicy.WORK_QUEUE, storage=StorageType.FILE, max_age=_KEEP_S
            ),
            consumer_config=ConsumerConfig(durable_name="workers", ack_wait=_CONFIRM_S),
            name=queue,
            max_reconnect_attempts=-1,
            reconnect_time_wait=_PAUSE_S,
            error_cb=self._on_error,
            disconnected_cb=self._on_disconnected,
            reconnected_cb=self._on_reconnected,
            closed_cb=self._on_closed,
            **credentials,
        )

    async def first_startup(self) -> None:
        """Connect. Raises RefusedError or TryLaterError, as `open_broker` does."""
        try:
            async with asyncio.timeout(_ANSWER_S):
                await self.startup()
        except BadRequestError as error:
            raise RefusedError(f"the broker refuses the stream: {error.description}") from error
        except ServiceUnavailableError as error:
            raise TryLaterError("the broker has no JetStream, at least not yet") from error
        except (NatsError, OSError) as error:
            # The time-out falls between two attempts; the last error shows what went wrong.
            reason = type(self.client.last_error or error).__name__
            raise TryLaterError(f"the broker does not answer: {reason}") from error
        self._started = True
        self._ready.set()

    async def shutdown(self) -> None:
        self._leaving = True
        if self._mending is not None:
            self._mending.cancel()
            await asyncio.gather(self._mending, return_exceptions=True)
        # nats-py flushes to a connection even when it knows that the connection is gone.
        with suppress(NatsError, OSError):
            await super().shutdown()

    async def kick(self, message: BrokerMessage) -> None:
        # Without a connection nats-py would buffer the id and send it some time later.
        await self._ready.wait()
        try:
            await super().kick(message)
        except NoStreamResponseError:
            self._mend()
            raise

    async def listen(self) -> AsyncGenerator[AckableMessage, None]:
        while True:
            # nats-py would buffer requests made without a connection, and each would later bring
            # an id.
            await self._ready.wait()
            try:
                [message] = await self.consumer.fetch(timeout=_PULL_S)
            except NatsTimeoutError:
                continue
            except NatsError as error:
                logger.warning("the broker does not deliver", error=type(error).__name__)
                self._mend()
                continue
            yield AckableMessage(data=message.data, ack=message.ack)

    def _mend(self) -> None:
        self._ready.clear()
        if not self._leaving and (self._mending is None or self._mending.done()):
            self._mending = asyncio.create_task(self._mended())

    async def _mended(self) -> None:
        """Return once there is a connection again, with the stream and our consumer.

        A server can have lost its files, and nats-py never reconnects after a server has ended a
        connection with an error.
        """
        while True:
            try:
                if self.client.is_closed:
                    await self.client.connect(self.servers, **self.connection_kwargs)
                await self._add_or_reuse_stream()
                with suppress(NatsError):
                    await self.consumer.unsubscribe()
                await self._startup_consumer()
            except (NatsError, OSError) as error:
                logger.warning("the broker is not ready", error=type(error).__name__)
                await asyncio.sleep(_PAUSE_S)
            else:
                logger.info("connected to the broker again")
                self._ready.set()
                return

    async def _on_disconnected(self) -> None:
        self._ready.clear()
        if not self._leaving:
            logger.warning("connection to the broker lost")

    async def _on_reconnected(self) -> None:
        self._mend()

    async def _on_closed(self) -> None:
        self._mend()

    async def _on_error(self, error: Exception) -> None:
        # Every failed attempt to connect ends here. At the start, more attempts would not help.
        # Later, a refusal may come from a server that is being set up again.
        if not self._started and isinstance(error, SecureConnWantedError):
            raise RefusedError("the broker's address says tls, and it offers none") from error
        if not self._started and "authorization" in str(error).lower():
            raise RefusedError("the broker does not accept the credentials") from error
        expected = isinstance(error, OSError | StaleConnectionError)
        expected = expected and not isinstance(error, ssl.SSLError)
        log = logger.debug if expected else logger.warning
        log("trouble with the broker", error=type(error).__name__, reason=str(error))

    def _over_tls(self, secret: str) -> str:
        if not self.client._server_info.get("tls_required"):
            raise SecureConnWantedError
        return secret


def _address(broker_url: str) -> tuple[list[str], dict[str, str]]:
    """Return the servers without credentials, and the credentials. Raises RefusedError.

    They are separate because nats-py does not decode percent signs in credentials, and cannot show
    credentials that its address does not hold.
    """
    servers, login = [], {}
    for part in broker_url.split(","):
        try:
            url = urlsplit(part.strip())
            valid = url.scheme in {"nats", "tls"} and url.hostname and url.port != 0
        except ValueError:
            valid = False
        if not valid:
            raise RefusedError("the broker's address is not like nats://host:4222") from None
        servers.append(f"{url.scheme}://{url.netloc.rpartition('@')[2]}")
        if url.username and url.password is not None:
            login = {"user": unquote(url.username), "password": unquote(url.password)}
        elif url.username:
            login = {"token": unquote(url.username)}
    return servers, login
