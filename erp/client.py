"""The HTTP client of all adapters: time-outs, retries of reads, limits, a circuit breaker.

Requests hold tokens and documents, in some ERPs even in the URL, and the texts of aiohttp's errors
quote URLs. So errors and logs name only the system, the adapter's label for the request and the
kind of failure.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeVar

import aiohttp
import stamina
from yarl import URL

from bot.domain.agreed import Agreed
from bot.domain.errors import (
    RefusedError,
    TryLaterError,
    UnknownRefusalError,
    UnreadableError,
)
from bot.domain.pace import Pace
from erp.answer import ErrorPageError, HttpAnswer, nameless, read_answer
from erp.breaker import Breaker
from erp.shared import Pacer, pace_alone
from erp.tls import refused_certificate, trusting
from erp.watching import Asked, Watch, tracing_to


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits on time (in seconds), attempts, concurrency and size.

    Waits between attempts are short because a person may be waiting. A caller that cannot wait for
    `total_s` puts a time-out of its own around the call.
    """

    attempts: int = 3
    connect_s: float = 3.0
    read_s: float = 10.0
    """Longest silence within one attempt."""
    attempt_s: float = 12.0
    total_s: float = 25.0
    """All attempts and the waits between them."""
    wait_initial_s: float = 0.1
    wait_max_s: float = 1.0
    wait_jitter_s: float = 0.1
    retry_after_max_s: float = 2.0
    """A longer Retry-After is not waited for, but set on the error."""
    concurrency: int = 4
    """Of each process."""
    gap_s: float = 0.0
    """Least time between the starts of two requests of all processes, for ERPs that limit their
    rate."""
    answer_bytes: int = 16 * 1024 * 1024


Turn = Callable[[], AbstractAsyncContextManager[object]]
"""A function that returns a context which only one holder is in at a time."""
_Answer = TypeVar("_Answer")
Reader = Callable[[HttpAnswer], _Answer]
"""A function that returns what an answer holds, or raises our errors."""

DEFAULT_LIMITS: Final = Limits()


