"""Opening hours of a department: when it is open, when it opens again, how long it was open."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

MIDNIGHT: Final = 24 * 60
"""The minute at which a day ends."""
# Whoever is closed for longer than this has given no hours that anybody could wait for.
_LOOK_AHEAD: Final = timedelta(days=400)
_DAY: Final = timedelta(days=1)
_MINUTE: Final = timedelta(minutes=1)


class Interval(BaseModel):
    """A time in which it is open, in minutes after the midnight with which its day began."""

    model_config = ConfigDict(frozen=True)

    start: int
    end: int
    """After `MIDNIGHT` if it goes on into the next day."""


_ALL_DAY: Final = (Interval(start=0, end=MIDNIGHT),)


class Holiday(BaseModel):
    """A date with hours of its own, in place of those of its weekday."""

    model_config = ConfigDict(frozen=True)

    day: int
    month: int
    year: int | None = None
    """None for a holiday of every year."""
    intervals: tuple[Interval, ...] = ()
    """Empty: closed all day."""

    @property
    def date_key(self) -> tuple[int, int, int]:
        """Return what tells it from other holidays; sorts as a calendar does."""
        return self.month, self.day, self.year or 0

    def is_before(self, day: date) -> bool:
        """Return True if it is over for good."""
        return self.year is not None and (self.year, self.month, self.day) < (
            day.year,
            day.month,
            day.day,
        )


@dataclass(frozen=True, slots=True)
class Closed:
    """A department that is closed now."""

    at: datetime
    """Now, in the company's time zone."""
    opens: datetime | None
    """When it opens again, in that zone; None if it does not for more than a year."""


class OpeningHours(BaseModel):
    """The hours of a week and the holidays. Without any it is open at all times.

    An interval belongs to the day on which it begins: the night before a holiday goes on into it.
    """

    model_config = ConfigDict(frozen=True)

    week: tuple[tuple[Interval, ...], ...] = ()
    """The intervals of each day, Monday first, in order; empty if all days are open all day."""
    holidays: tuple[Holiday, ...] = ()

    @property
    def is_always(self) -> bool:
        return not self.week and not self.holidays

    def is_open(self, at: datetime, timezone: ZoneInfo) -> bool:
        if self.is_always:
            return True
        today = at.astimezone(timezone).date()
        return any(begin <= at < end for begin, end in self._spans(today - _DAY, today, timezone))

    def closed(self, at: datetime, timezone: ZoneInfo) -> Closed | None:
        """Return when it opens again; None if it is open."""
        opens = self.next_opening(at, timezone)
        if opens == at:
            return None
        return Closed(at.astimezone(timezone), opens.astimezone(timezone) if opens else None)

    def next_opening(self, at: datetime, timezone: ZoneInfo) -> datetime | None:
        """Return the first moment from `at` on at which it is open; `at` if it is open then.

        Returns None if it does not open for more than a year.
        """
        if self.is_always:
            return at
        today = at.astimezone(timezone).date()
        for begin, end in self._spans(today - _DAY, today + _LOOK_AHEAD, timezone):
            if end > max(begin, at):
                return max(begin, at)
        return None

    def open_time(self, since: datetime, until: datetime, timezone: ZoneInfo) -> timedelta:
        """Return how long it was open between the two moments."""
        if self.is_always:
            return max(until - since, timedelta())
        total, counted_to = timedelta(), since
        first, last = since.astimezone(timezone).date() - _DAY, until.astimezone(timezone).date()
        for begin, end in self._spans(first, last, timezone):
            begin, end = max(begin, counted_to), min(end, until)
            if begin < end:
                total, counted_to = total + (end - begin), end
        return total

    def on(self, day: date) -> tuple[Interval, ...]:
        """Return the intervals that begin on this day."""
        keys = ((day.month, day.day, year) for year in (day.year, 0))
        holidays = {one.date_key: one for one in self.holidays}
        for key in keys:
            if key in holidays:
                return holidays[key].intervals
        return self.week[day.weekday()] if self.week else _ALL_DAY

    def with_holidays(self, added: Iterable[Holiday]) -> Self:
        """Return it with these holidays; a date that it has already gets the new hours."""
        holidays = {one.date_key: one for one in (*self.holidays, *added)}
        return self._with(holidays.values())

    def without_holiday(self, key: tuple[int, int, int]) -> Self:
        """Return it without the holiday that has this `date_key`."""
        return self._with(one for one in self.holidays if one.date_key != key)

    def without_past(self, today: date) -> Self:
        """Return it without the holidays that are over for good."""
        return self._with(one for one in self.holidays if not one.is_before(today))

    def _with(self, holidays: Iterable[Holiday]) -> Self:
        ordered = tuple(sorted(holidays, key=lambda one: one.date_key))
        return self.model_copy(update={"holidays": ordered})

    def _spans(
        self, first: date, last: date, timezone: ZoneInfo
    ) -> Iterator[tuple[datetime, datetime]]:
        """Yield begin and end of each interval that begins on one of these days, in order."""
        day = first
        while day <= last:
            for one in self.on(day):
                yield _moment(day, one.start, timezone), _moment(day, one.end, timezone, last=True)
            day += _DAY


def _moment(day: date, minute: int, timezone: ZoneInfo, *, last: bool = False) -> datetime:
    """Return the moment of this local time.

    Of a time that clocks show twice in autumn it is the first, or with `last` the second. A time
    that they skip in spring is the moment at which they are set.
    """
    local = datetime.combine(day, time()) + timedelta(minutes=minute)
    first, second = (local.replace(tzinfo=timezone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first <= second:
        return second if last else first
    before, after = second, first
    while after - before > _MINUTE:
        middle = before + (after - before) // (2 * _MINUTE) * _MINUTE
        is_set = middle.astimezone(timezone).utcoffset() == first.astimezone(timezone).utcoffset()
        before, after = (before, middle) if is_set else (middle, after)
    return after
