"""What customers say before their conversation opens reaches the attendants."""

from datetime import timedelta
from typing import Any

import pytest

from bot.demo import people as demo
from bot.domain.conversation import Department
from bot.domain.tax_id import NotATaxId, Reason
from handlers.customer import texts
from tests.flows.conftest import (
    ADMIN_ID,
    BIA,
    BILLING_GROUP,
    GROUP_ID,
    PASSWORD,
    Clock,
    Customer,
    Start,
    Telegram,
)
from tests.flows.wording import plain

# Long, and not about the database.
pytestmark = pytest.mark.embedded

NOTHING = NotATaxId(Reason.NOTHING)


def below_the_card(people: Telegram, chat_id: int = GROUP_ID) -> list[str]:
    """Return what customers said, as the group has it below its latest card."""
    messages = people.messages(chat_id)
    cards = [n for n, m in enumerate(messages) if "Ficha completa" in str(m.get("reply_markup"))]
    return [_said(message) for message in messages[cards[-1] + 1 :] if message["from"]["is_bot"]]


def _said(message: dict[str, Any]) -> str:
    for kind in ("photo", "voice", "sticker", "document", "location"):
        if kind in message:
            return kind
    return str(message["text"]).splitlines()[-1]


async def test_words_pictures_and_voice_of_every_step_come_in_order(people: Telegram):
    ana = people.customer(demo.ANA, phone="+5511977770000")
    await ana.says("oi, minha internet caiu")
    await ana.sends("photo")
    await ana.says("é o modem")
    await ana.says(f"cpf {demo.ANA.tax_id}")
    await ana.sends("voice")
    await ana.says("por que o telefone?")
    await ana.shares_phone()
    await ana.says("tem alguém aí???")
    await ana.sends("document")
    assert not people.messages(GROUP_ID)
    said = await ana.says("Ana Beatriz")
    assert "já foi para os atendentes" in said
    assert below_the_card(people) == [
        *("oi, minha internet caiu", "photo", "é o modem", "voice", "por que o telefone?"),
        *("tem alguém aí???", "document"),
    ]
    await ana.says("agora dentro")
    assert below_the_card(people)[-1] == "agora dentro"
    assert len(below_the_card(people)) == 8


async def test_answers_to_our_questions_are_not_among_them(people: Telegram, database: Any):
    ana = people.customer(demo.ANA, phone="+5511977770000")
    await ana.says("/start")
    await ana.says("390.533.447-06")
    await ana.says(f"meu cpf é {demo.ANA.tax_id}")
    for word in (texts.PORTAL_LOGIN, "ana.b", PASSWORD):
        await ana.says(word)
    await ana.sends("photo")
    await ana.says(texts.SKIP)
    await ana.says("Ana")
    assert below_the_card(people) == []
    assert await database["kept_messages"].count_documents({}) == 0


async def test_words_beside_a_document_are_kept(people: Telegram):
    ana = people.customer(demo.ANA)
    await ana.says(f"oi, meu cpf é {demo.ANA.tax_id} e estou sem sinal")
    await ana.shares_phone()
    [said] = below_the_card(people)
    assert said.endswith("e estou sem sinal")


async def test_what_is_edited_meanwhile_arrives_as_it_is_then(people: Telegram):
    ana = people.customer(demo.ANA)
    await ana.says("oi")
    wrong = people.emulator.send_text(ana.id, ana.id, "caiu a net")
    typed = people.emulator.send_text(ana.id, ana.id, "minha conta")
    await people.settled()
    people.emulator.edit_text(ana.id, ana.id, wrong["message_id"], "caiu a internet")
    people.emulator.edit_text(ana.id, ana.id, typed["message_id"], demo.ANA.tax_id)
    await people.settled()
    await ana.shares_phone()
    assert below_the_card(people) == ["oi", "caiu a internet"]


async def test_it_is_forgotten_after_a_day_and_by_leaving(
    people: Telegram, clock: Clock, database: Any
):
    ana = people.customer(demo.ANA)
    await ana.says("ontem caiu")
    clock.advance(timedelta(hours=24, minutes=1))
    await ana.says("hoje também")
    await ana.says(demo.ANA.tax_id)
    await ana.shares_phone()
    assert below_the_card(people) == ["hoje também"]
    await ana.says("/sair")
    await ana.says("isto não")
    await ana.says("/sair")
    assert await database["kept_messages"].count_documents({}) == 0
    await ana.is_in_conversation()
    assert below_the_card(people) == []


async def test_until_the_department_is_chosen(people: Telegram, billing: Department):
    ana = people.customer(demo.ANA)
    await ana.says("oi")
    await ana.says(demo.ANA.tax_id)
    await ana.shares_phone()
    await ana.sends("photo")
    await ana.says("e o boleto")
    await ana.presses("💰 Financeiro <&>")
    assert billing.group_id
    assert below_the_card(people, billing.group_id) == ["oi", "photo", "e o boleto"]


