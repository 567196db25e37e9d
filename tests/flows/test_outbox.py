"""The outbox loses, doubles or reorders nothing: crashes, no Telegram, replicas, metrics."""

import asyncio
from typing import Any

import pytest
from aiogram.types import Message, User

from bot import app
from bot.demo import people as demo
from bot.domain.errors import TryLaterError, UnconfirmedError
from bot.domain.outgoing import Outgoing, OutgoingKind, Priority
from bot.runtime.sending.limits import NO_LIMITS, Limits, RateLimiter
from bot.runtime.sending.overall import Rate
from bot.settings import Settings
from bot.wiring.telegram import open_bot
from handlers.relay import texts
from storage.updates.outbox import Outbox as StoredOutbox
from tests.flows.collector import names
from tests.flows.conftest import BIA, GROUP_ID, Clock, Customer, Start, Telegram
from tests.flows.replica import Replica
from tests.patience import HANG_S


async def killed() -> None:
    """Cancel the sending tasks at their current point, as a SIGKILL would."""
    sending = [t for t in asyncio.all_tasks() if t.get_name().startswith("outbox ")]
    for task in sending:
        task.cancel()
    await asyncio.gather(*sending, return_exceptions=True)


def words(people: Telegram, chat_id: int) -> list[str]:
    """Return the test words (`w1`, `w2`, ...) in the chat, one per line of any message."""
    said = [m.get("text", m.get("caption", "")) for m in people.messages(chat_id)]
    return [line for text in said for line in text.splitlines() if line.startswith("w")]


async def test_what_waited_for_a_closed_group_survives_a_kill(start: Start):
    async with start() as people:
        ana, emulator = people.customer(demo.ANA), people.emulator
        await ana.is_in_conversation()
        emulator.remove_member(GROUP_ID, emulator.bot.id)
        await people.settled()
        for number in range(3):
            emulator.send_text(ana.id, ana.id, f"w{number}")
        emulator.send_file(ana.id, ana.id, "photo", b"x", caption="w3")
        emulator.send_text(ana.id, ana.id, "w4")
        await people.settled()
        await killed()
    emulator.add_member(GROUP_ID, emulator.bot.id)
    emulator.set_admin(GROUP_ID, emulator.bot.id)
    assert words(people, GROUP_ID) == []
    async with start() as people:
        await emulator.until(lambda: "w4" in words(people, GROUP_ID))
        await people.settled()
        assert words(people, GROUP_ID) == [f"w{n}" for n in range(5)]
        assert people.balcao is not None
        assert b"balcao_outbox_undelivered_total{" not in people.balcao.metrics.text()


async def test_what_the_limits_held_survives_a_kill(start: Start, database: Any):
    async with start() as people:
        ana, jose = people.customer(demo.ANA), people.customer(demo.JOSE)
        await ana.is_in_conversation()
        await jose.is_in_conversation()
    emulator = people.emulator
    async with start(limits=Limits(group=Rate(2, 600.0))) as people:
        for number in range(6):
            customer = jose if number % 2 else ana
            emulator.send_text(customer.id, customer.id, f"w{number}")
        await emulator.until(lambda: len(words(people, GROUP_ID)) == 2)
        await emulator.until(lambda: emulator.pending_updates == 0)
        assert people.balcao is not None
        await people.balcao.inbox.idle()
        while len(await StoredOutbox(database).waiting()) > 4:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await killed()
    async with start() as people:
        await emulator.until(lambda: len(words(people, GROUP_ID)) == 6)
        await people.settled()
        assert sorted(words(people, GROUP_ID)) == [f"w{n}" for n in range(6)]
        for mine in (["w0", "w2", "w4"], ["w1", "w3", "w5"]):
            assert [w for w in words(people, GROUP_ID) if w in mine] == mine


async def test_what_was_cut_short_twice_is_not_sent_a_third_time(start: Start):
    async with start() as people:
        ana, emulator = people.customer(demo.ANA), people.emulator
        await ana.is_in_conversation()
        emulator.fail_next("copyMessage", hang=True, times=2)
        sent = emulator.send_text(BIA, GROUP_ID, "w1", reply_to=people.card["message_id"])
        await emulator.until(lambda: len(emulator.calls_of("copyMessage")) == 1)
        await killed()
    async with start():
        await emulator.until(lambda: len(emulator.calls_of("copyMessage")) == 2)
        await killed()
    async with start() as people:
        await emulator.until(lambda: "interrompido duas vezes" in str(people.messages(GROUP_ID)))
        await people.settled()
        assert len(emulator.calls_of("copyMessage")) == 2
        note = people.messages(GROUP_ID)[-1]
        assert note["reply_to_message"]["message_id"] == sent["message_id"]
        assert await people.press(BIA, texts.AGAIN, card=note) == texts.SENT_AGAIN
        assert words(people, ana.id) == ["w1"]


async def test_telegram_away_and_back(start: Start):
    async with start() as people:
        ana = people.customer(demo.ANA)
        await ana.is_in_conversation()
        people.emulator.fail_next("sendMessage", 502, chat_id=GROUP_ID, times=2)
        for number in range(4):
            people.emulator.send_text(ana.id, ana.id, f"w{number}")
        await people.settled()
        assert words(people, GROUP_ID) == [f"w{n}" for n in range(4)]


