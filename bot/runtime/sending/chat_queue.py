"""The queue of one chat, and the choice of the messages that leave next."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from bot.domain.conversation import Conversation
from bot.domain.outgoing import ALBUM_SIZE, Outgoing, OutgoingKind, Priority, next_to_send

ALBUM_S: Final = 0.7
"""Seconds to wait for more parts of an album; each part arrives as an update of its own."""
# After this wait, several texts of a customer leave as one message.
_LATE_S: Final = 3.0
_MANY: Final = 1_000


@dataclass(slots=True)
class ChatQueue:
    """The messages known to wait for one chat."""

    items: dict[str, Outgoing] = field(default_factory=dict)
    is_read: bool = False
    """True once the stored queue has been read; until then nothing is sent."""
    read_at: float = 0.0
    """The loop time at which the latest read of the stored queue began."""
    is_latest: bool = False
    """True while no other replica can have stored a message that goes before one of these."""
    sent: int = 0
    """The number of batches that were sent since the stored queue was read."""
    counted: set[str] = field(default_factory=set)
    """Ids of messages whose next attempt is stored already."""
    read: dict[str, tuple[Conversation, float]] = field(default_factory=dict)
    """Ids of messages to their conversation, and the loop time at which they were put with it."""
    came_at: dict[str, float] = field(default_factory=dict)
    """Album id to the loop time at which its latest part came."""
    news: asyncio.Event = field(default_factory=asyncio.Event)
    served: dict[str, int] = field(default_factory=dict)
    """Conversation id to a number that is higher the later one of its messages was tried."""
    tried: int = 0
    """The number of batches that were tried."""
    begun: frozenset[str] = frozenset()
    """The ids of the messages that are being sent at this moment."""

    def put(self, item: Outgoing, *, is_latest: bool) -> None:
        """Add a message to the queue.

        is_latest: True if no other replica can have stored one that goes before it.
        """
        self.items[item.id] = item
        self.is_latest = self.is_latest and is_latest
        self.news.set()
        if item.album:
            self.came_at[item.album] = asyncio.get_running_loop().time()

    def makes_redundant(self, item: Outgoing) -> bool:
        """Return True if a waiting message will do what this one would."""
        return item.what in (OutgoingKind.CARD, OutgoingKind.REFRESH) and any(
            there.what is item.what
            and (there.conversation_id, there.below) == (item.conversation_id, item.below)
            and there.id not in self.begun
            for there in self.items.values()
        )

    def next(
        self, free: Sequence[Outgoing], now: datetime, *, is_late: bool = False
    ) -> list[Outgoing]:
        """Return those of the free messages that leave next, as one.

        Returns an empty list while all of them are an album that is still arriving.
        """
        oldest = min((item.put_at for item in free), default=now)
        is_late = is_late or (now - oldest).total_seconds() > _LATE_S
        loop_now = asyncio.get_running_loop().time()

        def is_whole(parts: Sequence[Outgoing]) -> bool:
            came_at = self.came_at.get(parts[0].album, 0.0)
            return len(parts) >= ALBUM_SIZE or loop_now - came_at >= ALBUM_S

        return next_to_send(
            free,
            is_late=is_late,
            is_whole=is_whole,
            served=lambda conversation_id: self.served.get(conversation_id, 0),
        )

    def try_now(self, batch: Sequence[Outgoing]) -> None:
        """Mark the batch as tried: other conversations go before its own."""
        self.begun = frozenset(item.id for item in batch)
        self.tried += 1
        self.served[batch[0].conversation_id] = self.tried

    def backlog(self, conversation_id: str) -> int:
        """Return how many messages of the conversation's customer wait."""
        return sum(
            item.conversation_id == conversation_id and item.priority is Priority.CUSTOMER
            for item in self.items.values()
        )

    def leave(self, ids: Iterable[str]) -> None:
        """Remove the messages from the queue."""
        for one in ids:
            self.items.pop(one, None)
            self.counted.discard(one)
            self.read.pop(one, None)
        albums = {item.album for item in self.items.values()}
        for album in [one for one in self.came_at if one not in albums]:
            del self.came_at[album]
        if len(self.served) > _MANY:
            waiting = {item.conversation_id for item in self.items.values()}
            self.served = {one: at for one, at in self.served.items() if one in waiting}

    async def next_news(self, timeout_s: float) -> None:
        """Return when `news` is set, or after `timeout_s` seconds."""
        try:
            async with asyncio.timeout(timeout_s):
                await self.news.wait()
        except TimeoutError:
            pass
