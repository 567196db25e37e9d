"""Opening hours: set by an admin, told to customers, and what happens when a department opens."""

import asyncio
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.demo import people as demo
from bot.domain.conversation import DEFAULT_DEPARTMENT, Department
from bot.domain.hours_text import read_week
from bot.domain.opening_hours import Holiday, OpeningHours
from bot.wording import hours as wording
from handlers.admin.labels import hours_texts as screens
from handlers.admin.labels import texts as label_texts
from tests.flows.conftest import (
    ADMIN_ID,
    BIA,
    BILLING_GROUP,
    GROUP_ID,
    Clock,
    Start,
    Telegram,
)
from tests.flows.departments import departments_of, press
from tests.flows.label_screen import Screen

ZONE = ZoneInfo("America/Sao_Paulo")
WORK = "seg a sex 8h-18h"
TOMORROW = "Abrimos amanhã, terça, às 8h. Pode escrever: sua mensagem fica guardada"


def monday(clock: Clock, time: str) -> None:
    """Move the clock on to this time of the next Monday."""
    hour, minute = map(int, time.split(":"))
    local = clock().astimezone(ZONE)
    local += timedelta(days=7 - local.weekday())
    clock.now = local.replace(hour=hour, minute=minute, second=0, microsecond=0)


async def open_at(people: Telegram, text: str, department: str = DEFAULT_DEPARTMENT) -> None:
    departments = departments_of(people)
    stored = await departments.get(department)
    assert stored
    changed = await departments.set_hours(stored, OpeningHours(week=read_week(text)))  # type: ignore[arg-type]
    assert isinstance(changed, Department)


async def rounds(people: Telegram) -> list[str]:
    """Let eight replicas look; return what the group reads from it."""
    before = len(people.texts(GROUP_ID))
    all_rounds = people.balcao.queue_rounds
    await asyncio.gather(
        *(one() for _ in range(8) for one in (all_rounds.remind, all_rounds.announce_opening))
    )
    await people.settled()
    return people.texts(GROUP_ID)[before:]


async def hours_screen(people: Telegram) -> Screen:
    screen = Screen(people)
    await screen.says("/departamentos")
    await screen.press("Atendimento")
    await screen.press(screens.HOURS)
    return screen


async def stored_hours(people: Telegram) -> OpeningHours:
    department = await departments_of(people).get(DEFAULT_DEPARTMENT)
    assert department
    return department.hours


async def test_an_admin_writes_the_hours_and_sees_them_before_they_count(people: Telegram):
    screen = await hours_screen(people)
    assert "Sempre aberto" in screen.text
    assert screens.ALWAYS not in screen.buttons
    await screen.press(screens.WRITE_HOURS)
    for bad, answer in (
        ("amanhã <b> 8h", "Não entendi “amanhã”"),
        ("seg 8h", "“8h” está sem par"),
        ("seg a sex 8h-18h, sex 8h-9h", "Dois horários de sexta se cruzam"),
        ("seg a sex 8h-18h, sáb", "Faltou o horário de sábado"),
        ("8h-18h", "De que dias é o horário que começa em “8h”?"),
        ("feriados 8h-12h", "Feriados têm um botão só deles"),
    ):
        assert answer in await screen.says(bad)
    assert label_texts.ONLY_TEXT in await screen.sends_sticker()
    said = await screen.says("seg a sex 8h-12h e 13h30-18h; sáb 8h-12h")
    assert said.startswith("Entendi assim:\n\nSegunda a sexta: 8h–12h e 13h30–18h\nSábado: 8h–12h")
    assert (await stored_hours(people)).is_always
    # Another text takes its place; a bad one says so there.
    assert "Não entendi" in await screen.says("seg a xis 8h-18h")
    assert "Segunda a sexta: 8h–18h\nSábado e domingo: fechado" in await screen.says(WORK)
    await screen.press(label_texts.CANCEL)
    assert (await stored_hours(people)).is_always
    await screen.press(screens.WRITE_HOURS)
    await screen.says("seg a sex 9h-18h")
    await screen.press(screens.AGAIN)
    await screen.says(WORK)
    said = await screen.press(screens.SAVE)
    assert screens.SAVED in said
    assert "Segunda a sexta: 8h–18h" in said
    assert await stored_hours(people) == OpeningHours(week=read_week(WORK))  # type: ignore[arg-type]
    said = await screen.press(label_texts.BACK)
    assert "🕐 Segunda a sexta: 8h–18h; Sábado e domingo: fechado" in said
    # What a colleague changed meanwhile is not overwritten.
    await screen.press(screens.HOURS)
    await screen.press(screens.WRITE_HOURS)
    await screen.says("dom 8h-12h")
    await open_at(people, "sáb 8h-12h")
    assert "Um colega mudou isto" in await screen.press(screens.SAVE)
    assert "Sábado: 8h–12h" in screen.text


