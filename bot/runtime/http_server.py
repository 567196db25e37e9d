"""The HTTP server: health checks and metrics."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from bot.domain.errors import AppError, Problem, RefusedError


@asynccontextmanager
async def http_server(
    host: str,
    port: int,
    *,
    database_answers: Callable[[], Awaitable[None]],
    metrics: Callable[[], bytes],
) -> AsyncIterator[str]:
    """Serve /healthz and /metrics inside the block, and yield the address.

    /healthz answers 200 when the database reads a document, else 503. /metrics is for Prometheus.
    Raises RefusedError when the address is taken.
    """

    async def healthz(_: web.Request) -> web.Response:
        try:
            await database_answers()
        except AppError as error:
            return web.json_response({"status": "error", "database": str(error)}, status=503)
        return web.json_response({"status": "ok"})

    async def metrics_(_: web.Request) -> web.Response:
        return web.Response(body=metrics(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/metrics", metrics_)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        try:
            site = web.TCPSite(runner, host, port)
            await site.start()
        except OSError as error:
            raise RefusedError(
                f"{host}:{port} cannot be listened on", problem=Problem.HTTP_ADDRESS
            ) from error
        bound = runner.addresses[0]
        yield f"http://{bound[0]}:{bound[1]}"
    finally:
        await runner.cleanup()
