"""The second way to confirm: user name and password of the customer's portal."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from bson import json_util
from pydantic import SecretStr

from bot.demo import people as demo
from bot.domain.conversation import Department
from bot.domain.registration import ChangeSource, Kind, Portal, Provenance, Registration
from bot.domain.tax_id import TaxId, read_tax_id
from handlers.customer import texts
from tests.flows.conftest import PASSWORD, PROTOCOL, Clock, Customer, Start, Telegram
from tests.flows.wording import local_date, plain

OTHER_PHONE = "+5511977770000"


@pytest.fixture
async def ana(people: Telegram, password_hash: str, clock: Clock) -> Customer:
    """Return a customer with a login and no telephone, who is asked to confirm."""
    await has_login(people, demo.ANA.tax_id, password_hash, clock)
    return await asked_to_confirm(people, demo.ANA)


async def has_login(people: Telegram, document: str, password_hash: str, clock: Clock) -> None:
    tax_id = read_tax_id(document)
    assert isinstance(tax_id, TaxId)
    assert people.balcao
    assert await people.balcao.registrations.create(
        Registration(
            id=f"r{tax_id.number}",
            tax_id=tax_id,
            name="Ana Beatriz Souza",
            kinds=frozenset((Kind.CUSTOMER,)),
            portal=Portal(username="ana.b", password_hash=password_hash),
            created=(provenance := Provenance(at=clock(), by="admin:1", way=ChangeSource.CHAT)),
            updated=provenance,
        )
    )


async def asked_to_confirm(people: Telegram, person: demo.DemoPerson) -> Customer:
    customer = people.customer(person, phone=OTHER_PHONE)
    await customer.says("oi")
    await customer.says(person.tax_id)
    return customer


async def gives(customer: Customer, username: str, password: str) -> str:
    await customer.says(texts.PORTAL_LOGIN)
    await customer.says(username)
    return await customer.says(password)


async def stored_texts(database: Any) -> str:
    """Return every document of every collection as JSON."""
    names = await database.list_collection_names()
    return "".join(
        [json_util.dumps(await database[name].find().to_list(None)) for name in sorted(names)]
    )


async def test_the_right_login_is_greeted_by_name_and_the_card_says_how(
    people: Telegram, ana: Customer, clock: Clock
):
    assert await ana.says(texts.PORTAL_LOGIN) == plain(texts.ASK_USERNAME)
    assert await ana.says(" Ana.B ") == plain(texts.ASK_PASSWORD)
    assert "<protocol>" in await ana.says(PASSWORD)
    assert "Ana Beatriz Souza" in ana.read[-2]
    assert people.emulator.reply_keyboard(ana.id, ana.id) is None
    assert f"✅ confirmado pelo portal em {local_date(clock)}" in people.card["text"]


async def test_a_returning_customer_stays_confirmed_with_the_date(
    people: Telegram, ana: Customer, clock: Clock
):
    await gives(ana, "ana.b", PASSWORD)
    first = local_date(clock)
    await people.press(4002, "☑️ Encerrar")
    clock.advance(timedelta(days=3))
    assert "Ana Beatriz Souza" in await ana.says("voltei")
    assert f"✅ confirmado pelo portal em {first}" in people.card["text"]
    await ana.says("/sair")
    await ana.says("oi")
    assert await ana.says(demo.ANA.tax_id) == plain(texts.ASK_PHONE)
    await ana.says(texts.SKIP)
    await ana.says("Ana")
    assert "não confirmado" in people.card["text"]


@pytest.mark.parametrize(
    ("username", "password"), [("ana.b", "errada-42"), ("outra", PASSWORD)], ids=["pw", "user"]
)
async def test_neither_a_right_nor_a_wrong_password_stays_anywhere(
    people: Telegram, ana: Customer, database: Any, username: str, password: str
):
    assert await gives(ana, username, password) == plain(texts.WRONG_LOGIN)
    await ana.says(texts.BACK)
    await ana.says("ana.b")
    assert "<protocol>" in await ana.says(PASSWORD)
    everything = await stored_texts(database)
    assert "ana.b" in everything
    assert password not in everything
    assert PASSWORD not in everything
    written = [m.get("text") for m in people.messages(ana.id) if not m["from"]["is_bot"]]
    assert username in written
    assert password not in written
    assert PASSWORD not in written


async def test_a_password_in_the_place_of_the_user_name_is_not_kept_either(
    people: Telegram, ana: Customer, database: Any
):
    await ana.says(texts.PORTAL_LOGIN)
    assert await ana.says(f"ana.b {PASSWORD}") == plain(texts.NOT_A_USERNAME)
    await ana.says("senha-secreta-42")
    everything = await stored_texts(database)
    assert "senha-secreta-42" not in everything
    assert PASSWORD not in everything
    written = [m.get("text") for m in people.messages(ana.id) if not m["from"]["is_bot"]]
    assert f"ana.b {PASSWORD}" not in written


async def test_a_password_is_gone_from_the_inbox_when_its_handler_fails(
    people: Telegram, ana: Customer, database: Any
):
    """Set the update aside after three failures, with its chat but without the password."""
    await ana.says(texts.PORTAL_LOGIN)
    await ana.says("ana.b")
    people.emulator.fail_next("sendMessage", 400, "Bad Request: odd", times=3, chat_id=ana.id)
    people.emulator.send_text(ana.id, ana.id, PASSWORD)
    await people.settled()
    [document] = [d async for d in database["inbox"].find() if "set_aside_at" in d]
    assert set(document["payload"]["message"]) == {"message_id", "date", "chat", "from"}
    assert PASSWORD not in await stored_texts(database)


async def test_a_login_that_was_cut_short_after_its_success_is_not_asked_for_again(
    people: Telegram, ana: Customer
):
    await ana.says(texts.PORTAL_LOGIN)
    await ana.says("ana.b")
    people.emulator.fail_next("sendMessage", 500, chat_id=ana.id)
    assert "<protocol>" in await ana.says(PASSWORD)
    assert "Ana Beatriz Souza" in ana.read[-2]


async def test_where_telegram_refuses_the_customer_is_told_to_delete_it(
    people: Telegram, ana: Customer
):
    await ana.says(texts.PORTAL_LOGIN)
    await ana.says("ana.b")
    people.emulator.fail_next("deleteMessage", 400, "Bad Request: message can't be deleted")
    assert await ana.says("errada-42") == plain(texts.WRONG_LOGIN)
    assert ana.read[-2] == plain(texts.DELETE_PASSWORD)


async def test_after_five_tries_the_way_is_closed_for_the_day_and_the_others_go_on(
    people: Telegram, ana: Customer, clock: Clock
):
    await ana.says(texts.PORTAL_LOGIN)
    await ana.says("ana.b")
    for _ in range(4):
        assert await ana.says("errada-42") == plain(texts.WRONG_LOGIN)
    assert await ana.says("errada-42") == plain(texts.NO_MORE_LOGINS)
    assert await ana.says(texts.PORTAL_LOGIN) == plain(texts.NO_MORE_LOGINS)
    # The limit also applies to another chat with the same document.
    jose = people.customer(demo.JOSE)
    await jose.says("oi")
    await jose.says(demo.ANA.tax_id)
    assert await jose.says(texts.PORTAL_LOGIN) == plain(texts.NO_MORE_LOGINS)
    clock.advance(timedelta(days=1))
    assert "<protocol>" in await gives(jose, "ana.b", PASSWORD)
    assert await ana.says(texts.SKIP) == texts.ASK_NAME
    assert "<protocol>" in await ana.says("Ana")


async def test_from_one_chat_five_tries_are_all_for_any_documents(people: Telegram, ana: Customer):
    for person in (demo.JOSE, demo.STRANGER, demo.MARIA):
        await ana.says(person.tax_id)
        await gives(ana, "ana.b", "errada-42")
        await ana.says(texts.BACK)
        await ana.says(texts.BACK)
    await ana.says(demo.ANA.tax_id)
    assert await gives(ana, "ana.b", "errada-42") == plain(texts.WRONG_LOGIN)
    assert await ana.says("errada-43") == plain(texts.NO_MORE_LOGINS)


async def test_tries_at_once_on_several_replicas_are_five(people: Telegram, ana: Customer):
    """Call the use case directly: without the inbox's ordering, the database decides."""
    assert people.balcao
    reception = people.balcao.dispatcher["reception"]
    log_in, chat_of = reception.log_in, reception.chat_of
    outcomes = await asyncio.gather(
        *(
            log_in(
                chat_of(ana.id),
                SecretStr("errada-42"),
                username_fits=True,
                try_id=f"{ana.id}:{n}",
            )
            for n in range(12)
        )
    )
    names = [type(outcome).__name__ for outcome in outcomes]
    assert names.count("NoMoreTries") >= 7
    assert not await log_in.is_open(chat_of(ana.id))