class ErpClient:
    """Sends requests to one ERP: `url` is the root of all paths, `headers` go with every
    request."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        system: str,
        url: URL,
        headers: Mapping[str, str],
        limits: Limits = DEFAULT_LIMITS,
        breaker: Breaker | None = None,
        refusals: Mapping[int, str] | None = None,
        turn: Turn = nullcontext,
        pace: Agreed[Pace] | None = None,
    ) -> None:
        """refusals: see `HttpAnswer`. turn: held by each request while it runs. pace: None for
        one of this process alone."""
        self._session = session
        self._system = system
        self._url = url
        self._headers = headers
        self._limits = limits
        self._refusals = refusals or {}
        self._turn = turn
        self._breaker = breaker or Breaker()
        self._pacer = Pacer(pace or pace_alone())
        self.close: Final = self._pacer.close
        self._slots = asyncio.Semaphore(limits.concurrency)
        self._timeout = aiohttp.ClientTimeout(
            total=limits.attempt_s, sock_connect=limits.connect_s, sock_read=limits.read_s
        )

    async def request(
        self,
        method: Literal["GET", "POST"],
        path: str,
        *,
        what: str,
        is_read: bool,
        body: object = None,
        form: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        read: Reader[_Answer] = read_answer,
    ) -> _Answer:
        """Send a request and return the result of `read`: the JSON document, unless an ERP needs
        more.

        what: names the request in errors and logs; no document, no secret.
        is_read: only reads are retried; a write that got no answer may still have been done.
        body, form: sent as JSON, or as a form.
        Raises TryLaterError (no answer, time-out, HTML, paused, any status that is not known to be
        a refusal), RefusedError (known refusals, certificate not trusted) or UnreadableError (not
        HTTP, not JSON).
        """
        label = f"ERP {self._system} {what}"
        sent = _Request(Asked(self._system, what), method, path, body, form, params, headers)
        with self._breaker.watching(label):
            try:
                async with asyncio.timeout(self._limits.total_s):
                    # stamina's default hook logs the arguments of a call. A retry context has
                    # none, only the error, which is ours and holds no secrets.
                    async for attempt in stamina.retry_context(
                        on=self._decide_retries(),
                        attempts=self._limits.attempts if is_read else 1,
                        timeout=None,
                        wait_initial=self._limits.wait_initial_s,
                        wait_max=self._limits.wait_max_s,
                        wait_jitter=self._limits.wait_jitter_s,
                    ):
                        with attempt:
                            return read(await self._ask(sent, label))
            except TimeoutError as error:
                raise TryLaterError(f"{label}: no answer in time") from error
        raise AssertionError("stamina returns or raises")

    def _decide_retries(self) -> Callable[[Exception], bool | float]:
        pages = 0

        def retry(error: Exception) -> bool | float:
            nonlocal pages
            if not isinstance(error, TryLaterError):
                return False
            if isinstance(error, UnknownRefusalError):
                # It was understood; the caller may ask again later.
                return False
            if isinstance(error, ErrorPageError):
                # The request itself may be wrong, which no retry puts right.
                pages += 1
                if pages > 1:
                    return False
            if error.retry_after_s is None:
                return True
            return error.retry_after_s <= self._limits.retry_after_max_s and error.retry_after_s

        return retry

    async def _ask(self, sent: "_Request", label: str) -> HttpAnswer:
        try:
            async with self._slots, self._turn():
                await self._pacer.turn(label, self._limits.gap_s)
                async with self._session.request(
                    sent.method,
                    self._url / sent.path if sent.path else self._url,
                    json=sent.body,
                    data=sent.form,
                    params=sent.params,
                    headers={**self._headers, **(sent.headers or {})},
                    timeout=self._timeout,
                    # A redirected POST turns into a GET, and the credentials go with it.
                    allow_redirects=False,
                    trace_request_ctx=sent.asked,
                ) as response:
                    content = await self._read(response, label)
        except TimeoutError as error:
            raise TryLaterError(f"{label}: no answer in time") from nameless(error)
        except aiohttp.ClientConnectorCertificateError as error:
            raise refused_certificate(label, error) from nameless(error)
        except aiohttp.ClientSSLError as error:
            raise TryLaterError(
                f"{label}: no TLS connection; is it a server with https?"
            ) from nameless(error)
        except ValueError as error:  # InvalidURL, and errors of the IDNA codec about the host
            raise RefusedError(f"{label}: the address is not usable") from nameless(error)
        except aiohttp.ClientResponseError as error:
            raise UnreadableError(f"{label}: the answer is not HTTP") from nameless(error)
        except (aiohttp.ClientError, OSError) as error:
            raise TryLaterError(f"{label}: {type(error).__name__}") from nameless(error)
        return HttpAnswer(label, response.status, response.headers, content, self._refusals)

    async def _read(self, response: aiohttp.ClientResponse, label: str) -> bytes:
        content = bytearray()
        async for chunk in response.content.iter_any():
            content += chunk
            if len(content) > self._limits.answer_bytes:
                raise UnreadableError(f"{label}: the answer is too long")
        return bytes(content)


@dataclass(frozen=True, slots=True)
class _Request:
    """One request, as it is sent."""

    asked: Asked
    method: str
    path: str
    body: object
    form: Mapping[str, str] | None
    params: Mapping[str, str] | None
    headers: Mapping[str, str] | None


@asynccontextmanager
async def open_session(
    ca_file: Path | None = None, *, watch: Watch | None = None
) -> AsyncIterator[aiohttp.ClientSession]:
    """Yield a session that keeps no cookies and checks certificates; close it at the end.

    ca_file: see `trusting`. watch: hears of each request.
    """
    connector = aiohttp.TCPConnector(ssl=trusting(ca_file) if ca_file else True)
    async with aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        trace_configs=[tracing_to(watch)] if watch else None,
    ) as session:
        yield session


def read_address(text: str) -> URL:
    """Return the root URL of an ERP from a host or URL that an operator pasted.

    The scheme is https unless another is given. Query and credentials are dropped. Raises
    RefusedError for anything else.
    """
    text = text.strip()
    try:
        url = URL(text if "://" in text else f"https://{text}")
        if url.scheme in ("http", "https") and url.host:
            return url.with_user(None).with_query(None).with_fragment(None)
    except ValueError as error:
        raise RefusedError("The ERP's address is not a host or URL") from nameless(error)
    raise RefusedError("The ERP's address is not a host or URL")


def read_root(text: str, *pages: str, api: str = "") -> URL:
    """Return the root URL of an ERP's API from the URL of any page that an operator pasted.

    pages: beginnings of the paths of its pages, each in slashes; the root ends before them.
    api: the path of the API below that.
    """
    url = read_address(text)
    path = f"{url.path}/"
    for page in pages:
        path = path.partition(page)[0]
    return url.with_path(path.rstrip("/") + api or "/")
