"""Calls cut short, refusing collections and floods: nothing doubled, nothing lost silently."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.demo import people as demo
from handlers.admin import texts as admin_texts
from handlers.relay import texts
from tests.databases import Reads
from tests.flows.conftest import ADMIN_ID, BIA, GROUP_ID, PROTOCOL, Start, Telegram
from tests.flows.test_outbox import words
from tests.flows.wire import Cut, Wire, wire_to
from tests.patience import HANG_S, until

# Long, and not about the database.
pytestmark = pytest.mark.embedded

GROUP = str(GROUP_ID)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.runtime.sending.holds._REPEAT_S", 0.1)


@pytest.fixture
async def wire(telegram: Any) -> AsyncIterator[Wire]:
    async with wire_to(telegram.url) as wire:
        yield wire


def alerts(people: Telegram) -> str:
    return str(people.texts(ADMIN_ID))


@pytest.mark.parametrize("kind", ["text", "sticker", "photo"])
async def test_what_loses_its_answer_is_posted_twice_at_most(start: Start, wire: Wire, kind: str):
    async with start(telegram_api_url=wire.url) as people:
        ana, jose = people.customer(demo.ANA), people.customer(demo.JOSE)
        await ana.is_in_conversation()
        await jose.is_in_conversation()
        before = len(people.messages(GROUP_ID))
        method = "sendMessage" if kind == "text" else "copyMessage"
        calls = wire.calls.count((method, GROUP))
        wire.rule = lambda called, chat: "after" if (called, chat) == (method, GROUP) else None
        if kind == "text":
            await ana.says("w1")
        else:
            await ana.sends(kind)
        assert wire.calls.count((method, GROUP)) - calls == 2
        assert len(people.messages(GROUP_ID)) - before == 2
        assert "Não tenho certeza" in ana.read[-1]
        wire.rule = lambda called, chat: None
        await ana.says("w2")
        await jose.says("w3")
        assert words(people, GROUP_ID)[-2:] == ["w2", "w3"]


async def test_resets_of_some_seconds_take_no_message(start: Start, wire: Wire):
    async with start(telegram_api_url=wire.url) as people:
        ana = people.customer(demo.ANA)
        await ana.is_in_conversation()
        is_cut = True

        def rule(method: str, _: str) -> Cut | None:
            return "before" if is_cut and method != "getUpdates" else None

        wire.rule = rule
        people.emulator.send_text(ana.id, ana.id, "w1")
        people.emulator.send_text(ana.id, ana.id, "w2")
        await until(lambda: wire.calls.count(("getMe", "")) >= 4)
        assert wire.calls.count(("sendMessage", GROUP)) <= 4
        is_cut = False
        await people.settled()
        assert words(people, GROUP_ID) == ["w1", "w2"]
        assert "Não tenho certeza" not in str(ana.read)


async def test_who_cannot_be_told_is_told_of_to_the_admins(start: Start, wire: Wire):
    async with start(telegram_api_url=wire.url) as people:
        ana = people.customer(demo.ANA)
        await ana.is_in_conversation()
        # Neither the message nor the notice to its writer.
        wire.rule = lambda method, chat: (
            "before" if method == "sendMessage" and chat in (GROUP, str(ana.id)) else None
        )
        people.emulator.send_text(ana.id, ana.id, "w1")
        await people.settled()
        protocol = PROTOCOL.findall(str(people.messages(ana.id)))[-1]
        told = PROTOCOL.sub("<protocol>", admin_texts.nobody_told(protocol))
        assert people.texts(ADMIN_ID)[-1] == re.sub("</?code>", "", told)


async def test_without_its_card_a_conversation_goes_on(start: Start, wire: Wire):
    async with start(telegram_api_url=wire.url, confirm_identity="off") as people:
        ana = people.customer(demo.ANA)
        await ana.says("/start")
        wire.rule = lambda method, chat: (
            "before" if (method, chat) == ("sendMessage", GROUP) else None
        )
        await ana.says(demo.ANA.tax_id)
        assert wire.calls.count(("sendMessage", GROUP)) == 2
        assert "diga também o seu nome" in str(ana.read)
        assert "não aceitou a ficha" in alerts(people)
        wire.rule = lambda method, chat: None
        await ana.says("w1")
        [shown] = [m for m in people.messages(GROUP_ID) if "w1" in m.get("text", "")]
        await people.group_says(BIA, "w2", reply_to=shown["message_id"])
        assert words(people, ana.id)[-1] == "w2"
        assert not people.cards


@pytest.mark.parametrize("collection", ["relayed", "outbox", "conversations"])
async def test_a_refusing_collection_makes_no_copies_and_closes_no_group(
    start: Start, database: Any, reads: Reads, collection: str
):
    async def refuses(validator: dict[str, Any]) -> None:
        await database.command("collMod", collection, validator=validator)

    async with start() as people:
        ana, jose = people.customer(demo.ANA), people.customer(demo.JOSE)
        await ana.is_in_conversation()
        await jose.says("/start")
        await jose.says(demo.JOSE.tax_id)
        held = asyncio.Event()
        # Refused from the moment at which Telegram has the message.
        people.emulator.fail_next("sendMessage", chat_id=GROUP_ID, after=True, held=held)
        if collection == "conversations":
            people.emulator.send_contact(jose.id, jose.id, phone=demo.JOSE.phone)
        else:
            people.emulator.send_text(ana.id, ana.id, "w1")
        posted = len(people.messages(GROUP_ID))
        await people.emulator.until(lambda: len(people.messages(GROUP_ID)) > posted)
        await refuses({"never": True})
        refused = ("insert" if collection == "relayed" else "update", collection)
        reads.commands.clear()
        held.set()
        await until(lambda: reads.commands.count(refused) >= 3)
        await refuses({})
        await people.settled()
        await ana.says("w2")
        assert words(people, GROUP_ID).count("w1") == (collection != "conversations")
        assert len(people.cards) == (2 if collection == "conversations" else 1)
        assert "Não consigo publicar" not in alerts(people)
        assert "Não tenho certeza" not in str(ana.read)
        if collection != "conversations":
            [shown] = [m for m in people.messages(GROUP_ID) if "w1" in m.get("text", "")]
            await people.group_says(BIA, "w3", reply_to=shown["message_id"])
            assert words(people, ana.id)[-1] == "w3"


async def test_beyond_a_bound_messages_wait_in_the_inbox_and_the_writer_is_told_once(
    start: Start, database: Any, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("handlers.relay.sending._BACKLOG", 3)
    monkeypatch.setattr("handlers.relay.sending._RETRY_S", 1.0)
    async with start() as people:
        ana, jose = people.customer(demo.ANA), people.customer(demo.JOSE)
        await ana.is_in_conversation()
        await jose.is_in_conversation()
        held = asyncio.Event()
        people.emulator.fail_next("copyMessage", chat_id=GROUP_ID, held=held)
        for number in range(9):
            people.emulator.send_file(ana.id, ana.id, "photo", b"x", caption=f"w{number}")
        await people.emulator.until(lambda: texts.MANY_WAIT[:30] in str(people.texts(ana.id)))
        people.emulator.send_text(jose.id, jose.id, "w of José")
        await people.emulator.until(lambda: people.emulator.pending_updates == 0)
        assert await database["outbox"].count_documents({"waiting": GROUP_ID}) <= 4
        again = asyncio.Event()
        held.set()
        await people.emulator.until(lambda: "w2" in words(people, GROUP_ID))
        # The rest comes from the inbox after a pause, and is too many again.
        people.emulator.fail_next("copyMessage", chat_id=GROUP_ID, held=again)
        async with asyncio.timeout(HANG_S):
            while await database["outbox"].count_documents({"waiting": GROUP_ID}) < 3:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        again.set()
        await people.settled()
        seen = words(people, GROUP_ID)
        assert [w for w in seen if w != "w of José"] == [f"w{number}" for number in range(9)]
        assert seen.index("w of José") <= 2
        assert str(people.texts(ana.id)).count(texts.MANY_WAIT[:30]) == 1
        assert not await database["inbox"].find_one({"set_aside_at": {"$exists": True}})


async def test_of_joined_texts_each_is_told(
    start: Start, wire: Wire, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("bot.runtime.sending.chat_queue._LATE_S", -1.0)
    async with start(telegram_api_url=wire.url) as people:
        ana = people.customer(demo.ANA)
        await ana.is_in_conversation()
        calls = wire.calls.count(("sendMessage", GROUP))
        wire.rule = lambda method, chat: (
            "after" if (method, chat) == ("sendMessage", GROUP) else None
        )
        sent = [people.emulator.send_text(ana.id, ana.id, word) for word in ("w1", "w2", "w3")]
        await people.settled()
        # The first alone and the two others as one, each twice.
        assert wire.calls.count(("sendMessage", GROUP)) - calls == 4
        notices = [m for m in people.messages(ana.id) if "Não tenho certeza" in m.get("text", "")]
        below = [notice["reply_to_message"]["message_id"] for notice in notices]
        assert below == [message["message_id"] for message in sent]
