"""/titular: all data about one person, and the data that anonymisation leaves."""

import json
import re
from typing import Any

import pytest

from bot.demo import people as demo
from bot.domain.audit import Event
from bot.domain.data_subject import ANONYMISED_NAME
from handlers.admin.company import data_subject_texts as texts
from handlers.answers import EXPIRED_BUTTON
from handlers.customer.texts import ASK_TAX_ID
from storage.register.audit import Audit
from storage.register.verify import verify
from tests.flows.admin import Admin
from tests.flows.conftest import ADMIN_ID, BIA, Customer, Telegram
from tests.flows.wording import plain

CPF = re.sub(r"\D", "", demo.ANA.tax_id)
TELLING = (CPF, demo.ANA.tax_id, "Ana Beatriz", "beatriz", demo.ANA.phone, "anasouza", "@")


@pytest.fixture
def admin(people: Telegram) -> Admin:
    return Admin(people, ADMIN_ID)


@pytest.fixture
async def ana(people: Telegram, database: Any) -> Customer:
    """Served, with a portal and a note that an admin has written."""
    customer = people.customer(demo.ANA)
    await customer.is_in_conversation()
    await people.press(BIA, "✋ Atender")
    return customer


def said(people: Telegram) -> str:
    return people.texts(ADMIN_ID)[-1]


def file_of(people: Telegram) -> str:
    message = [m for m in people.messages(ADMIN_ID) if "document" in m][-1]
    file = people.emulator.files.by_id(message["document"]["file_id"])
    assert file
    return file.content.decode("utf-8-sig")


async def every_text(database: Any) -> str:
    names = await database.list_collection_names()
    stored = {name: await database[name].find({}).to_list(None) for name in names}
    return json.dumps(stored, default=str, ensure_ascii=False)


async def faults(database: Any) -> Any:
    return (await verify(database, lambda _: None)).broken


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("/titular", "depois do comando"),
        ("/titular fulano", "Não encontrei um número"),
        ("/titular 390.533.447-0", "10 caracteres"),
        ("/titular 390.533.447-06", "não conferem"),
        ("/titular 111.111.111-11", "mesmo dígito"),
        (f"/titular {demo.ANA.tax_id} {demo.JOSE.tax_id}", "dois números"),
        (f"/titular {demo.STRANGER.tax_id}", "Não há nada guardado"),
    ],
)
async def test_bad_input_and_nobody_are_told(people: Telegram, typed: str, told: str):
    people.emulator.send_text(ADMIN_ID, ADMIN_ID, typed)
    await people.settled()
    assert told in said(people)


async def test_a_person_is_told_and_anonymised(
    people: Telegram, admin: Admin, ana: Customer, database: Any
):
    register = people.balcao.registrations if people.balcao else None
    assert register
    registration = await database["registrations"].find_one({})
    conversation = await database["conversations"].find_one({})
    text = await admin.says(f"/titular o cpf é {CPF}, ok?")
    assert "Ana Beatriz Souza" in text
    told = file_of(people)
    for found in (demo.ANA.tax_id, conversation["protocol"], str(ana.id), "Criação", "por ERP"):
        assert found in told
    await admin.presses("Anonimizar")
    assert conversation["protocol"] in admin.told, "its attendants need to know who it is"
    await people.press(BIA, "☑️ Encerrar")
    await admin.presses("Anonimizar")
    assert "traz a pessoa de volta" in admin.screen
    question = admin.message
    assert texts.NO in admin.buttons
    await admin.presses(texts.NO)
    assert said(people) == texts.NOTHING_CHANGED
    assert await register.by_id(registration["_id"])
    await admin.presses("Anonimizar")
    await admin.presses(texts.YES)
    assert said(people) == plain(texts.DONE)
    stored = await every_text(database)
    assert [one for one in TELLING if one in stored] == []
    assert await faults(database) == ()
    left = await register.by_id(registration["_id"])
    assert left
    assert (left.name, left.kinds) == (ANONYMISED_NAME, frozenset(registration["kinds"]))
    entry = (await Audit(database).audit_of(left.id))[0]
    assert (entry.event, entry.provenance.by) == (Event.ANONYMISED, f"admin:{ADMIN_ID}")
    # Old buttons have no effect, and the bot still serves everybody.
    await admin.presses(texts.YES, screen=question)
    assert said(people) == plain(texts.DONE)
    assert (await register.by_id(left.id)) == left
    await admin.says(f"/titular {CPF}")
    assert "Não há nada guardado" in said(people)
    assert "anonimizado" in await admin.says("/clientes anonimizado")
    assert await ana.says("oi") == plain(ASK_TAX_ID)


async def test_what_changed_since_it_was_shown_is_looked_at_again(
    people: Telegram, admin: Admin, ana: Customer, database: Any
):
    await people.press(BIA, "☑️ Encerrar")
    await admin.says(f"/titular {CPF}")
    file_message = admin.message
    await admin.presses("Anonimizar")
    await database["registrations"].update_one({}, {"$inc": {"version": 1}})
    await admin.presses(texts.YES)
    assert said(people) == texts.CHANGED
    await admin.presses("Anonimizar", screen=file_message)
    assert admin.told == texts.CHANGED
    assert "Ana Beatriz" in await every_text(database)


async def test_a_chat_without_a_registration_is_found_and_emptied(
    people: Telegram, admin: Admin, database: Any
):
    stranger = people.customer(demo.STRANGER)
    await stranger.says("oi")
    await stranger.says(demo.STRANGER.tax_id)
    assert "só falou pelo chat" in await admin.says(f"/titular {demo.STRANGER.tax_id}")
    assert demo.STRANGER.tax_id in file_of(people)
    await admin.presses("Anonimizar")
    await admin.presses(texts.YES)
    chat = await database["chats"].find_one({"_id": stranger.id})
    assert (chat["tax_id"], chat["attempts"], chat["privacy_notice_at"] is None) == (
        None,
        [],
        False,
    )
    assert re.sub(r"\D", "", demo.STRANGER.tax_id) not in await every_text(database)
    entries = await database["audit"].find({}).to_list(None)
    assert [(e["event"], e["stamp"]["by"]) for e in entries] == [
        ("anonymised", f"admin:{ADMIN_ID}")
    ]
    assert await faults(database) == ()


async def test_nobody_else_gets_or_does_anything(people: Telegram, ana: Customer, database: Any):
    await people.press(BIA, "☑️ Encerrar")
    registration = await database["registrations"].find_one({})
    # As any other text: it reopens the conversation, and the next one is said there.
    assert "Reabri seu atendimento" in await ana.says(f"/titular {CPF}")
    assert await ana.says(f"/titular {CPF}") == await ana.says("/naoexiste")
    for user_id in (ana.id, BIA):
        data = f"titular:yes:{registration['_id']}:{registration['version']}"
        pressed = people.emulator.press(user_id, user_id, 1, data=data, force=True)
        await people.settled()
        answer = people.emulator.callback_answer(pressed)
        assert answer
        assert answer["text"] == EXPIRED_BUTTON
    assert (await database["registrations"].find_one({})) == registration
