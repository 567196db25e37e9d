"""Plain groups: the card and its buttons are near, whatever is written or deleted."""

from typing import Any

import pytest

from bot.demo import people as demo
from bot.runtime.sending.limits import Limits
from bot.runtime.sending.overall import Rate
from handlers.attendant import texts
from handlers.relay.near_buttons import FAR
from tests.flows.album import ALBUM
from tests.flows.conftest import BIA, CAIO, GROUP_ID, Customer, Start, Telegram
from tests.flows.departments import buttons, press

NEAR = ["📋 Ficha", "↪️ Transferir", "☑️ Encerrar"]


@pytest.fixture
async def ana(people: Telegram) -> Customer:
    customer = people.customer(demo.ANA)
    await customer.is_in_conversation()
    return customer


def with_buttons(people: Telegram) -> list[tuple[str, list[str]]]:
    """Return text and buttons of the customer's messages in the group that have any."""
    found = [m for m in people.messages(GROUP_ID) if "📋 Ficha" in buttons(m)]
    return [(m.get("text", "?").rpartition("\n")[2], buttons(m)) for m in found]


@pytest.mark.parametrize("kind", ["text", "photo", "album"])
async def test_a_card_that_was_deleted_comes_back_with_the_next_message(
    people: Telegram, ana: Customer, kind: str
):
    old = people.card["message_id"]
    people.emulator.remove(people.emulator.chat(GROUP_ID), old)
    if kind == "text":
        await ana.says("Ainda aí?")
    elif kind == "photo":
        await ana.sends("photo")
    else:
        people.emulator.send_album(ana.id, ana.id, ALBUM)
        await people.settled()
    [card] = people.cards
    assert card["message_id"] != old
    below = [m for m in people.messages(GROUP_ID) if m["message_id"] > card["message_id"]]
    assert len(below) == (4 if kind == "album" else 1)
    assert {m["reply_to_message"]["message_id"] for m in below} == {card["message_id"]}
    await people.group_says(BIA, "Sim", reply_to=card["message_id"])
    assert ana.read[-1] == "Sim"
    assert "Em atendimento por Bia" in people.card["text"]


async def test_the_buttons_follow_the_conversation_by_one_edit_each_time(
    people: Telegram, ana: Customer
):
    for number in range(FAR):
        await ana.says(f"m{number}")
    assert with_buttons(people) == []
    await ana.says("longe")
    assert with_buttons(people) == [("longe", ["✋ Atender", *NEAR])]
    assert people.emulator.calls_of("editMessageReplyMarkup") == []
    # A claim redraws them too, and so does an edit of the message.
    longe = next(m for m in people.messages(ana.id) if m.get("text") == "longe")
    await press(people, BIA, GROUP_ID, "✋ Atender")
    assert with_buttons(people) == [("longe", NEAR)]
    people.emulator.edit_text(ana.id, ana.id, longe["message_id"], "muito longe")
    await people.settled()
    assert with_buttons(people) == [("muito longe", NEAR)]
    edits = len(people.emulator.calls_of("editMessageReplyMarkup"))
    for number in range(FAR):
        await people.group_says(BIA, f"a{number}", reply_to=people.card["message_id"])
    await ana.sends("voice")
    [(_, shown)] = with_buttons(people)
    assert shown == NEAR
    assert "voice" in next(m for m in people.messages(GROUP_ID) if "📋 Ficha" in buttons(m))
    assert len(people.emulator.calls_of("editMessageReplyMarkup")) == edits + 1
    await press(people, CAIO, GROUP_ID, "☑️ Encerrar")
    [(_, shown)] = with_buttons(people)
    assert shown == ["📋 Ficha", "🔓 Reabrir"]


async def test_near_telegrams_limit_the_messages_have_the_places(start: Start):
    async with start(limits=Limits(group=Rate(18, 3600.0))) as people:
        ana = people.customer(demo.ANA)
        await ana.is_in_conversation()
        for number in range(FAR):
            await ana.says(f"m{number}")
        # That costs nothing: no message has them yet.
        await ana.says("longe")
        for number in range(FAR + 1):
            await ana.says(f"n{number}")
        assert [text for text, _ in with_buttons(people)] == ["longe"]
        assert people.emulator.calls_of("editMessageReplyMarkup") == []


async def test_two_conversations_each_have_theirs_and_another_group_none(
    people: Telegram, ana: Customer, billing: Any
):
    jose = people.customer(demo.JOSE)
    await jose.is_in_conversation()
    await jose.presses("Atendimento")
    for _ in range(FAR):
        for customer in (ana, jose):
            await customer.says(f"oi {customer.id}")
    assert len(with_buttons(people)) == 2
    await press(people, BIA, GROUP_ID, "↪️ Transferir")
    await press(people, BIA, GROUP_ID, "➡️ 💰 Financeiro <&>")
    await press(people, BIA, GROUP_ID, texts.WITHOUT_REASON)
    [(text, _)] = with_buttons(people)
    assert text == f"oi {ana.id}"


@pytest.mark.parametrize("forum", [False, True], ids=["plain", "topic"])
async def test_commands_act_on_the_conversation_of_any_message(start: Start, forum: bool):
    async with start() as people:
        people.emulator.set_forum(GROUP_ID, forum)
        ana = people.customer(demo.ANA)
        await ana.is_in_conversation()
        await ana.says("caiu")
        thread = people.card.get("message_thread_id")
        asked = people.posts(GROUP_ID)[-1]["message_id"]

        async def write(text: str, reply_to: int | None = None) -> dict[str, Any]:
            more: dict[str, Any] = {"thread_id": thread} if thread else {"reply_to": reply_to}
            sent = people.emulator.send_text(CAIO, GROUP_ID, text, **more)
            await people.settled()
            return sent

        own = (await write("Já vejo", asked))["message_id"]
        if not forum:
            await write("/encerrar")
            assert people.texts(GROUP_ID)[-1].startswith("De qual atendimento?")
        await write("/transferir", own)
        assert people.texts(GROUP_ID)[-1].startswith("↪️ Transferir o atendimento")
        await press(people, CAIO, GROUP_ID, texts.TO_QUEUE)
        await press(people, CAIO, GROUP_ID, texts.WITHOUT_REASON)
        assert "Aguardando" in people.card["text"]
        await write("/encerrar", own)
        assert "Encerrado por Caio" in people.card["text"]
        said = people.texts(GROUP_ID)[-1]
        assert said.startswith("☑️ Atendimento <protocol> encerrado")
        assert "foi encerrado" in ana.read[-1]
        if not forum:
            await write("/encerrar", own)
            assert "já foi encerrado por Caio" in people.texts(GROUP_ID)[-1]