async def test_a_picture_of_the_password_is_deleted_and_asked_for_as_text(
    people: Telegram, ana: Customer
):
    await ana.says(texts.PORTAL_LOGIN)
    await ana.says("ana.b")
    assert await ana.sends("photo", caption=PASSWORD) == plain(texts.PASSWORD_AS_TEXT)
    assert "photo" not in str(people.messages(ana.id))
    assert "<protocol>" in await ana.says(PASSWORD)


async def test_there_is_always_a_way_back_and_on(people: Telegram, ana: Customer):
    await ana.says(texts.PORTAL_LOGIN)
    assert await ana.says(texts.BACK) == plain(texts.USE_PHONE_BUTTON)
    await ana.says(texts.PORTAL_LOGIN)
    await ana.says("ana.b")
    assert await ana.says(texts.BACK) == plain(texts.ASK_USERNAME)
    assert await ana.says("/ajuda") == texts.HELP
    assert await ana.says("/start") == plain(texts.ASK_TAX_ID)
    await ana.says(demo.ANA.tax_id)
    await ana.says(texts.PORTAL_LOGIN)
    await ana.says("ana.b")
    assert await ana.says("/pular") == texts.ASK_NAME
    assert "<protocol>" in await ana.says("Ana")


async def test_who_shared_another_phone_is_still_offered_the_login(
    people: Telegram, ana: Customer
):
    assert texts.NOT_CONFIRMED in await ana.shares_phone()
    people.emulator.press_reply_button(ana.id, ana.id, texts.PORTAL_LOGIN)
    await people.settled()
    assert ana.read[-1] == plain(texts.ASK_USERNAME)
    await ana.says("ana.b")
    assert "<protocol>" in await ana.says(PASSWORD)


