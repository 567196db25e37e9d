"""An attendant or admin calls a customer: who is told, where the card is, what prevents it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.demo import people as demo
from bot.domain.conversation import Department
from handlers.attendant import calling_texts as texts
from handlers.customer.texts import SKIP
from tests.flows.admin import Admin
from tests.flows.conftest import ADMIN_ID, BIA, CAIO, GROUP_ID, Clock, Customer, Start, Telegram
from tests.flows.departments import buttons, in_billing, press, says

FULL_CARD, CLOSE = "📋 Ficha completa", "☑️ Encerrar"
WANTS = "quer falar com você"


@pytest.fixture
async def people(start: Start) -> AsyncIterator[Telegram]:
    # Who writes after the closing begins anew, and may be called meanwhile.
    async with start(reopen_hours=0) as telegram:
        yield telegram


async def served(people: Telegram) -> Customer:
    """Return Ana, verified by telephone, with a closed conversation."""
    ana = people.customer(demo.ANA)
    await ana.is_in_conversation()
    await people.press(BIA, CLOSE)
    return ana


async def due(people: Telegram, clock: Clock) -> int:
    """Return how many reminders of customers without an answer are given ten minutes later."""
    clock.advance(timedelta(minutes=10))
    assert people.balcao
    return int(await people.balcao.queue_rounds.remind())


async def call(people: Telegram, by: int = BIA) -> str:
    """Press the button below a new full card; return the answer in the alert window."""
    await people.press(by, FULL_CARD)
    return await press(people, by, GROUP_ID, texts.CALL)


async def test_an_attendant_calls_and_has_the_conversation(people: Telegram, clock: Clock):
    ana = await served(people)
    assert await call(people) == ""
    assert f"A Balcão {WANTS}" in ana.read[-1]
    assert "departamento" not in ana.read[-1]
    assert len(people.cards) == 2
    assert "🟢 Em atendimento por Bia" in people.card["text"]
    assert "✅ confirmado por telefone" in people.card["text"]
    assert await due(people, clock) == 0, "she has asked nothing"
    await people.group_says(BIA, "Bom dia, Ana!", reply_to=people.card["message_id"])
    assert ana.read[-1] == "Bom dia, Ana!"
    await ana.says("bom dia")
    assert "bom dia" in people.messages(GROUP_ID)[-1]["text"]
    # It is open: a colleague is led there, and Ana hears nothing more.
    before = ana.read
    await people.press(CAIO, FULL_CARD, card=people.cards[0])
    await press(people, CAIO, GROUP_ID, texts.CALL)
    said = people.messages(GROUP_ID)[-1]
    assert "Já há um atendimento aberto" in said["text"]
    assert "com Bia" in said["text"]
    assert str(people.card["message_id"]) in str(said["entities"])
    assert ana.read == before
    protocol = people.card["text"].split("Protocolo ")[1].split(" ")[0]
    await says(people, ADMIN_ID, ADMIN_ID, f"/atendimento {protocol}")
    assert any("aberto por Bia" in text for text in people.texts(ADMIN_ID))
    # While it is open there is nothing to call for.
    await people.press(BIA, FULL_CARD)
    assert texts.CALL not in buttons(people.messages(GROUP_ID)[-1])


async def test_who_cannot_be_called_is_said(people: Telegram):
    ana = await served(people)
    people.emulator.block_bot(ana.id)
    assert await call(people) == texts.BLOCKED
    assert len(people.cards) == 1
    people.emulator.unblock_bot(ana.id)
    await ana.says("/sair")
    assert await call(people) == texts.NOBODY_VERIFIED
    # Linked, and not verified: the one who writes may be anybody.
    await ana.says("oi")
    await ana.says(demo.ANA.tax_id)
    await ana.says(SKIP)
    await ana.says("Fulano")
    assert await call(people) == texts.NOBODY_VERIFIED
    # The record is deleted meanwhile.
    admin = Admin(people, ADMIN_ID)
    await admin.says("/clientes")
    await admin.says(demo.ANA.tax_id)
    await admin.presses("Excluir")
    await admin.presses("Sim, excluir")
    assert await press(people, BIA, GROUP_ID, texts.CALL) == texts.GONE


async def test_an_admin_calls_from_the_record_and_chooses_chat_and_department(
    people: Telegram, billing: Department
):
    ana = people.customer(demo.ANA)
    son = people.customer(replace(demo.ANA, user_id=6001))
    for one in (ana, son):
        await one.is_in_conversation()
        await one.presses("Atendimento")
        await people.press(BIA, CLOSE)
    # The son is about to choose a department when he is called.
    await son.says("a internet caiu")
    admin = Admin(people, ADMIN_ID)
    await admin.says("/clientes")
    await admin.says(demo.ANA.tax_id)
    assert await admin.presses("Chamar o cliente") == texts.WHICH_CHAT
    assert len(admin.buttons) == 2
    people.emulator.block_bot(ana.id)
    [chosen] = [
        button["callback_data"]
        for [button] in admin.message["reply_markup"]["inline_keyboard"]
        if str(son.id) in button["callback_data"]
    ]
    message_id = admin.message["message_id"]
    people.emulator.press(ADMIN_ID, ADMIN_ID, message_id, data=chosen)
    await people.settled()
    assert admin.screen == texts.WHICH_DEPARTMENT
    assert admin.buttons == ["Atendimento", "💰 Financeiro <&>"]
    await admin.presses("Financeiro")
    assert f"{WANTS}, pelo departamento Financeiro <&>" in son.read[-1]
    assert "Chamei Ana Beatriz Souza" in people.texts(ADMIN_ID)[-1]
    [card] = [one for one in in_billing(people) if FULL_CARD in buttons(one)]
    assert "🟢 Em atendimento por Dora" in card["text"]
    await son.says("e o telefone também")
    texts_there = [one["text"] for one in in_billing(people)][-2:]
    assert ["a internet caiu" in texts_there[0], "telefone" in texts_there[1]] == [True, True]
    assert await son.says("obrigado") == ""
    # The same buttons lead there from then on.
    people.emulator.press(ADMIN_ID, ADMIN_ID, message_id, data=chosen, force=True)
    await people.settled()
    assert "Já há um atendimento aberto" in people.texts(ADMIN_ID)[-1]


async def test_who_chooses_a_department_after_the_call_stays_in_the_one_that_called(
    people: Telegram, billing: Department, clock: Clock
):
    ana = people.customer(demo.ANA)
    await ana.is_in_conversation()
    await ana.presses("Atendimento")
    await people.press(BIA, CLOSE)
    await ana.says("voltei")
    await call(people)
    assert f"{WANTS}, pelo departamento Atendimento" in ana.read[-1]
    await ana.presses("💰 Financeiro <&>")
    assert "continua aberto" in ana.read[-1]
    assert in_billing(people) == []
    assert "voltei" in people.messages(GROUP_ID)[-1]["text"]
    assert await due(people, clock) == 1, "that waits for an answer"


async def test_an_admin_in_no_group_has_nowhere_to_answer(people: Telegram):
    await served(people)
    people.emulator.remove_member(GROUP_ID, ADMIN_ID)
    await people.settled()
    admin = Admin(people, ADMIN_ID)
    await admin.says("/clientes")
    await admin.says(demo.ANA.tax_id)
    await admin.presses("Chamar o cliente")
    assert admin.told == texts.NO_DEPARTMENT
