"""What all processes of one Balcão know of an ERP: the pace of requests, and what was asked."""

import asyncio
import hashlib
from datetime import UTC, datetime, timedelta

from bot.domain.agreed import Agreed, AgreedAlone, Marks, MarksAlone
from bot.domain.errors import TakenError
from bot.domain.pace import Pace
from bot.domain.tax_id import TaxId


def pace_alone() -> Agreed[Pace]:
    """Return the pace of one process alone."""
    return AgreedAlone(Pace(), _utc_now)


def marks_alone() -> Marks:
    """Return the marks of one process alone."""
    return MarksAlone(_utc_now)


def mark_of(what: str, system: str, tax_id: TaxId) -> str:
    """Return the mark of a tax id at an ERP, from which the tax id cannot be read."""
    return f"{what}:{system}:{hashlib.blake2b(tax_id.key.encode(), digest_size=16).hexdigest()}"


class Pacer:
    """Lets requests start one after another, over all processes that have the same pace."""

    def __init__(self, pace: Agreed[Pace]) -> None:
        self._pace = pace

    async def turn(self, label: str, gap_s: float) -> None:
        """Return when the next request may start, `gap_s` after the one before; at once without
        a gap.

        label: names the request in errors. Raises TakenError while no request may be sent at all,
        with the rest of that time.
        """
        if not gap_s:
            return
        loop, gap = asyncio.get_running_loop(), timedelta(seconds=gap_s)
        start_at = closed_s = 0.0

        def taken(pace: Pace, now: datetime) -> Pace:
            nonlocal start_at, closed_s
            closed_s = (pace.closed_until - now).total_seconds()
            if closed_s > 0:
                return pace
            after = pace.taken(now, gap)
            start_at = loop.time() + (after.next_at - gap - now).total_seconds()
            return after

        await self._pace.change(taken)
        if closed_s > 0:
            raise TakenError(f"{label}: the ERP has blocked us", retry_after_s=closed_s)
        await asyncio.sleep(start_at - loop.time())

    async def close(self, for_s: float) -> None:
        """Let no process send a request for so long."""
        await self._pace.change(lambda pace, now: pace.closed(now + timedelta(seconds=for_s)))


def _utc_now() -> datetime:
    return datetime.now(UTC)
