"""The pace of requests to an ERP over several processes."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.agreed import AgreedAlone
from bot.domain.errors import TakenError
from bot.domain.pace import Pace
from erp import bling, omie
from erp.shared import Pacer
from tests.virtual_time import in_virtual_time, now

HAIR_S = 1e-6


def clock() -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=now())


@pytest.mark.parametrize(
    ("gap_s", "count", "window_s"),
    [(bling.LIMITS.gap_s, 3, 1.0), (omie.LIMITS.gap_s, 240, 60.0)],
    ids=["bling", "omie"],
)
def test_the_limit_of_an_account_is_that_of_all_processes(
    gap_s: float, count: int, window_s: float
):
    sent: list[float] = []

    async def process(pacer: Pacer, idle_s: float) -> None:
        for _ in range(60):
            await pacer.turn("ERP", gap_s)
            sent.append(now())
            await asyncio.sleep(idle_s)

    async def story() -> None:
        pace = AgreedAlone(Pace(), clock)
        await asyncio.gather(*(process(Pacer(pace), n / 3) for n in range(6)))

    in_virtual_time(story())
    sent.sort()
    most = max(sum(a <= t < a + window_s - HAIR_S for t in sent) for a in sent)
    assert most <= count
    # And nearly all of it is used.
    assert most >= count * 0.9


def test_a_block_ends_for_all_at_once():
    async def story() -> None:
        pace = AgreedAlone(Pace(), clock)
        one, other = Pacer(pace), Pacer(pace)
        await one.close(600)
        await one.close(60)
        for pacer, rest_s in ((one, 600), (other, 500)):
            with pytest.raises(TakenError) as raised:
                await pacer.turn("ERP", 0.5)
            assert raised.value.retry_after_s == pytest.approx(rest_s)
            await asyncio.sleep(100)
        await asyncio.sleep(400)
        await other.turn("ERP", 0.5)

    in_virtual_time(story())