async def test_holidays_are_put_by_a_tap_and_by_words_and_taken_off(
    people: Telegram, clock: Clock
):
    await open_at(people, WORK)
    screen = await hours_screen(people)
    await screen.press(screens.HOLIDAYS)
    await screen.press(screens.NATIONAL)
    assert len((await stored_hours(people)).holidays) == len(wording.NATIONAL)
    assert screens.NATIONAL not in screen.buttons
    said = await screen.press("✖️ 25/12 (Natal): fechado")
    assert "Tirado: 25/12 (Natal): fechado" in said
    assert screens.NATIONAL in screen.buttons
    await screen.press(screens.WRITE_DATES)
    year = clock().astimezone(ZONE).year
    for bad, answer in (
        ("carnaval", "Não achei uma data em “carnaval”"),
        ("31/02", "“31/02” não existe no calendário"),
        (f"25/12/{year - 1}", "já passou. Sem o ano"),
        ("01/01 a 31/12", "mais de 60 dias"),
    ):
        assert answer in await screen.says(bad)
    said = await screen.says(f"25/12/{year + 1}, 24/12 8h-12h")
    assert f"25/12/{year + 1} (Natal): fechado\n24/12: 8h–12h" in said
    said = await screen.press(screens.SAVE)
    assert screens.SAVED in said
    holidays = (await stored_hours(people)).holidays
    assert len(holidays) == len(wording.NATIONAL) + 1
    assert Holiday(day=25, month=12, year=year + 1) in holidays
    # What is over is dropped when the dates are changed the next time.
    clock.advance(timedelta(days=800))
    await screen.press("✖️ 24/12: 8h–12h")
    assert len((await stored_hours(people)).holidays) == len(wording.NATIONAL) - 1
    await screen.press(label_texts.BACK)
    said = await screen.press(screens.ALWAYS)
    assert "Sempre aberto" in said
    assert "Os feriados saem também (8 datas)" in said
    assert (await stored_hours(people)).week
    await screen.press(screens.SAVE)
    assert (await stored_hours(people)).is_always


async def test_at_night_a_customer_is_told_once_when_it_opens_and_then_goes_first(
    people: Telegram, clock: Clock
):
    await open_at(people, WORK)
    monday(clock, "20:00")
    jose, ana = people.customer(demo.JOSE), people.customer(demo.ANA)
    await jose.is_in_conversation()
    assert jose.read[-1].startswith(f"Seu protocolo é <protocol>.\n{TOMORROW}")
    assert await jose.says("estou sem internet") == ""
    assert await jose.says("alguém?") == ""
    assert people.messages(GROUP_ID)[-1]["text"].endswith("alguém?")
    clock.advance(timedelta(minutes=30))
    await ana.says("oi, quero a segunda via")
    await ana.says(demo.ANA.tax_id)
    await ana.shares_phone()
    assert TOMORROW in ana.read[-1]
    assert "atendente responde" not in ana.read[-1] + jose.read[-1]
    clock.advance(timedelta(hours=11, minutes=29))
    assert await rounds(people) == []
    clock.advance(timedelta(minutes=2))
    [said] = await rounds(people)
    lines = said.splitlines()
    assert lines[0] == "🔔 Abrimos: 2 clientes esperam."
    assert lines[2].startswith("1. José Antônio da Conceição · há 12 h 01 min · ")
    assert lines[3].startswith("2. Ana Beatriz Souza · há 11 h 31 min · ")
    # Another process says it no second time, and who comes now is not of the night.
    people.balcao.queue_rounds.announce_opening._announced.clear()
    maria = people.customer(demo.MARIA)
    await maria.is_in_conversation()
    assert "atendente responde aqui mesmo" in maria.read[-1]
    clock.advance(timedelta(minutes=8))
    assert await rounds(people) == []
    clock.advance(timedelta(minutes=1))
    [said] = await rounds(people)
    assert said.startswith("⏰ 2 clientes esperam:")
    assert people.texts(ADMIN_ID) == []
    clock.advance(timedelta(minutes=20))
    await rounds(people)
    assert "2 clientes esperam há muito tempo" in people.texts(ADMIN_ID)[-1]


