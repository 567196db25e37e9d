"""A conversation goes to another department, to a colleague, or back into the queue."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from bot.demo import people as demo
from bot.domain.conversation import Attendant, Conversation, Department, EventKind
from bot.domain.question import Question, Subject
from bot.usecases.attending.transfer import (
    SHORT_ID,
    ChangedMeanwhile,
    TransferConversation,
    Transferred,
)
from handlers.attendant import texts
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
from tests.flows.departments import (
    buttons,
    departments_of,
    in_billing,
    press,
    registered,
)


@pytest.fixture
async def maria(people: Telegram, billing: Department) -> Customer:
    """Return a customer in the first department's queue, with priority in the other one."""
    await registered(people, demo.MARIA, priority_departments=frozenset((billing.id,)))
    customer = people.customer(demo.MARIA)
    await customer.is_in_conversation()
    await customer.presses("Atendimento")
    return customer


async def conversation_of(people: Telegram, customer: Customer) -> Conversation:
    found = await people.balcao.retry_lookups.conversations.open_in(customer.id)
    assert found
    return found


def asked(conversation: Conversation, to: Department, number: int, clock: Clock) -> Question:
    return Question(
        group_id=GROUP_ID,
        message_id=1000 + number,
        about=Subject.REASON,
        conversation_id=conversation.id,
        asked=Attendant(id=number, name=f"N{number}"),
        asked_at=clock(),
        target=f"d.{to.id[:SHORT_ID]}",
    )


async def ask(people: Telegram, user_id: int, target: str) -> dict[str, Any]:
    """Press Transferir and a target; return the message that asks for the reason."""
    await press(people, user_id, GROUP_ID, "↪️ Transferir")
    await press(people, user_id, GROUP_ID, target)
    question = people.messages(GROUP_ID)[-1]
    assert "por que transferir" in question["text"]
    return question


async def test_to_another_department_with_a_reason(
    people: Telegram, maria: Customer, clock: Clock
):
    await people.press(BIA, "✋ Atender")
    clock.advance(timedelta(minutes=12))
    question = await ask(people, BIA, "➡️ 💰 Financeiro <&>")
    # Nothing changes before the reason is given.
    assert (await conversation_of(people, maria)).group_id == GROUP_ID
    assert in_billing(people) == []
    before = maria.read
    await people.group_says(BIA, "quer a 2ª via & desconto", reply_to=question["message_id"])
    card = in_billing(people)[-1]
    assert card["text"].startswith("🔴🔴 PRIORIDADE · Maria das Graças Lima")
    assert "↪️ Transferido de Atendimento por Bia: quer a 2ª via & desconto" in card["text"]
    assert "Aguardando atendente" in card["text"]
    assert buttons(card)[0] == "✋ Atender"
    [old] = [m for m in people.messages(GROUP_ID) if "Protocolo" in m.get("text", "")]
    assert "Transferido para 💰 Financeiro <&> por Bia: quer a 2ª via" in old["text"]
    assert buttons(old) == []
    assert maria.read == [
        *before,
        "Seu atendimento foi transferido para Financeiro <&>. Você continua por aqui mesmo.",
    ]
    assert "transferido para 💰 Financeiro <&>" in people.texts(GROUP_ID)[-1]
    moved = await conversation_of(people, maria)
    assert (moved.claimed_by, moved.queued_at, moved.priority) == (None, moved.transfer.at, True)
    assert moved.customer_waits_since == moved.opened_at
    [event] = [e for e in moved.events if e.what is EventKind.TRANSFERRED]
    assert event.by == f"user:{BIA}"
    assert event.detail == "Atendimento → 💰 Financeiro <&>: quer a 2ª via & desconto"
    await maria.says("sou eu ainda")
    assert in_billing(people)[-1]["text"].endswith("sou eu ainda")


