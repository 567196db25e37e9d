"""The figures of the panel: the period, the counts and their computation. Pure."""

import math
import re
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from statistics import median
from typing import Final
from zoneinfo import ZoneInfo

from bot.domain.conversation import Identity
from bot.domain.registration import Kind

MAX_DAYS: Final = 366
# Years of this century are enough: Telegram has had bots since 2015.
_DATE: Final = r"(\d{1,2})[/.-](\d{1,2})(?:[/.-](20\d{2}|\d{2}))?"
_PERIOD: Final = re.compile(rf"(?:de |entre )?{_DATE}(?:\s*(?:a|à|até|e|-|–|—|\s)\s*{_DATE})?")


@dataclass(frozen=True, slots=True)
class Period:
    """A range of local days; both ends are included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    def holds(self, day: date) -> bool:
        return self.first <= day <= self.last


class PeriodRefusal(StrEnum):
    """The reasons why typed dates are not a valid period."""

    NOT_DATES = "not_dates"
    NO_SUCH_DAY = "no_such_day"
    REVERSED = "reversed"
    FUTURE = "future"
    TOO_LONG = "too_long"


def latest_days(count: int, *, today: date) -> Period:
    """Return the period of the latest `count` days, including today."""
    return Period(today - timedelta(days=count - 1), today)


def read_period(text: str, *, today: date) -> Period | PeriodRefusal:
    """Return the typed period, `01/11/2026 a 20/11/2026` or one day, or the reason for a refusal.

    A date without a year belongs to the current year.
    """
    found = _PERIOD.fullmatch(" ".join(text.lower().split()))
    if found is None:
        return PeriodRefusal.NOT_DATES
    parts = found.groups()
    try:
        first = _day(*parts[:3], today=today)
        last = _day(*parts[3:], today=today) if parts[3] else first
    except ValueError:
        return PeriodRefusal.NO_SUCH_DAY
    if last < first:
        return PeriodRefusal.REVERSED
    if last > today:
        return PeriodRefusal.FUTURE
    period = Period(first, last)
    return period if period.days <= MAX_DAYS else PeriodRefusal.TOO_LONG


def _day(day: str, month: str, year: str | None, *, today: date) -> date:
    of = int(year) % 100 + 2000 if year else today.year
    return date(of, int(month), int(day))


class Outcome(StrEnum):
    """The result of a customer's identification, as far as it is known now."""

    VERIFIED = "verified"
    NOT_VERIFIED = "not_verified"
    NOT_IDENTIFIED = "not_identified"
    NEW_PROSPECT = "new_prospect"
    NOT_CONSULTED = "not_consulted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The values of a conversation that the panel counts."""

    department_id: str
    opened_at: datetime
    claimed_at: datetime | None
    closed_at: datetime | None
    priority: bool
    identity: Identity
    registration_id: str | None
    owes_lookup: bool

    @property
    def may_be_new_prospect(self) -> bool:
        """Return True if it is a new prospect, provided that its chat created the registration."""
        return self.identity is Identity.UNVERIFIED and not self.owes_lookup


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """The waiting times of a set of conversations until they were claimed.

    Unclaimed conversations are included: their wait ends when they are closed, or now.
    """

    count: int
    unclaimed: int
    median_s: float
    """Median wait, in seconds."""
    most_s: int
    """90th percentile, in seconds: the lowest wait that at least 90 % did not exceed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DepartmentCount:
    name: str | None
    """None when the department no longer exists."""
    open: int
    closed: int
    priority: int
    """Conversations with priority, open and closed ones together."""

    @property
    def total(self) -> int:
        return self.open + self.closed


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """Counts of registrations."""

    active: int
    inactive: int

    @property
    def total(self) -> int:
        return self.active + self.inactive


@dataclass(frozen=True, slots=True, kw_only=True)
class KindCount(Count):
    kind: Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterCount(Count):
    """Counts of the present register; a registration with several kinds counts in each of them."""

    kinds: tuple[KindCount, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """All figures that the panel shows."""

    period: Period
    at: datetime
    """Time at which the figures were read."""
    timezone: ZoneInfo
    wait: Wait | None
    """None when no conversation was opened in the period."""
    hours: Mapping[int, Wait]
    """Waits by the local hour of opening; hours without conversations are missing."""
    departments: tuple[DepartmentCount, ...]
    """Sorted by number of conversations, highest first."""
    outcomes: Mapping[Outcome, int]
    register: RegisterCount

    @property
    def conversations(self) -> int:
        return self.wait.count if self.wait else 0

    @property
    def open(self) -> int:
        return sum(one.open for one in self.departments)

    @property
    def closed(self) -> int:
        return sum(one.closed for one in self.departments)

    @property
    def priority(self) -> int:
        return sum(one.priority for one in self.departments)


def outcome_of(conversation: Opened, *, is_new_prospect: bool) -> Outcome:
    """Return the result of the customer's identification in a conversation."""
    if conversation.owes_lookup:
        return Outcome.NOT_CONSULTED
    match conversation.identity:
        case Identity.VERIFIED:
            return Outcome.VERIFIED
        case Identity.NOT_IDENTIFIED:
            return Outcome.NOT_IDENTIFIED
        case Identity.UNVERIFIED:
            return Outcome.NEW_PROSPECT if is_new_prospect else Outcome.NOT_VERIFIED


