"""Reads opening hours and holidays as people write them: "seg a sex 8h-18h, sáb 8h-12h"."""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Final

from bot.domain.hours_tokens import (
    IN_A_WEEK,
    IN_HOLIDAYS,
    Fault,
    FaultError,
    NotUnderstood,
    Token,
    prepared,
    tokens,
)
from bot.domain.opening_hours import MIDNIGHT, Holiday, Interval

Week = tuple[tuple[Interval, ...], ...]
ALWAYS: Final[Week] = ()
"""The week of a department that is open at all times."""
_LONGEST_BREAK: Final = timedelta(days=60)
# A year that has every date, for holidays of every year.
_LEAP_YEAR: Final = 2024
_ALWAYS: Final = re.compile(
    r"(?:esta |fica )?sempre(?: abert[oa]s?)?|abert[oa]s? sempre|24 ?/ ?7"
    r"|(?:abert[oa]s? )?24 ?(?:h|hs|horas)(?: por dia)?"
)


def read_week(text: str) -> Week | NotUnderstood:
    """Return the intervals of each day, Monday first; `ALWAYS` for "sempre aberto".

    A day that the text does not name is closed. Nothing is guessed that could be meant in two
    ways, and what is understood is for the writer to see before it is used.
    """
    shown, folded = prepared(text)
    if _ALWAYS.fullmatch(folded.strip(" .!\n")):
        return ALWAYS
    try:
        return _week(list(tokens(IN_A_WEEK, shown, folded)))
    except FaultError as error:
        return error.found


def read_holidays(text: str, *, today: date) -> tuple[Holiday, ...] | NotUnderstood:
    """Return the holidays in the text, in its order; of a date given twice the last.

    A date without times is closed all day; times belong to the dates before them, back to the last
    comma. Words beside a date, such as its name, are ignored.
    """
    try:
        found = {
            one.date_key: one
            for part in _parts(tokens(IN_HOLIDAYS, *prepared(text)))
            for one in _holidays(part, today)
        }
    except FaultError as error:
        return error.found
    return tuple(found.values()) or NotUnderstood(Fault.NOTHING)


def _week(said: Sequence[Token]) -> Week:
    week: dict[int, list[Interval]] = {}
    days: list[int] = []
    times: list[Token] = []
    closed_ahead = False

    def end_of_group(*, is_closed: bool = False) -> None:
        nonlocal closed_ahead
        intervals = _hours_of(days, times, is_closed=is_closed or closed_ahead)
        for day in days:
            week.setdefault(day, []).extend(intervals)
        closed_ahead = closed_ahead and not days
        days.clear()
        times.clear()

    before = ""
    for at, token in enumerate(said):
        following = said[at + 1].kind if at + 1 < len(said) else ""
        match token.kind:
            case "day":
                if times:
                    end_of_group()
                if before == "day range" and days and len(token.days) == 1:
                    days.extend(_until(days[-1], token.days[0]))
                else:
                    days.extend(token.days)
            case "time":
                times.append(token)
                if token.minute == MIDNIGHT and len(times) % 2 and following != "range":
                    # "24h" alone: all day.
                    times.insert(-1, Token("time", token.text))
            case "closed":
                is_behind = bool(days) and not times
                end_of_group(is_closed=is_behind)
                closed_ahead = not is_behind
            case "apart":
                if closed_ahead and days:
                    end_of_group()
            case "word" | "other":
                of_holidays = any(one.text.lower().startswith("feriado") for one in said)
                raise FaultError(Fault.HOLIDAY if of_holidays else Fault.WORD, token.text)
        before = f"{before} range" if token.kind == "range" else token.kind
    end_of_group()
    if not week:
        raise FaultError(Fault.NOTHING)
    if not any(week.values()):
        raise FaultError(Fault.NEVER)
    return tuple(_apart(week.get(day, ()), day=day) for day in range(7))


