"""MongoDB refuses some of what Balcão asks, for a while: nothing is lost, and nothing ends."""

import random
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from bot.demo import people as demo
from bot.demo.bot_api import BotApiEmulator
from bot.domain.errors import TryLaterError
from bot.runtime.http_server import http_server
from handlers.customer import texts
from storage.engine.connection import answers, connected
from storage.updates.inbox import Inbox
from tests.flows.conftest import GROUP_ID, Start, Telegram
from tests.flows.test_outbox import words
from tests.flows.webhook import balanced, replicas
from tests.patience import until
from tests.storage.wire import Wire, wire_before


@pytest.fixture
def wire(mongodb_uri: str) -> Iterator[Wire]:
    with wire_before(urlsplit(mongodb_uri).port or 0) as wire:
        yield wire


@pytest.fixture
async def database(wire: Wire, databases: Any, mongodb_uri: str) -> AsyncIterator[Any]:
    """Lend a database that is reached through the proxy."""
    async with databases.lent() as lent:
        through = mongodb_uri.replace(f":{urlsplit(mongodb_uri).port}", f":{wire.port}")
        async with connected(through, lent.name) as opened:
            yield opened


@pytest.mark.parametrize("code", [8000, 13, 11601, 999_999])
async def test_no_update_is_confirmed_before_it_is_stored(start: Start, wire: Wire, code: int):
    async with start(with_erp=False) as people:
        ana = people.customer(demo.ANA)
        with wire.refusing(code, ("insert", "inbox")):
            people.emulator.send_text(ana.id, ana.id, "/start")
            await until(lambda: wire.refused)
        await until(lambda: ana.read)
        assert wire.refused[0] == ("insert", "inbox")


async def test_what_cannot_be_stored_is_refused_so_that_telegram_posts_it_again(
    start: Start, wire: Wire, database: Any, telegram: BotApiEmulator
):
    async with balanced() as balancer, replicas(start, balancer) as people:
        ana = people.customer(demo.ANA)
        with wire.refusing(8000, ("insert", "inbox")):
            telegram.send_text(ana.id, ana.id, "/start")
            await until(lambda: len(wire.refused) >= 4)
            info = await people.balcao.balcaos[0].bot.get_webhook_info()
            assert "503" in info.last_error_message
            assert info.pending_update_count == 1
            assert not balancer.taken.total()
        await until(lambda: ana.read)
        await people.settled()
        assert len(ana.read) == 1
        assert await database["inbox"].count_documents({}) == 1


def one_in(count: int) -> Callable[[], bool]:
    """Return a function that is true about once in so many calls, always at the same ones."""
    draw = random.Random(31)  # noqa: S311
    return lambda: draw.randrange(count) == 0


async def test_what_is_stored_of_a_chat_is_never_behind_a_gap(wire: Wire, database: Any):
    inbox, at = Inbox(database), datetime(2026, 11, 29, tzinfo=UTC)
    updates = [(n, f"chat {n % 3}", {"update_id": n}) for n in range(1, 25)]
    wire.hits = one_in(3)
    tries, is_stored = 0, False
    with wire.refusing(99_999, ("insert", "inbox")):
        while not is_stored:
            tries += 1
            with suppress(TryLaterError):
                is_stored = bool(await inbox.add(1, updates, at=at))
            for chat in range(3):
                stored = [n for n, _, _ in await inbox.pending_of(f"chat {chat}")]
                wanted = [n for n, _, _ in updates if n % 3 == chat]
                assert stored == wanted[: len(stored)]
    assert tries > 3


async def test_words_stay_in_order_while_some_inserts_are_refused(start: Start, wire: Wire):
    async with start(with_erp=False) as people:
        ana = people.customer(demo.ANA)
        await ana.is_in_conversation()
        wire.hits = one_in(8)
        with wire.refusing(99_999, ("insert", "inbox")):
            for number in range(12):
                people.emulator.send_text(ana.id, ana.id, f"w{number}")
            await until(lambda: not people.emulator.pending_updates)
        await people.settled()
        assert words(people, GROUP_ID) == [f"w{number}" for number in range(12)]


async def test_an_update_that_fits_in_no_document_is_given_up_and_its_writer_told(
    start: Start, wire: Wire, database: Any
):
    async with start(with_erp=False) as people:
        ana = people.customer(demo.ANA)
        await ana.says("/start")
        update = {"update_id": 7, "message": {"chat": {"id": ana.id}, "new": 2**70}}
        await people.balcao.inbox.take([update])
        await until(lambda: texts.SOMETHING_WENT_WRONG in ana.read)
        await people.settled()
        [stored] = await database["inbox"].find({"payload": {}}).to_list(None)
        assert "set_aside_at" in stored
        assert stored["error"] == "EmptyUpdateError"


@pytest.mark.parametrize("code", [8000, 13, 2, 999_999])
@pytest.mark.parametrize("box", ["inbox", "outbox"])
async def test_a_sweep_that_is_refused_goes_on_and_health_says_so_meanwhile(
    start: Start, wire: Wire, database: Any, box: str, code: int
):
    with wire.refusing(code, ("find", box)):
        async with start(with_erp=False) as people, health(people, database) as told:
            await until(lambda: box in people.balcao.supervisor.down)
            status, body = await told("healthz")
            assert (status, body["tasks"]) == (503, [box])
            assert (await told("readyz"))[0] == 200
            del wire.answers["find", box]
            await until(lambda: not people.balcao.supervisor.down)
            assert await told("healthz") == (200, {"status": "ok"})
            assert people.balcao.supervisor.health[box].restarts >= 1
            text = people.balcao.metrics.text().decode()
            assert f'balcao_task_up{{task="{box}"}} 1.0' in text
            assert f'balcao_task_restarts_total{{task="{box}"}} 0.0' not in text
        wire.answers["find", box] = {}


@pytest.mark.parametrize("command", ["find", "update", "insert", "delete"])
async def test_every_task_outlives_a_refusal_of_everything(start: Start, wire: Wire, command: str):
    async with start() as people:
        supervisor = people.balcao.supervisor
        names = set(supervisor.health)
        assert {"inbox", "outbox", "polling", "lookups", "retention", "jobs", "leases"} <= names
        ana = people.customer(demo.ANA)
        with wire.refusing(8000, (command, "*")):
            people.emulator.send_text(ana.id, ana.id, "/start")
            await until(lambda: wire.refused)
        await until(lambda: ana.read)
        await until(lambda: not supervisor.down)
        assert set(supervisor.health) == names


@asynccontextmanager
async def health(people: Telegram, database: Any) -> AsyncIterator[Any]:
    """Start the HTTP server of this bot; give a function that asks it."""
    supervisor = people.balcao.supervisor
    async with (
        http_server(
            "127.0.0.1",
            0,
            database_answers=lambda: answers(database),
            metrics=people.balcao.metrics.text,
            tasks_down=lambda: supervisor.down,
            is_ready=lambda: "polling" in supervisor.health,
        ) as address,
        aiohttp.ClientSession() as session,
    ):

        async def told(path: str) -> tuple[int, Any]:
            async with session.get(f"{address}/{path}") as response:
                return response.status, await response.json()

        yield told