class FigureSums:
    """The running sums over conversations; each one's wait takes four bytes of memory."""

    def __init__(self, period: Period, *, timezone: ZoneInfo, now: datetime) -> None:
        self._period, self._zone, self._now = period, timezone, now
        self._waits: dict[int, array[int]] = {}
        self._unclaimed: Counter[int] = Counter()
        self._departments: dict[str, Counter[str]] = {}
        self._outcomes: Counter[Outcome] = Counter()

    def add(self, conversation: Opened, *, is_new_prospect: bool) -> None:
        opened, hour = conversation.opened_at, conversation.opened_at.astimezone(self._zone).hour
        waited = (conversation.claimed_at or conversation.closed_at or self._now) - opened
        # The clocks of different machines can make it negative.
        seconds = max(0, round(waited.total_seconds()))
        self._waits.setdefault(hour, array("I")).append(seconds)
        self._unclaimed[hour] += conversation.claimed_at is None
        counts = self._departments.setdefault(conversation.department_id, Counter())
        counts["open" if conversation.closed_at is None else "closed"] += 1
        counts["priority"] += conversation.priority
        self._outcomes[outcome_of(conversation, is_new_prospect=is_new_prospect)] += 1

    def figures(self, register: RegisterCount, *, departments: Mapping[str, str]) -> Figures:
        """Return the figures; `departments` maps ids to names."""
        counted = [
            DepartmentCount(
                name=departments.get(key),
                open=counts["open"],
                closed=counts["closed"],
                priority=counts["priority"],
            )
            for key, counts in self._departments.items()
        ]
        counted.sort(key=lambda one: (-one.total, one.name is None, one.name or ""))
        return Figures(
            period=self._period,
            at=self._now,
            timezone=self._zone,
            wait=_wait(self._waits.values(), self._unclaimed.total()),
            hours={
                hour: wait
                for hour in sorted(self._waits)
                if (wait := _wait([self._waits[hour]], self._unclaimed[hour]))
            },
            departments=tuple(counted),
            outcomes=dict(self._outcomes),
            register=register,
        )


def _wait(waits: Iterable[Sequence[int]], unclaimed: int) -> Wait | None:
    ordered = sorted(seconds for some in waits for seconds in some)
    if not ordered:
        return None
    return Wait(
        count=len(ordered),
        unclaimed=unclaimed,
        median_s=median(ordered),
        most_s=ordered[math.ceil(0.9 * len(ordered)) - 1],
    )
