"""An emulated IXC, a server with answers that each test sets, and limits for quick tests."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import pytest
import structlog
from aiohttp import web
from pydantic import SecretStr
from yarl import URL

from bot.demo.ixc import CREDENTIAL, IxcEmulator
from erp.adapter import Connection, Credentials
from erp.breaker import Breaker
from erp.client import ErpClient, Limits, open_session
from erp.ixc import Ixc
from tests.patience import patient

ZONE = ZoneInfo("America/Sao_Paulo")
QUICK = patient(
    Limits(
        attempts=3,
        wait_initial_s=0.001,
        wait_max_s=0.005,
        wait_jitter_s=0.001,
        retry_after_max_s=0.5,
    )
)
"""Short waits between attempts, and time enough for every answer."""
IMPATIENT = replace(QUICK, attempts=2, read_s=0.05)
"""For answers that never come; so short a time-out may miss one that does."""


class Clock:
    """A clock in seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Server:
    """A loopback HTTP server. It gives `answers` in order and repeats the last one."""

    def __init__(self) -> None:
        self.answers: list[Callable[[web.Request], Awaitable[web.StreamResponse]]] = []
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        self.stopping = asyncio.Event()
        self.url = ""

    def answer(self, *, status: int = 200, body: bytes | str = b"{}", **headers: str) -> None:
        """Add an answer; underscores in header names become dashes."""
        content = body.encode() if isinstance(body, str) else body
        named = {name.replace("_", "-"): value for name, value in headers.items()}

        async def give(request: web.Request) -> web.StreamResponse:
            return web.Response(status=status, body=content, headers=named)

        self.answers.append(give)

    def hang(self) -> None:
        """Add a request that never gets an answer."""

        async def wait(request: web.Request) -> web.StreamResponse:
            await self.stopping.wait()
            return web.Response(status=503)

        self.answers.append(wait)

    def cut(self) -> None:
        """Add a connection that ends in the middle of an answer."""

        async def half(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse(headers={"Content-Length": "1000"})
            await response.prepare(request)
            await response.write(b'{"page":"1","tot')
            if request.transport is not None:
                request.transport.abort()
            return response

        self.answers.append(half)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.requests.append((request.method, request.path_qs, dict(request.headers), body))
        answer = self.answers[0] if len(self.answers) == 1 else self.answers.pop(0)
        return await answer(request)


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session() as opened:
        yield opened


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.handle)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    made.stopping.set()
    await runner.cleanup()


@pytest.fixture
async def emulator() -> AsyncIterator[IxcEmulator]:
    async with IxcEmulator() as running:
        yield running


@pytest.fixture
async def ixc(session: aiohttp.ClientSession, emulator: IxcEmulator) -> Ixc:
    return make_ixc(session, emulator.url)


@pytest.fixture
def log() -> Iterator[list[Any]]:
    with structlog.testing.capture_logs() as lines:
        yield lines


def make_ixc(
    session: aiohttp.ClientSession,
    url: str,
    *,
    token: str = CREDENTIAL,
    limits: Limits = QUICK,
    breaker: Breaker | None = None,
) -> Ixc:
    credentials = Credentials(url=url, token=SecretStr(token))
    return Ixc(
        Connection(session=session, credentials=credentials, limits=limits, breaker=breaker)
    )


def make_client(
    session: aiohttp.ClientSession,
    url: str,
    *,
    limits: Limits = QUICK,
    breaker: Breaker | None = None,
) -> ErpClient:
    return ErpClient(
        session,
        system="test",
        url=URL(url),
        headers={"Authorization": "Basic c2VjcmV0"},
        limits=limits,
        breaker=breaker,
    )


async def read(client: ErpClient, **more: Any) -> Any:
    """Send a read request, as an adapter would."""
    return await client.request("POST", "people", what="people", is_read=True, **more)
