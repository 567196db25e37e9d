"""Opening hours and holidays as people write them, and a reason for what cannot be meant."""

from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.hours_text import ALWAYS, read_holidays, read_week
from bot.domain.hours_tokens import Fault, NotUnderstood
from bot.domain.opening_hours import MIDNIGHT, Holiday, Interval

TODAY = date(2026, 11, 29)
DAY, WORK = "8:00-18:00", "8:00-12:00 13:30-18:00"


def week(text: str) -> list[str]:
    found = read_week(text)
    assert not isinstance(found, NotUnderstood), found
    return [" ".join(f"{_t(one.start)}-{_t(one.end)}" for one in day) for day in found]


def _t(minute: int) -> str:
    return f"{minute // 60}:{minute % 60:02}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("seg a sex 8h-18h, sáb 8h-12h", [*[DAY] * 5, "8:00-12:00", ""]),
        ("seg a sex 8h-12h e 13h30-18h", [*[WORK] * 5, "", ""]),
        (
            "De segunda a sexta, das 8h às 12h e das 13:30 às 18 horas; sábado das 8 às 12",
            [*[WORK] * 5, "8:00-12:00", ""],
        ),
        (
            "Segunda à Sexta: 08:00 às 18:00\nSábado: 08:00 às 12:00",
            [*[DAY] * 5, "8:00-12:00", ""],
        ),
        ("seg-sex 0800–1800. Sáb, dom: fechado.", [*[DAY] * 5, "", ""]),
        ("2ª a 6ª das 8 da manhã às 6 da tarde", [*[DAY] * 5, "", ""]),
        ("segunda-feira até sexta-feira 8h/18h", [*[DAY] * 5, "", ""]),
        ("dias úteis 8 h 00 - 18 h", [*[DAY] * 5, "", ""]),
        ("SEG, QUA E SEX 8H ÀS 18H", [DAY, "", DAY, "", DAY, "", ""]),
        ("seg 8h-12h, seg 13h30-18h", [WORK, *[""] * 6]),
        ("seg a sex 8h-18h, fechado sáb e dom", [*[DAY] * 5, "", ""]),
        ("fechado dom; seg a sáb 8h-18h", [*[DAY] * 6, ""]),
        ("sáb a seg 8h-18h", [DAY, *[""] * 4, DAY, DAY]),
        ("sex e sáb 22h às 2h", [*[""] * 4, "22:00-26:00", "22:00-26:00", ""]),
        ("fim de semana 18h à meia-noite", [*[""] * 5, "18:00-24:00", "18:00-24:00"]),
        ("todos os dias do meio-dia às 18h30min", ["12:00-18:30"] * 7),
        ("seg a dom 24 horas", ["0:00-24:00"] * 7),
        ("seg 24h, ter 0h-24h", ["0:00-24:00", "0:00-24:00", *[""] * 5]),
        ("terc\u0327a 8h-18h", ["", DAY, *[""] * 5]),
    ],
)
def test_a_week(text: str, expected: list[str]):
    assert week(text) == expected


@pytest.mark.parametrize("text", ["sempre aberto", "Sempre Aberto!", "24 horas", "24h", "24/7"])
def test_always(text: str):
    assert read_week(text) == ALWAYS


@pytest.mark.parametrize(
    ("text", "fault", "about"),
    [
        ("", Fault.NOTHING, ""),
        ("🙂", Fault.WORD, "🙂"),
        ("amanhã 8h-12h", Fault.WORD, "amanhã"),
        ("seg a sex 8h-18h exceto Feriados", Fault.HOLIDAY, "exceto"),
        ("seg 25h-26h", Fault.TIME, "25h"),
        ("seg 8h60-10h", Fault.TIME, "8h60"),
        ("seg 8h-24h30", Fault.TIME, "24h30"),
        ("8h-18h", Fault.NO_DAY, "8h"),
        ("seg a sex", Fault.NO_TIME, ""),
        ("seg 8h-18h, sáb", Fault.NO_TIME, ""),
        ("seg 8h", Fault.HALF, "8h"),
        ("seg 8h-12h e 14h, ter 8h-12h", Fault.HALF, "14h"),
        ("seg 8h-8h", Fault.SAME, "8h"),
        ("seg 0h-0h", Fault.SAME, "0h"),
        ("seg a sex 8h-18h, sex 8h-12h", Fault.OVERLAP, ""),
        ("dom fechado", Fault.NEVER, ""),
        ("8" * 4000, Fault.TIME, "8" * 4000),
        ("x" * 4000, Fault.WORD, "x" * 4000),
        ("seg 8h" + " " * 4000 + "-", Fault.HALF, "8h"),
    ],
)
def test_a_week_that_cannot_be_meant(text: str, fault: Fault, about: str):
    found = read_week(text)
    assert isinstance(found, NotUnderstood)
    assert (found.fault, found.about) == (fault, about)