async def test_a_conversation_of_the_day_is_told_once_and_waits_for_no_one_at_night(
    people: Telegram, clock: Clock, database: Any
):
    await open_at(people, WORK)
    monday(clock, "17:00")
    ana = people.customer(demo.ANA)
    await ana.is_in_conversation()
    await people.group_says(BIA, "Pois não", reply_to=people.card["message_id"])
    clock.advance(timedelta(minutes=55))
    assert await ana.says("a luz pisca") == ""
    clock.advance(timedelta(hours=2))
    assert (await ana.says("e agora apagou")).startswith(TOMORROW)
    assert await ana.says("voltou") == ""
    assert people.messages(GROUP_ID)[-1]["text"].endswith("voltou")
    # Five minutes of the wait were in the evening: the other five are in the morning.
    assert await rounds(people) == []
    clock.advance(timedelta(hours=12, minutes=9))
    assert await rounds(people) == []
    clock.advance(timedelta(minutes=1))
    [said] = await rounds(people)
    assert said.startswith("⏰ Bia, Ana Beatriz Souza está sem resposta há 14 h 10 min")
    clock.advance(timedelta(hours=12))
    # As after two days, when the outbox has forgotten what it sent.
    await database["outbox"].delete_many({})
    assert await ana.says("boa noite") == ""


async def test_a_reminder_that_was_due_at_closing_time_is_given_at_the_opening(
    people: Telegram, clock: Clock
):
    await open_at(people, WORK)
    monday(clock, "17:45")
    await people.customer(demo.ANA).is_in_conversation()
    clock.advance(timedelta(hours=3))
    assert await rounds(people) == []
    clock.advance(timedelta(hours=11, minutes=15))
    said = await rounds(people)
    assert sorted(one[0] for one in said) == ["⏰", "🔔"]


@pytest.mark.parametrize("reopen_hours", [0, 100])
async def test_who_comes_back_at_night_is_told_too(start: Start, clock: Clock, reopen_hours: int):
    async with start(reopen_hours=reopen_hours) as people:
        await open_at(people, WORK)
        monday(clock, "20:00")
        ana = people.customer(demo.ANA)
        await ana.is_in_conversation()
        await people.press(BIA, "☑️ Encerrar")
        clock.advance(timedelta(hours=1))
        said = await ana.says("voltou o problema")
        assert TOMORROW in said
        assert await ana.says("alô?") == ""
        assert people.messages(GROUP_ID)[-1]["text"].endswith("alô?")


async def test_a_department_has_hours_of_its_own_also_for_who_is_transferred_there(
    people: Telegram, clock: Clock, billing: Department
):
    await open_at(people, "seg 10h-12h", billing.id)
    monday(clock, "13:00")
    jose, ana = people.customer(demo.JOSE), people.customer(demo.ANA)
    await jose.is_in_conversation()
    assert "Abrimos segunda," in await jose.presses("💰 Financeiro <&>")
    await ana.is_in_conversation()
    assert "Escreva como podemos ajudar" in await ana.presses("Atendimento")
    await people.press(BIA, "↪️ Transferir")
    await press(people, BIA, GROUP_ID, "➡️ 💰 Financeiro <&>")
    await press(people, BIA, GROUP_ID, "Sem motivo")
    assert "foi transferido para Financeiro <&>. Abrimos segunda," in ana.read[-1]
    assert await ana.says("obrigada") == ""
    monday(clock, "09:59")
    await rounds(people)
    before = len(people.texts(BILLING_GROUP))
    clock.advance(timedelta(minutes=1))
    assert await rounds(people) == []
    assert people.texts(BILLING_GROUP)[before].startswith("🔔 Abrimos: 2 clientes esperam.")


async def test_with_nobody_waiting_an_opening_is_silent_and_late_it_is_past(
    people: Telegram, clock: Clock
):
    await open_at(people, "seg a sex 8h-12h e 13h-18h")
    monday(clock, "08:00")
    assert await rounds(people) == []
    clock.advance(timedelta(hours=4, minutes=30))
    ana = people.customer(demo.ANA)
    await ana.is_in_conversation()
    assert "Abrimos hoje, às 13h." in ana.read[-1]
    clock.advance(timedelta(hours=1, minutes=1))
    people.balcao.queue_rounds.announce_opening._announced.clear()
    assert not any(one.startswith("🔔") for one in await rounds(people))
