"""After the closing: thanks, other words that reopen, and an attendant who reopens."""

import asyncio
from datetime import timedelta

import pytest

from bot.demo import people as demo
from bot.demo.bot_api.writing import Attached
from bot.domain.conversation import Attendant, Department, EventKind
from bot.usecases.attending.attend import Done
from bot.usecases.attending.reopen import OpenAlready
from handlers.attendant import texts
from handlers.customer import texts as customer_texts
from tests.flows.conftest import (
    ADMIN_ID,
    BIA,
    BILLING_GROUP,
    CAIO,
    GROUP_ID,
    Clock,
    Customer,
    Start,
    Telegram,
)

REOPEN = "🔓 Reabrir"
CLOSE = "☑️ Encerrar"


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
    async with start() as people:
        ana = await served_and_closed(people)
        clock.advance(timedelta(hours=11))
        said = await ana.says("caiu de novo")
        assert said.startswith("Reabri seu atendimento, protocolo <protocol>.")
        assert len(people.cards) == 1
        assert "Em atendimento por Bia" in people.card["text"]
        assert people.posts(GROUP_ID)[-1]["text"].endswith("caiu de novo")
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
    async with start() as people:
        ana = await served_and_closed(people)
        assert "Abri um novo atendimento" in await ana.says("/start")
        await people.press(BIA, "☑️ Encerrar")
        clock.advance(timedelta(hours=13))
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
    assert people.posts(GROUP_ID)[-1]["text"].endswith("obrigada")
    assert len(people.cards) == 1


async def test_not_while_the_customer_has_another_one(people: Telegram, ana: Customer):
    closed = people.card
    await people.press(BIA, "☑️ Encerrar")
    await ana.says("/start")
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


@pytest.mark.parametrize("hours", [0, 12])
async def test_thanks_are_shown_below_the_closed_card_and_open_nothing(
    start: Start, clock: Clock, hours: int
):
    async with start(reopen_hours=hours) as people:
        ana = await served_and_closed(people)
        card = people.card["message_id"]
        clock.advance(timedelta(hours=3))
        for thanks in ("Obrigadaaa, Bia 🙏", "valeu"):
            assert await ana.says(thanks) == ""
            shown = people.posts(GROUP_ID)[-1]
            assert shown["text"].endswith(thanks)
            assert shown["reply_to_message"]["message_id"] == card
        assert await ana.sends("sticker") == ""
        assert people.posts(GROUP_ID)[-1]["sticker"]
        assert len(people.cards) == 1
        assert "Encerrado por Bia" in people.card["text"]
        assert await people.balcao.retry_lookups.conversations.open_in(ana.id) is None
        # What wants something opens it again, or a new one; so do thanks of another day.
        said = await ana.says("obrigada, mas ainda está lento")
        assert said.startswith("Reabri" if hours else "Olá de novo")
        await people.press(BIA, CLOSE)
        clock.advance(timedelta(hours=13))
        assert "Abri um novo atendimento" in await ana.says("obrigada")


@pytest.mark.parametrize("may_open", [True, False])
async def test_thanks_in_a_topic_leave_it_closed(start: Start, may_open: bool):
    async with start() as people:
        people.emulator.set_forum(GROUP_ID, True)
        ana = await served_and_closed(people)
        thread = people.card["message_thread_id"]
        await ana.says("obrigada")
        assert people.posts(GROUP_ID)[-1]["message_thread_id"] == thread
        # Where the bot may not write in a closed topic, it opens it for a moment, or another one.
        people.emulator.fail_next(
            "sendMessage", 400, "Bad Request: TOPIC_CLOSED", chat_id=GROUP_ID
        )
        if not may_open:
            people.emulator.fail_next("reopenForumTopic", 400, "Bad Request: CHAT_ADMIN_REQUIRED")
        await ana.says("valeu")
        [shown] = [m for m in people.messages(GROUP_ID) if m.get("text") == "valeu"]
        assert (shown["message_thread_id"] == thread) is may_open
        topics = people.emulator.chat(GROUP_ID).topics
        assert all(topic.closed for topic in topics.values())
        assert await people.balcao.retry_lookups.conversations.open_in(ana.id) is None
        assert people.texts(ADMIN_ID) == []


async def test_another_subject_takes_along_what_reopened_the_conversation(
    people: Telegram, billing: Department
):
    ana = people.customer(demo.ANA)
    await ana.is_in_conversation()
    await ana.presses("Atendimento")
    await ana.says("sem sinal")
    await people.press(BIA, CLOSE)
    await ana.says("quero a segunda vai")
    said = people.messages(ana.id)[-2]["message_id"]
    people.emulator.send_album(ana.id, ana.id, [Attached("photo", b"a"), Attached("photo", b"b")])
    people.emulator.edit_text(ana.id, ana.id, said, "quero a segunda via")
    await people.settled()
    assert await ana.presses(customer_texts.OTHER_SUBJECT) == customer_texts.CHOOSE_DEPARTMENT
    assert "Encerrado pelo cliente" in people.card["text"]
    assert any("é outro assunto" in text for text in people.texts(GROUP_ID))
    await ana.says("obrigada")
    assert "já foi para os atendentes" in await ana.presses("💰 Financeiro <&>")
    arrived = people.messages(BILLING_GROUP)
    assert [m.get("text", "").rpartition("\n")[2] for m in arrived if "photo" not in m][1:] == [
        "quero a segunda via",
        "obrigada",
    ]
    assert len({m["media_group_id"] for m in arrived if "photo" in m}) == 1
    # Each press that comes too late changes nothing.
    await ana.presses(customer_texts.OTHER_SUBJECT)
    assert await ana.says("e a fatura?") == ""
    assert people.messages(BILLING_GROUP)[-1]["text"].endswith("e a fatura?")
    assert len(people.messages(BILLING_GROUP)) == len(arrived) + 1


async def test_what_was_kept_for_another_subject_is_forgotten_when_it_was_none(
    people: Telegram, ana: Customer, clock: Clock
):
    for said in ("caiu", "voltou a cair"):
        await people.press(BIA, CLOSE)
        await ana.says(said)
    await ana.presses(customer_texts.OTHER_SUBJECT)
    assert len(people.cards) == 2
    # Of two conversations in one group, either may go first.
    card_id = people.card["message_id"]
    behind = [
        m
        for m in people.messages(GROUP_ID)
        if m.get("reply_to_message", {}).get("message_id") == card_id
    ]
    assert [m["text"].rpartition("\n")[2] for m in behind] == ["voltou a cair"]
    await people.group_says(BIA, "Vou ver", reply_to=behind[0]["message_id"])
    assert ana.read[-1] == "Vou ver"
