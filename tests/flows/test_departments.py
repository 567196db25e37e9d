"""Several departments: the customer picks one, and each has its own group and priorities."""

from datetime import timedelta

import pytest

from bot.demo import people as demo
from bot.domain.conversation import DEFAULT_DEPARTMENT, Department
from bot.domain.label import Tag
from handlers.admin.labels import departments as screens
from handlers.admin.labels import texts as label_texts
from handlers.customer import texts
from tests.flows.conftest import (
    ADMIN_ID,
    BIA,
    BILLING_GROUP,
    CAIO,
    GROUP_ID,
    Clock,
    Customer,
    Telegram,
)
from tests.flows.departments import buttons, departments_of, in_billing, press, registered, says

BASIC_GROUP = -4321
BOT_NAME = "balcao_demo_bot"
MIGRATED = {
    "update_id": 999_000_001,
    "message": {
        "message_id": 1,
        "date": 1_790_000_000,
        "chat": {"id": BASIC_GROUP, "type": "group", "title": "Cobrança"},
        "from": {"id": ADMIN_ID, "is_bot": False, "first_name": "Dora"},
        "migrate_to_chat_id": BILLING_GROUP,
    },
}


@pytest.fixture
async def ana(people: Telegram, billing: Department) -> Customer:
    """A customer who is asked for the department."""
    customer = people.customer(demo.ANA)
    await customer.is_in_conversation()
    assert customer.read[-1] == texts.CHOOSE_DEPARTMENT
    return customer


async def test_with_one_department_nobody_is_asked(people: Telegram):
    await departments_of(people).create("Sem grupo")
    customer = people.customer(demo.ANA)
    await customer.is_in_conversation()
    assert "<protocol>" in customer.read[-1]
    assert texts.CHOOSE_DEPARTMENT not in customer.read


async def test_the_customer_picks_a_department_and_reaches_its_group(
    people: Telegram, ana: Customer
):
    assert buttons(people.messages(ana.id)[-1]) == ["Atendimento", "💰 Financeiro <&>"]
    said = await ana.presses("💰 Financeiro <&>")
    assert said.startswith("Departamento: Financeiro <&>.")
    assert "<protocol>" in said
    assert people.cards == []
    assert "Ana Beatriz Souza" in in_billing(people)[-1]["text"]
    await ana.says("boleto, por favor")
    assert "boleto, por favor" in in_billing(people)[-1]["text"]
    people.emulator.send_text(
        CAIO, BILLING_GROUP, "Já envio.", reply_to=in_billing(people)[-1]["message_id"]
    )
    await people.settled()
    assert ana.read[-1] == "Já envio."


async def test_a_departments_name_in_words_chooses_it_too(people: Telegram, ana: Customer):
    assert "Financeiro" in await ana.says("financeiro")
    assert in_billing(people)


async def test_what_is_written_before_the_choice_reaches_the_attendants(
    people: Telegram, ana: Customer
):
    said = await ana.says("estou sem internet")
    assert said.startswith("Guardei sua mensagem.")
    await ana.sends("photo")
    said = await ana.presses("Atendimento")
    assert "já foi para os atendentes" in said
    card, text, photo = people.messages(GROUP_ID)
    assert "Ana Beatriz Souza" in card["text"]
    assert text["text"] == "💬 Ana Beatriz Souza\nestou sem internet"
    assert "photo" in photo
    await people.group_says(BIA, "Vou ver.", reply_to=text["message_id"])
    assert ana.read[-1] == "Vou ver."


async def test_priority_is_of_the_department_that_was_chosen(
    people: Telegram, billing: Department
):
    await registered(people, demo.MARIA, priority_departments=frozenset((billing.id,)))
    maria = people.customer(demo.MARIA)
    await maria.is_in_conversation()
    await maria.presses("Atendimento")
    assert "PRIORIDADE" not in people.card["text"]
    await people.press(BIA, "☑️ Encerrar")
    await maria.says("/start")
    await maria.presses("💰 Financeiro <&>")
    card = next(m for m in in_billing(people) if "📋 Ficha completa" in buttons(m))
    assert "PRIORIDADE" in card["text"]
    await press(people, CAIO, BILLING_GROUP, "📋 Ficha completa")
    assert "Prioridade: 💰 Financeiro <&>" in in_billing(people)[-1]["text"]


async def test_the_card_names_tags_with_their_colour(people: Telegram):
    assert people.balcao
    tag = await people.balcao.tags.create("VIP <b>", "🔴")
    old = await people.balcao.tags.create("Antiga")
    assert isinstance(tag, Tag)
    assert isinstance(old, Tag)
    await people.balcao.tags.archive(old)
    await registered(people, demo.ANA, tags=frozenset((tag.id, old.id, "unknown")))
    customer = people.customer(demo.ANA)
    await customer.is_in_conversation()
    assert "🏷 Antiga, 🔴 VIP <b>" in people.card["text"]
    await people.press(BIA, "📋 Ficha completa")
    assert "Etiquetas: Antiga, 🔴 VIP <b>" in people.messages(GROUP_ID)[-1]["text"]


