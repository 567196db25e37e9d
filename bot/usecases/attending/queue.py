"""Use case: who waits in which department, and who is being served."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.domain.conversation import (
    Attendant,
    Conversation,
    ConversationEvent,
    Department,
    Transfer,
    queue_order,
)
from bot.domain.registration import Registration
from bot.usecases.attending.card import Card
from bot.usecases.attending.show_card import ShowCard
from bot.usecases.customer.introduce import Registrations


class Queue(Protocol):
    """Where open conversations are, and how they move on: each change is made once."""

    async def all_open(self) -> list[Conversation]: ...

    async def by_protocol(self, protocol: str) -> Conversation | None: ...

    async def last_closed(self, chat_id: int, *, since: datetime) -> Conversation | None:
        """The chat's conversation that was closed last, if that was not before `since`."""

    async def transfer(
        self, seen: Conversation, to: Conversation, event: ConversationEvent
    ) -> bool:
        """Whether it went; False when it is not as it was seen any more."""

    async def settle(self, conversation_id: str, transfer: Transfer) -> None:
        """Remember that everybody was told of this transfer."""

    async def reopen(
        self, closed: Conversation, holder: Attendant | None, event: ConversationEvent
    ) -> bool:
        """Whether it is open again; False when it was already, or another one of the chat is."""

    async def remind(self, seen: Conversation, event: ConversationEvent) -> bool:
        """Whether it still waits as it was seen, and nobody else gives this reminder."""

    async def prioritise(self, seen: Conversation, *, priority: bool) -> None:
        """Set whether it goes first in the department in which it was seen."""

    async def drawn(self, conversation_id: str, version: int, *, others: str) -> None:
        """Remember which version of the registration and which others the card shows."""

    async def versions(self, registration_ids: Sequence[str]) -> dict[str, int]:
        """The version of each registration that is there, by id."""


class Departments(Protocol):
    async def all(self) -> Sequence[Department]: ...

    async def of_group(self, group_id: int) -> Department | None: ...


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
