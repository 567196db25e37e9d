"""Use cases: background rounds over the open conversations."""

from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Final

import structlog

from bot.domain.conversation import Conversation, others_mark
from bot.domain.errors import AppError
from bot.usecases.attending.remind import AnnounceOpening, RemindOfWaiting
from bot.usecases.attending.show_card import ShowCard
from bot.usecases.attending.transfer import TransferConversation
from bot.usecases.ports import Queue, Registrations

_LEASE: Final = "cards"

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowRegistrations:
    """One round that refreshes outdated cards and the priority of their conversations.

    A card is outdated when its registration has changed, by any source, or when the other open
    conversations of the registration have changed.
    """

    queue: Queue
    registrations: Registrations
    show_card: ShowCard
    holding: Callable[[str], AbstractAsyncContextManager[object]]
    """Holds a lease, so that two replicas do not refresh the same cards."""

    async def __call__(self) -> int:
        """Run one round; return the number of refreshed cards."""
        if not await self._outdated():
            return 0
        async with self.holding(_LEASE):
            return sum([await self._follow(*one) for one in await self._outdated()])

    async def _outdated(self) -> list[tuple[Conversation, str, str]]:
        """Return each conversation with an outdated card, its registration's id, and what the
        card is to show of the others."""
        by_registration: dict[str, list[Conversation]] = defaultdict(list)
        for one in await self.queue.all_open():
            if registration_id := one.customer.registration_id:
                by_registration[registration_id].append(one)
        versions = await self.queue.versions(sorted(by_registration))
        outdated = []
        for registration_id, together in by_registration.items():
            version = versions.get(registration_id, 0)
            for one in together:
                others = others_mark(other for other in together if other.id != one.id)
                if (one.card_version, one.card_others) != (version, others):
                    outdated.append((one, registration_id, others))
        return outdated

    async def _follow(self, one: Conversation, registration_id: str, others: str) -> bool:
        registration = await self.registrations.by_id(registration_id)
        priority = bool(registration and registration.goes_first_in(one.department_id))
        if priority != one.priority:
            await self.queue.prioritise(one, priority=priority)
        if one.card_message_id is None:
            return False  # being posted perhaps, with older data: look again in the next round
        try:
            await self.show_card.refresh(one)
        except AppError as error:
            # Retry in the next round; the other cards must not wait for this group.
            logger.warning("card not drawn", group=one.group_id, error=str(error))
            return False
        version = registration.version if registration else 0
        await self.queue.drawn(one.id, version, others=others)
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRounds:
    """The background rounds over open conversations."""

    follow_registrations: FollowRegistrations
    remind: RemindOfWaiting
    announce_opening: AnnounceOpening
    transfer: TransferConversation

    def each(self) -> dict[str, Callable[[], Awaitable[int]]]:
        """Return the rounds by name; run each in its own loop, so that none waits for another.

        A round may wait for Telegram.
        """
        return {
            "changed registrations": self.follow_registrations,
            "reminders": self.remind,
            "openings": self.announce_opening,
            "transfers": self.transfer.announce_all,
        }
