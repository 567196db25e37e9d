"""Verification by an attendant, who has checked the customer's identity."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from bot.demo import people as demo
from bot.domain.conversation import Attendant, Conversation, ConversationEvent, EventKind
from bot.domain.registration import ChangeSource, Provenance
from handlers import access
from handlers.attendant import texts
from handlers.customer import texts as customer_texts
from tests.flows.conftest import ADMIN_ID, BIA, CAIO, GROUP_ID, Clock, Customer, Telegram
from tests.flows.registrations import registration_of
from tests.flows.wording import local_date

FULL_CARD = "📋 Ficha completa"


@pytest.fixture
async def ana(people: Telegram) -> Customer:
    """Return a customer who is known by her document and not confirmed."""
    customer = people.customer(demo.ANA)
    await customer.says("oi")
    await customer.says(demo.ANA.tax_id)
    await customer.says(customer_texts.SKIP)
    await customer.says("Ana")
    return customer


def below(people: Telegram, button: str) -> dict[str, Any]:
    """Return the latest message in the group with this button."""
    return [m for m in people.messages(GROUP_ID) if button in str(m.get("reply_markup"))][-1]


async def asked(people: Telegram, user_id: int = BIA) -> dict[str, Any]:
    """Return the question with its two buttons."""
    await people.press(user_id, FULL_CARD)
    await people.press(user_id, texts.VERIFY, card=below(people, texts.VERIFY))
    return below(people, texts.VERIFY_YES)


def verifications(conversation: Conversation) -> list[ConversationEvent]:
    return [event for event in conversation.events if event.what is EventKind.VERIFIED]


async def test_the_button_asks_first_and_then_the_customer_is_verified(
    people: Telegram, ana: Customer, clock: Clock
):
    question = await asked(people)
    assert "Ana Beatriz Souza" in question["text"]
    assert demo.ANA.tax_id in question["text"]
    assert "não confirmado" in people.card["text"]
    said = await people.press(BIA, texts.VERIFY_YES, card=question)
    assert said == texts.VERIFIED_NOW
    first = local_date(clock)
    assert f"✅ confirmado por Bia em {first}" in people.card["text"]
    assert texts.verified_by("Bia") in people.texts(GROUP_ID)
    assert texts.VERIFY_YES not in str(people.messages(GROUP_ID))
    conversation = await open_conversation(people, ana)
    assert conversation.customer.identity == "verified"
    [event] = verifications(conversation)
    assert (event.at, event.by, event.what, event.detail) == (
        clock().replace(microsecond=clock().microsecond // 1000 * 1000),
        f"user:{BIA}",
        EventKind.VERIFIED,
        "Bia",
    )
    await people.press(BIA, "☑️ Encerrar")
    clock.advance(timedelta(days=2))
    assert "Ana Beatriz Souza" in await ana.says("voltei")
    assert f"✅ confirmado por Bia em {first}" in people.card["text"]


async def test_cancelling_changes_nothing(people: Telegram, ana: Customer):
    question = await asked(people)
    await people.press(BIA, texts.VERIFY_NO, card=question)
    assert texts.NOT_VERIFIED in people.texts(GROUP_ID)
    assert "não confirmado" in people.card["text"]
    assert not verifications(await open_conversation(people, ana))


async def test_only_where_there_is_somebody_to_confirm(people: Telegram):
    await people.customer(demo.ANA).is_in_conversation()
    await people.press(BIA, FULL_CARD)
    jose = people.customer(demo.JOSE)
    for said in ("oi", "não sei", "não sei", "não sei"):
        await jose.says(said)
    assert "não identificado" in people.card["text"]
    await people.press(BIA, FULL_CARD)
    assert texts.VERIFY not in str(people.messages(GROUP_ID))


async def test_only_staff_of_the_group(people: Telegram, ana: Customer):
    question = await asked(people)
    people.customer(demo.STRANGER)
    said = await people.press(demo.STRANGER.user_id, texts.VERIFY_YES, card=question)
    assert said == access.ATTENDANTS_ONLY
    # Forged: the same callback data, pressed in another attendants' group.
    other_group = -1001000000077
    people.emulator.add_group(other_group, "Outro", members=(CAIO, ADMIN_ID))
    data = question["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
    pressed = people.emulator.press(ADMIN_ID, other_group, 1, data=data, force=True)
    await people.settled()
    assert people.emulator.callback_answer(pressed)["text"] == texts.GONE
    assert "não confirmado" in people.card["text"]


async def test_pressed_twice_and_by_two_at_once_it_happens_once(people: Telegram, ana: Customer):
    question = await asked(people)
    people.emulator.press(BIA, GROUP_ID, question["message_id"], text=texts.VERIFY_YES)
    late = people.emulator.press(CAIO, GROUP_ID, question["message_id"], text=texts.VERIFY_YES)
    await people.settled()
    assert people.emulator.callback_answer(late)["text"] == texts.ALREADY_VERIFIED
    assert texts.verified_by("Bia") in people.texts(GROUP_ID)
    conversation = await open_conversation(people, ana)
    assert [event.detail for event in verifications(conversation)] == ["Bia"]


async def test_on_replicas_at_once_it_happens_once(people: Telegram, ana: Customer):
    """Call the use case directly: without the inbox's ordering, the database decides."""
    conversation = await open_conversation(people, ana)
    by_hand = people.balcao.dispatcher["verify_by_hand"]
    outcomes = await asyncio.gather(
        *(
            by_hand(conversation.id, "", Attendant(id=n, name=f"N{n}"), group_id=GROUP_ID)
            for n in range(6)
        )
    )
    names = sorted(type(outcome).__name__ for outcome in outcomes)
    assert names == ["AlreadyVerified"] * 5 + ["Done"]
    assert len(verifications(await open_conversation(people, ana))) == 1


