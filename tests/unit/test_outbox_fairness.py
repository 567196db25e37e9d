"""One customer's flood delays nobody else in the group."""

import asyncio

from bot.runtime.sending.limits import TELEGRAM_LIMITS, RateLimiter
from tests.unit.outbox_parts import World, card, item
from tests.virtual_time import in_virtual_time


def test_a_flood_of_one_customer_delays_no_other():
    async def run() -> None:
        world = World(limiter=RateLimiter(TELEGRAM_LIMITS))
        async with world.running() as outbox:
            for number in range(60):
                await outbox.put(item(number, "flood-"))
            await asyncio.sleep(30)
            await outbox.put(card("b"), item(1, "b"))
            await outbox.put(item(1, "c"))
            await asyncio.sleep(600)
        at = {ids: at for at, ids in world.posts}
        flood = [ids for _, ids in world.posts if ids.startswith("flood-")]
        assert flood == [f"flood-{number}" for number in range(60)]
        after_put = [ids for _, ids in world.posts if at[ids] > 30]
        assert after_put[0] == "card:b"
        assert set(after_put[:4]) >= {"b1", "c1"}, "each conversation in its turn"

    in_virtual_time(run())
