"""Reminders: of customers whom nobody serves, and of those who have had no answer."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.demo import people as demo
from handlers.admin import texts as admin_texts
from tests.flows.conftest import (
    ADMIN_ID,
    BIA,
    BILLING_GROUP,
    GROUP_ID,
    Clock,
    Customer,
    Start,
    Telegram,
)
from tests.flows.departments import registered, says
from tests.flows.wire import wire_to

MARKS = ("⏰", "🔴 ")


def reminders(people: Telegram, chat_id: int = GROUP_ID) -> list[dict[str, Any]]:
    return [m for m in people.messages(chat_id) if m.get("text", "").startswith(MARKS)]


async def later(people: Telegram, clock: Clock, minutes: int) -> int:
    """Return how many reminders eight rounds at once give then, as of several replicas."""
    clock.advance(timedelta(minutes=minutes))
    given = await asyncio.gather(*(people.balcao.queue_rounds.remind() for _ in range(8)))
    await people.settled()
    return sum(given)


async def waiting(people: Telegram, *persons: demo.DemoPerson) -> list[Customer]:
    customers = [people.customer(one) for one in persons]
    for customer in customers:
        await customer.is_in_conversation()
    return customers


async def test_who_waits_is_named_once_to_the_group_and_once_to_the_admins(
    people: Telegram, clock: Clock
):
    await registered(people, demo.MARIA, priority_departments=frozenset(("atendimento",)))
    await waiting(people, demo.JOSE, demo.MARIA)
    assert await later(people, clock, 4) == 0
    assert await later(people, clock, 1) == 1
    assert await later(people, clock, 4) == 0
    [first] = reminders(people)
    assert "Maria das Graças Lima tem prioridade e espera há 5 min" in first["text"]
    assert first["reply_to_message"]["text"].startswith("🔴🔴")
    await waiting(people, demo.ANA)
    assert await later(people, clock, 1) == 1
    assert "José Antônio da Conceição espera há 10 min" in reminders(people)[-1]["text"]
    assert await later(people, clock, 19) == 1
    assert "Ana Beatriz Souza espera há 20 min" in reminders(people)[-1]["text"]
    assert reminders(people, ADMIN_ID) == []
    # One message for all that are due.
    assert await later(people, clock, 1) == 2
    [told] = reminders(people, ADMIN_ID)
    lines = told["text"].splitlines()
    assert lines[0] == "⏰ 2 clientes esperam há muito tempo"
    assert [line.split(" · ")[:2] for line in lines[2:5]] == [
        ["Atendimento"],
        ["• 🔴 Maria das Graças Lima", "há 30 min"],
        ["• José Antônio da Conceição", "há 30 min"],
    ]
    assert await later(people, clock, 9) == 1
    assert await later(people, clock, 600) == 0
    assert (len(reminders(people)), len(reminders(people, ADMIN_ID))) == (3, 2)
    protocol = lines[4].rpartition(" · ")[2]
    await says(people, ADMIN_ID, ADMIN_ID, f"/atendimento {protocol}")
    history = str(people.texts(ADMIN_ID))
    assert "grupo lembrado da espera" in history
    assert "administradores lembrados da espera" in history


async def test_many_are_named_in_one_message_with_who_serves_them(people: Telegram, clock: Clock):
    ana, *_ = await waiting(people, demo.ANA, demo.JOSE, demo.MARIA)
    card = next(one for one in people.cards if "Ana Beatriz" in one["text"])
    await people.press(BIA, "✋ Atender", card=card)
    clock.advance(timedelta(minutes=2))
    await ana.says("sem internet")
    clock.advance(timedelta(minutes=2))
    await ana.says("alguém?")
    assert await later(people, clock, 6) == 3
    [told] = reminders(people)
    assert "reply_to_message" not in told
    lines = told["text"].splitlines()
    assert lines[0] == "⏰ 3 clientes esperam:"
    assert sorted(line.split(" · ")[1] for line in lines[1:4]) == [
        *["há 10 min"] * 2,
        "sem resposta de Bia, há 10 min",
    ]
    # An internal comment is no answer; an answer is one, and the next word waits anew.
    await people.group_says(BIA, "// já vejo", reply_to=card["message_id"])
    assert await later(people, clock, 20) == 3
    assert "sem resposta de Bia, há 30 min" in reminders(people, ADMIN_ID)[-1]["text"]
    await people.group_says(BIA, "Pois não", reply_to=card["message_id"])
    assert await later(people, clock, 60) == 0
    await ana.says("obrigada, mas não voltou")
    assert await later(people, clock, 9) == 0
    assert await later(people, clock, 1) == 1
    told = reminders(people)[-1]
    assert told["text"].startswith("⏰ Bia, Ana Beatriz Souza está sem resposta há 10 min")
    assert told["reply_to_message"]["message_id"] == card["message_id"]
    # An answer to the reminder goes to the customer.
    await people.group_says(BIA, "Vou ver", reply_to=told["message_id"])
    assert ana.read[-1] == "Vou ver"
    await ana.says("ok, obrigada, Bia!")
    assert await later(people, clock, 60) == 0


@pytest.mark.usefixtures("billing")
async def test_many_groups_are_reminded_one_after_the_other(people: Telegram, clock: Clock):
    for person, department in ((demo.ANA, "💰 Financeiro <&>"), (demo.JOSE, "Atendimento")):
        [customer] = await waiting(people, person)
        await customer.presses(department)
        clock.advance(timedelta(seconds=1))
    assert people.balcao
    one_at_a_time = replace(people.balcao.queue_rounds.remind, groups=1)
    clock.advance(timedelta(minutes=10))
    given = await asyncio.gather(*(one_at_a_time() for _ in range(8)))
    await people.settled()
    assert sum(given) == 1
    # The one who has waited longer.
    assert (len(reminders(people, BILLING_GROUP)), len(reminders(people))) == (1, 0)
    clock.advance(timedelta(seconds=9))
    assert await one_at_a_time() == 0
    clock.advance(timedelta(seconds=1))
    assert await one_at_a_time() == 1
    assert await one_at_a_time() == 0
    await people.settled()
    assert (len(reminders(people, BILLING_GROUP)), len(reminders(people))) == (1, 1)


async def test_a_claimed_customer_waits_for_the_first_answer_from_the_claim_on(
    people: Telegram, clock: Clock
):
    await waiting(people, demo.ANA)
    assert await later(people, clock, 10) == 1
    await people.press(BIA, "✋ Atender")
    assert await later(people, clock, 9) == 0
    assert await later(people, clock, 1) == 1
    assert "está sem resposta há 20 min" in reminders(people)[-1]["text"]


async def test_a_kill_before_it_is_recorded_repeats_no_reminder(
    people: Telegram, clock: Clock, database: Any
):
    people.emulator.set_forum(GROUP_ID, True)
    await waiting(people, demo.ANA, demo.JOSE)
    for _ in range(2):
        assert await later(people, clock, 30) == 4
        unrecorded = {"reminders": 0, "reminded_at": None}
        await database["conversations"].update_many({}, {"$set": unrecorded})
    [told] = reminders(people)
    assert "message_thread_id" not in told
    assert len(reminders(people, ADMIN_ID)) == 1


@pytest.mark.embedded
async def test_while_telegram_is_away_a_reminder_waits_for_it(
    start: Start, clock: Clock, telegram: Any, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("bot.runtime.sending.holds._REPEAT_S", 0.1)
    async with wire_to(telegram.url) as wire, start(telegram_api_url=wire.url) as people:
        await waiting(people, demo.ANA, demo.JOSE)
        wire.rule = lambda method, _: None if method == "getUpdates" else "before"
        clock.advance(timedelta(minutes=10))
        assert await people.balcao.queue_rounds.remind() == 2
        assert reminders(people) == []
        wire.rule = lambda method, _: None
        await people.settled()
        assert len(reminders(people)) == 1


@pytest.mark.parametrize(
    ("off", "stages"),
    [
        ({"remind_minutes": 0, "priority_reminder_minutes": 0, "remind_admins_minutes": 0}, 0),
        ({"remind_minutes": 0}, 1),
        ({"remind_admins_minutes": 0}, 1),
    ],
)
async def test_each_stage_can_be_turned_off(
    start: Start, clock: Clock, off: dict[str, int], stages: int
):
    async with start(**off) as people:
        await waiting(people, demo.ANA)
        assert await later(people, clock, 60) == stages
        assert len(reminders(people)) == (0 if "remind_minutes" in off else 1)
        assert len(reminders(people, ADMIN_ID)) == (0 if "remind_admins_minutes" in off else 1)


async def test_a_group_that_has_shut_the_bot_out_gets_none_and_the_admins_theirs(
    people: Telegram, clock: Clock, database: Any
):
    await waiting(people, demo.ANA, demo.JOSE)
    people.emulator.remove_member(GROUP_ID, people.emulator.bot.id, by=ADMIN_ID)
    assert await later(people, clock, 30) == 4
    assert reminders(people) == []
    [told] = reminders(people, ADMIN_ID)
    assert "2 clientes esperam há muito tempo" in told["text"]
    # Nothing with a name in it waits for the group, or is kept as not delivered.
    left = await database["outbox"].find({"conversation_id": ""}).to_list(None)
    assert len(left) == 2
    assert all("done_at" in one and "html" not in one for one in left)
    assert admin_texts.group_unreachable("Atendimento") not in people.texts(ADMIN_ID)
