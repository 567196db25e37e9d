"""What was said: brought along by a transfer, shown by protocol, and covered as personal data."""

from datetime import timedelta
from typing import Any

import pytest

from bot.demo import people as demo
from bot.domain.conversation import Conversation, Department
from handlers.attendant import texts, transcripts
from handlers.relay.words_button import ALL
from tests.flows.admin import Admin
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
from tests.flows.departments import buttons, in_billing, press, says

TO_BILLING = "➡️ 💰 Financeiro <&>"


async def conversation_of(people: Telegram, customer: Customer) -> Conversation:
    found = await people.balcao.retry_lookups.conversations.open_in(customer.id)
    assert found
    return found


async def transfer(people: Telegram) -> None:
    await press(people, BIA, GROUP_ID, "↪️ Transferir")
    await press(people, BIA, GROUP_ID, TO_BILLING)
    await press(people, BIA, GROUP_ID, texts.WITHOUT_REASON)


def bold(message: dict[str, Any]) -> list[str]:
    """Return the lines that say who wrote, without the time."""
    heads = [line for line in message["text"].splitlines() if line.startswith(("👤", "🎧"))]
    return [head.split(" · ")[0] for head in heads]


def lines(message: dict[str, Any]) -> list[str]:
    """Return what was said, without the lines that say who and when."""
    text = message["text"].partition("\n\n")[2] or message["text"].partition("\n")[2]
    return [line for line in text.splitlines() if not line.startswith(("👤", "🎧"))]


def file_of(people: Telegram, chat_id: int) -> str:
    message = [m for m in people.messages(chat_id) if "document" in m][-1]
    assert message["document"]["file_name"].endswith(".txt")
    file = people.emulator.files.by_id(message["document"]["file_id"])
    assert file
    return file.content.decode("utf-8-sig")


@pytest.fixture
async def ana(people: Telegram, billing: Department) -> Customer:
    """Served by Bia, in words of every kind."""
    ana = people.customer(demo.ANA)
    await ana.says("minha internet caiu <ontem>")
    await ana.says(demo.ANA.tax_id)
    await ana.shares_phone()
    await ana.presses("Atendimento")
    card = people.card["message_id"]
    await people.group_says(BIA, "// cliente nervosa", reply_to=card)
    await people.group_says(BIA, "Já vejo isso", reply_to=card)
    await ana.sends("photo", caption="as luzes")
    return ana


async def test_a_transfer_brings_what_was_said(people: Telegram, ana: Customer):
    wrote = people.emulator.send_text(ana.id, ana.id, "é o modem verde")
    await people.settled()
    people.emulator.edit_text(ana.id, ana.id, wrote["message_id"], "é o modem azul")
    card = people.card["message_id"]
    wrong = people.emulator.send_text(BIA, GROUP_ID, "a senha é outra", reply_to=card)
    await people.settled()
    await people.group_says(BIA, "/apagar", reply_to=wrong["message_id"])
    before = ana.read
    await transfer(people)
    card, said = in_billing(people)[-2:]
    assert "✋ Atender" in buttons(card)
    assert said["reply_to_message"]["message_id"] == card["message_id"]
    assert said["text"].startswith("📜 O que já foi dito\n\n")
    assert bold(said) == [
        "👤 Ana Beatriz Souza",
        "🎧 Bia",
        *["👤 Ana Beatriz Souza"] * 2,
        "🎧 Bia",
    ]
    assert lines(said) == [
        *("minha internet caiu <ontem>", "Já vejo isso", "📎 foto: as luzes"),
        *("é o modem azul [editada]", "🗑 mensagem apagada"),
    ]
    assert buttons(said) == [], "all of it is there"
    # The customer is told of the transfer only, and a reply to the words goes to the customer.
    assert ana.read[len(before) :] == [ana.read[-1]]
    await says(people, CAIO, BILLING_GROUP, "// nada")
    people.emulator.send_text(CAIO, BILLING_GROUP, "Oi", reply_to=said["message_id"])
    await people.settled()
    assert ana.read[-1] == "Oi"


async def test_a_long_conversation_is_cut_and_the_rest_is_on_a_button(
    people: Telegram, ana: Customer
):
    for number in range(5):
        await ana.says(f"{number} " + "palavra " * 120 + f"fim {number}")
    await transfer(people)
    said = in_billing(people)[-1]
    assert "só o fim" in said["text"]
    assert lines(said)[-1].endswith("fim 4")
    assert "internet" not in said["text"]
    assert len(said["text"]) <= 4096
    assert buttons(said) == [ALL]
    await press(people, CAIO, BILLING_GROUP, ALL)
    first = in_billing(people)[-1]
    assert "Página 1 de 2" in first["text"]
    assert lines(first)[0] == "minha internet caiu <ontem>"
    assert buttons(first) == ["Seguintes ➡️", "📄 Baixar a conversa"]
    await press(people, CAIO, BILLING_GROUP, "Seguintes ➡️")
    second = in_billing(people)[-1]
    assert second["message_id"] == first["message_id"]
    assert lines(second)[-1].endswith("fim 4")
    assert buttons(second) == ["⬅️ Anteriores", "📄 Baixar a conversa"]
    await press(people, CAIO, BILLING_GROUP, "📄 Baixar a conversa")
    file = file_of(people, BILLING_GROUP)
    assert "Ana Beatriz Souza: minha internet caiu <ontem>\r\n" in file
    assert "Bia: Já vejo isso" in file
    assert all(f"fim {number}" in file for number in range(5))


