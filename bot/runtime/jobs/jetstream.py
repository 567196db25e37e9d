"""The job broker's connection to NATS JetStream, with everything restored after failures."""

import asyncio
import ssl
from collections.abc import AsyncGenerator
from contextlib import suppress
from functools import partial
from typing import Any, Final, Protocol
from urllib.parse import unquote, urlsplit

import structlog
from nats.errors import Error as NatsError
from nats.errors import SecureConnWantedError, StaleConnectionError
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js.api import ConsumerConfig, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import APIError, BadRequestError, NotFoundError, ServiceUnavailableError
from taskiq import AckableMessage, BrokerMessage
from taskiq_nats import PullBasedJetStreamBroker

from bot.domain.errors import Problem, RefusedError, TryLaterError

ANSWER_S: Final = 3.0
"""The longest wait for an answer of the broker."""
_PAUSE_S: Final = 1.0
# One pull request stays open this long. A restarted server does not remember it, so the first id
# after a restart may be this late.
_PULL_S: Final = 5.0
# An id is confirmed as soon as it arrives: no confirmation in this time means that the process has
# died.
_CONFIRM_S: Final = 10.0
# Without a worker, ids of the same jobs pile up, as they are sent again and again.
_KEEP_S: Final = 24 * 60 * 60.0
_COPIES: Final = 3
"""Where there are as many servers, the stream survives the loss of one."""
_ATTEMPT_S: Final = 3.0

logger = structlog.get_logger()


class OnChange(Protocol):
    def __call__(self, *, is_there: bool) -> None: ...


def nobody_minds(*, is_there: bool) -> None:
    """Do nothing."""


class JetStream(PullBasedJetStreamBroker):
    """taskiq's broker on a work-queue stream, with connection and stream restored after failures.

    It pulls, because a process then gets an id only when it has room for it, and a process that
    only sends gets none. The push broker subscribes in every process that starts it.
    """

    def __init__(
        self,
        servers: list[str],
        login: dict[str, str],
        *,
        queue: str,
        on_change: OnChange = nobody_minds,
    ) -> None:
        """on_change: is called when the connection is lost, and when all is there again."""
        self._tell = on_change
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
            reconnected_cb=self._on_change,
            closed_cb=self._on_change,
            **credentials,
        )

    async def first_startup(self) -> None:
        """Connect. Raises RefusedError or TryLaterError, as `open_broker` does."""
        try:
            async with asyncio.timeout(ANSWER_S):
                await self.startup()
        except BadRequestError as error:
            raise _refused(f"the broker refuses the stream: {error.description}") from error
        except ServiceUnavailableError as error:
            raise _gone("the broker has no JetStream, at least not yet") from error
        except (NatsError, OSError) as error:
            # The time-out falls between two attempts; the last error shows what went wrong.
            reason = type(self.client.last_error or error).__name__
            raise _gone(f"the broker does not answer: {reason}") from error
        self._started = True
        self._ready.set()

    async def shutdown(self) -> None:
        self.leave()
        if self._mending is not None:
            self._mending.cancel()
            await asyncio.gather(self._mending, return_exceptions=True)
        # nats-py flushes to a connection even when it knows that the connection is gone.
        with suppress(NatsError, OSError):
            await super().shutdown()

    async def kick(self, message: BrokerMessage) -> None:
        # Without a connection nats-py would buffer the id and send it some time later.
        await self._ready.wait()
        await super().kick(message)

    def doubt(self) -> None:
        """See to it that connection, stream and consumer are there: an id was not confirmed."""
        self._mend()

    def leave(self) -> None:
        """Take no more ids."""
        self._leaving = True

    async def listen(self) -> AsyncGenerator[AckableMessage, None]:
        # nats-py may answer a cancellation with an error of its own, after which this would go on.
        while not self._leaving:
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
        self._not_ready()
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
                async with asyncio.timeout(_ATTEMPT_S):
                    await self._add_or_reuse_stream()
                    with suppress(NatsError):
                        await self.consumer.unsubscribe()
                    await self._startup_consumer()
            except (NatsError, OSError) as error:
                logger.debug("the broker is not ready", error=type(error).__name__)
                if len(self.servers) > 1:
                    # A server that is cut off from the others answers nothing, and its connection
                    # looks well. The next one goes to any of them.
                    with suppress(NatsError, OSError):
                        await self.client.close()
                await asyncio.sleep(_PAUSE_S)
            else:
                self._ready.set()
                self._tell(is_there=True)
                return

    async def _add_or_reuse_stream(self) -> None:
        """See to it that there is the stream, on three servers if there are as many."""
        config = self.stream_config
        name = config.name or self.stream_name
        try:
            there = (await self.js.stream_info(name)).config
        except NotFoundError:
            try:
                await self.js.add_stream(config, num_replicas=_COPIES)
            except APIError as error:
                logger.debug("the stream is on one server", reason=error.description)
                await self.js.add_stream(config, num_replicas=1)
            return
        if (there.num_replicas or 1) < _COPIES:
            # Refused where there are fewer servers.
            with suppress(APIError):
                await self.js.update_stream(there, num_replicas=_COPIES)

    async def _on_disconnected(self) -> None:
        self._not_ready()

    def _not_ready(self) -> None:
        self._ready.clear()
        if not self._leaving:
            self._tell(is_there=False)

    async def _on_change(self) -> None:
        self._mend()

    async def _on_error(self, error: Exception) -> None:
        # Every failed attempt to connect ends here. At the start, more attempts would not help.
        # Later, a refusal may come from a server that is being set up again.
        if not self._started and isinstance(error, SecureConnWantedError):
            raise _refused("the broker's address says tls, and it offers none") from error
        if not self._started and "authorization" in str(error).lower():
            raise _refused("the broker does not accept the credentials") from error
        expected = isinstance(error, OSError | StaleConnectionError)
        expected = expected and not isinstance(error, ssl.SSLError)
        log = logger.debug if expected else logger.warning
        log("trouble with the broker", error=type(error).__name__, reason=str(error))

    def _over_tls(self, secret: str) -> str:
        if not self.client._server_info.get("tls_required"):
            raise SecureConnWantedError
        return secret


def read_address(broker_url: str) -> tuple[list[str], dict[str, str]]:
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
            raise _refused("the broker's address is not like nats://host:4222") from None
        servers.append(f"{url.scheme}://{url.netloc.rpartition('@')[2]}")
        if url.username and url.password is not None:
            login = {"user": unquote(url.username), "password": unquote(url.password)}
        elif url.username:
            login = {"token": unquote(url.username)}
    return servers, login


def _refused(reason: str) -> RefusedError:
    return RefusedError(reason, problem=Problem.BROKER_REFUSES)


def _gone(reason: str) -> TryLaterError:
    return TryLaterError(reason, problem=Problem.BROKER_GONE)
