"""Keeps this process's share of what one bot may send, and the waits of all its processes.

A heartbeat renews the share by the database. Between two of them the share needs no round trip.
"""

import asyncio
from collections.abc import Callable, Hashable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from bot.domain.agreed import Agreed
from bot.domain.errors import AppError
from bot.domain.shares import EVER, LEAST, LIVE, Shares, Wait, pack_times, read_ages
from bot.runtime.owners import is_dead
from bot.runtime.sending.limits import RateLimiter
from bot.runtime.supervisor import TaskHealth, log_failure

_BUSY_S: Final = 0.2
_IDLE_S: Final = 0.5
# No two heartbeats follow each other at once, however many messages wait.
_AT_LEAST_S: Final = 0.05


class KeepShare:
    """The heartbeat of one process. Until `join`, the limiter sends nothing."""

    def __init__(
        self,
        agreed: Agreed[Shares],
        limiter: RateLimiter,
        *,
        owner: str,
        receives: bool = True,
        is_gone: Callable[[str], bool] = is_dead,
    ) -> None:
        """receives: False for a process that gets no updates: while it has nothing to send it
        keeps no share. is_gone: returns True if that owner is known to run no longer."""
        self._agreed = agreed
        self._limiter = limiter
        self._owner = owner
        self._least = LEAST if receives else 0
        self._is_gone = is_gone
        self._look = asyncio.Event()
        self._waits: dict[str, float] = {}
        """The loop times until which Telegram asked to wait; not stored yet."""
        self._is_short = False
        """True if the share is known to be less than what is wanted."""
        self.health = TaskHealth()
        limiter.overall.share(0, until=0.0)
        limiter.overall.lacks = self._lacks
        limiter.on_wait = self._on_wait

    async def join(self) -> None:
        """Get a share; raises our error when the database is away."""
        await self._renew()

    async def keep_forever(self) -> None:
        """Renew the share, more often while messages leave."""
        while True:
            await asyncio.sleep(_AT_LEAST_S)
            busy = self._limiter.overall.wanted() > LEAST
            with suppress(TimeoutError):
                async with asyncio.timeout(_BUSY_S if busy else _IDLE_S):
                    await self._look.wait()
            try:
                await self._renew()
            except AppError as error:
                # Tried again soon: until then next to nothing leaves.
                if not self.health.is_failing():
                    log_failure("share", error)
                self.health.failed()
            else:
                self.health.works()

    async def leave(self) -> None:
        """Give the share back, if the database can be reached; else it ends by itself."""
        overall = self._limiter.overall
        overall.share(0, until=0.0)

        def left(shares: Shares, now: datetime) -> Shares:
            sent = len(overall.ages())
            return shares.left(self._owner, sent=sent, groups=self._groups(now), now=now)

        with suppress(AppError):
            await self._agreed.change(left)

    async def _renew(self) -> None:
        loop, overall = asyncio.get_running_loop(), self._limiter.overall
        self._look.clear()
        waits, began = dict(self._waits), loop.time()
        at, wants = EVER, LEAST

        def renewed(shares: Shares, now: datetime) -> Shares:
            nonlocal at, wants
            # The database told the time when it was read, at the earliest at the beginning.
            at, late_s = now, loop.time() - began
            wants = overall.wanted()
            if wants <= LEAST:
                wants = self._least
            new = shares.renewed(
                self._owner,
                total=overall.total,
                wants=wants,
                sent=[timedelta(seconds=age - late_s) for age in overall.ages()],
                groups=self._groups(now),
                gone=[one.owner for one in shares.shares if self._is_gone(one.owner)],
                now=now,
            ).waiting([self._wait(*one, now) for one in waits.items()], now)
            # Before others can read it.
            overall.lower(new.units_of(self._owner))
            return new

        agreed = await self._agreed.change(renewed)
        units = agreed.units_of(self._owner)
        self._is_short = units < wants
        overall.share(units, until=began + LIVE.total_seconds())
        for place, until in waits.items():
            if self._waits.get(place) == until:
                del self._waits[place]
        for wait in agreed.waits:
            self._limiter.close(_place(wait.place), (wait.until - at).total_seconds())
        self._limiter.others_sent(self._of_others(agreed, at))

    def _groups(self, now: datetime) -> dict[str, bytes]:
        time = asyncio.get_running_loop().time()
        return {
            str(group): pack_times(now - timedelta(seconds=time - at) for at in times)
            for group, times in self._limiter.sent_to_groups().items()
        }

    def _of_others(self, shares: Shares, now: datetime) -> dict[int, list[float]]:
        """Return the loop times at which other processes have sent to groups."""
        time = asyncio.get_running_loop().time()
        sent: dict[int, list[float]] = {}
        for one in shares.shares:
            for group, packed in one.groups.items() if one.owner != self._owner else ():
                ages = read_ages(packed, now)
                sent.setdefault(int(group), []).extend(time - age.total_seconds() for age in ages)
        return sent

    def _wait(self, place: str, until: float, now: datetime) -> Wait:
        rest_s = until - asyncio.get_running_loop().time()
        return Wait(place=place, until=now + timedelta(seconds=rest_s))

    def _on_wait(self, place: Hashable, for_s: float) -> None:
        self._waits[str(place)] = asyncio.get_running_loop().time() + for_s
        self._look.set()

    def _lacks(self) -> None:
        # If it is known, the next heartbeat is soon enough.
        if not self._is_short:
            self._look.set()


def _place(stored: str) -> Hashable:
    return int(stored) if stored.removeprefix("-").isdecimal() else stored