async def test_by_protocol_for_the_departments_that_have_or_had_it(
    people: Telegram, ana: Customer, clock: Clock
):
    protocol = (await conversation_of(people, ana)).protocol
    ask = f"/atendimento {protocol}"
    await says(people, CAIO, BILLING_GROUP, ask)
    refused = in_billing(people)[-1]["text"]
    assert refused == transcripts.not_found_here(protocol)
    assert "internet" not in str(in_billing(people))
    for bad in ("", "ontem <b>"):
        await says(people, BIA, GROUP_ID, f"/atendimento {bad}")
        assert "junto com o comando" in people.texts(GROUP_ID)[-1]
    await says(people, BIA, GROUP_ID, ask)
    mine = people.messages(GROUP_ID)[-1]
    assert lines(mine)[0] == "minha internet caiu <ontem>"
    data = mine["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
    # The rights are those of the moment of the press, in the group of the press.
    pressed = people.emulator.press(CAIO, BILLING_GROUP, 1, data=data, force=True)
    await people.settled()
    assert people.emulator.callback_answer(pressed)["text"] == transcripts.NOT_THIS_GROUPS
    assert not any("document" in m for m in in_billing(people))
    stranger = people.customer(demo.STRANGER)
    assert "internet" not in await stranger.says(ask)
    await transfer(people)
    for user_id, group_id in ((CAIO, BILLING_GROUP), (BIA, GROUP_ID)):
        await says(people, user_id, group_id, ask)
        assert lines(people.messages(group_id)[-1])[0] == "minha internet caiu <ontem>"
    admin = Admin(people, ADMIN_ID)
    whole = await admin.says(ask)
    assert "minha internet caiu <ontem>" in whole
    assert "já foi apagado" not in whole
    await admin.presses("Baixar")
    assert "Já vejo isso" in file_of(people, ADMIN_ID)
    clock.advance(timedelta(days=31))
    assert "O que tem mais de 30 dias já foi apagado" in await admin.says(ask)


async def test_the_full_card_opens_this_and_earlier_conversations_of_the_department(
    people: Telegram, ana: Customer, clock: Clock
):
    earlier = await conversation_of(people, ana)
    await people.press(BIA, "☑️ Encerrar")
    clock.advance(timedelta(days=1))
    await ana.says("voltei")
    await ana.presses("💰 Financeiro <&>")
    await press(people, CAIO, BILLING_GROUP, "📋 Ficha completa")
    assert earlier.protocol in str(in_billing(people)), "the card names it"
    assert not [one for one in buttons(in_billing(people)[-1]) if earlier.protocol in one]
    await press(people, CAIO, BILLING_GROUP, "☑️ Encerrar")
    clock.advance(timedelta(days=1))
    await ana.says("de novo")
    await ana.presses("Atendimento")
    await people.press(BIA, "📋 Ficha completa")
    await press(people, BIA, GROUP_ID, "📜 Conversa até aqui")
    assert lines(people.messages(GROUP_ID)[-1]) == ["de novo"]
    [mine] = [one for m in people.messages(GROUP_ID) for one in buttons(m) if "🕘" in one]
    assert earlier.protocol in mine
    await press(people, BIA, GROUP_ID, mine)
    assert lines(people.messages(GROUP_ID)[-1])[1] == "Já vejo isso"


async def test_the_person_gets_the_words_and_anonymising_ends_them(
    people: Telegram, ana: Customer, database: Any
):
    conversation = await conversation_of(people, ana)
    await ana.says("/meusdados")
    own = file_of(people, ana.id)
    assert "Você: minha internet caiu <ontem>" in own
    assert "Atendente: Já vejo isso" in own
    assert "Bia" not in own
    # Somebody else, who only typed the document, says things that are not the customer's.
    other = people.customer(demo.STRANGER)
    await other.says("segredo de outro")
    await other.says(demo.ANA.tax_id)
    await other.shares_phone()
    await other.says("Outro")
    await other.presses("Atendimento")
    await ana.says("/meusdados")
    assert "segredo" not in file_of(people, ana.id)
    admin = Admin(people, ADMIN_ID)
    await admin.says(f"/titular {demo.ANA.tax_id}")
    told = file_of(people, ADMIN_ID)
    assert "Bia: Já vejo isso" in told
    assert "segredo de outro" in told
    titular = admin.message
    for _ in range(2):
        await press(people, BIA, GROUP_ID, "☑️ Encerrar")
    await admin.presses("Anonimizar", screen=titular)
    await admin.presses("Sim")
    stored = [document async for document in database["outbox"].find({})]
    assert not [one for one in stored if "words" in one]
    await says(people, BIA, GROUP_ID, f"/atendimento {conversation.protocol}")
    assert "Não há mensagens guardadas" in people.texts(GROUP_ID)[-1]


async def test_without_days_nothing_is_stored_and_nothing_is_offered(start: Start, database: Any):
    async with start(transcript_days=0) as people:
        ana = people.customer(demo.ANA)
        await ana.is_in_conversation()
        await ana.says("minha internet caiu")
        await people.press(BIA, "📋 Ficha completa")
        assert not [one for one in buttons(people.messages(GROUP_ID)[-1]) if "📜" in one]
        protocol = (await conversation_of(people, ana)).protocol
        await says(people, BIA, GROUP_ID, f"/atendimento {protocol}")
        assert "não são guardadas" in people.texts(GROUP_ID)[-1]
    stored = [document async for document in database["outbox"].find({})]
    assert stored
    assert not [one for one in stored if "words" in one or "said_at" in one]