def dates(text: str) -> list[str]:
    found = read_holidays(text, today=TODAY)
    assert not isinstance(found, NotUnderstood), found
    return [_said(one) for one in found]


def _said(one: Holiday) -> str:
    year = f"/{one.year}" if one.year else ""
    times = "".join(f" {_t(i.start)}-{_t(i.end)}" for i in one.intervals)
    return f"{one.day}/{one.month}{year}{times}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("25/12", ["25/12"]),
        ("25/12/2026, 1/1/27", ["25/12/2026", "1/1/2027"]),
        ("25/12, 24/12 8h-12h", ["25/12", "24/12 8:00-12:00"]),
        ("24/12 e 31/12 das 8h às 12h", ["24/12 8:00-12:00", "31/12 8:00-12:00"]),
        ("24/12 8h-12h e 25/12", ["24/12 8:00-12:00", "25/12"]),
        ("24/12 8h-12h, 14h-16h\n25/12", ["24/12 8:00-12:00 14:00-16:00", "25/12"]),
        ("25 de dezembro (Natal), 1º de maio, 15 nov 2027", ["25/12", "1/5", "15/11/2027"]),
        ("16.02.2027; 17-02-2027 fechado", ["16/2/2027", "17/2/2027"]),
        ("30/12 a 02/01", ["30/12", "31/12", "1/1", "2/1"]),
        ("31/12 a 01/01/2027", ["31/12/2026", "1/1/2027"]),
        ("31/12/2026 a 01/01", ["31/12/2026", "1/1/2027"]),
        ("27/11/2026 até 30/11/2026", ["29/11/2026", "30/11/2026"]),
        ("29/02", ["29/2"]),
        ("24/12, 25/12, 24/12 8h-12h", ["24/12 8:00-12:00", "25/12"]),
        ("29/11/2026", ["29/11/2026"]),
    ],
)
def test_holidays(text: str, expected: list[str]):
    assert dates(text) == expected


@pytest.mark.parametrize(
    ("text", "fault", "about"),
    [
        ("", Fault.NOTHING, ""),
        ("Carnaval", Fault.NOTHING, "Carnaval"),
        ("25/12, Carnaval", Fault.NOTHING, "Carnaval"),
        ("31/02", Fault.DATE, "31/02"),
        ("29/02/2027", Fault.DATE, "29/02/2027"),
        ("25/13", Fault.DATE, "25/13"),
        ("25/12/0000", Fault.DATE, "25/12/0000"),
        ("28/11/2026", Fault.PAST, "28/11/2026"),
        ("28/11/2026 8h-12h e 25/12", Fault.PAST, "28/11/2026"),
        ("24/12/2025 a 02/01/2026", Fault.PAST, "24/12/2025 a 02/01/2026"),
        ("01/01 a 31/12", Fault.LONG, "01/01 a 31/12"),
        ("31/12/2027 a 02/01/2027", Fault.LONG, "31/12/2027 a 02/01/2027"),
        ("8h-12h", Fault.NO_DAY, "8h"),
        ("24/12 8h", Fault.HALF, "8h"),
        ("24/12 8h-12h e 11h-13h", Fault.OVERLAP, "24/12"),
        ("24/12 26h-28h", Fault.TIME, "26h"),
    ],
)
def test_holidays_that_cannot_be_meant(text: str, fault: Fault, about: str):
    found = read_holidays(text, today=TODAY)
    assert isinstance(found, NotUnderstood)
    assert (found.fault, found.about) == (fault, about)


WORDS = (
    "seg ter sáb domingo 2ª feira dias úteis todos os fim de semana a às até e , ; - – 8h 12h "
    "13h30 18:00 24h 0h 8 0800 25h meio-dia meia-noite fechado 25/12 24/12/2026 1º maio de "
    "da tarde feriados \n x"
)
SOUP = st.lists(st.sampled_from(WORDS.split(" ")), max_size=14).map(" ".join)


@settings(max_examples=100, deadline=None)
@given(SOUP | st.text(max_size=40))
def test_whatever_is_written_is_refused_or_makes_days_in_order(text: str):
    found = read_week(text)
    if not isinstance(found, NotUnderstood):
        assert len(found) in (0, 7)
        _in_order(found)
    holidays = read_holidays(text, today=TODAY)
    if not isinstance(holidays, NotUnderstood):
        assert holidays
        _in_order(tuple(one.intervals for one in holidays))
        for one in holidays:
            assert date(one.year or 2024, one.month, one.day) >= (TODAY if one.year else date.min)


def _in_order(days: tuple[tuple[Interval, ...], ...]) -> None:
    for day in days:
        for one, other in pairwise(day):
            assert one.end <= other.start
        assert all(0 <= one.start < MIDNIGHT for one in day)
        assert all(one.start < one.end <= one.start + MIDNIGHT for one in day)
