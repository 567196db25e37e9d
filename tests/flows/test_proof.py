"""Proof of identity: what gives it, what ends it, and what a stranger gets without it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.demo import people as demo
from bot.domain.candidate import Update
from bot.domain.registration import ChangeSource, Kind, Phones, Portal, Provenance, Registration
from bot.domain.tax_id import TaxId, read_tax_id
from handlers.attendant import texts as attendant_texts
from handlers.customer import my_data_texts, texts
from tests.flows.conftest import (
    ADMIN_ID,
    BIA,
    GROUP_ID,
    PASSWORD,
    Clock,
    Customer,
    Start,
    Telegram,
)
from tests.flows.registrations import registration_of
from tests.flows.test_my_data import files
from tests.flows.wording import plain

# Long, and not about the database.
pytestmark = pytest.mark.embedded

FULL_CARD = "📋 Ficha completa"
REFUSED = plain(my_data_texts.not_verified(can_verify=True))


async def changed(people: Telegram, document: str, **values: object) -> None:
    """Change the registration as an admin or the ERP would; a path has `__` for a dot."""
    before = await registration_of(people, document)
    paths: Mapping[str, object] = {key.replace("__", "."): value for key, value in values.items()}
    provenance = Provenance(at=datetime.now(UTC), by=f"admin:{ADMIN_ID}", way=ChangeSource.CHAT)
    assert people.balcao
    after = before.with_values(paths, updated=provenance)
    assert await people.balcao.registrations.update(Update(before, after, ()))
    await people.balcao.queue_rounds.follow_registrations()
    await people.settled()


async def is_shown_data(people: Telegram, customer: Customer) -> bool:
    before = len(files(people, customer.id))
    said = await customer.says("/meusdados")
    is_shown = len(files(people, customer.id)) > before
    assert is_shown or said == REFUSED
    return is_shown


@pytest.mark.parametrize(
    ("on_record", "shared"),
    [
        ("+5551987654321", "51987654321"),  # Peru
        ("+5565981234567", "6581234567"),  # Singapore
        ("+5547991234567", "4791234567"),  # Norway
        ("+5534912345678", "34912345678"),  # Spain
        ("+5511987654321", "11987654321"),
        ("+5549988010042", "49988010042"),  # Germany
    ],
)
async def test_a_foreign_telephone_proves_nobody(start: Start, on_record: str, shared: str):
    async with start(with_erp=False) as people:
        assert people.balcao
        tax_id = read_tax_id(demo.ANA.tax_id)
        assert isinstance(tax_id, TaxId)
        made = Provenance(at=datetime.now(UTC), by="admin:1", way=ChangeSource.CHAT)
        assert await people.balcao.registrations.create(
            Registration(
                id="victim",
                tax_id=tax_id,
                name="Ana Vitima",
                phones=Phones(mobile=on_record),
                kinds=frozenset((Kind.CUSTOMER,)),
                created=made,
                updated=made,
            )
        )
        for number, written in enumerate((shared, f"+{shared}")):
            stranger = people.customer(replace(demo.ANA, user_id=6100 + number), phone=written)
            await stranger.says("/start")
            await stranger.says(demo.ANA.tax_id)
            assert texts.NOT_CONFIRMED in await stranger.shares_phone()
            await stranger.says("Fulano")
            assert not await is_shown_data(people, stranger)
            assert people.card["text"].startswith("⚠️ Ana Vitima")
        # The victim's own telephone, as Telegram writes it.
        ana = people.customer(demo.ANA, phone=on_record.removeprefix("+"))
        await ana.says("/start")
        await ana.says(demo.ANA.tax_id)
        assert "<protocol>" in await ana.shares_phone()


@pytest.mark.parametrize(
    "forwarded",
    [
        {"forward_origin": {"type": "hidden_user", "date": 1, "sender_user_name": "Ana"}},
        {
            "forward_origin": {
                "type": "user",
                "date": 1,
                "sender_user": {"id": demo.ANA.user_id, "is_bot": False, "first_name": "Ana"},
            }
        },
        {"via_bot": {"id": 99, "is_bot": True, "first_name": "Outro"}},
    ],
    ids=["of a hidden user", "one's own", "by another bot"],
)
async def test_a_contact_that_is_not_shared_here_and_now_is_none(
    people: Telegram, forwarded: dict[str, Any]
):
    ana = people.customer(demo.ANA)
    await ana.says("/start")
    await ana.says(demo.ANA.tax_id)
    contact = {"phone_number": demo.ANA.phone, "first_name": "Ana", "user_id": ana.id}
    people.emulator.send(ana.id, ana.id, {"contact": contact} | forwarded)
    await people.settled()
    assert ana.read[-1] == plain(texts.NOT_YOUR_PHONE)
    assert "<protocol>" in await ana.shares_phone()


@pytest.mark.parametrize(
    "change",
    [
        {"phones__mobile": "+5549911112222"},
        {"phones__mobile": None, "phones__home": None, "phones__commercial": None},
        {"tax_id": read_tax_id(demo.STRANGER.tax_id)},
        {"tax_id": None},
        {"chat_phones": frozenset((demo.ANA.phone,))},
    ],
    ids=["replaced", "emptied", "other document", "no document", "of a chat only"],
)
async def test_a_proof_ends_with_what_proved_it(people: Telegram, change: dict[str, Any]):
    ana = people.customer(demo.ANA)
    await ana.is_in_conversation()
    assert await is_shown_data(people, ana)
    assert "confirmado por telefone" in people.card["text"]
    await changed(people, demo.ANA.tax_id, **change)
    assert "⚠️ não confirmado: a confirmação venceu" in people.card["text"]
    assert people.card["text"].startswith("⚠️ Ana Beatriz")
    await people.press(BIA, FULL_CARD)
    assert attendant_texts.TAKE_BACK not in str(people.messages(GROUP_ID))
    assert not await is_shown_data(people, ana)
    await people.press(BIA, "☑️ Encerrar")
    assert "Ana" not in await ana.says("voltei")
    assert "não confirmado" in people.card["text"]


async def test_another_change_of_the_record_ends_no_proof(people: Telegram):
    ana = people.customer(demo.ANA)
    await ana.is_in_conversation()
    await changed(people, demo.ANA.tax_id, name="Ana B. Souza", phones__home="+554933334444")
    assert "✅ confirmado por telefone" in people.card["text"]
    assert await is_shown_data(people, ana)


@pytest.mark.parametrize("change", [{"username": "outra"}, {"password_hash": "$argon2id$x"}, {}])
async def test_a_login_that_was_replaced_or_removed_proves_nothing(
    people: Telegram, password_hash: str, change: dict[str, str]
):
    ana = people.customer(demo.ANA, phone="+5511977770000")
    await ana.says("/start")
    await ana.says(demo.ANA.tax_id)
    login = {"username": "ana.b", "password_hash": password_hash}
    await changed(people, demo.ANA.tax_id, portal=Portal(**login))
    for word in (texts.PORTAL_LOGIN, "ana.b", PASSWORD):
        await ana.says(word)
    assert await is_shown_data(people, ana)
    after = Portal(**login | change) if change else Portal()
    await changed(people, demo.ANA.tax_id, portal=after)
    assert not await is_shown_data(people, ana)
    assert "não confirmado" in people.card["text"]


async def test_a_proof_lasts_180_days(people: Telegram, clock: Clock):
    ana = people.customer(demo.ANA)
    await ana.is_in_conversation()
    clock.advance(timedelta(days=179))
    assert await is_shown_data(people, ana)
    clock.advance(timedelta(days=1))
    assert not await is_shown_data(people, ana)
    await people.press(BIA, "☑️ Encerrar")
    assert "a confirmação venceu" in people.card["text"]


@pytest.mark.parametrize(
    ("stored", "holds"),
    [
        ({"verified_by": "phone"}, True),
        ({"verified_by": None}, True),
        ({"verified_by": "phone", "phone": "+5511977770000"}, False),
        ({"verified_by": "portal"}, False),
        ({"verified_by": "attendant"}, True),
        ({"verified_by": None, "verified_at": None}, True),
        ({"verified_by": None, "verified_at": None, "phone": None}, False),
    ],
)
async def test_proofs_of_earlier_versions_hold_by_what_they_had(
    people: Telegram, database: Any, clock: Clock, stored: dict[str, Any], holds: bool
):
    ana = people.customer(demo.ANA)
    await ana.is_in_conversation()
    change = {"$set": stored, "$unset": {"proof": ""}}
    await database["chats"].update_one({"_id": ana.id}, change)
    assert await is_shown_data(people, ana) is holds
    clock.advance(timedelta(days=180))
    assert not await is_shown_data(people, ana), "also one without a date"


async def test_an_attendant_takes_a_proof_back_and_the_history_says_who(people: Telegram):
    ana = people.customer(demo.ANA)
    await ana.is_in_conversation()
    await people.press(BIA, FULL_CARD)
    full = people.posts(GROUP_ID)[-1]
    for _ in range(2):
        said = await people.press(BIA, attendant_texts.TAKE_BACK, card=full)
        assert said == attendant_texts.TAKEN_BACK
    assert "⚠️ não confirmado" in people.card["text"]
    assert "Confirmação desfeita por Bia" in people.posts(GROUP_ID)[-1]["text"]
    assert not await is_shown_data(people, ana)
    people.emulator.send_text(ADMIN_ID, ADMIN_ID, f"/atendimento {protocol_of(people)}")
    await people.settled()
    assert people.texts(ADMIN_ID)[-2].count("confirmação desfeita por") == 1
    # It can be given again.
    await ana.says("/sair")
    await ana.is_in_conversation()
    assert await is_shown_data(people, ana)


async def test_an_admin_takes_it_back_in_private_also_after_the_end(people: Telegram):
    ana = people.customer(demo.ANA)
    await ana.is_in_conversation()
    await people.press(BIA, "☑️ Encerrar")
    ended = protocol_of(people)
    await ana.says("/start")
    people.emulator.send_text(ADMIN_ID, ADMIN_ID, f"/atendimento {ended}")
    await people.settled()
    [shown] = [m for m in people.messages(ADMIN_ID) if "Desfazer" in str(m.get("reply_markup"))]
    people.emulator.press(ADMIN_ID, ADMIN_ID, shown["message_id"], text=attendant_texts.TAKE_BACK)
    await people.settled()
    assert not await is_shown_data(people, ana)
    assert ["não confirmado" in card["text"] for card in people.cards] == [True, True]


async def test_a_stranger_cannot_take_a_proof_back(people: Telegram):
    ana = people.customer(demo.ANA)
    await ana.is_in_conversation()
    await people.press(BIA, FULL_CARD)
    full = people.posts(GROUP_ID)[-1]
    data = full["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
    other_group = -1001000000077
    people.emulator.add_group(other_group, "Outro", members=(ADMIN_ID, BIA))
    for user_id, chat_id in ((ana.id, ana.id), (BIA, BIA), (ADMIN_ID, other_group)):
        people.emulator.press(user_id, chat_id, 1, data=data, force=True)
        await people.settled()
    assert await is_shown_data(people, ana)


@pytest.mark.parametrize("person", [demo.ANA, demo.STRANGER])
async def test_a_wrong_telephone_is_said_kindly_and_the_name_is_marked(
    start: Start, person: demo.DemoPerson
):
    async with start() as people:
        people.emulator.set_forum(GROUP_ID, True)
        customer = people.customer(person, phone="+5511977770000")
        await customer.says("/start")
        await customer.says(person.tax_id)
        assert await customer.shares_phone() == f"{texts.NOT_CONFIRMED} {texts.ASK_NAME}"
        await customer.says("Fulano")
        topic = people.emulator.chat(GROUP_ID).topics[people.card["message_thread_id"]]
        assert topic.name.startswith("⚠️ ")
        assert people.card["text"].startswith("⚠️ ")
        assert "⚠️ não confirmado" in people.card["text"]


async def test_the_mark_leaves_the_title_with_the_confirmation(start: Start):
    async with start() as people:
        people.emulator.set_forum(GROUP_ID, True)
        ana = people.customer(demo.ANA)
        await ana.says("/start")
        await ana.says(demo.ANA.tax_id)
        await ana.says(texts.SKIP)
        await ana.says("Ana")
        topic = people.emulator.chat(GROUP_ID).topics[people.card["message_thread_id"]]
        assert topic.name.startswith("⚠️ Ana Beatriz Souza · ")
        await people.press(BIA, FULL_CARD)
        await people.press(BIA, attendant_texts.VERIFY, card=people.posts(GROUP_ID)[-1])
        question = people.posts(GROUP_ID)[-1]
        await people.press(BIA, attendant_texts.VERIFY_YES, card=question)
        assert topic.name.startswith("Ana Beatriz Souza · ")


async def test_a_company_is_asked_for_its_name_and_who_speaks(people: Telegram):
    for person in (demo.FIBRA, replace(demo.STRANGER, tax_id="12.345.678/0001-95")):
        customer = people.customer(person, phone="+5511977770000")
        await customer.says("/start")
        await customer.says(person.tax_id)
        assert await customer.shares_phone() == f"{texts.NOT_CONFIRMED} {texts.ASK_COMPANY}"


def protocol_of(people: Telegram) -> str:
    """Return the protocol of the latest card."""
    text: str = people.card["text"]
    return text.split("Protocolo ")[1].split(" ")[0]