async def test_a_chat_that_moved_on_to_another_document_is_refused(
    people: Telegram, ana: Customer, database: Any
):
    """Link the chat to another registration while its conversation keeps the old one.

    This is the state between the two writes.
    """
    question = await asked(people)
    await database["chats"].update_one({"_id": ana.id}, {"$set": {"registration_id": "other"}})
    assert await people.press(BIA, texts.VERIFY_YES, card=question) == texts.SOMEBODY_ELSE
    assert "não confirmado" in people.card["text"]
    stored = await database["chats"].find_one({"_id": ana.id})
    assert (stored["registration_id"], stored["identity"]) == ("other", "unverified")
    assert not verifications(await open_conversation(people, ana))


async def test_a_question_about_somebody_else_is_refused(
    people: Telegram, ana: Customer, database: Any
):
    """Link chat and conversation to another registration while the question is open.

    A late look-up does this.
    """
    question = await asked(people)
    jose = people.customer(demo.JOSE)
    await jose.is_in_conversation()
    other = (await open_conversation(people, jose)).customer.registration_id
    for name in ("chats", "conversations"):
        await database[name].update_many(
            {"tax_id": (await open_conversation(people, ana)).customer.tax_id.key},
            {"$set": {"registration_id": other}},
        )
    assert await people.press(BIA, texts.VERIFY_YES, card=question) == texts.SOMEBODY_ELSE
    assert not verifications(await open_conversation(people, ana))


async def test_closed_or_left_or_deleted_meanwhile_is_said(people: Telegram, ana: Customer):
    question = await asked(people)
    registration = await registration_of(people, demo.ANA.tax_id)
    provenance = Provenance(
        at=registration.updated.at, by=f"admin:{ADMIN_ID}", way=ChangeSource.CHAT
    )
    assert await people.balcao.registrations.delete(registration, provenance)
    offer = below(people, texts.VERIFY)
    assert await people.press(BIA, texts.VERIFY, card=offer) == texts.NOBODY_TO_VERIFY
    await ana.says("/sair")
    said = await people.press(BIA, texts.VERIFY_YES, card=question)
    assert said == texts.already_closed(None)
    assert texts.already_closed(None) in people.texts(GROUP_ID)


async def open_conversation(people: Telegram, customer: Customer):
    assert people.balcao
    return await people.balcao.dispatcher["conversations"].open_in(customer.id)
