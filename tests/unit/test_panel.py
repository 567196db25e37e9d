"""The panel's sums against hand-made ones, typed periods, and its numbers in words."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.domain.conversation import Identity
from bot.domain.panel import (
    Figures,
    FigureSums,
    KindCount,
    Opened,
    Outcome,
    Period,
    PeriodRefusal,
    RegisterCount,
    Wait,
    latest_days,
    read_period,
)
from bot.domain.registration import Kind
from bot.wording.panel import charts, lasting, summary

TODAY = date(2026, 11, 24)
SAO_PAULO = ZoneInfo("America/Sao_Paulo")
# 9:30 in São Paulo.
MORNING = datetime(2026, 11, 24, 12, 30, tzinfo=UTC)
NOW = MORNING + timedelta(hours=4)
EMPTY = RegisterCount(active=0, inactive=0, kinds=())


def opened(at: datetime = MORNING, waited_s: int | None = 60, **values: Any) -> Opened:
    standard: dict[str, Any] = {
        "department_id": "a",
        "opened_at": at,
        "claimed_at": None if waited_s is None else at + timedelta(seconds=waited_s),
        "closed_at": None,
        "priority": False,
        "identity": Identity.VERIFIED,
        "registration_id": None,
        "owes_lookup": False,
    }
    return Opened(**standard | values)


def figures(*conversations: Opened, register: RegisterCount = EMPTY, **names: str) -> Figures:
    sums = FigureSums(latest_days(7, today=TODAY), timezone=SAO_PAULO, now=NOW)
    for one in conversations:
        sums.add(one, is_new_prospect=one.registration_id == "new")
    return sums.figures(register, departments=names)


def test_waits_are_by_the_local_hour_in_which_they_began():
    found = figures(
        # 10, 20, 30, …, 100 s: half of them up to between 50 and 60, nine of ten up to 90.
        *(opened(waited_s=10 * n) for n in range(1, 11)),
        opened(MORNING + timedelta(minutes=29), waited_s=7),
        opened(MORNING + timedelta(minutes=30), waited_s=3_600),
        # The same local hour of the day before, and 23 h local of the 23rd.
        opened(datetime(2026, 11, 23, 13, 59, tzinfo=UTC), waited_s=0),
        opened(datetime(2026, 11, 24, 2, 0, tzinfo=UTC), waited_s=5),
    )
    assert found.hours == {
        9: Wait(count=11, unclaimed=0, median_s=50, most_s=90),
        10: Wait(count=2, unclaimed=0, median_s=1_800, most_s=3_600),
        23: Wait(count=1, unclaimed=0, median_s=5, most_s=5),
    }
    # 0, 5, 7, 10, 20, … 100, 3600: 14 of them; nine of ten are 13.
    assert found.wait == Wait(count=14, unclaimed=0, median_s=45, most_s=100)


def test_who_was_never_claimed_waited_until_the_end_or_waits_still():
    found = figures(
        opened(waited_s=None, closed_at=MORNING + timedelta(minutes=10)),
        opened(waited_s=None),
        # The clock of another machine was behind.
        opened(waited_s=-3),
    )
    assert found.wait == Wait(count=3, unclaimed=2, median_s=600, most_s=4 * 3_600)
    assert "2 não foram assumidos" in "\n".join(summary(found))
    assert "2 não foram assumidos" in charts(found)[0].note


def test_departments_are_by_size_and_priority_is_of_open_and_closed():
    ended = MORNING + timedelta(minutes=9)
    found = figures(
        opened(department_id="a", priority=True),
        opened(department_id="b", priority=True, closed_at=ended),
        opened(department_id="b", closed_at=ended),
        opened(department_id="b"),
        opened(department_id="gone", closed_at=ended),
        a="Vendas",
        b="Suporte",
    )
    counted = [(d.name, d.open, d.closed, d.priority, d.total) for d in found.departments]
    assert counted == [("Suporte", 1, 2, 1, 3), ("Vendas", 1, 0, 1, 1), (None, 0, 1, 0, 1)]
    assert (found.open, found.closed, found.priority) == (2, 3, 2)


def test_each_conversation_has_one_outcome():
    unverified = {"identity": Identity.UNVERIFIED}
    found = figures(
        opened(),
        opened(**unverified),
        opened(**unverified, registration_id="r1"),
        opened(**unverified, registration_id="new"),
        opened(**unverified, owes_lookup=True),
        opened(identity=Identity.NOT_IDENTIFIED),
    )
    assert found.outcomes == {
        Outcome.VERIFIED: 1,
        Outcome.NOT_VERIFIED: 2,
        Outcome.NEW_PROSPECT: 1,
        Outcome.NOT_CONSULTED: 1,
        Outcome.NOT_IDENTIFIED: 1,
    }
    assert (
        "Identificação: verificado 1, não verificado 2, novo prospect 1, não identificado 1, "
        "ERP não consultado 1." in summary(found)
    )


def test_nothing_is_drawn_of_nothing():
    assert charts(figures()) == ()
    assert list(summary(figures())) == [
        "Nenhum atendimento foi aberto de 18/11/2026 a 24/11/2026.",
        "O cadastro está vazio.",
    ]
    [only] = charts(
        figures(
            register=RegisterCount(
                active=1_200,
                inactive=34,
                kinds=(KindCount(kind=Kind.CUSTOMER, active=1_200, inactive=34),),
            )
        )
    )
    assert only.title == "Cadastro: 1.234"
    assert only.rows[0].name == "Cliente (1.234)"
    assert [bar.label for bar in only.rows[0].bars] == ["1.200 ativos", "34 inativos"]


def test_many_departments_become_eight_and_the_others():
    found = figures(*(opened(department_id=str(n)) for n in range(11) for _ in range(20 - n)))
    rows = charts(found)[1].rows
    assert len(rows) == 9
    # 12, 11 and 10 of the three smallest.
    assert rows[-1].name == "3 outros (33)"
    assert "e mais 8 departamentos" in "\n".join(summary(found))


def test_a_night_without_anybody_does_not_hide_the_day():
    night = [opened(MORNING + timedelta(hours=10), waited_s=40_000)] * 3
    day = [opened(waited_s=60)] * 4
    assert charts(figures(*day, *night))[0].limit == 300
    assert charts(figures(*day))[0].limit is None


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("01/11/2026 a 20/11/2026", date(2026, 11, 1), date(2026, 11, 20)),
        ("  De 1/11/26 até  20/11/26 ", date(2026, 11, 1), date(2026, 11, 20)),
        ("01.11.2026-20.11.2026", date(2026, 11, 1), date(2026, 11, 20)),
        ("01/11 – 20/11", date(2026, 11, 1), date(2026, 11, 20)),
        ("entre 31/12/2025 e 24/11/2026", date(2025, 12, 31), TODAY),
        ("24/11/2026", TODAY, TODAY),
        ("24/11/2025 a 24/11/2026", date(2025, 11, 24), TODAY),
    ],
)
def test_typed_dates_are_a_period(text: str, first: date, last: date):
    assert read_period(text, today=TODAY) == Period(first, last)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("ontem", PeriodRefusal.NOT_DATES),
        ("", PeriodRefusal.NOT_DATES),
        ("01/11/2026 a", PeriodRefusal.NOT_DATES),
        ("01/11/2026 a 02/11/2026 a 03/11/2026", PeriodRefusal.NOT_DATES),
        ("2026-11-01", PeriodRefusal.NOT_DATES),
        ("01/11/0001", PeriodRefusal.NOT_DATES),
        ("31/02/2026", PeriodRefusal.NO_SUCH_DAY),
        ("01/13/2026 a 20/11/2026", PeriodRefusal.NO_SUCH_DAY),
        ("20/11/2026 a 01/11/2026", PeriodRefusal.REVERSED),
        ("24/11/2026 a 25/11/2026", PeriodRefusal.FUTURE),
        ("01/12/2099", PeriodRefusal.FUTURE),
        ("23/11/2025 a 24/11/2026", PeriodRefusal.TOO_LONG),
    ],
)
def test_what_is_no_period_says_why(text: str, why: PeriodRefusal):
    assert read_period(text, today=TODAY) is why


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (90, "2 min"),
        (3_599, "1 h"),
        (3_900, "1 h 5 min"),
        (86_400, "1 dia"),
        (2 * 86_400 + 3 * 3_600, "2 dias 3 h"),
        (86_400 - 40, "23 h 59 min"),
        (86_400 - 20, "1 dia"),
    ],
)
def test_a_time_is_said_as_people_say_it(seconds: float, said: str):
    assert lasting(seconds) == said
