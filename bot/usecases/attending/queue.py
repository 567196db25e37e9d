"""Use case: who waits in which department, and who is being served."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.domain.card import Card
from bot.domain.conversation import (
    Conversation,
    Department,
    queue_order,
)
from bot.domain.registration import Registration
from bot.usecases.attending.show_card import ShowCard
from bot.usecases.ports import Departments, Queue, Registrations


@dataclass(frozen=True, slots=True)
class Place:
    """One conversation in a queue."""

    conversation: Conversation
    registration: Registration | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DepartmentQueue:
    department: Department
    waiting: tuple[Place, ...]
    """In the order in which they are to be served, at most as many as were asked for."""
    total: int
    """How many wait in all."""
    longest_since: datetime | None
    """Since when the one waits who waits longest."""
    served: tuple[Place, ...]
    """Whom somebody serves, longest first, at most as many."""
    total_served: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """A department in one line."""

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
        """The queue of the department that this group belongs to; None when it is nobody's."""
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
            waiting=await self._places(waiting[:first]),
            total=len(waiting),
            longest_since=_longest(waiting),
            served=await self._places(served[:first]),
            total_served=len(served),
            at=self.clock(),
        )

    async def loads(self) -> list[Load]:
        """Every department that is in use, by name."""
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

    async def _places(self, conversations: list[Conversation]) -> tuple[Place, ...]:
        async def registration(one: Conversation) -> Registration | None:
            if one.registration_id is None:
                return None
            return await self.registrations.by_id(one.registration_id)

        # Asked at once, they travel to the database together.
        found = await asyncio.gather(*map(registration, conversations))
        return tuple(map(Place, conversations, found))


@dataclass(frozen=True, slots=True, kw_only=True)
class FindConversation:
    queue: Queue
    show_card: ShowCard

    async def __call__(self, protocol: str) -> Card | None:
        """The card of the conversation with this protocol, as it is now."""
        conversation = await self.queue.by_protocol(protocol)
        return await self.show_card.card_of(conversation) if conversation else None


def _longest(waiting: Sequence[Conversation]) -> datetime | None:
    return min((one.customer_waits_since for one in waiting), default=None)
