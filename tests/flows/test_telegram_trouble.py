"""Trouble with Telegram, and the log lines and health checks that the operator sees."""

import asyncio
from typing import Any

import aiohttp
import pytest

from bot.demo import people as demo
from bot.domain.errors import RefusedError, TryLaterError
from bot.runtime.http_server import http_server
from bot.runtime.updates.polling import poll_in_turn
from storage.engine.connection import answers
from tests.flows.conftest import Customer, Start, Telegram
from tests.flows.replica import first_turn


@pytest.mark.parametrize(
    ("code", "description"),
    [(502, "Bad Gateway"), (409, "Conflict: terminated by other getUpdates request")],
)
async def test_polling_rides_out_trouble(people: Telegram, code: int, description: str):
    people.emulator.fail_next("getUpdates", code, description, times=1)
    ana = people.customer(demo.ANA)
    assert "🔒" in await ana.says("oi")


async def test_a_lost_answer_of_telegram_is_tried_again(people: Telegram):
    ana = people.customer(demo.ANA)
    await ana.says("oi")
    people.emulator.fail_next("sendMessage", 502, "Bad Gateway", times=2, chat_id=ana.id)
    assert "Compartilhar" in await ana.says(demo.ANA.tax_id)


async def test_a_revoked_token_ends_polling_with_one_clear_error(start: Start, database: Any):
    async with start() as people:
        # Else its own first request could have this answer.
        await people.emulator.until(lambda: people.emulator.calls_of("getUpdates"))
        people.emulator.fail_next("getUpdates", 401, "Unauthorized", times=1)
        turn = first_turn(database)
        with pytest.raises(RefusedError):
            await poll_in_turn(people.balcao.bot, people.balcao.inbox, turn, allowed_updates=[])


async def test_messages_to_one_chat_wait_for_each_other_and_others_do_not(people: Telegram):
    bot = people.balcao.bot
    ana, jose = people.customer(demo.ANA), people.customer(demo.JOSE)
    for customer in (ana, jose):
        await customer.says("oi")
    people.emulator.fail_next("sendMessage", 429, retry_after=1, chat_id=ana.id)
    order: list[str] = []

    async def send(customer: Customer, text: str) -> None:
        await bot.send_message(customer.id, text)
        order.append(text)

    await asyncio.gather(send(ana, "a1"), send(ana, "a2"), send(jose, "j1"))
    assert order == ["j1", "a1", "a2"]
    assert ana.read[-2:] == ["a1", "a2"]


async def test_health_reads_the_database(database: Any):
    async def gone() -> None:
        raise TryLaterError("MongoDB does not answer")

    async def well() -> None:
        await answers(database)

    for check, status in ((well, 200), (gone, 503)):
        async with (
            http_server("127.0.0.1", 0, database_answers=check, metrics=bytes) as address,
            aiohttp.ClientSession() as session,
            session.get(f"{address}/healthz") as response,
        ):
            assert response.status == status


async def test_a_port_in_use_is_said(database: Any):
    async def well() -> None: ...

    async with http_server("127.0.0.1", 0, database_answers=well, metrics=bytes) as address:
        port = int(address.rpartition(":")[2])
        with pytest.raises(RefusedError, match="cannot be listened on"):
            async with http_server("127.0.0.1", port, database_answers=well, metrics=bytes):
                pass
