"""Corrections by attendants: asked, confirmed, audited, and kept from the ERP's old value."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.demo import people as demo
from bot.demo.ixc import IxcEmulator
from bot.domain.registration import Registration
from handlers.attendant import correcting_texts as texts
from handlers.attendant.texts import only_asked
from handlers.customer import my_data_texts
from handlers.customer.texts import NOT_CONFIRMED
from handlers.relay.correction_menu import menu_text
from handlers.relay.texts import SWITCH
from tests.flows.conftest import ADMIN_ID, BIA, CAIO, GROUP_ID, Customer, Start, Telegram
from tests.flows.departments import buttons, press, registered
from tests.flows.file_admin import FileAdmin
from tests.flows.registrations import registration_of
from tests.flows.test_sync_in_chat import LATER, synced
from tests.flows.wording import plain

CORRECT = "✏️ Corrigir cadastro"
FIELDS = ["📱 Celular", "🏠 Residencial", "🏢 Comercial", "✉️ E-mail", "📌 Observação fixa"]
OLD, NEW, NEWER = "(49) 99001-0001", "(49) 99888-7766", "(49) 98765-4321"


@pytest.fixture
async def people(start: Start, tmp_path: Path) -> AsyncIterator[Telegram]:
    async with start(data_dir=tmp_path) as telegram:
        yield telegram


@pytest.fixture
async def ana(people: Telegram) -> Customer:
    customer = people.customer(demo.ANA)
    await customer.is_in_conversation()
    return customer


async def on_record(people: Telegram) -> Registration:
    found: Registration = await registration_of(people, demo.ANA.tax_id)
    return found


async def ask(people: Telegram, field: str, *, by: int = BIA) -> dict[str, Any]:
    """Press the field in the menu; return the question."""
    await press(people, by, GROUP_ID, field)
    return people.messages(GROUP_ID)[-1]


async def answer(people: Telegram, question: dict[str, Any], text: str) -> str:
    await people.group_says(BIA, text, reply_to=question["message_id"])
    return people.texts(GROUP_ID)[-1]


async def test_the_erps_old_telephone_does_not_come_back_and_its_new_one_does(
    people: Telegram, ana: Customer, erp: IxcEmulator
):
    assert await people.press(BIA, CORRECT) == ""
    menu = people.messages(GROUP_ID)[-1]
    assert buttons(menu) == FIELDS
    assert f"Celular: {OLD}\nTelefone residencial: vazio" in menu["text"]
    question = await ask(people, "📱 Celular")
    assert "o celular certo de Ana Beatriz Souza" in question["text"]
    assert "Não é um telefone" in await answer(people, question, "meu novo é bem fácil")
    shown = await answer(people, question, "49 99888-7766")
    assert shown == f"✏️ Celular de Ana Beatriz Souza:\n{OLD} → {NEW}\n\nGuardar?"
    assert (await on_record(people)).phones.mobile == demo.ANA.phone
    await press(people, BIA, GROUP_ID, texts.YES)
    assert "não confirma a identidade de ninguém" in people.texts(GROUP_ID)[-1]
    assert f"Celular: {NEW}" in menu_of(people)
    stored = await on_record(people)
    assert (stored.phones.mobile, stored.updated.by) == ("+5549998887766", f"user:{BIA}")
    assert f"📞 {NEW}" in people.card["text"]
    # The telephone that proved the chat is gone, and the new one proves nobody.
    assert "a confirmação venceu" in people.card["text"]
    other = people.customer(replace(demo.ANA, user_id=6001), phone="+5549998887766")
    await other.says("/start")
    await other.says(demo.ANA.tax_id)
    assert NOT_CONFIRMED in await other.shares_phone()
    # A sync brings the old number again, and then a new one.
    admin = FileAdmin(people, ADMIN_ID)
    await admin.says("/auditoria")
    entry = await admin.presses("✏️")
    assert "por Bia" in entry
    assert f"Celular: {OLD} → {NEW}" in entry
    await synced(admin)
    assert (await on_record(people)).phones.mobile == "+5549998887766"
    [row] = [one for one in erp.tables["cliente"] if one["cnpj_cpf"] == demo.ANA.tax_id]
    row |= {"email": "ana@exemplo.com.br", "ultima_atualizacao": LATER}
    await synced(admin)
    stored = await on_record(people)
    assert (stored.phones.mobile, stored.email) == ("+5549998887766", "ana@exemplo.com.br")
    row |= {"telefone_celular": NEWER, "ultima_atualizacao": "2026-06-02 10:00:00"}
    await synced(admin)
    stored = await on_record(people)
    assert (stored.phones.mobile, stored.erp_values) == ("+5549987654321", frozenset())
    assert stored.is_reached_at("+5549987654321")


async def test_note_and_email_are_replaced_emptied_or_left_alone(people: Telegram, ana: Customer):
    await registered(people, demo.ANA, fixed_note="Cão bravo.", email="ana@exemplo.com.br")
    await people.press(BIA, CORRECT)
    question = await ask(people, "📌 Observação fixa")
    assert "Agora: Cão bravo." in menu_of(people)
    assert await answer(people, question, "Cão bravo.") == texts.SAME
    question = await ask(people, "📌 Observação fixa")
    assert "Cão bravo. → Cão <manso>.\nPortão azul" in await answer(
        people, question, "Cão <manso>.\nPortão azul"
    )
    assert await press(people, CAIO, GROUP_ID, texts.YES) == only_asked("Bia")
    await press(people, BIA, GROUP_ID, texts.NO)
    assert people.texts(GROUP_ID)[-1] == texts.DROPPED
    assert (await on_record(people)).fixed_note == "Cão bravo."
    # Back, and the question is no longer answered.
    question = await ask(people, "✉️ E-mail")
    assert await press(people, CAIO, GROUP_ID, texts.BACK) == only_asked("Bia")
    await press(people, BIA, GROUP_ID, texts.BACK)
    assert "ainda" not in menu_of(people)
    assert people.emulator.reply_keyboard(GROUP_ID, BIA) is None, "what she writes is no answer"
    assert question["message_id"] not in [m["message_id"] for m in people.messages(GROUP_ID)]
    # Without a value.
    for field, path in (("✉️ E-mail", "email"), ("📌 Observação fixa", "fixed_note")):
        await ask(people, field)
        await press(people, BIA, GROUP_ID, texts.LEAVE_EMPTY)
        assert people.emulator.reply_keyboard(GROUP_ID, BIA) is None
        assert "→ vazio" in people.texts(GROUP_ID)[-1]
        await press(people, BIA, GROUP_ID, texts.YES)
        assert (await on_record(people)).value(path) is None


async def test_what_an_admin_enters_in_the_group_proves_at_once(people: Telegram, ana: Customer):
    await people.press(ADMIN_ID, CORRECT)
    question = await ask(people, "📱 Celular", by=ADMIN_ID)
    await people.group_says(ADMIN_ID, NEW, reply_to=question["message_id"])
    await press(people, ADMIN_ID, GROUP_ID, texts.YES)
    assert "não confirma" not in people.texts(GROUP_ID)[-1]
    assert (await on_record(people)).is_reached_at("+5549998887766")


async def test_a_customers_request_opens_with_the_same_buttons(people: Telegram, ana: Customer):
    await ana.says("/meusdados")
    await ana.presses(my_data_texts.FIX)
    await ana.says("Meu e-mail mudou para ana@exemplo.org")
    request, menu = people.messages(GROUP_ID)[-2:]
    assert my_data_texts.CORRECTION in request["text"]
    assert menu["text"] == plain(menu_text(await on_record(people)))
    assert buttons(menu) == FIELDS
    # It asks: what replies to it is for no customer.
    before = ana.read
    assert "Isso não foi para o cliente" in await answer(people, menu, "ana@exemplo.org")
    assert ana.read == before
    question = await ask(people, "✉️ E-mail")
    await answer(people, question, "ana@exemplo.org")
    await press(people, BIA, GROUP_ID, texts.YES)
    assert (await on_record(people)).email == "ana@exemplo.org"
    assert "E-mail: ana@exemplo.org" in menu_of(people), "the next field can be chosen"
    assert not any("Guardado" in text for text in ana.read)


async def test_in_a_conversation_about_somebody_else_the_buttons_are_not_offered(
    people: Telegram, ana: Customer
):
    await registered(people, demo.JOSE)
    await ana.says(demo.JOSE.tax_id)
    await press(people, BIA, GROUP_ID, SWITCH)
    await ana.says("/meusdados")
    await ana.presses(my_data_texts.FIX)
    await ana.says("Meu e-mail mudou")
    assert my_data_texts.CORRECTION in people.messages(GROUP_ID)[-1]["text"]


def menu_of(people: Telegram) -> str:
    """Return the latest menu, or what it shows while a value is awaited."""
    [*_, menu] = [
        one for one in people.messages(GROUP_ID) if {FIELDS[0], texts.BACK} & set(buttons(one))
    ]
    return str(menu["text"])