async def test_in_the_old_group_nobody_answers_or_presses_any_more(
    people: Telegram, maria: Customer
):
    card = people.card
    close = next(
        b["callback_data"]
        for row in card["reply_markup"]["inline_keyboard"]
        for b in row
        if b["text"] == "☑️ Encerrar"
    )
    await ask(people, BIA, "➡️ 💰 Financeiro <&>")
    assert await press(people, BIA, GROUP_ID, texts.WITHOUT_REASON) == ""
    before = maria.read
    await people.group_says(BIA, "ainda aí?", reply_to=card["message_id"])
    assert "não está mais neste grupo" in people.texts(GROUP_ID)[-1]
    assert maria.read == before
    pressed = people.emulator.press(BIA, GROUP_ID, card["message_id"], data=close, force=True)
    await people.settled()
    assert people.emulator.callback_answer(pressed)["text"] == texts.GONE
    assert await press(people, CAIO, BILLING_GROUP, "✋ Atender") == texts.CLAIMED


async def test_the_way_back_changes_nothing(people: Telegram, maria: Customer):
    await ask(people, BIA, "➡️ 💰 Financeiro <&>")
    question = people.messages(GROUP_ID)[-1]
    # The question stays, as one of two days ago does.
    people.emulator.fail_next("deleteMessage", 400, "Bad Request: message can't be deleted")
    await press(people, BIA, GROUP_ID, texts.BACK)
    offered = [m for m in people.messages(GROUP_ID) if texts.BACK in buttons(m)][-1]
    assert buttons(offered)[0] == "➡️ 💰 Financeiro <&>"
    await people.group_says(BIA, "tarde demais", reply_to=question["message_id"])
    assert people.texts(GROUP_ID)[-1] == texts.ANSWERED_BEFORE
    await press(people, BIA, GROUP_ID, texts.BACK)
    assert texts.NOT_TRANSFERRED in people.texts(GROUP_ID)
    assert (await conversation_of(people, maria)).group_id == GROUP_ID
    assert "tarde demais" not in maria.read


async def test_a_colleague_gets_it_and_is_mentioned(people: Telegram, maria: Customer):
    # The bot knows Caio from this press.
    await people.press(CAIO, "📋 Ficha completa")
    await people.press(BIA, "✋ Atender")
    question = await ask(people, BIA, "👤 Caio")
    await people.group_says(BIA, "assunto dele", reply_to=question["message_id"])
    [told] = [m for m in people.messages(GROUP_ID) if "passou a você" in m.get("text", "")]
    assert told["text"].startswith("↪️ Caio, Bia passou a você")
    assert told["entities"][0]["user"]["id"] == CAIO
    card = next(m for m in people.cards if "Em atendimento por Caio" in m["text"])
    assert "Passado a Caio por Bia: assunto dele" in card["text"]
    assert (await conversation_of(people, maria)).claimed_by == Attendant(id=CAIO, name="Caio")
    assert not any("transferido" in text for text in maria.read)


async def test_back_into_the_queue(people: Telegram, maria: Customer):
    await people.press(BIA, "✋ Atender")
    await ask(people, BIA, texts.TO_QUEUE)
    assert people.emulator.reply_keyboard(GROUP_ID, BIA)
    await press(people, BIA, GROUP_ID, texts.WITHOUT_REASON)
    assert people.emulator.reply_keyboard(GROUP_ID, BIA) is None, "what she writes is no answer"
    released = await conversation_of(people, maria)
    assert released.waits
    assert released.events[-1].what is EventKind.RELEASED
    assert any("Devolvido à fila por Bia" in card["text"] for card in people.cards)


async def test_only_who_was_asked_answers_and_in_few_words(people: Telegram, maria: Customer):
    question = await ask(people, BIA, "➡️ 💰 Financeiro <&>")
    for user_id, text, expected in (
        (CAIO, "eu decido", texts.only_asked("Bia")),
        (BIA, "x" * 301, "até 300"),
    ):
        await people.group_says(user_id, text, reply_to=question["message_id"])
        assert expected in people.texts(GROUP_ID)[-1]
    people.emulator.send_file(BIA, GROUP_ID, "photo", b"x", reply_to=question["message_id"])
    await people.settled()
    assert people.texts(GROUP_ID)[-1] == texts.REASON_AS_TEXT
    assert await press(people, CAIO, GROUP_ID, texts.WITHOUT_REASON) == texts.only_asked("Bia")
    assert (await conversation_of(people, maria)).group_id == GROUP_ID
    assert maria.read[-1] != "eu decido"


