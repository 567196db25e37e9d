"""When a department is open: a plain look at every minute against what the rules say."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.hours_text import read_holidays, read_week
from bot.domain.hours_tokens import NotUnderstood
from bot.domain.opening_hours import MIDNIGHT, Closed, Holiday, Interval, OpeningHours
from bot.wording import hours as wording

SAO_PAULO = ZoneInfo("America/Sao_Paulo")  # no clock change since 2019
NEW_YORK = ZoneInfo("America/New_York")  # 8 March and 1 November 2026, at 2 in the morning
MIDNIGHT_CHANGE = ZoneInfo("America/Asuncion")  # clocks were set at midnight until 2024
QUARTER = timedelta(minutes=15)


def of(text: str, *holidays: Holiday) -> OpeningHours:
    week = read_week(text)
    assert not isinstance(week, NotUnderstood)
    return OpeningHours(week=week, holidays=holidays)


def at(text: str, timezone: ZoneInfo = SAO_PAULO) -> datetime:
    return datetime.strptime(text, "%d/%m/%Y %H:%M").replace(tzinfo=timezone).astimezone(UTC)


def local(moment: datetime | None, timezone: ZoneInfo = SAO_PAULO) -> str:
    return f"{moment.astimezone(timezone):%d/%m/%Y %H:%M}" if moment else "never"


@st.composite
def some_hours(draw: st.DrawFn) -> OpeningHours:
    def day() -> st.SearchStrategy[tuple[Interval, ...]]:
        return st.lists(st.integers(0, 2 * MIDNIGHT // 15 - 1), max_size=4, unique=True).map(
            lambda quarters: tuple(
                Interval(start=15 * start, end=15 * min(end, start + MIDNIGHT // 15))
                for start, end in zip(sorted(quarters)[::2], sorted(quarters)[1::2], strict=False)
                if 15 * start < MIDNIGHT
            )
        )

    week = draw(st.just(()) | st.tuples(*(day() for _ in range(7))))
    near = draw(st.dates(date(2026, 2, 25), date(2026, 3, 20)))
    holiday = Holiday(
        day=near.day,
        month=near.month,
        year=draw(st.none() | st.just(near.year)),
        intervals=draw(day()),
    )
    return OpeningHours(week=week, holidays=draw(st.just(()) | st.just((holiday,))))


def naive_open(hours: OpeningHours, moment: datetime, timezone: ZoneInfo) -> bool:
    """Look at the clock on the wall; right on every day on which no clock is set."""
    wall = moment.astimezone(timezone)
    minute, today = wall.hour * 60 + wall.minute, wall.date()
    return any(
        one.start <= minute + before * MIDNIGHT < one.end
        for before in (0, 1)
        for one in hours.on(today - timedelta(days=before))
    )


def quarters(since: datetime, days: int) -> Iterator[datetime]:
    return (since + n * QUARTER for n in range(days * 96))


@settings(max_examples=25, deadline=None)
@given(some_hours(), st.integers(0, 14 * 96))
@pytest.mark.parametrize("timezone", [SAO_PAULO, NEW_YORK], ids=str)
def test_of_any_hours(timezone: ZoneInfo, hours: OpeningHours, start: int):
    since = datetime(2026, 2, 26, tzinfo=UTC) + start * QUARTER
    opens = hours.next_opening(since, timezone)
    assert (opens == since) is hours.is_open(since, timezone)
    assert (hours.closed(since, timezone) is None) is hours.is_open(since, timezone)
    if opens:
        assert hours.is_open(opens, timezone)
        assert hours.open_time(since, opens, timezone) == timedelta()
        assert opens == since or not hours.is_open(opens - timedelta(seconds=1), timezone)
    counted = [one for one in quarters(since, 2) if hours.is_open(one, timezone)]
    until = since + timedelta(days=2)
    assert hours.open_time(since, until, timezone) == len(counted) * QUARTER
    half = since + timedelta(hours=31, minutes=7)
    parts = hours.open_time(since, half, timezone) + hours.open_time(half, until, timezone)
    assert parts == len(counted) * QUARTER
    if timezone is SAO_PAULO:
        assert counted == [one for one in quarters(since, 2) if naive_open(hours, one, timezone)]


@pytest.mark.parametrize(
    ("text", "now", "opens"),
    [
        ("seg a sex 8h-18h", "24/11/2026 07:59", "24/11/2026 08:00"),
        ("seg a sex 8h-18h", "24/11/2026 08:00", "24/11/2026 08:00"),
        ("seg a sex 8h-18h", "24/11/2026 17:59", "24/11/2026 17:59"),
        ("seg a sex 8h-18h", "24/11/2026 18:00", "25/11/2026 08:00"),
        ("seg a sex 8h-18h", "27/11/2026 18:00", "30/11/2026 08:00"),
        ("seg a sex 8h-12h e 13h30-18h", "24/11/2026 12:00", "24/11/2026 13:30"),
        ("sex 22h-2h", "28/11/2026 01:59", "28/11/2026 01:59"),
        ("sex 22h-2h", "28/11/2026 02:00", "04/12/2026 22:00"),
        ("dom 22h-2h", "30/11/2026 01:00", "30/11/2026 01:00"),
        ("todos os dias 24h", "30/11/2026 01:00", "30/11/2026 01:00"),
        ("sempre aberto", "30/11/2026 01:00", "30/11/2026 01:00"),
    ],
)
def test_the_next_opening(text: str, now: str, opens: str):
    assert local(of(text).next_opening(at(now), SAO_PAULO)) == opens


def test_holidays_take_the_place_of_their_weekday():
    christmas = Holiday(day=25, month=12)
    eve = Holiday(day=24, month=12, intervals=(Interval(start=480, end=720),))
    long_year = Holiday(day=25, month=12, year=2027, intervals=(Interval(start=600, end=660),))
    hours = of("seg a sex 8h-18h").with_holidays((christmas, eve, long_year))
    assert local(hours.next_opening(at("24/12/2026 12:00"), SAO_PAULO)) == "28/12/2026 08:00"
    assert hours.is_open(at("24/12/2026 11:59"), SAO_PAULO)
    # A date of one year goes before that of every year, and falls on a Saturday here.
    assert local(hours.next_opening(at("25/12/2027 00:00"), SAO_PAULO)) == "25/12/2027 10:00"
    # What began the evening before goes on.
    night = of("qui 22h-6h, sáb 8h-12h").with_holidays((christmas,))
    assert night.is_open(at("25/12/2026 05:59"), SAO_PAULO)
    # Always open, and yet closed on a holiday.
    always = OpeningHours(holidays=(christmas,))
    assert local(always.next_opening(at("25/12/2026 10:00"), SAO_PAULO)) == "26/12/2026 00:00"
    assert always.open_time(
        at("24/12/2026 12:00"), at("26/12/2026 12:00"), SAO_PAULO
    ) == timedelta(days=1)
    assert hours.without_past(date(2028, 1, 1)).holidays == (eve, christmas)
    assert hours.without_past(date(2027, 12, 25)) == hours
    assert hours.without_holiday(christmas.date_key).holidays == (eve, long_year)
    again = hours.with_holidays((Holiday(day=24, month=12),))
    assert again.holidays == (Holiday(day=24, month=12), christmas, long_year)


def test_a_year_without_opening_has_none():
    closed = OpeningHours(week=((),) * 7)
    assert closed.next_opening(at("24/11/2026 12:00"), SAO_PAULO) is None
    found = closed.closed(at("24/11/2026 12:00"), SAO_PAULO)
    assert found
    assert wording.opens(found) == ""


def test_where_clocks_are_set():
    """Two in the morning does not exist on 8 March, and is there twice on 1 November."""
    night = of("sáb 22h-6h, dom 2h30-3h30")
    since, until = at("07/03/2026 12:00", NEW_YORK), at("08/03/2026 12:00", NEW_YORK)
    assert night.open_time(since, until, NEW_YORK) == timedelta(hours=7)
    since, until = at("31/10/2026 12:00", NEW_YORK), at("01/11/2026 12:00", NEW_YORK)
    assert night.open_time(since, until, NEW_YORK) == timedelta(hours=9)
    early = of("dom 2h30-3h30")
    assert local(early.next_opening(at("08/03/2026 00:00", NEW_YORK), NEW_YORK), NEW_YORK) == (
        "08/03/2026 03:00"
    )
    assert early.open_time(
        at("08/03/2026 00:00", NEW_YORK), at("08/03/2026 12:00", NEW_YORK), NEW_YORK
    ) == timedelta(minutes=30)
    twice = of("dom 1h-1h30")
    first = twice.next_opening(at("01/11/2026 00:00", NEW_YORK), NEW_YORK)
    assert first == datetime(2026, 11, 1, 5, 0, tzinfo=UTC)
    assert twice.is_open(datetime(2026, 11, 1, 6, 29, tzinfo=UTC), NEW_YORK)
    # Clocks that skip midnight: a day that begins at one.
    day = of("todos os dias 0h-2h")
    opens = day.next_opening(datetime(2023, 10, 1, 3, 30, tzinfo=UTC), MIDNIGHT_CHANGE)
    assert opens == datetime(2023, 10, 1, 4, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (
            "seg a sex 8h-18h, sáb 8h-12h",
            ["Segunda a sexta: 8h–18h", "Sábado: 8h–12h", "Domingo: fechado"],
        ),
        (
            "seg, qua 13h30-18h e 8h-12h",
            [
                "Segunda: 8h–12h e 13h30–18h",
                "Terça: fechado",
                "Quarta: 8h–12h e 13h30–18h",
                "Quinta a domingo: fechado",
            ],
        ),
        (
            "seg a sex 18h-24h, sáb e dom 20h-2h",
            ["Segunda a sexta: 18h–24h", "Sábado e domingo: 20h–2h"],
        ),
        ("todos os dias 24h", ["Segunda a domingo: 24 horas"]),
        ("sempre aberto", ["Sempre aberto"]),
    ],
)
def test_a_week_is_said_in_few_lines_that_are_read_as_meant(text: str, lines: list[str]):
    assert wording.week(of(text)) == lines
    assert read_week(", ".join(lines)) == of(text).week


@pytest.mark.parametrize(
    ("now", "opens", "said"),
    [
        ("24/11/2026 07:00", "24/11/2026 08:00", "hoje, às 8h"),
        ("24/11/2026 12:00", "24/11/2026 13:30", "hoje, às 13h30"),
        ("23/11/2026 19:00", "24/11/2026 08:00", "amanhã, terça, às 8h"),
        ("23/11/2026 19:00", "24/11/2026 01:00", "amanhã, terça, à 1h"),
        ("27/11/2026 19:00", "30/11/2026 08:00", "segunda, 30/11, às 8h"),
        ("24/12/2026 19:00", "04/01/2027 08:00", "segunda, 04/01/2027, às 8h"),
    ],
)
def test_the_opening_in_words(now: str, opens: str, said: str):
    moments = [one.astimezone(SAO_PAULO) for one in (at(now), at(opens))]
    assert wording.opens(Closed(*moments)) == said


def test_national_holidays_are_dates():
    for day, month in wording.NATIONAL:
        [one] = read_holidays(f"{day}/{month}", today=date(2026, 11, 29))  # type: ignore[misc]
        assert one == Holiday(day=day, month=month)
        assert wording.holiday(one).endswith("): fechado")
