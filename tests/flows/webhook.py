"""A balancer between the emulated Telegram and the webhooks of several replicas."""

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientSession, web

from bot import app
from bot.runtime.http_server import serving
from bot.runtime.updates.delivery import mark_of
from bot.wiring.public import public_app
from tests.flows.conftest import Start, Telegram
from tests.patience import HANG_S

PATH = "/telegram"


@dataclass
class Balancer:
    """Passes each request to the next replica, as a proxy with TLS would."""

    url: str
    """What Telegram is told."""
    replicas: list[str] = field(default_factory=list)
    taken: Counter[str] = field(default_factory=Counter)
    """How many requests each replica has answered with 200."""
    lose: int = 0
    """How many answers it is still to lose, after the replica has given them."""
    turn: int = 0

    async def pass_on(self, request: web.Request) -> web.Response:
        if not self.replicas:
            raise web.HTTPBadGateway
        self.turn += 1
        replica = self.replicas[self.turn % len(self.replicas)]
        headers = {k: v for k, v in request.headers.items() if k.startswith("X-Telegram")}
        async with (
            ClientSession() as session,
            session.post(replica, data=await request.read(), headers=headers) as answer,
        ):
            body = await answer.read()
            self.taken[replica] += answer.status == 200
        if self.lose:
            self.lose -= 1
            raise web.HTTPGatewayTimeout
        again = {k: v for k, v in answer.headers.items() if k == "Retry-After"}
        return web.Response(status=answer.status, body=body, headers=again)


@asynccontextmanager
async def balanced() -> AsyncIterator[Balancer]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        balancer = Balancer(f"http://127.0.0.1:{listening.getsockname()[1]}{PATH}")
        public = web.Application()
        public.router.add_post(PATH, balancer.pass_on)
        async with serving(public, "", 0, socket=listening):
            yield balancer


@asynccontextmanager
async def replicas(
    start: Start, balancer: Balancer, count: int = 1, **more: Any
) -> AsyncIterator[Telegram]:
    """Run so many bots behind the balancer, and yield the people, who wait for all of them."""
    async with AsyncExitStack() as stack:
        running = []
        for _ in range(count):
            bot = start(with_erp=False, webhook_url=balancer.url, **more)
            people = await stack.enter_async_context(bot)
            assert people.balcao
            running.append(people.balcao)
            await until_set(people.balcao)
            address = await stack.enter_async_context(public(people.balcao))
            balancer.replicas.append(f"{address}{PATH}")
            stack.callback(balancer.replicas.remove, f"{address}{PATH}")
        people.balcao = All(running)
        yield people


async def until_set(balcao: app.Balcao) -> None:
    secret = balcao.settings.webhook_secret.get_secret_value()
    secret = secret or await balcao.stored_webhook.secret()
    mark = mark_of(balcao.bot.token, balcao.settings.webhook_url, secret)
    async with asyncio.timeout(HANG_S):
        while (await balcao.stored_webhook.last_set())[0] != mark:
            pass


@asynccontextmanager
async def public(balcao: app.Balcao) -> AsyncIterator[str]:
    """Serve what the public port does, and yield the address."""
    served = public_app(balcao.webhook, balcao.console)
    assert served
    async with serving(served, "127.0.0.1", 0) as address:
        yield address


class All:
    """Several bots as one, for people who wait until all is handled and sent."""

    def __init__(self, balcaos: list[app.Balcao]) -> None:
        self.balcaos = balcaos
        self.inbox = self.outbox = self

    async def idle(self) -> None:
        for balcao in self.balcaos:
            await balcao.inbox.idle()

    @property
    def is_idle(self) -> bool:
        return all(balcao.outbox.is_idle for balcao in self.balcaos)
