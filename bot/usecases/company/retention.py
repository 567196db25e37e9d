"""Use cases that run once a day: delete old conversations, and what nobody needs any more."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import structlog

from bot.domain.retention import RetentionRun
from bot.usecases.ports import DailyRuns, RetentionStore

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
        now = self.clock()
        if (run := await _claimed(self.store, now, self.timezone)) is None:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class EndLeftovers:
    """Deletes what has no owner whose deletion would delete it, and no index that would."""

    store: DailyRuns
    ends: Mapping[str, Callable[[datetime], Awaitable[int]]]
    """By name; each gets the time and returns how many documents it deleted or changed."""
    clock: Callable[[], datetime]
    timezone: ZoneInfo

    async def __call__(self) -> RetentionRun | None:
        """Do it if it is due today; return None when it is not, or when another replica does."""
        now = self.clock()
        if (run := await _claimed(self.store, now, self.timezone)) is None:
            return None
        counts = {name: await end(now) for name, end in self.ends.items()}
        ended = run.model_copy(update={"ended_at": self.clock()})
        await self.store.end(ended)
        logger.info("leftovers ended", **counts)
        return ended


async def _claimed(store: DailyRuns, now: datetime, timezone: ZoneInfo) -> RetentionRun | None:
    """Return today's run if it is the caller's."""
    last = await store.last()
    day = (now.astimezone(timezone) - _BEGINS_AT).date().isoformat()
    run = RetentionRun(day=day, began_at=now)
    if last and last.day >= run.day and not _is_abandoned(last, now):
        return None
    return run if await store.begin(run, after=last) else None


def _is_abandoned(run: RetentionRun, now: datetime) -> bool:
    return run.ended_at is None and now - run.began_at >= _ABANDONED_AFTER