def _hours_of(days: Sequence[int], times: Sequence[Token], *, is_closed: bool) -> list[Interval]:
    """Return the intervals of a group of days; raises if only days or only times are given."""
    intervals = _intervals(times)
    if intervals and not days:
        raise FaultError(Fault.NO_DAY, times[0].text)
    if days and not intervals and not is_closed:
        raise FaultError(Fault.NO_TIME, day=days[-1])
    return intervals


def _until(first: int, last: int) -> Iterator[int]:
    """Yield the weekdays after the first, to the last; over Sunday if need be."""
    while first != last:
        first = (first + 1) % 7
        yield first


def _intervals(times: Sequence[Token]) -> list[Interval]:
    if len(times) % 2:
        raise FaultError(Fault.HALF, times[-1].text)
    found = []
    for first, last in zip(times[::2], times[1::2], strict=True):
        start, end = first.minute % MIDNIGHT, last.minute
        if start == end:
            raise FaultError(Fault.SAME, first.text)
        found.append(Interval(start=start, end=end if end > start else end + MIDNIGHT))
    return found


def _apart(
    intervals: Sequence[Interval], *, about: str = "", day: int = 0
) -> tuple[Interval, ...]:
    """Return them in order, the same one once; raises if two of them overlap."""
    ordered = sorted(set(intervals), key=lambda one: (one.start, one.end))
    if any(one.end > other.start for one, other in pairwise(ordered)):
        raise FaultError(Fault.OVERLAP, about, day)
    return tuple(ordered)


def _parts(said: Iterable[Token]) -> list[list[Token]]:
    """Return what is between commas; times without a date go with the part before."""
    parts: list[list[Token]] = [[]]
    for token in said:
        if token.kind == "apart":
            parts.append([])
        else:
            parts[-1].append(token)
    joined: list[list[Token]] = []
    for part in filter(None, parts):
        kinds = {one.kind for one in part}
        if joined and "time" in kinds and "date" not in kinds:
            joined[-1] += part
        else:
            joined.append(part)
    return joined


def _holidays(part: Sequence[Token], today: date) -> list[Holiday]:
    """Return the holidays between two commas."""
    found: list[Holiday] = []
    dates: list[Token] = []
    times: list[Token] = []

    def end_of_group() -> None:
        if times and not dates:
            raise FaultError(Fault.NO_DAY, times[0].text)
        intervals = _apart(_intervals(times), about=dates[-1].text if dates else "")
        for one in dates:
            day, month, year = one.dated
            if one.kind == "date" and _as_date(one, year or _LEAP_YEAR) < today and year:
                raise FaultError(Fault.PAST, one.text)
            found.append(Holiday(day=day, month=month, year=year, intervals=intervals))
        dates.clear()
        times.clear()

    before = ""
    for token in part:
        if token.kind == "date":
            if times:
                end_of_group()
            if before == "date range" and dates:
                dates.extend(_break(dates.pop(), token, today))
            else:
                dates.append(token)
        elif token.kind == "time":
            times.append(token)
        before = f"{before} range" if token.kind == "range" else token.kind
    end_of_group()
    if not found:
        raise FaultError(Fault.NOTHING, " ".join(one.text for one in part))
    return found


def _break(first: Token, last: Token, today: date) -> Iterator[Token]:
    """Yield each date from the first to the last that is not over."""
    (day, month, year), (last_day, last_month, last_year) = first.dated, last.dated
    over_new_year = (month, day) > (last_month, last_day)
    if last_year is not None:
        year = year or last_year - over_new_year
    begin = _as_date(first, year or _LEAP_YEAR)
    end = _as_date(last, last_year or begin.year + over_new_year)
    about = f"{first.text} a {last.text}"
    if not timedelta() <= end - begin <= _LONGEST_BREAK:
        raise FaultError(Fault.LONG, about)
    if year and end < today:
        raise FaultError(Fault.PAST, about)
    for days in range((end - begin).days + 1):
        one = begin + timedelta(days=days)
        if not year or one >= today:
            yield Token("of break", about, dated=(one.day, one.month, one.year if year else None))


def _as_date(token: Token, year: int) -> date:
    day, month, _ = token.dated
    try:
        return date(year, month, day)
    except ValueError:
        raise FaultError(Fault.DATE, token.text) from None
