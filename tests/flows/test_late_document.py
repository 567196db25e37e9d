"""Documents that come late or that are another person's, and who enters the register."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.demo import people as demo
from bot.demo.documents import make_cpf
from bot.demo.ixc import IxcEmulator, faults
from bot.domain.conversation import Department
from bot.domain.registration import Kind
from bot.usecases.attending.register_prospect import PROSPECTS_AN_HOUR
from handlers.admin import texts as admin_texts
from handlers.attendant import texts as attendant_texts
from handlers.customer import texts
from handlers.relay import texts as relay_texts
from tests.flows.conftest import ADMIN_ID, BIA, CAIO, GROUP_ID, Clock, Customer, Telegram
from tests.flows.registrations import registration_of
from tests.flows.test_my_data import files
from tests.flows.wording import plain

# Long, and not about the database.
pytestmark = pytest.mark.embedded

FULL_CARD = "📋 Ficha completa"


@pytest.fixture
async def ana(people: Telegram) -> Customer:
    """A customer in a conversation, whom nobody knows."""
    customer = people.customer(demo.ANA)
    await customer.says("/start")
    await customer.presses(texts.GO_WITHOUT)
    return customer


def with_button(people: Telegram, text: str) -> dict[str, Any]:
    return [m for m in people.messages(GROUP_ID) if text in str(m.get("reply_markup"))][-1]


async def test_after_three_failures_the_document_is_taken_within_the_conversation(
    people: Telegram,
):
    ana = people.customer(demo.ANA)
    for word in ("oi", "1", "2", "3"):
        await ana.says(word)
    assert "não identificado" in people.card["text"]
    said = await ana.says(demo.ANA.tax_id)
    assert said.startswith("Anotei seu CPF")
    assert "⚠️ Ana Beatriz Souza" in people.card["text"]
    assert "não confirmado" in people.card["text"]
    assert people.messages(GROUP_ID)[-1]["text"].endswith(demo.ANA.tax_id)
    assert await ana.shares_phone() == plain(texts.verified("Ana Beatriz Souza"))
    assert "✅ confirmado por telefone" in people.card["text"]
    assert len(people.cards) == 1
    await ana.says("continua")
    assert people.messages(GROUP_ID)[-1]["text"].endswith("continua")


@pytest.mark.parametrize("text", ["cpf {}", "achei: meu CPF é {}", "o cpf é {} e estou sem net"])
async def test_behind_its_name_too(people: Telegram, ana: Customer, text: str):
    await ana.says(text.format(demo.ANA.tax_id))
    assert "Ana Beatriz Souza" in people.card["text"]
    assert demo.ANA.tax_id in people.card["text"]


@pytest.mark.parametrize("text", ["liga no {}", "meu zap é {}", "boleto {} de ontem"])
async def test_another_number_is_none(people: Telegram, ana: Customer, text: str):
    number = demo.ANA.tax_id.replace(".", "").replace("-", "")
    assert await ana.says(text.format(number)) == ""
    assert "não identificado" in people.card["text"]


async def test_within_the_conversation_known_and_unknown_look_the_same(people: Telegram):
    told = []
    for person in (demo.ANA, demo.STRANGER, demo.MARIA):
        customer = people.customer(person, phone="+5511977770000")
        await customer.says("/start")
        await customer.presses(texts.GO_WITHOUT)
        await customer.says(person.tax_id)
        assert await customer.shares_phone() == texts.NOT_CONFIRMED
        told.append(customer.read)
    assert told[1:] == told[:1] * 2


async def test_the_limit_of_documents_a_day_holds_there(people: Telegram, ana: Customer):
    for number in range(6):
        # Each is typed into a conversation of its own.
        await ana.says(make_cpf(123450000 + number).masked)
        await people.press(BIA, "☑️ Encerrar")
        await ana.says("/sair")
        await ana.says("/start")
        await ana.presses(texts.GO_WITHOUT)
    before = len(ana.read)
    await ana.says(demo.MARIA.tax_id)
    assert len(ana.read) == before
    assert "Maria" not in people.card["text"]


async def test_an_erp_that_does_not_answer_is_asked_again(
    people: Telegram, ana: Customer, erp: IxcEmulator, clock: Clock
):
    erp.fail(faults.html(500))
    await ana.says(demo.ANA.tax_id)
    assert "⏳ ERP não consultado" in people.card["text"]
    erp.heal()
    clock.advance(timedelta(seconds=6))
    assert people.balcao
    await people.balcao.retry_lookups()
    await people.settled()
    assert "Ana Beatriz Souza" in people.card["text"]


async def test_at_the_department_question_too(people: Telegram, billing: Department):
    ana = people.customer(demo.ANA)
    await ana.says("/start")
    assert await ana.presses(texts.GO_WITHOUT) == texts.CHOOSE_DEPARTMENT
    assert await ana.says(demo.ANA.tax_id) == plain(texts.ASK_PHONE)
    assert await ana.shares_phone() == texts.CHOOSE_DEPARTMENT
    # Verified by now: another document is only a message.
    assert await ana.says(demo.JOSE.tax_id) == plain(texts.KEPT_UNTIL_CHOSEN)
    await ana.presses("Atendimento")
    assert "✅ confirmado por telefone" in people.card["text"]
    assert people.messages(GROUP_ID)[-1]["text"].endswith(demo.JOSE.tax_id)


async def test_another_document_is_marked_and_a_button_switches(people: Telegram):
    ana = people.customer(demo.ANA)
    await ana.is_in_conversation()
    before = ana.read
    await ana.says(f"é da minha mãe, cpf {demo.MARIA.tax_id}")
    notice = people.messages(GROUP_ID)[-1]
    assert demo.MARIA.tax_id in notice["text"]
    assert "Ana Beatriz Souza" in people.card["text"]
    assert demo.MARIA.tax_id.replace(".", "") not in str(notice["reply_markup"])
    said = await people.press(BIA, relay_texts.SWITCH, card=notice)
    assert said == attendant_texts.SWITCHED
    assert people.card["text"].startswith("⚠️ Maria das Graças Lima")
    assert "não confirmado" in people.card["text"]
    assert ana.read == before
    await ana.says("/meusdados")
    [mine] = files(people, ana.id)
    assert "Ana Beatriz" in mine, "the chat stays her own"
    assert "Maria" not in mine
    await ana.says(f"e agora o meu: {demo.ANA.tax_id}")
    assert "Maria" in people.card["text"]
    await ana.says(demo.ANA.tax_id)
    await people.press(CAIO, relay_texts.SWITCH, card=with_button(people, relay_texts.SWITCH))
    assert "✅ confirmado por telefone" in people.card["text"]


async def test_the_same_document_again_is_no_other(people: Telegram):
    ana = people.customer(demo.ANA)
    await ana.is_in_conversation()
    await ana.says(demo.ANA.tax_id)
    assert relay_texts.SWITCH not in str(people.messages(GROUP_ID))


async def test_an_outdated_or_forged_switch_is_refused(people: Telegram):
    ana = people.customer(demo.ANA)
    await ana.is_in_conversation()
    await ana.says(demo.MARIA.tax_id)
    first = with_button(people, relay_texts.SWITCH)
    await ana.says(demo.JOSE.tax_id)
    said = await people.press(BIA, relay_texts.SWITCH, card=first)
    assert said == attendant_texts.SOMEBODY_ELSE
    other_group = -1001000000077
    people.emulator.add_group(other_group, "Outro", members=(ADMIN_ID, BIA))
    data = first["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
    pressed = people.emulator.press(ADMIN_ID, other_group, 1, data=data, force=True)
    await people.settled()
    answer = people.emulator.callback_answer(pressed)
    assert answer
    assert answer["text"] == attendant_texts.GONE
    assert "Ana Beatriz" in people.card["text"]


async def newcomer(people: Telegram, number: int) -> Customer:
    person = replace(
        demo.STRANGER, user_id=8_000 + number, tax_id=make_cpf(417300000 + number).masked
    )
    customer = people.customer(person, phone=f"+55499{90_000_000 + number}")
    await customer.says("/start")
    await customer.says(person.tax_id)
    await customer.says(texts.SKIP)
    await customer.says("Beto Novo")
    return customer


@pytest.mark.parametrize("how", ["button", "answer", "queue", "card", "named", "reopen"])
async def test_a_new_person_enters_the_register_with_the_attendant(people: Telegram, how: str):
    beto = await newcomer(people, 1)
    assert await registration_of(people, beto.person.tax_id) is None
    assert "Beto Novo" in people.card["text"]
    match how:
        case "button":
            await people.press(BIA, "✋ Atender")
        case "answer":
            await people.group_says(BIA, "Oi!", reply_to=people.card["message_id"])
        case "queue":
            await people.group_says(BIA, "/fila", reply_to=None)
            queue = people.messages(GROUP_ID)[-1]
            claim = queue["reply_markup"]["inline_keyboard"][0][0]["text"]
            await people.press(BIA, claim, card=queue)
        case "named":
            await people.press(CAIO, FULL_CARD)
            for text in ("↪️ Transferir", "👤 Caio", attendant_texts.WITHOUT_REASON):
                await people.press(BIA, text, card=with_button(people, text))
        case "reopen":
            for text in ("☑️ Encerrar", "🔓 Reabrir"):
                await people.press(BIA, text)
        case _:
            await people.press(BIA, FULL_CARD)
            said = await people.press(
                BIA, attendant_texts.REGISTER, card=with_button(people, attendant_texts.REGISTER)
            )
            assert said == attendant_texts.REGISTERED
    registration = await registration_of(people, beto.person.tax_id)
    assert registration.kinds == {Kind.PROSPECT}
    assert registration.created.by == f"chat:{beto.id}"
    assert "Prospect" in people.card["text"]
    await people.press(BIA, "☑️ Encerrar")
    await beto.says("/start")
    assert "🕘" in people.card["text"], "the chat is linked too"


async def test_sixty_chats_alone_register_nobody(people: Telegram):
    for number in range(6):
        await newcomer(people, number)
    assert people.balcao
    assert await people.balcao.registrations.count() == 0


async def test_no_more_than_a_bound_an_hour_and_admins_are_told(
    people: Telegram, database: Any, clock: Clock
):
    hour = f"prospects:{clock():%Y-%m-%dT%H}"
    before = [f"c{number}" for number in range(PROSPECTS_AN_HOUR - 1)]
    await database["login_tries"].insert_one({"_id": hour, "tries": before, "at": clock()})
    first, second = await newcomer(people, 1), await newcomer(people, 2)
    for card in people.cards:
        await people.press(BIA, "✋ Atender", card=card)
    assert await registration_of(people, first.person.tax_id)
    assert await registration_of(people, second.person.tax_id) is None
    assert people.texts(ADMIN_ID)[-1] == plain(admin_texts.prospects_stopped(PROSPECTS_AN_HOUR))
    await people.press(BIA, FULL_CARD)
    offer = with_button(people, attendant_texts.REGISTER)
    said = await people.press(BIA, attendant_texts.REGISTER, card=offer)
    assert said == attendant_texts.NOT_REGISTERED
    clock.advance(timedelta(hours=1))
    said = await people.press(BIA, attendant_texts.REGISTER, card=offer)
    assert said == attendant_texts.REGISTERED
    assert await registration_of(people, second.person.tax_id)
