"""Use cases: background rounds that remind of customers who wait, and say who waits at opening."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from bot.domain.conversation import (
    Conversation,
    ConversationEvent,
    Department,
    EventKind,
    queue_order,
)
from bot.domain.opening_hours import OpeningHours
from bot.domain.reminder import RemindAfter, Stage
from bot.usecases.attending.queue import entries_of
from bot.usecases.ports import Departments, Queue, Registrations, Reminders

ADMINS_REMINDED: Final = "admins"
"""The detail of the event of a reminder that went to the admins."""
_LEASE: Final = "reminders"
# So many groups are reminded within this time: what is sent to groups counts against a limit for
# all chats, so ninety at once would keep customers' messages waiting for seconds.
_GROUPS: Final = 10
_WITHIN: Final = timedelta(seconds=10)
# Of a larger number only the first are named.
_NAMED: Final = 10
# A department that has been open for longer needs no message about its opening any more.
_LATE: Final = timedelta(minutes=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemindOfWaiting:
    """One round of reminders: of customers whom nobody serves, and of those without an answer.

    A department's closed hours do not count, and nobody is reminded in them. Where customers of
    many groups are due, some groups are left to the next rounds.
    """

    queue: Queue
    registrations: Registrations
    departments: Departments
    reminders: Reminders
    after: RemindAfter
    holding: Callable[[str], AbstractAsyncContextManager[object]]
    """Holds a lease, so that two replicas do not remind of the same customers at once."""
    clock: Callable[[], datetime]
    timezone: ZoneInfo
    groups: int = _GROUPS
    """So many groups are reminded within ten seconds."""

    async def __call__(self) -> int:
        """Run one round; return the number of reminders."""
        if not await self._due():
            return 0
        async with self.holding(_LEASE):
            due = await self._due()
            await self._remind(due)
        return len(due)

    async def _due(self) -> list[tuple[Conversation, Stage]]:
        """Return each conversation with each stage that is due now, in the queue's order."""
        now = self.clock()
        there = sorted(await self.queue.all_open(), key=queue_order)
        late = [
            (one, since)
            for one in there
            if (since := one.waits_for_staff_since) and any(self.after.due(one, now - since))
        ]
        if not late:
            return []
        hours = {one.id: one.hours for one in await self.departments.all()}
        due = []
        for one, since in late:
            of_it = hours.get(one.department_id, OpeningHours())
            if of_it.is_open(now, self.timezone):
                waited = of_it.open_time(since, now, self.timezone)
                due += [(one, stage) for stage in self.after.due(one, waited)]
        just_now = {
            one.group_id for one in there if one.reminded_at and now - one.reminded_at < _WITHIN
        }
        groups = dict.fromkeys(one.group_id for one, stage in due if stage is Stage.GROUP)
        later = {*[*groups][max(0, self.groups - len(just_now)) :]}
        return [(one, stage) for one, stage in due if one.group_id not in later]

    async def _remind(self, due: Sequence[tuple[Conversation, Stage]]) -> None:
        by_group: dict[int, list[Conversation]] = defaultdict(list)
        for one, stage in due:
            if stage is Stage.GROUP:
                by_group[one.group_id].append(one)
        now = self.clock()
        for group_id, together in by_group.items():
            entries = await entries_of(together, self.registrations, at=now)
            await self.reminders.remind_group(
                group_id, entries, at=now, id=_id(Stage.GROUP, together)
            )
        if for_admins := [one for one, stage in due if stage is Stage.ADMINS]:
            entries = await entries_of(for_admins, self.registrations, at=now)
            departments = await self.departments.all()
            await self.reminders.remind_admins(
                entries, departments, at=now, id=_id(Stage.ADMINS, for_admins)
            )
        # Only now, so that a kill before it repeats them: the outbox knows their ids.
        for one, stage in {one.id: (one, stage) for one, stage in due}.values():
            detail = ADMINS_REMINDED if stage is Stage.ADMINS else ""
            event = ConversationEvent(at=now, by="balcao", what=EventKind.REMINDED, detail=detail)
            await self.queue.remind(one, stage, event)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnounceOpening:
    """One round that says in the group of a department that has just opened who waits there."""

    queue: Queue
    registrations: Registrations
    departments: Departments
    reminders: Reminders
    clock: Callable[[], datetime]
    timezone: ZoneInfo
    _announced: dict[str, datetime] = field(default_factory=dict)
    """The last opening that this process has dealt with, by the department's id."""

    async def __call__(self) -> int:
        """Run one round; return the number of departments that have opened."""
        now = self.clock()
        opened = [
            (one, at)
            for one in await self.departments.all()
            if (at := self._opened(one, now)) and self._announced.get(one.id) != at
        ]
        if not opened:
            return 0
        there = await self.queue.all_open()
        for department, at in opened:
            waiting = sorted(
                (
                    one
                    for one in there
                    if one.waits and one.department_id == department.id and one.in_queue_since < at
                ),
                key=queue_order,
            )
            if waiting and department.group_id is not None:
                first = await entries_of(waiting[:_NAMED], self.registrations, at=now)
                await self.reminders.announce_opening(
                    department.group_id,
                    first,
                    total=len(waiting),
                    at=now,
                    id=f"opening:{department.id}:{at.timestamp()}",
                )
            self._announced[department.id] = at
        return len(opened)

    def _opened(self, department: Department, now: datetime) -> datetime | None:
        """Return when it opened, if that was a short while ago."""
        hours, before = department.hours, now - _LATE
        if hours.is_always or hours.is_open(before, self.timezone):
            return None
        at = hours.next_opening(before, self.timezone)
        return at if at and at <= now else None


def _id(stage: Stage, conversations: Iterable[Conversation]) -> str:
    """Return an id of the reminder of these waits."""
    waits = sorted(f"{one.id}:{one.waits_for_staff_since}" for one in conversations)
    return f"waiting:{stage}:{hashlib.blake2b(repr(waits).encode(), digest_size=12).hexdigest()}"