async def test_what_an_earlier_version_kept_is_handed_over(start: Start, database: Any):
    async with start() as people:
        ana = people.customer(demo.ANA)
        people.emulator.add_group(BILLING_GROUP, "Cobrança", members=(BIA,))
        assert people.balcao
        made = await people.balcao.departments.create("Financeiro", "💰")
        assert isinstance(made, Department)
        await people.balcao.departments.link(made.id, BILLING_GROUP)
        await ana.says("/start")
        await ana.says(demo.ANA.tax_id)
        await ana.shares_phone()
    content = {"what": "text", "source_chat_id": ana.id, "source_message_id": 1, "html": "antes"}
    await database["states"].update_many(
        {"state": "Customer:choosing"}, {"$set": {"data": {"kept": [content]}}}
    )
    async with start() as people:
        await Customer(people, ana.id, ana.person).presses("Atendimento")
        assert below_the_card(people) == ["antes"]


async def test_a_text_that_only_looks_like_a_command_is_a_text(people: Telegram):
    ana = people.customer(demo.ANA)
    await ana.says("/minha internet caiu")
    await ana.says("/start@outro_bot")
    await ana.says(demo.ANA.tax_id)
    await ana.shares_phone()
    await ana.says("/e agora?")
    assert below_the_card(people) == ["/minha internet caiu", "/start@outro_bot", "/e agora?"]
    assert "continua aberto" in await ana.says("/start")
    card = people.card["message_id"]
    await people.group_says(BIA, "/reinicie o modem", reply_to=card)
    assert ana.read[-1] == "/reinicie o modem"


@pytest.mark.parametrize(
    "service",
    [
        {"chat_background_set": {"type": {"type": "fill", "dark_theme_dimming": 0}}},
        {"message_auto_delete_timer_changed": {"message_auto_delete_time": 86400}},
        {"write_access_allowed": {}},
        {"connected_website": "exemplo.com.br"},
        {"boost_added": {"boost_count": 1}},
        {"web_app_data": {"data": "x", "button_text": "x"}},
        {"users_shared": {"request_id": 1, "users": []}},
    ],
    ids=lambda service: next(iter(service)),
)
async def test_service_messages_of_the_chat_are_nothing(
    people: Telegram, service: dict[str, Any], database: Any
):
    ana = people.customer(demo.ANA)
    for step in (None, "oi", demo.ANA.tax_id, texts.SKIP, "Ana"):
        if step:
            await ana.says(step)
        before = ana.read
        people.emulator.send(ana.id, ana.id, service)
        await people.settled()
        assert ana.read == before
    assert below_the_card(people) == ["oi"]


async def test_a_pin_is_nothing_for_admins_too(people: Telegram):
    ana = people.customer(demo.ANA)
    await ana.says("oi")
    people.emulator.send_text(ADMIN_ID, ADMIN_ID, "/start")
    await people.settled()
    for user_id in (ana.id, ADMIN_ID):
        before = people.texts(user_id)
        pinned = people.messages(user_id)[0]
        people.emulator.send(user_id, user_id, {"pinned_message": pinned})
        await people.settled()
        assert people.texts(user_id) == before


async def test_a_greeting_or_a_call_is_no_failure_and_the_button_stands_from_the_start(
    people: Telegram,
):
    ana = people.customer(demo.ANA)
    for word in ("oi", "bom dia", "quero falar com um atendente", "oi?", "tem alguém aí???"):
        await ana.says(word)
        assert texts.GO_WITHOUT in str(people.messages(ana.id)[-1]["reply_markup"])
    assert ana.read[-1] == plain(texts.not_a_tax_id(NOTHING))
    assert "<protocol>" in await ana.presses(texts.GO_WITHOUT)
    assert plain(texts.WITHOUT_TAX_ID) in ana.read
    assert below_the_card(people)[2] == "quero falar com um atendente"
    assert "não identificado" in people.card["text"]


async def test_the_button_can_be_written_and_an_old_one_is_refused(people: Telegram):
    ana = people.customer(demo.ANA)
    await ana.says("/start")
    assert "<protocol>" in await ana.says("continuar sem cpf")
    before = len(people.cards)
    await ana.presses(texts.GO_WITHOUT)
    assert len(people.cards) == before


async def test_somebody_who_gives_no_name_is_no_dead_end(people: Telegram):
    ana = people.customer(demo.ANA)
    await ana.says("/start")
    await ana.says(demo.STRANGER.tax_id)
    await ana.says(texts.SKIP)
    assert await ana.says("quem é você?") == texts.not_a_name(is_company=False)
    assert await ana.says("boa tarde") == texts.not_a_name(is_company=False)
    assert "<protocol>" in await ana.says("minha internet caiu")
    assert "Ana Beatriz" in people.card["text"]
    assert below_the_card(people) == ["quem é você?", "boa tarde", "minha internet caiu"]