async def test_a_press_below_an_old_message_says_that_a_conversation_is_open(
    people: Telegram, ana: Customer
):
    await ana.presses("Atendimento")
    said = await press(people, ana.id, ana.id, "💰 Financeiro <&>")
    assert "já está aberto" in said
    assert in_billing(people) == []


async def test_a_press_below_an_old_message_opens_one_when_none_is_open(
    people: Telegram, ana: Customer
):
    await ana.presses("Atendimento")
    await people.press(BIA, "☑️ Encerrar")
    assert "<protocol>" in await ana.presses("💰 Financeiro <&>")
    assert len(in_billing(people)) == 1


async def test_a_press_after_leaving_asks_who_is_writing(people: Telegram, ana: Customer):
    await ana.says("/sair")
    assert (await ana.presses("Atendimento")).startswith("Para começar, envie seu CPF")
    assert await press(people, ana.id, ana.id, "Atendimento") == texts.IDENTIFY_FIRST
    assert people.messages(GROUP_ID) == []


async def test_a_department_archived_meanwhile_is_asked_about_again(
    people: Telegram, ana: Customer, billing: Department
):
    await departments_of(people).archive(billing)
    assert await press(people, ana.id, ana.id, "💰 Financeiro <&>") == texts.DEPARTMENT_GONE
    assert buttons(people.messages(ana.id)[-1]) == ["Atendimento"]
    assert "<protocol>" in await ana.presses("Atendimento")


async def test_on_return_the_message_that_was_written_goes_along(
    people: Telegram, ana: Customer, clock: Clock
):
    await ana.presses("Atendimento")
    await people.press(BIA, "☑️ Encerrar")
    clock.advance(timedelta(hours=13))
    said = await ana.says("voltei")
    assert said == f"Olá de novo, Ana Beatriz Souza! {texts.CHOOSE_DEPARTMENT}"
    assert texts.NOT_ME in buttons(people.messages(ana.id)[-1])
    await ana.presses("💰 Financeiro <&>")
    assert in_billing(people)[-1]["text"] == "💬 Ana Beatriz Souza\nvoltei"


async def test_start_and_help_while_choosing_are_no_message(people: Telegram, ana: Customer):
    assert await ana.says("/start") == texts.CHOOSE_DEPARTMENT
    await ana.says("/ajuda")
    await ana.presses("Atendimento")
    assert len(people.messages(GROUP_ID)) == 1


async def test_an_open_conversation_goes_on_where_the_departments_group_is_now(
    people: Telegram, ana: Customer
):
    await ana.presses("💰 Financeiro <&>")
    people.emulator.add_group(-1001000000003, "Novo", members=(ADMIN_ID, CAIO))
    assert await departments_of(people).follow(BILLING_GROUP, -1001000000003)
    await ana.says("e agora?")
    card, message = people.messages(-1001000000003)
    assert "Ana Beatriz Souza" in card["text"]
    assert message["reply_to_message"]["message_id"] == card["message_id"]


async def test_an_admin_links_a_group_by_a_command_and_a_press(people: Telegram):
    people.emulator.add_group(BILLING_GROUP, "Cobrança <b>", members=(ADMIN_ID, CAIO))
    await departments_of(people).create("Financeiro", "💰")
    await says(people, ADMIN_ID, BILLING_GROUP, "/departamentos")
    asked = people.messages(BILLING_GROUP)[-1]
    assert "ainda não é de nenhum departamento" in asked["text"]
    assert "tudo de que precisa" in asked["text"]
    # The default department has the group of the settings until another is linked.
    assert buttons(asked) == ["Atendimento", "💰 Financeiro", screens.NEW_NAMED_LIKE_GROUP]
    assert await press(people, ADMIN_ID, BILLING_GROUP, "💰 Financeiro") == ""
    said = people.messages(BILLING_GROUP)[-1]
    assert "agora é do departamento 💰 Financeiro" in said["text"]
    assert buttons(said) == []
    customer = people.customer(demo.ANA)
    await customer.is_in_conversation()
    await customer.presses("💰 Financeiro")
    assert "Ana Beatriz Souza" in people.messages(BILLING_GROUP)[-1]["text"]


async def test_a_new_department_is_named_like_the_group(people: Telegram):
    title = "Cobrança <b> \u202e" + "x" * 60
    people.emulator.add_group(BILLING_GROUP, title, members=(ADMIN_ID,))
    await says(people, ADMIN_ID, BILLING_GROUP, "/departamentos")
    await press(people, ADMIN_ID, BILLING_GROUP, screens.NEW_NAMED_LIKE_GROUP)
    department = await departments_of(people).of_group(BILLING_GROUP)
    assert department
    assert department.name.startswith("Cobrança <b> x")
    assert len(department.name) == 40


async def test_a_name_that_is_taken_links_nothing(people: Telegram):
    people.emulator.add_group(BILLING_GROUP, "ATENDIMENTO", members=(ADMIN_ID,))
    await says(people, ADMIN_ID, BILLING_GROUP, "/departamentos")
    said = await press(people, ADMIN_ID, BILLING_GROUP, screens.NEW_NAMED_LIKE_GROUP)
    assert "Já existe um departamento com este nome" in said
    assert await departments_of(people).of_group(BILLING_GROUP) is None


