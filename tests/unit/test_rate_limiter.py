"""Turns within a chat and Telegram's limits, on the loop's own clock with small windows."""

import asyncio
from collections.abc import Callable

from bot.domain.outgoing import Priority
from bot.runtime.sending.limits import NO_LIMITS, Limits, Rate, RateLimiter

GROUP, OTHER, PERSON = -100, -200, 7


async def test_one_at_a_time_and_the_most_important_next():
    limiter, log = RateLimiter(NO_LIMITS), []
    gate = asyncio.Event()

    async def send(name: str, priority: Priority) -> None:
        async with limiter.turn(GROUP, priority):
            if name == "first":
                await gate.wait()
            log.append(name)

    tasks = [
        asyncio.create_task(send(name, priority))
        for name, priority in (
            ("first", Priority.PROGRESS),
            ("edit", Priority.PROGRESS),
            ("answer", Priority.ANSWER),
            ("customer", Priority.CUSTOMER),
            ("customer 2", Priority.CUSTOMER),
            ("card", Priority.CARD),
        )
    ]
    await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(*tasks)
    assert log == ["first", "card", "customer", "customer 2", "answer", "edit"]


async def test_chats_do_not_wait_for_each_other():
    limiter = RateLimiter(NO_LIMITS)
    async with limiter.turn(GROUP, Priority.CARD), limiter.turn(OTHER, Priority.CARD):
        pass


async def test_a_turn_inside_a_turn_of_the_same_chat_is_that_turn():
    limiter = RateLimiter(NO_LIMITS)
    async with (
        limiter.turn(GROUP, Priority.CARD),
        limiter.turn(GROUP, Priority.PROGRESS) as waited,
    ):
        assert waited == 0


async def test_whoever_is_cancelled_leaves_the_chat_to_the_next():
    limiter = RateLimiter(NO_LIMITS)
    done = []

    async def send(name: str) -> None:
        async with limiter.turn(PERSON, Priority.ANSWER):
            done.append(name)

    async with limiter.turn(PERSON, Priority.ANSWER):
        tasks = [asyncio.create_task(send(name)) for name in "ab"]
        await asyncio.sleep(0)
        tasks[0].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert done == ["b"]


async def test_no_window_ever_holds_more_than_its_rate():
    window_s = 0.2
    limiter = RateLimiter(
        Limits(group=Rate(4, window_s * 2), chat=Rate(3, window_s), overall=Rate(6, window_s))
    )
    sent: list[tuple[float, int]] = []

    async def send(chat_id: int) -> None:
        async with limiter.turn(chat_id, Priority.ANSWER):
            await limiter.pace(chat_id)
            sent.append((asyncio.get_running_loop().time(), chat_id))

    await asyncio.gather(*(send(chat) for chat in [GROUP] * 9 + [OTHER] * 6 + [PERSON] * 9))

    def most(of: Callable[[int], bool], within_s: float) -> int:
        times = sorted(at for at, chat in sent if of(chat))
        # A hair less: what a timer adds to one and not to the other.
        return max(sum(a <= t < a + within_s - 0.02 for t in times) for a in times)

    assert len(sent) == 24
    assert most(lambda chat: chat == GROUP, window_s * 2) == 4
    assert most(lambda chat: chat == PERSON, window_s) == 3
    assert most(lambda chat: True, window_s) <= 6


async def test_an_album_counts_as_its_messages():
    limiter = RateLimiter(Limits(chat=Rate(3, 0.2)))
    loop = asyncio.get_running_loop()
    async with limiter.turn(PERSON, Priority.ANSWER):
        await limiter.pace(PERSON, messages=3)
        before = loop.time()
        await limiter.pace(PERSON)
    assert loop.time() - before >= 0.15


async def test_what_waits_long_overtakes_what_is_more_important_but_new():
    """Nobody who asked for a card's details waits for a whole flood to end."""
    limiter = RateLimiter(Limits(chat=Rate(1, 0.2)), step_s=0.01)
    log = []

    async def send(name: str, priority: Priority) -> None:
        async with limiter.turn(GROUP, priority):
            log.append(name)

    await limiter.pace(GROUP)
    answer = asyncio.create_task(send("answer", Priority.ANSWER))
    customers: list[asyncio.Task[None]] = []
    asyncio.get_running_loop().call_later(
        0.1, lambda: customers.append(asyncio.create_task(send("customer", Priority.CUSTOMER)))
    )
    await answer
    await asyncio.gather(*customers)
    assert log == ["answer", "customer"]
