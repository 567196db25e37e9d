"""Use cases: in the background, cards follow their registrations and nobody with priority is
forgotten."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

import structlog

from bot.domain.conversation import Conversation, ConversationEvent, EventKind
from bot.domain.errors import AppError
from bot.usecases.queue import Queue
from bot.usecases.show_card import Card, ShowCard
from bot.usecases.transfer import TransferConversation

REMINDERS_A_WAIT: Final = 3

logger = structlog.get_logger()


class Reminders(Protocol):
    async def remind(self, card: Card, *, waited: timedelta) -> None:
        """Tell the group, below the card, how long somebody with priority has waited."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowRegistrations:
    """One round: cards whose registration has changed since they were drawn are drawn again,
    wherever the change came from, and the order of the queue follows."""

    queue: Queue
    show_card: ShowCard

    async def __call__(self) -> int:
        """How many cards were drawn again."""
        there = {one.id: one for one in await self.queue.all_open() if one.registration_id}
        ids = {one.registration_id for one in there.values() if one.registration_id}
        versions = await self.queue.versions(sorted(ids))
        changed = [
            one
            for one in there.values()
            if one.card_version != versions.get(one.registration_id or "", 0)
        ]
        for one in changed:
            await self._follow(one)
        return len(changed)

    async def _follow(self, conversation: Conversation) -> None:
        registration = await self.show_card.registrations.by_id(conversation.registration_id or "")
        priority = bool(registration and registration.goes_first_in(conversation.department_id))
        if priority != conversation.priority:
            await self.queue.prioritise(conversation, priority=priority)
        await self.show_card.refresh(conversation.id)
        # Last: a card that could not be drawn is drawn in the next round.
        await self.queue.drawn(conversation.id, registration.version if registration else 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemindOfPriority:
    """One round: the group is told of each who has priority and waits too long."""

    queue: Queue
    show_card: ShowCard
    reminders: Reminders
    every: timedelta
    """Zero is never."""
    clock: Callable[[], datetime]

    async def __call__(self) -> int:
        """How many reminders were given."""
        if not self.every:
            return 0
        now, given = self.clock(), 0
        for one in await self.queue.all_open():
            if not self._is_due(one, now):
                continue
            event = ConversationEvent(at=now, by="balcao", what=EventKind.REMINDED)
            if not await self.queue.remind(one, event):
                continue
            given += 1
            try:
                card = await self.show_card.card_of(one)
                await self.reminders.remind(card, waited=now - one.customer_waits_since)
            except AppError as error:
                # The next one says it again; the others are not to wait for this group.
                logger.warning("reminder not given", group=one.group_id, error=str(error))
        return given

    def _is_due(self, one: Conversation, now: datetime) -> bool:
        since = one.reminded_at or one.in_queue_since
        return (
            one.priority
            and one.waits
            and one.reminders < REMINDERS_A_WAIT
            and now - since >= self.every
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRounds:
    """One round of everything that watches over open conversations."""

    follow_registrations: FollowRegistrations
    remind: RemindOfPriority
    transfer: TransferConversation

    async def __call__(self) -> None:
        # First: who has priority decides of whom is reminded.
        await self.follow_registrations()
        await self.remind()
        await self.transfer.settle_all()