async def test_what_changed_since_the_question_is_said(people: Telegram, maria: Customer):
    question = await ask(people, BIA, "➡️ 💰 Financeiro <&>")
    await people.press(CAIO, "✋ Atender", card=people.cards[0])
    await people.group_says(BIA, "cobrança", reply_to=question["message_id"])
    assert "mudou de mãos" in people.texts(GROUP_ID)[-1]
    assert (await conversation_of(people, maria)).claimed_by.id == CAIO


async def test_a_department_that_lost_its_group_meanwhile_is_no_target(
    people: Telegram,
    maria: Customer,
    billing: Department,
):
    question = await ask(people, BIA, "➡️ 💰 Financeiro <&>")
    await departments_of(people).archive(billing)
    await people.group_says(BIA, "cobrança", reply_to=question["message_id"])
    assert people.texts(GROUP_ID)[-1] == texts.NO_TARGET
    assert (await conversation_of(people, maria)).group_id == GROUP_ID


async def test_eight_transfers_at_once_are_one(
    people: Telegram,
    maria: Customer,
    clock: Clock,
    billing: Department,
):
    """Call the use case directly: without the inbox's ordering, the database decides."""
    transfer: TransferConversation = people.balcao.dispatcher["transfer"]
    conversation = await conversation_of(people, maria)
    outcomes = await asyncio.gather(
        *(
            transfer(
                asked(conversation, billing, n, clock),
                f"motivo {n}",
            )
            for n in range(8)
        )
    )
    assert sum(isinstance(one, Transferred) for one in outcomes) == 1
    assert sum(isinstance(one, ChangedMeanwhile) for one in outcomes) == 7
    await people.settled()
    assert len(in_billing(people)) == 1
    moved = await conversation_of(people, maria)
    assert sum(event.what is EventKind.TRANSFERRED for event in moved.events) == 1
    assert sum("foi transferido" in text for text in maria.read) == 1


async def test_while_telegram_is_away_the_card_waits_and_nobody_for_it(
    people: Telegram,
    maria: Customer,
    clock: Clock,
    billing: Department,
):
    transfer: TransferConversation = people.balcao.dispatcher["transfer"]
    conversation = await conversation_of(people, maria)
    people.emulator.fail_next("sendMessage", 502, "Bad Gateway", chat_id=BILLING_GROUP)
    outcome = await transfer(asked(conversation, billing, 1, clock), "cobrança")
    assert isinstance(outcome, Transferred)
    await people.settled()
    [card] = in_billing(people)
    assert "Maria das Graças Lima" in card["text"]
    assert sum("foi transferido" in text for text in maria.read) == 1


async def test_what_a_crash_cut_short_is_finished_in_the_background(
    people: Telegram,
    maria: Customer,
    clock: Clock,
    billing: Department,
    database: Any,
):
    transfer: TransferConversation = people.balcao.dispatcher["transfer"]
    conversation = await conversation_of(people, maria)
    await transfer(asked(conversation, billing, 1, clock), "cobrança")
    await people.settled()
    # The state after a crash between the transfer and its announcement.
    await database["conversations"].update_one(
        {"_id": conversation.id}, {"$set": {"transfer.settled": False}}
    )
    assert await transfer.announce_all() == 0, "whoever made it may still be at it"
    clock.advance(timedelta(minutes=2))
    assert await transfer.announce_all() == 1
    await people.settled()
    assert len(in_billing(people)) == 1
    assert sum("foi transferido" in text for text in maria.read) == 1, "not told twice"


async def test_a_question_survives_a_restart(start: Start):
    async with start() as people:
        people.emulator.add_group(BILLING_GROUP, "Cobrança", members=(ADMIN_ID, CAIO))
        made = await departments_of(people).create("Vendas")
        assert isinstance(made, Department)
        await departments_of(people).link(made.id, BILLING_GROUP)
        ana = people.customer(demo.ANA)
        await ana.is_in_conversation()
        await ana.presses("Atendimento")
        question = await ask(people, BIA, "➡️ Vendas")
    async with start() as people:
        await people.group_says(BIA, "quer comprar", reply_to=question["message_id"])
        assert "Transferido de Atendimento por Bia: quer comprar" in in_billing(people)[-1]["text"]
