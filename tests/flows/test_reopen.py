"""Reopening: the customer writes within the time limit, or an attendant reopens."""

import asyncio
from datetime import timedelta

import pytest

from bot.demo import people as demo
from bot.domain.conversation import Attendant, EventKind
from bot.usecases.attending.attend import Done
from bot.usecases.attending.reopen import OpenAlready
from handlers.attendant import texts
from handlers.customer import texts as customer_texts
from tests.flows.conftest import ADMIN_ID, BIA, CAIO, GROUP_ID, Clock, Customer, Start, Telegram

REOPEN = "🔓 Reabrir"


@pytest.fixture
async def ana(people: Telegram) -> Customer:
    customer = people.customer(demo.ANA)
    await customer.is_in_conversation()
    return customer


async def served_and_closed(people: Telegram) -> Customer:
    customer = people.customer(demo.ANA)
    await customer.is_in_conversation()
    await people.press(BIA, "✋ Atender")
    await people.press(BIA, "☑️ Encerrar")
    return customer


async def test_within_the_time_the_same_conversation_goes_on_with_the_same_attendant(
    start: Start, clock: Clock
):
    async with start(reopen_hours=24) as people:
        ana = await served_and_closed(people)
        clock.advance(timedelta(hours=23))
        said = await ana.says("caiu de novo")
        assert said.startswith("Reabri seu atendimento, protocolo <protocol>.")
        assert len(people.cards) == 1
        assert "Em atendimento por Bia" in people.card["text"]
        assert people.messages(GROUP_ID)[-1]["text"].endswith("caiu de novo")
        conversation = await people.balcao.retry_lookups.conversations.open_in(ana.id)
        assert [event.what for event in conversation.events] == [
            EventKind.OPENED,
            EventKind.CLAIMED,
            EventKind.CLOSED,
            EventKind.REOPENED,
        ]
        assert conversation.customer_waits_since == conversation.events[-1].at
        # It can be closed again, and the customer is notified again.
        await people.press(BIA, "☑️ Encerrar")
        assert "foi encerrado" in ana.read[-1]


async def test_after_the_time_or_by_a_command_a_new_one_begins(start: Start, clock: Clock):
    async with start(reopen_hours=24) as people:
        ana = await served_and_closed(people)
        assert "Abri um novo atendimento" in await ana.says("/start")
        await people.press(BIA, "☑️ Encerrar")
        clock.advance(timedelta(hours=25))
        assert "Abri um novo atendimento" in await ana.says("oi")
        assert len(people.cards) == 3


async def test_an_attendant_who_left_the_group_does_not_get_it_back(start: Start, clock: Clock):
    async with start(reopen_hours=1) as people:
        ana = await served_and_closed(people)
        people.emulator.remove_member(GROUP_ID, BIA, by=ADMIN_ID)
        await people.settled()
        await ana.says("oi?")
        assert "Aguardando atendente" in people.card["text"]


async def test_who_left_or_is_somebody_else_reopens_nothing(start: Start):
    async with start(reopen_hours=1) as people:
        ana = await served_and_closed(people)
        await ana.says("mais uma coisa")
        await ana.says("/sair")
        assert "CPF" in await ana.says("oi")
        await ana.says(demo.JOSE.tax_id)
        await ana.says(customer_texts.SKIP)
        await ana.says("José")
        assert len(people.cards) == 2
        assert "Encerrado pelo cliente" in people.cards[0]["text"]


async def test_an_attendant_reopens_from_the_closed_card(people: Telegram, ana: Customer):
    await people.press(BIA, "☑️ Encerrar")
    assert await people.press(CAIO, REOPEN) == texts.REOPENED
    assert "Em atendimento por Caio" in people.card["text"]
    assert "foi reaberto" in ana.read[-1]
    await ana.says("obrigada")
    assert people.messages(GROUP_ID)[-1]["text"].endswith("obrigada")
    assert len(people.cards) == 1


async def test_not_while_the_customer_has_another_one(people: Telegram, ana: Customer):
    closed = people.card
    await people.press(BIA, "☑️ Encerrar")
    await ana.says("outro assunto")
    assert "já tem outro atendimento aberto" in await people.press(CAIO, REOPEN, card=closed)
    assert len([c for c in people.cards if "Encerrado" in c["text"]]) == 1


async def test_not_when_the_customer_ended_it(people: Telegram, ana: Customer):
    await people.press(BIA, "☑️ Encerrar")
    data = people.card["reply_markup"]["inline_keyboard"][0][1]["callback_data"]
    assert await people.press(BIA, REOPEN) == texts.REOPENED
    await ana.says("/sair")
    assert REOPEN not in str(people.card["reply_markup"])
    message_id = people.card["message_id"]
    pressed = people.emulator.press(BIA, GROUP_ID, message_id, data=data, force=True)
    await people.settled()
    assert people.emulator.callback_answer(pressed)["text"] == texts.CUSTOMER_LEFT


async def test_of_eight_who_reopen_at_once_one_has_it(people: Telegram, ana: Customer):
    reopen = people.balcao.dispatcher["reopen_conversation"]
    conversation = await people.balcao.retry_lookups.conversations.open_in(ana.id)
    await people.press(BIA, "☑️ Encerrar")
    outcomes = await asyncio.gather(
        *(
            reopen.by_attendant(conversation.id, Attendant(id=n, name=f"N{n}"), group_id=GROUP_ID)
            for n in range(8)
        )
    )
    [won] = [one for one in outcomes if isinstance(one, Done)]
    assert outcomes.count(OpenAlready()) == 7
    assert (await people.balcao.retry_lookups.conversations.open_in(ana.id)) == won.conversation