@pytest.mark.parametrize("attendant", [BIA, CAIO])
async def test_an_attendant_neither_asks_nor_presses(people: Telegram, attendant: int):
    await departments_of(people).create("Vendas")
    await says(people, ADMIN_ID, GROUP_ID, "/departamentos")
    before = len(people.messages(GROUP_ID))
    assert await press(people, attendant, GROUP_ID, "Vendas") != ""
    await says(people, attendant, GROUP_ID, "/departamentos")
    offers = [m for m in people.messages(GROUP_ID)[before:] if buttons(m)]
    assert offers == []
    found = await departments_of(people).of_group(GROUP_ID)
    assert found
    assert found.id == DEFAULT_DEPARTMENT


async def test_a_group_that_is_linked_says_to_whom_and_can_be_moved(
    people: Telegram, billing: Department
):
    sales = await departments_of(people).create("Vendas")
    assert isinstance(sales, Department)
    await says(people, ADMIN_ID, BILLING_GROUP, "/departamentos")
    asked = people.messages(BILLING_GROUP)[-1]
    assert "Este grupo é do departamento 💰 Financeiro <&>." in asked["text"]
    assert "💰 Financeiro <&>" not in buttons(asked)
    await press(people, ADMIN_ID, BILLING_GROUP, "Vendas")
    said = people.messages(BILLING_GROUP)[-1]["text"]
    assert "agora é do departamento Vendas" in said
    assert "💰 Financeiro <&> ficou sem grupo" in said
    now = {d.name: d.group_id for d in await departments_of(people).latest()}
    assert (now["Vendas"], now["Financeiro <&>"]) == (BILLING_GROUP, None)


async def test_what_became_impossible_since_the_buttons_were_shown_is_said(people: Telegram):
    people.emulator.add_group(BILLING_GROUP, "Cobrança", members=(ADMIN_ID,))
    departments = departments_of(people)
    sales, billing = await departments.create("Vendas"), await departments.create("Financeiro")
    assert isinstance(sales, Department)
    assert isinstance(billing, Department)
    await says(people, ADMIN_ID, BILLING_GROUP, "/departamentos")
    await departments.archive(sales)
    await departments.link(billing.id, -1001000000009)
    said = await press(people, ADMIN_ID, BILLING_GROUP, "Vendas")
    assert said == label_texts.ARCHIVED_DEPARTMENT
    said = await press(people, ADMIN_ID, BILLING_GROUP, "Financeiro")
    assert said == label_texts.LINKED_ELSEWHERE
    assert await departments.of_group(BILLING_GROUP) is None


async def test_each_right_that_the_bot_lacks_has_its_line(people: Telegram):
    people.emulator.add_group(BILLING_GROUP, "Cobrança", members=(ADMIN_ID,), bot="member")
    await says(people, ADMIN_ID, BILLING_GROUP, f"/departamentos@{BOT_NAME}")
    said = people.messages(BILLING_GROUP)[-1]["text"]
    assert "Não é administrador" in said
    assert "apagar mensagens" not in said
    people.emulator.set_admin(BILLING_GROUP, people.emulator.bot.id, True, by=ADMIN_ID)
    rights = people.emulator.chat(BILLING_GROUP).members[people.emulator.bot.id].rights
    rights |= {"can_delete_messages": False, "can_pin_messages": False}
    rights |= {"can_manage_topics": False}
    await says(people, ADMIN_ID, BILLING_GROUP, "/departamentos")
    said = people.messages(BILLING_GROUP)[-1]["text"]
    assert said.count("•") == 2
    assert "Não pode apagar mensagens" in said
    assert "Não pode fixar mensagens" in said


async def test_in_a_forum_the_bot_must_manage_topics(people: Telegram):
    people.emulator.add_group(BILLING_GROUP, "Cobrança", forum=True, members=(ADMIN_ID,))
    rights = people.emulator.chat(BILLING_GROUP).members[people.emulator.bot.id].rights
    rights |= {"can_manage_topics": False}
    await says(people, ADMIN_ID, BILLING_GROUP, "/departamentos")
    assert "Não pode gerenciar tópicos" in people.messages(BILLING_GROUP)[-1]["text"]


async def test_a_department_follows_a_group_that_becomes_a_supergroup(people: Telegram):
    """Pass in the update as Telegram sends it; the emulator cannot migrate groups."""
    people.emulator.add_group(BILLING_GROUP, "Cobrança", members=(ADMIN_ID, CAIO))
    made = await departments_of(people).create("Financeiro")
    assert isinstance(made, Department)
    await departments_of(people).link(made.id, BASIC_GROUP)
    assert people.balcao
    await people.balcao.inbox.take([MIGRATED])
    await people.balcao.inbox.idle()
    found = await departments_of(people).of_group(BILLING_GROUP)
    assert found
    assert found.id == made.id
