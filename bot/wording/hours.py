"""Opening hours and holidays in words."""

from collections.abc import Iterable
from datetime import datetime
from itertools import groupby
from typing import Final

from bot.domain.opening_hours import MIDNIGHT, Closed, Holiday, Interval, OpeningHours

WEEKDAYS: Final = ("segunda", "terça", "quarta", "quinta", "sexta", "sábado", "domingo")
ALWAYS: Final = "Sempre aberto"
NATIONAL: Final = {
    (1, 1): "Confraternização Universal",
    (21, 4): "Tiradentes",
    (1, 5): "Dia do Trabalho",
    (7, 9): "Independência",
    (12, 10): "Nossa Senhora Aparecida",
    (2, 11): "Finados",
    (15, 11): "Proclamação da República",
    (20, 11): "Consciência Negra",
    (25, 12): "Natal",
}
"""The national holidays that have the same date every year, by day and month."""


def hour(minute: int) -> str:
    """Return the time of day: `8h`, `13h30`."""
    hours, minutes = divmod(minute, 60)
    return f"{hours}h{minutes:02}" if minutes else f"{hours}h"


def intervals(those: Iterable[Interval]) -> str:
    """Return them as `8h–12h e 13h30–18h`."""
    said = [
        "24 horas"
        if (one.start, one.end) == (0, MIDNIGHT)
        else f"{hour(one.start)}–{hour(one.end if one.end <= MIDNIGHT else one.end - MIDNIGHT)}"
        for one in those
    ]
    return _listed(said) or "fechado"


def week(hours: OpeningHours) -> list[str]:
    """Return a line for each run of days with the same hours."""
    if not hours.week:
        return [f"{ALWAYS}, menos nos feriados" if hours.holidays else ALWAYS]
    lines = []
    for said, days in groupby(range(7), lambda day: intervals(hours.week[day])):
        first, *rest = days
        name = WEEKDAYS[first].capitalize()
        if rest:
            name += f" {'e' if len(rest) == 1 else 'a'} {WEEKDAYS[rest[-1]]}"
        lines.append(f"{name}: {said}")
    return lines


def holiday(one: Holiday) -> str:
    """Return it as `25/12 (Natal): fechado`."""
    return f"{holiday_date(one)}: {intervals(one.intervals)}"


def holiday_date(one: Holiday) -> str:
    year = f"/{one.year}" if one.year else ""
    name = NATIONAL.get((one.day, one.month))
    return f"{one.day:02}/{one.month:02}{year}" + (f" ({name})" if name else "")


def opens(closed: Closed) -> str:
    """Return when it opens again: `hoje, às 13h30`, `amanhã, terça, às 8h`; empty if unknown."""
    if closed.opens is None:
        return ""
    at = closed.opens
    days, time = (at.date() - closed.at.date()).days, _at(at)
    if days == 0:
        return f"hoje, {time}"
    weekday = WEEKDAYS[at.weekday()]
    if days == 1:
        return f"amanhã, {weekday}, {time}"
    date = f"{at:%d/%m}" if at.year == closed.at.year else f"{at:%d/%m/%Y}"
    return f"{weekday}, {date}, {time}"


def _at(moment: datetime) -> str:
    return f"{'à' if moment.hour == 1 else 'às'} {hour(moment.hour * 60 + moment.minute)}"


def _listed(said: list[str]) -> str:
    *first, last = said or [""]
    return f"{', '.join(first)} e {last}" if first else last
