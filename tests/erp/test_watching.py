"""Who watches an ERP hears of each request, and nothing of whom it is about."""

from collections.abc import AsyncIterator, Callable

import aiohttp
import pytest
from yarl import URL

from bot.demo.documents import make_cpf
from bot.domain.errors import AppError
from erp.adapter import Connection, Credentials
from erp.client import open_session
from erp.watching import Asked
from tests.erp.conftest import IMPATIENT, QUICK, Server

DOCUMENT = make_cpf(111222333).number


class Heard:
    def __init__(self) -> None:
        self.told: list[tuple[str, str, int | None, str]] = []
        self.breakers: dict[str, Callable[[], bool]] = {}

    def asked(self, asked: Asked, status: int | None, seconds: float, error: str) -> None:
        assert seconds >= 0
        self.told.append((asked.system, asked.what, status, error))

    def watch_breaker(self, system: str, is_open: Callable[[], bool]) -> None:
        self.breakers[system] = is_open


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
async def watched(heard: Heard) -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session(watch=heard) as session:
        yield session


async def test_each_try_is_told_without_path_query_or_text_of_errors(
    heard: Heard, watched: aiohttp.ClientSession, server: Server
):
    server.answer(status=502)
    server.answer(status=200)
    server.hang()
    to = Connection(session=watched, credentials=Credentials(), limits=QUICK, watch=heard)
    hurried = Connection(session=watched, credentials=Credentials(), limits=IMPATIENT, watch=heard)

    async def ask(at: Connection, url: str) -> None:
        client = at.client("voalle", URL(url), headers={"Authorization": "Basic c2VjcmV0"})
        await client.request(
            "GET", f"people/{DOCUMENT}", what="people", is_read=True, params={"cpf": DOCUMENT}
        )

    await ask(to, server.url)
    with pytest.raises(AppError):
        await ask(hurried, server.url)
    with pytest.raises(AppError):
        await ask(hurried, "http://127.0.0.1:1")
    assert heard.told == [
        ("voalle", "people", 502, ""),
        ("voalle", "people", 200, ""),
        *[("voalle", "people", None, "SocketTimeoutError")] * 2,
        *[("voalle", "people", None, "ClientConnectorError")] * 2,
    ]
    assert not heard.breakers["voalle"]()
    client = hurried.client("voalle", URL("http://127.0.0.1:1"))
    for _ in range(5):
        with pytest.raises(AppError):
            await client.request("GET", "", what="probe", is_read=False)
    assert heard.breakers["voalle"]()
