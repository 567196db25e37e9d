"""Use case: delete conversations past their retention period, once a day."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import structlog

from bot.domain.retention import RetentionRun
from bot.usecases.ports import RetentionStore

# 3 a.m., when nobody writes.
_BEGINS_AT: Final = timedelta(hours=3)
# A run that has not ended by then was killed; a second run in parallel would do no harm.
_ABANDONED_AFTER: Final = timedelta(hours=1)

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Retain:
    store: RetentionStore
    conversations_days: int
    """Days that closed conversations are kept; 0 keeps them forever."""
    clock: Callable[[], datetime]
    timezone: ZoneInfo

    async def __call__(self) -> RetentionRun | None:
        """Run today's deletion if it is due; return what it deleted.

        Returns None when the run is not due, or when another replica does it.
        """
        if not self.conversations_days:
            return None
        now, last = self.clock(), await self.store.last()
        run = RetentionRun(day=self._day(now), began_at=now)
        if last and last.day >= run.day and not self._is_abandoned(last, now):
            return None
        if not await self.store.begin(run, after=last):
            return None
        moment = now - timedelta(days=self.conversations_days)
        conversations = messages = 0
        async for ids in self.store.closed_before(moment):
            deleted = await self.store.delete(ids, closed_before=moment)
            conversations, messages = conversations + deleted[0], messages + deleted[1]
        ended = run.model_copy(
            update={
                "ended_at": self.clock(),
                "conversations": conversations,
                "messages": messages,
            }
        )
        await self.store.end(ended)
        logger.info("old conversations deleted", conversations=conversations, messages=messages)
        return ended

    def _day(self, now: datetime) -> str:
        return (now.astimezone(self.timezone) - _BEGINS_AT).date().isoformat()

    def _is_abandoned(self, run: RetentionRun, now: datetime) -> bool:
        return run.ended_at is None and now - run.began_at >= _ABANDONED_AFTER
