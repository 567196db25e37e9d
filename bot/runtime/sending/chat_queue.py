"""What is known to wait for one chat, and what of it leaves next."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from bot.domain.outgoing import ALBUM_SIZE, Outgoing, What, next_to_send

ALBUM_S: Final = 0.7
"""How long an album may be in coming; its messages arrive as updates of their own."""
# From then on several texts of a customer leave as one.
_LATE_S: Final = 3.0


@dataclass(slots=True)
class ChatQueue:
    """What is known to wait for one chat."""

    items: dict[str, Outgoing] = field(default_factory=dict)
    is_read: bool = False
    """Whether it is known what waited before; while it is not, nothing is sent."""
    is_latest: bool = False
    """Whether nothing has come since it was read."""
    came_at: dict[str, float] = field(default_factory=dict)
    """When the latest part of an album came."""
    news: asyncio.Event = field(default_factory=asyncio.Event)
    tries: int = 0
    sent_before: int | None = None
    """How much had been sent, to whatever chat, when the latest try failed."""
    begun: frozenset[str] = frozenset()
    """What is being sent at this moment."""

    def put(self, item: Outgoing) -> None:
        """One more waits."""
        self.items[item.id] = item
        self.is_latest = False
        if item.album:
            self.came_at[item.album] = asyncio.get_running_loop().time()

    def makes_redundant(self, item: Outgoing) -> bool:
        """Whether one that waits will do what this one would."""
        return item.what in (What.CARD, What.REFRESH) and any(
            there.what is item.what
            and there.conversation_id == item.conversation_id
            and there.id not in self.begun
            for there in self.items.values()
        )

    def next(self, now: datetime, *, is_late: bool = False) -> list[Outgoing]:
        """What leaves next, as one; nothing while all that waits is an album still coming in."""
        oldest = min(item.put_at for item in self.items.values())
        is_late = is_late or (now - oldest).total_seconds() > _LATE_S
        loop_now = asyncio.get_running_loop().time()

        def is_whole(parts: Sequence[Outgoing]) -> bool:
            came_at = self.came_at.get(parts[0].album, 0.0)
            return len(parts) >= ALBUM_SIZE or loop_now - came_at >= ALBUM_S

        return next_to_send(self.items.values(), is_late=is_late, is_whole=is_whole)

    def leave(self, ids: Iterable[str]) -> None:
        """They wait no more."""
        for one in ids:
            self.items.pop(one, None)
        albums = {item.album for item in self.items.values()}
        for album in [one for one in self.came_at if one not in albums]:
            del self.came_at[album]

    async def next_news(self, timeout_s: float) -> None:
        """Return when something has come, or after a while."""
        try:
            async with asyncio.timeout(timeout_s):
                await self.news.wait()
        except TimeoutError:
            pass
