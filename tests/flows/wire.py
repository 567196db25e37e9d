"""A proxy before the emulated Telegram that cuts single calls short."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

from aiohttp import ClientSession, web

Cut = Literal["before", "after"]


def _passes(_: str, __: str) -> Cut | None:
    return None


@dataclass
class Wire:
    """The rule is called with method and chat of each call."""

    url: str = ""
    rule: Callable[[str, str], Cut | None] = _passes
    """Returns "before" to close the connection unanswered, "after" to do so with the work done."""
    calls: list[tuple[str, str]] = field(default_factory=list)
    """(method, chat) of every call except getUpdates."""


@asynccontextmanager
async def wire_to(telegram_url: str) -> AsyncIterator[Wire]:
    wire = Wire()
    async with ClientSession() as session:

        async def pass_on(request: web.Request) -> web.StreamResponse:
            body = await request.read()
            method = request.path.rpartition("/")[2]
            chat = str((await request.post()).get("chat_id", ""))
            if method != "getUpdates":
                wire.calls.append((method, chat))
            cut = wire.rule(method, chat)
            if cut != "before":
                kind = {"Content-Type": request.headers.get("Content-Type", "")}
                url = telegram_url + request.path_qs
                async with session.request(request.method, url, data=body, headers=kind) as answer:
                    reply = await answer.read()
            if cut:
                if request.transport:
                    request.transport.abort()
                return web.Response()
            return web.Response(body=reply, status=answer.status, content_type=answer.content_type)

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", pass_on)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        address = runner.addresses[0]
        wire.url = f"http://{address[0]}:{address[1]}"
        try:
            yield wire
        finally:
            await runner.cleanup()