async def test_a_handler_repeated_after_a_crash_puts_nothing_twice(people: Telegram):
    ana = people.customer(demo.ANA)
    await ana.is_in_conversation()
    await ana.says("w1")
    assert people.balcao is not None
    sent = Message.model_validate(
        next(m for m in people.messages(ana.id) if m.get("text") == "w1"),
        context={"bot": people.balcao.bot},
    )
    sending = people.balcao.dispatcher["sending"]
    conversation = await people.balcao.dispatcher["conversations"].open_in(ana.id)
    user = User(id=ana.id, is_bot=False, first_name="Ana")
    await asyncio.gather(*(sending.pass_on(sent, conversation, user) for _ in range(4)))
    await people.settled()
    assert words(people, GROUP_ID) == ["w1"]


@pytest.fixture
def settings(people: Telegram) -> Settings:
    return Settings.model_validate(
        {
            "bot_token": people.emulator.token,
            "telegram_api_url": people.emulator.url,
            "attendants_chat_id": GROUP_ID,
        }
    )


async def test_two_replicas_serve_one_group(
    people: Telegram, settings: Settings, database: Any, clock: Clock
):
    ana, jose = people.customer(demo.ANA), people.customer(demo.JOSE)
    await ana.is_in_conversation()
    await jose.is_in_conversation()
    assert people.balcao is not None
    limiter = RateLimiter(NO_LIMITS)
    async with open_bot(settings, limiter) as bot:
        other = app.build(
            settings, bot=bot, limiter=limiter, database=database, erp=None, clock=clock
        )
        replicas = (people.balcao, other)
        people.emulator.limit(per_group=3, per_chat=0, overall=0, minute_s=1.5)
        for number in range(8):
            customer = jose if number % 2 else ana
            await replicas[number % 4 // 2].inbox.take(
                [text_update(900_000 + number, customer, f"w{number}")]
            )
            for replica in replicas:
                await replica.inbox.idle()
        async with asyncio.timeout(HANG_S):
            while len(words(people, GROUP_ID)) < 8:
                for replica in replicas:
                    await replica.inbox.idle()
                await asyncio.sleep(0.01)
        while not all(replica.outbox.is_idle for replica in replicas):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    seen = words(people, GROUP_ID)
    assert sorted(seen) == sorted(f"w{n}" for n in range(8)), "each once"
    for remainder in (0, 1):
        mine = [f"w{n}" for n in range(8) if n % 2 == remainder]
        assert [w for w in seen if w in mine] == mine


async def test_what_another_replica_has_sent_is_not_sent_again(
    people: Telegram, database: Any, clock: Clock
):
    """Store messages here while the other replica holds the chat's outbox lock."""
    ana = people.customer(demo.ANA)
    await ana.is_in_conversation()
    assert people.balcao is not None
    balcao = people.balcao
    other = Replica(database, clock).locks
    async with other.holding(f"outbox:{GROUP_ID}"):
        sent = people.emulator.send_text(ana.id, ana.id, "w1")
        people.emulator.send_text(ana.id, ana.id, "w2")
        await people.emulator.until(lambda: people.emulator.pending_updates == 0)
        await balcao.inbox.idle()
        await StoredOutbox(database).done([f"{ana.id}:{sent['message_id']}"], at=clock())
    await other.release_all()
    await people.settled()
    assert words(people, GROUP_ID) == ["w2"]


async def test_a_busy_replica_sends_what_another_one_has_stored(people: Telegram, database: Any):
    ana = people.customer(demo.ANA)
    await ana.is_in_conversation()
    assert people.balcao is not None
    conversation = await people.balcao.dispatcher["conversations"].open_in(ana.id)
    await ana.says("w0")
    stored = Outgoing(
        id="elsewhere",
        chat_id=GROUP_ID,
        conversation_id=conversation.id,
        what=OutgoingKind.SAY,
        html="w of another replica",
        priority=Priority.ANSWER,
        put_at=conversation.opened_at,
    )
    await StoredOutbox(database).add([stored])
    for number in range(1, 12):
        await ana.says(f"w{number}")
    assert "w of another replica" in words(people, GROUP_ID)


async def test_a_lost_answer_may_have_been_done_and_no_connection_has_not(settings: Settings):
    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(cut, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    here = settings.model_copy(update={"telegram_api_url": url})
    async with open_bot(here, RateLimiter(NO_LIMITS)) as bot:
        async with server:
            with pytest.raises(UnconfirmedError):
                await bot.send_message(1, "oi")
        with pytest.raises(TryLaterError) as refused:
            await bot.send_message(1, "oi")
        assert not isinstance(refused.value, UnconfirmedError)


async def test_the_metrics_name_lag_waiting_and_undelivered_and_nobody(people: Telegram):
    ana = people.customer(demo.ANA)
    await ana.is_in_conversation()
    await ana.says("segredo")
    people.emulator.block_bot(ana.id)
    await people.group_says(BIA, "resposta", reply_to=people.card["message_id"])
    assert people.balcao is not None
    shown = people.balcao.metrics.text().decode()
    assert 'balcao_outbox_lag_seconds_count{priority="customer"} 1.0' in shown
    assert 'balcao_outbox_undelivered_total{reason="blocked"} 1.0' in shown
    assert "balcao_outbox_waiting " in shown
    assert "balcao_outbox_oldest_seconds " in shown
    phone = ana.person.phone or ""
    for private in ("segredo", "resposta", "Ana", str(ana.id), str(GROUP_ID), phone[-8:]):
        assert private not in names(shown)


def text_update(update_id: int, customer: Customer, text: str) -> dict[str, Any]:
    message = {
        "message_id": update_id,
        "date": 1_700_000_000,
        "chat": {"id": customer.id, "type": "private", "first_name": "X"},
        "from": {"id": customer.id, "is_bot": False, "first_name": "X"},
        "text": text,
    }
    return {"update_id": update_id, "message": message}