async def test_its_button_works_at_the_department_question_and_then_goes(
    people: Telegram, ana: Customer, billing: Department
):
    await ana.shares_phone()
    assert await ana.says("Ana") == texts.CHOOSE_DEPARTMENT
    people.emulator.press_reply_button(ana.id, ana.id, texts.PORTAL_LOGIN)
    await people.settled()
    assert ana.read[-1] == plain(texts.ASK_USERNAME)
    await ana.says("ana.b")
    assert await ana.says(PASSWORD) == texts.CHOOSE_DEPARTMENT
    await ana.presses("Atendimento")
    assert "✅ confirmado pelo portal" in people.card["text"]
    jose = await asked_to_confirm(people, demo.JOSE)
    await jose.shares_phone()
    await jose.says("José")
    assert people.emulator.reply_keyboard(jose.id, jose.id)
    await jose.presses("Atendimento")
    assert people.emulator.reply_keyboard(jose.id, jose.id) is None


async def test_known_and_unknown_are_answered_alike(
    people: Telegram, password_hash: str, clock: Clock
):
    """Compare no registration, no login, a wrong user name and a wrong password."""
    await has_login(people, demo.ANA.tax_id, password_hash, clock)
    told = []
    for person, username in (
        *((demo.ANA, "ana.b"), (demo.ANA, "outra")),
        *((demo.STRANGER, "ana.b"), (demo.JOSE, "ana.b")),
    ):
        customer = await asked_to_confirm(people, person)
        seen = len(people.messages(customer.id))
        assert await gives(customer, username, "errada-42") == plain(texts.WRONG_LOGIN)
        await customer.says(texts.SKIP)
        told.append(
            [
                (m.get("text") and PROTOCOL.sub("", m["text"]), m.get("reply_markup"))
                for m in people.messages(customer.id)[seen:]
                if m["from"]["is_bot"]
            ]
        )
        await customer.says("/sair")
    assert len(told[0]) == 4
    assert all(transcript == told[0] for transcript in told[1:])


async def test_a_company_without_a_portal_does_not_offer_it(start: Start):
    async with start(portal_login=False) as people:
        ana = await asked_to_confirm(people, demo.ANA)
        keyboard = people.emulator.reply_keyboard(ana.id, ana.id)
        assert texts.SHARE_PHONE in str(keyboard)
        assert texts.PORTAL_LOGIN not in str(keyboard)
