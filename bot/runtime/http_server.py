"""The HTTP server: health checks and metrics, and the pages at a port of their own."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from socket import socket as Socket  # noqa: N812 - a class

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from bot.domain.errors import AppError, Problem, RefusedError


async def _nothing() -> None: ...


@asynccontextmanager
async def http_server(
    host: str,
    port: int,
    *,
    database_answers: Callable[[], Awaitable[None]],
    data_fits: Callable[[], Awaitable[None]] | None = None,
    metrics: Callable[[], bytes],
    tasks_down: Callable[[], Sequence[str]] = tuple,
    remarks: Callable[[], Mapping[str, str]] = dict,
    is_ready: Callable[[], bool] = lambda: True,
    look: Callable[[], Awaitable[None]] = _nothing,
) -> AsyncIterator[str]:
    """Serve /healthz, /readyz and /metrics inside the block, and yield the address.

    /healthz answers 200 when the database reads a document and no background task is down, else
    503 with what is wrong; `remarks` are said either way. /readyz answers 200 while a balancer may
    send updates: `is_ready` says so and `data_fits` (`database_answers` unless given) raises
    nothing. /metrics is for Prometheus; `look` is called before it is answered. Raises
    RefusedError when the address is taken.
    """

    async def healthz(_: web.Request) -> web.Response:
        wrong = await _wrong_with(database_answers)
        if down := tasks_down():
            wrong["tasks"] = list(down)
        said = {**remarks(), **wrong}
        return _answer("error" if wrong else "ok", said, is_well=not wrong)

    async def readyz(_: web.Request) -> web.Response:
        wrong: dict[str, object] = {"process": "starting or stopping"}
        if is_ready():
            wrong = await _wrong_with(data_fits or database_answers)
        return _answer("not ready" if wrong else "ok", wrong, is_well=not wrong)

    async def metrics_(_: web.Request) -> web.Response:
        await look()
        return web.Response(body=metrics(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics_)
    async with serving(app, host, port) as address:
        yield address


@asynccontextmanager
async def serving(
    app: web.Application,
    host: str,
    port: int,
    *,
    socket: Socket | None = None,
    problem: Problem = Problem.HTTP_ADDRESS,
) -> AsyncIterator[str]:
    """Serve an application inside the block, and yield the address.

    socket: listened on in place of the host and port, where they had to be known before. The log
    holds no addresses that people open. Raises RefusedError with the problem when the port is
    taken.
    """
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        try:
            site = web.SockSite(runner, socket) if socket else web.TCPSite(runner, host, port)
            await site.start()
        except OSError as error:
            raise RefusedError(f"{host}:{port} cannot be listened on", problem=problem) from error
        bound = runner.addresses[0]
        yield f"http://{bound[0]}:{bound[1]}"
    finally:
        await runner.cleanup()


async def _wrong_with(database_answers: Callable[[], Awaitable[None]]) -> dict[str, object]:
    """Return what a health check says of the database: nothing while it answers."""
    try:
        await database_answers()
    except AppError as error:
        return {"database": str(error)}
    return {}


def _answer(status: str, more: dict[str, object], *, is_well: bool) -> web.Response:
    return web.json_response({"status": status, **more}, status=200 if is_well else 503)
