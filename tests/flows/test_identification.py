"""Identification, from the first message to the open conversation."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.demo import people as demo
from bot.demo.documents import make_cpf
from bot.demo.ixc import IxcEmulator, faults
from bot.domain.registration import ChangeSource, Kind, Phones, Provenance, Registration
from bot.settings import Settings
from handlers.customer import texts
from tests.flows.conftest import ADMIN_ID, BIA, PROTOCOL, Clock, Start, Telegram
from tests.flows.registrations import registration_of
from tests.flows.wording import plain


async def test_a_known_customer_is_registered_greeted_by_name_and_announced(people: Telegram):
    ana = people.customer(demo.ANA)
    assert "🔒" in await ana.says("oi")
    assert await ana.says(f"meu cpf é {demo.ANA.tax_id}, ok?") == plain(texts.ASK_PHONE)
    assert "<protocol>" in await ana.shares_phone()
    assert "Ana Beatriz Souza" in ana.read[-2]
    registration = await registration_of(people, demo.ANA.tax_id)
    assert registration.kinds == {Kind.CUSTOMER}
    assert [ref.system for ref in registration.erp_refs] == ["ixc"]
    assert "Ana Beatriz Souza" in people.card["text"]
    assert demo.ANA.tax_id in people.card["text"]
    assert "confirmado por telefone" in people.card["text"]


async def test_the_number_in_the_first_message_is_not_asked_for_again(people: Telegram):
    ana = people.customer(demo.ANA)
    await ana.says(f"oi, {demo.ANA.tax_id}")
    assert ana.read == [
        plain(texts.greeting(_privacy(), "", is_asked=False)),
        plain(texts.ASK_PHONE),
    ]
    assert plain(texts.ASK_TAX_ID) not in ana.read[0]
    jose = people.customer(demo.JOSE)
    await jose.says("oi")
    left = await jose.says("/sair")
    await jose.says(f"sou eu, {demo.JOSE.tax_id}")
    assert jose.read[-2:] == [left, plain(texts.ASK_PHONE)]


async def test_the_privacy_notice_is_given_once(people: Telegram):
    ana = people.customer(demo.ANA)
    await ana.says("oi")
    await ana.says("/sair")
    assert await ana.says("oi") == plain(texts.ASK_TAX_ID)
    assert sum("🔒" in text for text in ana.read) == 1


async def test_an_unknown_person_becomes_a_prospect(people: Telegram):
    bruno = people.customer(demo.STRANGER)
    await bruno.says("oi")
    await bruno.says(demo.STRANGER.tax_id)
    assert texts.NOT_CONFIRMED in await bruno.shares_phone()
    assert "<protocol>" in await bruno.says("Bruno  Tavares")
    assert await registration_of(people, demo.STRANGER.tax_id) is None
    assert "Bruno Tavares" in people.card["text"]
    await people.press(BIA, "✋ Atender")
    registration = await registration_of(people, demo.STRANGER.tax_id)
    assert registration.name == "Bruno Tavares"
    assert registration.kinds == {Kind.PROSPECT}
    assert registration.phones.mobile == demo.STRANGER.phone
    assert "Prospect" in people.card["text"]


async def test_a_prospect_is_not_verified_by_the_phone_he_gave_himself(people: Telegram):
    bruno = people.customer(demo.STRANGER)
    await bruno.says("oi")
    await bruno.says(demo.STRANGER.tax_id)
    await bruno.shares_phone()
    await bruno.says("Bruno Tavares")
    await people.press(BIA, "✋ Atender")
    await bruno.says("/sair")
    await bruno.says("oi")
    await bruno.says(demo.STRANGER.tax_id)
    assert texts.NOT_CONFIRMED in await bruno.shares_phone()


async def test_from_outside_known_and_unknown_look_the_same(people: Telegram, erp: IxcEmulator):
    """Show the same texts and keyboards in the same order until the chat is verified."""
    told = []
    for person in (demo.ANA, demo.STRANGER, demo.MARIA, demo.PAULO, demo.CARLOS):
        customer = people.customer(person, phone="+5511977770000")
        await customer.says("oi")
        await customer.says(person.tax_id)
        await customer.shares_phone()
        await customer.says("Fulano de Tal")
        await customer.says("preciso de ajuda")
        told.append(
            [
                (m.get("text"), m.get("entities"), m.get("reply_markup"))
                for m in _anonymous(people, customer.id)
            ]
        )
    assert len(told[0]) == 4
    assert all(transcript == told[0] for transcript in told[1:])


async def test_the_answer_to_a_number_does_not_wait_for_the_look_up(
    start: Start, erp: IxcEmulator
):
    """Answer before the look-up, so that the time is equal.

    Known documents are in the register, and unknown ones need a request to the ERP.
    """
    async with start() as people:
        stranger = people.customer(demo.STRANGER)
        await stranger.says("oi")
        asked_before = len(erp.requests)
        answers = asyncio.Event()
        erp.fail(faults.held(answers), document=demo.STRANGER.tax_id)
        people.emulator.send_text(stranger.id, stranger.id, demo.STRANGER.tax_id)
        await people.emulator.until(lambda: stranger.read[-1] == plain(texts.ASK_PHONE))
        answers.set()
        await people.settled()
        assert len(erp.requests) > asked_before


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("oi, tudo bem?", "preciso do CPF ou CNPJ"),
        ("390.533.447-0", "10 caracteres"),
        ("390.533.447-06", "não confere"),
        ("111.111.111-11", "dígitos iguais"),
        (f"{demo.ANA.tax_id} ou {demo.JOSE.tax_id}", "mais de um número"),
        ("12.ABC.345/01DE-36", "não confere"),
    ],
)
async def test_each_refusal_says_what_is_wrong(people: Telegram, typed: str, said: str):
    ana = people.customer(demo.ANA)
    await ana.says("oi")
    assert said in await ana.says(typed)
    assert await ana.says(demo.ANA.tax_id) == plain(texts.ASK_PHONE)


async def test_three_failures_in_a_row_lead_to_the_attendants_all_the_same(people: Telegram):
    ana = people.customer(demo.ANA)
    await ana.says("oi")
    await ana.says("não sei")
    await ana.says("123")
    assert "<protocol>" in await ana.says("não tenho")
    assert texts.WITHOUT_TAX_ID in ana.read
    assert "não identificado" in people.card["text"]
    assert "Ana Beatriz" in people.card["text"]


async def test_a_photo_instead_of_the_number_is_answered_kindly(people: Telegram):
    ana = people.customer(demo.ANA)
    await ana.says("oi")
    for kind in ("photo", "voice"):
        assert await ana.sends(kind) == plain(texts.NEEDS_TEXT)
    assert "<protocol>" in await ana.sends("sticker")


async def test_a_number_written_below_a_picture_is_read(people: Telegram):
    ana = people.customer(demo.ANA)
    await ana.says("oi")
    said = await ana.sends("photo", caption=f"meu cpf {demo.ANA.tax_id}")
    assert said == plain(texts.ASK_PHONE)
    jose = people.customer(demo.JOSE)
    assert await jose.sends("document", caption=demo.JOSE.tax_id) == plain(texts.ASK_PHONE)


async def test_more_than_five_documents_a_day_go_on_as_not_identified(people: Telegram):
    ana = people.customer(demo.ANA)
    await ana.says("oi")
    for number in range(5):
        assert await ana.says(make_cpf(123450000 + number).masked) == plain(texts.ASK_PHONE)
    # A repeated document does not count as a new one.
    assert await ana.says(make_cpf(123450000).masked) == plain(texts.ASK_PHONE)
    assert "<protocol>" in await ana.says(demo.MARIA.tax_id)
    assert texts.WITHOUT_TAX_ID in ana.read
    assert "não identificado" in people.card["text"]
    assert "Maria" not in people.card["text"]


async def test_the_limit_is_a_days(people: Telegram, clock: Clock):
    ana = people.customer(demo.ANA)
    await ana.says("oi")
    for number in range(5):
        await ana.says(make_cpf(123450000 + number).masked)
    clock.advance(timedelta(days=1))
    assert await ana.says(demo.ANA.tax_id) == plain(texts.ASK_PHONE)


async def test_somebody_elses_contact_confirms_nothing(people: Telegram):
    ana = people.customer(demo.ANA, phone="+5511977770000")
    jose = people.customer(demo.JOSE)
    await ana.says("oi")
    await ana.says(demo.ANA.tax_id)
    # 0: a contact of her address book without a Telegram account.
    for user_id in (jose.id, 0):
        said = await ana.shares_phone(demo.ANA.phone, contact_user_id=user_id)
        assert said == plain(texts.NOT_YOUR_PHONE)
    assert texts.NOT_CONFIRMED in await ana.shares_phone()


async def test_the_ninth_digit_does_not_matter(people: Telegram):
    jose = people.customer(demo.JOSE)
    await jose.says("oi")
    await jose.says(demo.JOSE.tax_id)
    assert "<protocol>" in await jose.shares_phone()
    assert "José Antônio da Conceição" in jose.read[-2]


async def test_each_telephone_on_record_confirms_with_and_without_the_ninth_digit(start: Start):
    """Confirm by each telephone except one that came only from a chat."""
    short, long = "+554988010042", "+5549988010042"
    landline = "+554933224042"
    on_record = [
        (Phones(commercial=short), long, True),
        (Phones(home=long), short, True),
        (Phones(mobile=short, home=landline), short, True),
        (Phones(mobile=long, commercial=landline), landline, True),
        (Phones(mobile=long), "+5548988010042", False),
    ]
    async with start(with_erp=False) as people:
        assert people.balcao
        made = Provenance(at=datetime.now(UTC), by="admin:1", way=ChangeSource.CHAT)
        of_a_chat = (Phones(mobile=long), long, False)
        for number, (phones, shared, confirms) in enumerate([*on_record, of_a_chat]):
            tax_id = make_cpf(123450100 + number)
            only_said = number == len(on_record)
            registration = Registration(
                id=f"r{number}",
                tax_id=tax_id,
                name="Ana",
                phones=phones,
                chat_phones=frozenset((long,) if only_said else ()),
                kinds=frozenset((Kind.CUSTOMER,)),
                created=made,
                updated=made,
            )
            assert await people.balcao.registrations.create(registration)
            person = replace(demo.ANA, user_id=6000 + number)
            customer = people.customer(person, phone=shared)
            await customer.says(f"oi, {tax_id.masked}")
            said = await customer.shares_phone()
            assert ("<protocol>" in said) is confirms, (phones, shared)


async def test_a_number_typed_again_corrects_the_first(people: Telegram):
    ana = people.customer(demo.ANA)
    await ana.says("oi")
    await ana.says(demo.STRANGER.tax_id)
    assert await ana.says(demo.ANA.tax_id) == plain(texts.ASK_PHONE)
    await ana.shares_phone()
    assert demo.ANA.tax_id in people.card["text"]


async def test_other_words_while_the_phone_is_awaited_show_the_buttons_again(people: Telegram):
    ana = people.customer(demo.ANA)
    await ana.says("oi")
    await ana.says(demo.ANA.tax_id)
    assert await ana.says("por quê?") == plain(texts.USE_PHONE_BUTTON)
    assert people.emulator.reply_keyboard(ana.id, ana.id)
    assert await ana.says(texts.SKIP) == texts.ASK_NAME
    assert people.emulator.reply_keyboard(ana.id, ana.id) is None


async def test_a_name_must_be_words(people: Telegram):
    bruno = people.customer(demo.STRANGER)
    await bruno.says("oi")
    await bruno.says(demo.STRANGER.tax_id)
    await bruno.says(texts.SKIP)
    assert await bruno.says("12345") == plain(texts.NAME_IS_A_NUMBER)
    assert await bruno.sends("photo") == plain(texts.NAME_AS_TEXT)
    assert "<protocol>" in await bruno.says("Bruno")


async def test_without_confirmation_the_number_leads_straight_to_the_attendants(start: Start):
    async with start(confirm_identity="off") as people:
        for person in (demo.ANA, demo.STRANGER):
            customer = people.customer(person)
            await customer.says("oi")
            assert "<protocol>" in await customer.says(person.tax_id)
        assert people.texts(demo.ANA.user_id) == people.texts(demo.STRANGER.user_id)
        await people.press(BIA, "✋ Atender")
        registration = await registration_of(people, demo.STRANGER.tax_id)
        assert registration.name == "Bruno Tavares"


async def test_without_an_erp_the_register_alone_decides(start: Start):
    async with start(with_erp=False) as people:
        ana = people.customer(demo.ANA)
        await ana.says("oi")
        await ana.says(demo.ANA.tax_id)
        await ana.says(texts.SKIP)
        await ana.says("Ana")
        await people.press(BIA, "✋ Atender")
        assert (await registration_of(people, demo.ANA.tax_id)).kinds == {Kind.PROSPECT}


async def test_two_chats_with_one_new_number_make_one_registration(people: Telegram):
    first, second = people.customer(demo.ANA), people.customer(demo.JOSE)
    for customer in (first, second):
        await customer.says("oi")
    for customer in (first, second):
        people.emulator.send_text(customer.id, customer.id, demo.MARIA.tax_id)
    await people.settled()
    assert people.balcao
    assert await people.balcao.registrations.count() == 1
    for customer in (first, second):
        await customer.says(texts.SKIP)
        await customer.says("Fulana")
    assert len(people.cards) == 2


async def test_a_company_with_letters_in_its_cnpj(people: Telegram):
    fibra = people.customer(demo.FIBRA)
    await fibra.says("oi")
    await fibra.says(demo.FIBRA.tax_id.lower().replace(".", " "))
    await fibra.shares_phone()
    assert "Fibra <Norte> & Cia Ltda" in fibra.read[-2]
    assert "Fibra <Norte> & Cia Ltda" in people.card["text"]
    assert demo.FIBRA.tax_id in people.card["text"]


async def test_help_is_given_at_any_step(people: Telegram):
    ana = people.customer(demo.ANA)
    await ana.says("oi")
    assert await ana.says("/ajuda") == texts.HELP
    assert await ana.says(demo.ANA.tax_id) == plain(texts.ASK_PHONE)
    assert await ana.says("/start") == plain(texts.ASK_TAX_ID)


def _anonymous(people: Telegram, chat_id: int):
    for message in people.messages(chat_id):
        if message["from"]["is_bot"]:
            yield message | {"text": PROTOCOL.sub("<protocol>", message["text"])}


def _privacy() -> str:
    return Settings.model_fields["privacy_text"].default


async def test_whose_registration_was_deleted_is_asked_for_the_number_again(people: Telegram):
    ana = people.customer(demo.ANA)
    await ana.is_in_conversation()
    registration = await registration_of(people, demo.ANA.tax_id)
    assert people.balcao
    await people.press(ADMIN_ID, "☑️ Encerrar")
    provenance = Provenance(
        at=registration.updated.at, by=f"admin:{ADMIN_ID}", way=ChangeSource.CHAT
    )
    assert await people.balcao.registrations.delete(registration, provenance)
    assert await ana.says("oi") == plain(texts.ASK_TAX_ID)
    # The old registration's verification does not carry over to a new one.
    assert await ana.says(demo.ANA.tax_id) == plain(texts.ASK_PHONE)
    assert await registration_of(people, demo.ANA.tax_id) is not None
