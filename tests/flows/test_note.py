"""Observação fixa: an attendant adds to the fixed note, sees the result and confirms it."""

from datetime import timedelta
from typing import Any

import pytest

from bot.demo import people as demo
from bot.domain.registration import Registration
from bot.domain.tax_id import read_tax_id
from handlers.attendant import correcting_texts as texts
from handlers.attendant.texts import ANSWERED_BEFORE, NO_REGISTRATION, only_asked
from tests.flows.admin import Admin
from tests.flows.conftest import ADMIN_ID, BIA, CAIO, GROUP_ID, Clock, Customer, Start, Telegram
from tests.flows.departments import buttons, press, registered

NOTE = "📌 Observação fixa"


@pytest.fixture
async def ana(people: Telegram) -> Customer:
    await registered(people, demo.ANA, fixed_note="Prefere manhã.")
    customer = people.customer(demo.ANA)
    await customer.is_in_conversation()
    return customer


async def registration(people: Telegram) -> Registration:
    tax_id = read_tax_id(demo.ANA.tax_id)
    [found] = (await people.balcao.registrations.by_tax_ids([tax_id])).values()
    return found


async def ask(people: Telegram, user_id: int = BIA) -> dict[str, Any]:
    """Press Nota; return the question."""
    assert await people.press(user_id, NOTE, card=people.cards[0]) == ""
    question = people.messages(GROUP_ID)[-1]
    assert "o que acrescentar à observação fixa" in question["text"]
    return question


async def test_a_note_is_added_after_it_was_shown_and_confirmed(
    people: Telegram, ana: Customer, clock: Clock
):
    before = ana.read
    clock.advance(timedelta(minutes=5))
    question = await ask(people)
    await people.group_says(BIA, "Cão <bravo>\n no  portão ", reply_to=question["message_id"])
    shown = people.messages(GROUP_ID)[-1]
    assert "Prefere manhã.\n➕ Cão <bravo>\nno portão" in shown["text"]
    assert buttons(shown) == [texts.YES, texts.NO]
    assert (await registration(people)).fixed_note == "Prefere manhã."
    await press(people, BIA, GROUP_ID, texts.YES)
    assert people.messages(GROUP_ID)[-1]["text"].startswith("✅ Observação fixa guardada")
    stored = await registration(people)
    assert stored.fixed_note == "Prefere manhã.\nCão <bravo>\nno portão"
    assert stored.updated.by == f"user:{BIA}"
    assert "📌 Observação fixa: Prefere manhã.\nCão <bravo>" in people.cards[0]["text"]
    assert ana.read == before, "the customer is not told"
    # The audit names the attendant.
    admin = Admin(people, ADMIN_ID)
    await admin.says("/auditoria")
    assert "por Bia" in await admin.presses("✏️")


async def test_no_drops_it_and_a_late_answer_is_known_for_what_it_is(
    people: Telegram, ana: Customer
):
    question = await ask(people)
    await people.group_says(BIA, "besteira", reply_to=question["message_id"])
    await press(people, BIA, GROUP_ID, texts.NO)
    assert people.texts(GROUP_ID)[-1] == texts.DROPPED
    await people.group_says(BIA, "de novo", reply_to=question["message_id"])
    assert people.texts(GROUP_ID)[-1] == ANSWERED_BEFORE
    assert (await registration(people)).fixed_note == "Prefere manhã."
    assert not {"besteira", "de novo"} & set(ana.read)


async def test_too_long_is_said_with_how_much(people: Telegram, ana: Customer):
    question = await ask(people)
    await people.group_says(BIA, "x" * 1990, reply_to=question["message_id"])
    said = people.texts(GROUP_ID)[-1]
    assert "2.005 caracteres" in said
    assert "Tire 5 " in said
    await people.group_says(BIA, "x" * 1985, reply_to=question["message_id"])
    await press(people, BIA, GROUP_ID, texts.YES)
    assert len((await registration(people)).fixed_note or "") == 2000


async def test_words_only_and_only_by_who_was_asked(people: Telegram, ana: Customer):
    question = await ask(people)
    people.emulator.send_file(BIA, GROUP_ID, "photo", b"x", reply_to=question["message_id"])
    await people.settled()
    assert people.texts(GROUP_ID)[-1] == texts.NOTE_AS_TEXT
    await people.group_says(CAIO, "eu sei mais", reply_to=question["message_id"])
    assert people.texts(GROUP_ID)[-1] == only_asked("Bia")
    await people.group_says(BIA, "certo", reply_to=question["message_id"])
    assert await press(people, CAIO, GROUP_ID, texts.YES) == only_asked("Bia")
    assert (await registration(people)).fixed_note == "Prefere manhã."


async def test_only_the_newest_proposal_is_kept(people: Telegram, ana: Customer):
    question = await ask(people)
    await people.group_says(BIA, "um", reply_to=question["message_id"])
    older = people.messages(GROUP_ID)[-1]["message_id"]
    await people.group_says(BIA, "dois", reply_to=question["message_id"])
    pressed = people.emulator.press(BIA, GROUP_ID, older, text=texts.YES)
    await people.settled()
    assert people.emulator.callback_answer(pressed)["text"] == ANSWERED_BEFORE
    await press(people, BIA, GROUP_ID, texts.YES)
    assert (await registration(people)).fixed_note == "Prefere manhã.\ndois"


async def test_a_note_that_changed_meanwhile_is_confirmed_anew(people: Telegram, ana: Customer):
    question = await ask(people)
    await people.group_says(BIA, "dois", reply_to=question["message_id"])
    await registered(people, demo.ANA, fixed_note="Prefere tarde.")
    await press(people, BIA, GROUP_ID, texts.YES)
    said = people.messages(GROUP_ID)[-1]["text"]
    assert said.startswith(texts.CHANGED_MEANWHILE)
    assert "Prefere tarde.\n➕ dois" in said
    # A change of another field does not require a new confirmation.
    await registered(people, demo.ANA, traits=("idosa",))
    await press(people, BIA, GROUP_ID, texts.YES)
    assert (await registration(people)).fixed_note == "Prefere tarde.\ndois"


async def test_without_a_registration_there_is_nothing_to_note_on(people: Telegram):
    stranger = people.customer(demo.STRANGER)
    await stranger.says("/start")
    for _ in range(3):
        await stranger.says("111")
    assert "<protocol>" in stranger.read[-1]
    assert await people.press(BIA, NOTE) == NO_REGISTRATION


async def test_a_question_and_what_was_proposed_survive_a_restart(start: Start):
    async with start() as people:
        await people.customer(demo.ANA).is_in_conversation()
        question = await ask(people)
    async with start() as people:
        await people.group_says(BIA, "fala alto", reply_to=question["message_id"])
    async with start() as people:
        await press(people, BIA, GROUP_ID, texts.YES)
        assert (await registration(people)).fixed_note == "fala alto"
