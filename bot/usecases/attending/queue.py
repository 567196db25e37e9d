"""Use case: show the queue of each department, and the conversations in service."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.domain.card import Card, QueueEntry
from bot.domain.conversation import (
    Conversation,
    Department,
    queue_order,
)
from bot.domain.proof import checked
from bot.domain.registration import Registration
from bot.usecases.attending.read_card import ReadCard
from bot.usecases.ports import Departments, Queue, Registrations


@dataclass(frozen=True, slots=True, kw_only=True)
class DepartmentQueue:
    department: Department
    waiting: tuple[QueueEntry, ...]
    """The first waiting conversations, in the order of service; at most `first`."""
    total: int
    """The number of all waiting conversations."""
    longest_since: datetime | None
    """The start of the longest wait; None when nobody waits."""
    served: tuple[QueueEntry, ...]
    """The conversations that an attendant has, oldest claim first; at most `first`."""
    total_served: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """The load of a department, shown in one line."""

    department: Department
    waiting: int
    priority: int
    served: int
    longest_since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowQueue:
    queue: Queue
    registrations: Registrations
    departments: Departments
    clock: Callable[[], datetime]

    async def of_group(self, group_id: int, *, first: int) -> DepartmentQueue | None:
        """Return the queue of this group's department; None if the group belongs to none.

        first: the maximum number of places in each list.
        """
        department = await self.departments.of_group(group_id)
        if department is None:
            return None
        there = [one for one in await self.queue.all_open() if one.department_id == department.id]
        waiting = sorted((one for one in there if one.waits), key=queue_order)
        served = sorted(
            (one for one in there if not one.waits),
            key=lambda one: one.claimed_at or one.opened_at,
        )
        return DepartmentQueue(
            department=department,
            waiting=await entries_of(waiting[:first], self.registrations, at=self.clock()),
            total=len(waiting),
            longest_since=_longest(waiting),
            served=await entries_of(served[:first], self.registrations, at=self.clock()),
            total_served=len(served),
            at=self.clock(),
        )

    async def loads(self) -> list[Load]:
        """Return the load of every department, by name; archived ones only if they have any."""
        there = await self.queue.all_open()
        departments = await self.departments.all()
        return [
            self._load(department, [one for one in there if one.department_id == department.id])
            for department in departments
            if not department.archived or any(o.department_id == department.id for o in there)
        ]

    def _load(self, department: Department, there: list[Conversation]) -> Load:
        waiting = [one for one in there if one.waits]
        return Load(
            department=department,
            waiting=len(waiting),
            priority=sum(one.priority for one in waiting),
            served=len(there) - len(waiting),
            longest_since=_longest(waiting),
        )

    async def entry(self, conversation: Conversation) -> QueueEntry:
        """Return the conversation with its registration."""
        [found] = await entries_of([conversation], self.registrations, at=self.clock())
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class FindConversation:
    queue: Queue
    read_card: ReadCard

    async def __call__(self, protocol: str) -> Card | None:
        """Return the current card of the conversation with this protocol, or None."""
        conversation = await self.queue.by_protocol(protocol)
        return await self.read_card(conversation) if conversation else None


async def entries_of(
    conversations: Sequence[Conversation], registrations: Registrations, *, at: datetime
) -> tuple[QueueEntry, ...]:
    """Return them with their registrations; verified only while the proof holds."""

    async def registration(one: Conversation) -> Registration | None:
        registration_id = one.customer.registration_id
        return await registrations.by_id(registration_id) if registration_id else None

    # Concurrent, so that the queries go to the database together.
    found = await asyncio.gather(*map(registration, conversations))
    return tuple(
        QueueEntry(checked(one, registration, at=at), registration)
        for one, registration in zip(conversations, found, strict=True)
    )


def _longest(waiting: Sequence[Conversation]) -> datetime | None:
    return min((one.customer_waits_since for one in waiting), default=None)
