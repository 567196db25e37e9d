"""The console over HTTP, as the page's scripts use it."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiohttp import ClientResponse, ClientSession

from bot.console.security import SESSION_HEADER
from bot.demo.bot_api.web_apps import init_data
from bot.runtime.http_server import serving
from tests.flows.conftest import ADMIN_ID, Clock, Telegram

ORIGIN = "https://cadastro.example"
"""The public address: a proxy's, as far as the console is concerned."""


@dataclass
class Page:
    """A page that an admin has open."""

    http: ClientSession
    url: str
    token: str = ""

    async def ask(self, method: str, path: str, **more: Any) -> ClientResponse:
        headers = {SESSION_HEADER: self.token} | more.pop("headers", {})
        response = await self.http.request(method, self.url + path, headers=headers, **more)
        await response.read()
        return response

    async def enter(self, signed: str) -> ClientResponse:
        """Exchange what Telegram signed, and keep the session if there is one."""
        response = await self.ask("POST", "/session", data=signed)
        if response.status == 200:
            self.token = (await response.json())["token"]
        return response

    async def post(self, path: str, form: Iterable[tuple[str, str]] = ()) -> str:
        """Return the HTML that a form gets."""
        response = await self.ask("POST", path, data=list(form))
        assert response.status == 200, await response.text()
        return await response.text()


def signed(people: Telegram, at: datetime, *, user_id: int = ADMIN_ID, token: str = "") -> str:
    """Return what Telegram signs when the user opens the page."""
    user = {"id": user_id, "first_name": "Dora & Filhos"}
    return init_data(token or people.emulator.token, user, at_s=int(at.timestamp()))


@asynccontextmanager
async def console(people: Telegram) -> AsyncIterator[Page]:
    """Serve the console of a bot that runs with `public_url=ORIGIN`, and yield a page."""
    assert people.balcao
    assert people.balcao.console
    async with serving(people.balcao.console, "127.0.0.1", 0) as url, ClientSession() as http:
        yield Page(http, url)


@asynccontextmanager
async def opened(people: Telegram, clock: Clock) -> AsyncIterator[Page]:
    """The same, with an admin's session."""
    async with console(people) as page:
        response = await page.enter(signed(people, clock.now))
        assert response.status == 200, await response.text()
        yield page
