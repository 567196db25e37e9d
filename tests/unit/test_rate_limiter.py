"""The rate limiter: order within a chat and Telegram's limits, in virtual time."""

import asyncio
from collections import Counter
from dataclasses import dataclass

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.domain.outgoing import Priority
from bot.runtime.sending.limits import NO_LIMITS, Limits, RateLimiter, StoppingError
from bot.runtime.sending.overall import Rate
from tests.unit.documents import STABLE
from tests.virtual_time import in_virtual_time, now

GROUP, OTHER, PERSON = -100, -200, 7
# Tolerance for rounding errors in sums of seconds.
HAIR_S = 1e-6


@dataclass(frozen=True)
class Message:
    chat: int
    comes_after_s: float


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


def test_a_chat_is_free_while_a_message_may_leave_and_nobody_sends():
    async def check() -> None:
        limiter = RateLimiter(Limits(group=Rate(1, 10.0), overall=Rate(2, 5.0)))
        assert limiter.is_free(GROUP)
        async with limiter.turn(GROUP, Priority.ANSWER):
            assert not limiter.is_free(GROUP)
        assert limiter.is_free(GROUP)
        await limiter.pace(GROUP)
        assert not limiter.is_free(GROUP)
        assert limiter.is_free(OTHER)
        await limiter.pace(PERSON)
        assert not limiter.is_free(OTHER)
        await asyncio.sleep(5.0)
        assert limiter.is_free(OTHER)
        assert not limiter.is_free(GROUP)

    in_virtual_time(check())


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


@st.composite
def floods(draw: st.DrawFn) -> tuple[Limits, list[Message]]:
    """Draw limits and messages; times are whole seconds, so that they can be compared."""
    rate = st.builds(Rate, st.integers(1, 5), st.integers(1, 10).map(float))
    limits = Limits(
        group=draw(st.none() | rate), chat=draw(st.none() | rate), overall=draw(st.none() | rate)
    )
    message = st.builds(
        Message,
        chat=st.sampled_from([GROUP, OTHER, PERSON]),
        comes_after_s=st.integers(0, 20).map(float),
    )
    return limits, draw(st.lists(message, max_size=30))


@STABLE
@given(flood=floods())
@example(
    flood=(
        Limits(group=Rate(4, 4.0), chat=Rate(3, 2.0), overall=Rate(6, 2.0)),
        [Message(chat, 0) for chat in [GROUP] * 9 + [OTHER] * 6 + [PERSON] * 9],
    )
)
def test_no_window_ever_holds_more_than_its_rate(flood: tuple[Limits, list[Message]]):
    limits, messages = flood
    sent = in_virtual_time(_sent(limits, messages))
    assert Counter(chat for _, chat in sent) == Counter(message.chat for message in messages)
    for rate, chats in (
        (limits.overall, {GROUP, OTHER, PERSON}),
        *((limits.chat, {chat}) for chat in (GROUP, OTHER, PERSON)),
        *((limits.group, {chat}) for chat in (GROUP, OTHER)),
    ):
        if rate is not None:
            times = [at for at, chat in sent if chat in chats]
            assert most_within(times, rate.window_s) <= rate.count


async def _sent(limits: Limits, messages: list[Message]) -> list[tuple[float, int]]:
    limiter, sent = RateLimiter(limits), list[tuple[float, int]]()

    async def send(message: Message) -> None:
        await asyncio.sleep(message.comes_after_s)
        async with limiter.turn(message.chat, Priority.ANSWER):
            await limiter.pace(message.chat)
            sent.append((now(), message.chat))

    await asyncio.gather(*map(send, messages))
    return sent


def most_within(times: list[float], window_s: float) -> int:
    """Return the largest number of times that any window of this length holds."""
    nearly = window_s - HAIR_S
    return max((sum(a <= t < a + nearly for t in times) for a in times), default=0)


def test_nobody_waits_longer_than_the_limits_ask_for():
    everybody = [Message(PERSON, 0) for _ in range(9)]
    sent = in_virtual_time(_sent(Limits(chat=Rate(3, 2.0)), everybody))
    first = sent[0][0]
    assert [round(at - first, 6) for at, _ in sent] == [0, 0, 0, 2, 2, 2, 4, 4, 4]


def test_an_album_counts_as_its_messages():
    async def waited_behind(album: int) -> float:
        limiter = RateLimiter(Limits(chat=Rate(3, 2.0)))
        async with limiter.turn(PERSON, Priority.ANSWER):
            await limiter.pace(PERSON, messages=album)
            before = now()
            await limiter.pace(PERSON)
            return now() - before

    waits = [in_virtual_time(waited_behind(album)) for album in (1, 2, 3)]
    assert waits == [0, 0, pytest.approx(2.0)]


@pytest.mark.parametrize(
    ("later_s", "order"), [(10.0, ["answer", "customer"]), (2.0, ["customer", "answer"])]
)
def test_what_waits_long_overtakes_what_is_more_important_but_new(
    later_s: float, order: list[str]
):
    """A request for a card's details must not wait until a whole flood has ended."""

    async def sent() -> list[str]:
        limiter, log = RateLimiter(Limits(chat=Rate(1, 20.0)), step_s=5.0), list[str]()

        async def send(name: str, priority: Priority, after_s: float) -> None:
            await asyncio.sleep(after_s)
            async with limiter.turn(GROUP, priority):
                log.append(name)
                await limiter.pace(GROUP)

        await limiter.pace(GROUP)
        await asyncio.gather(
            send("answer", Priority.ANSWER, 0.0), send("customer", Priority.CUSTOMER, later_s)
        )
        return log

    assert in_virtual_time(sent()) == order


def test_a_stop_ends_the_waits_that_are_too_long_and_those_for_what_is_stored():
    async def check() -> None:
        limiter = RateLimiter(Limits(group=Rate(1, 10.0), chat=Rate(1, 1.0)))
        ended: dict[str, float] = {}

        async def send(name: str, chat: int, *, is_stored: bool = False) -> None:
            try:
                async with limiter.turn(chat, Priority.ANSWER, is_stored=is_stored):
                    await limiter.pace(chat)
            except StoppingError:
                name += " stopped"
            ended[name] = now()

        async def asked_to_wait(chat: int, *, is_sent: bool) -> None:
            name = "in a turn, begun" if is_sent else "in a turn"
            try:
                async with limiter.turn(chat, Priority.ANSWER, is_stored=True):
                    if is_sent:
                        limiter.sent()
                    await limiter.wait(1.5)
            except StoppingError:
                name += ", stopped"
            ended[name] = now()

        began = now()
        for chat in (GROUP, OTHER, PERSON):
            await send("first", chat)
        waiting = [
            asyncio.create_task(send("group", GROUP)),
            asyncio.create_task(send("group, stored", GROUP, is_stored=True)),
            asyncio.create_task(send("person", PERSON)),
            asyncio.create_task(send("person, stored", PERSON, is_stored=True)),
            asyncio.create_task(limiter.wait(2.0)),
        ]
        for chat, is_sent in ((8, True), (9, False)):
            waiting.append(asyncio.create_task(asked_to_wait(chat, is_sent=is_sent)))
        long = asyncio.create_task(limiter.wait(6.0))
        await asyncio.sleep(0.5)
        limiter.stop(began + 5.0)
        await send("later group", GROUP)
        await send("later, stored", OTHER, is_stored=True)
        await asyncio.gather(*waiting)
        with pytest.raises(StoppingError):
            await long
        assert {name: round(at - began, 3) for name, at in ended.items()} == {
            "first": 0.0,
            "later group stopped": 0.5,
            "later, stored stopped": 0.5,
            "group stopped": 0.5,
            "group, stored stopped": 0.5,
            "person, stored stopped": 0.5,
            "in a turn, stopped": 0.5,
            "person": 1.0,
            "in a turn, begun": 1.5,
        }
        assert round(now() - began, 3) == 2.0

    in_virtual_time(check())


def test_there_is_room_until_a_group_or_all_chats_are_nearly_full():
    async def check() -> None:
        limiter = RateLimiter(Limits(group=Rate(8, 60.0), overall=Rate(2, 0.2)))
        for sent in range(6):
            assert limiter.has_room(GROUP), sent
            await limiter.pace(GROUP)
            await asyncio.sleep(5)
        assert not limiter.has_room(GROUP)
        assert limiter.has_room(OTHER)
        assert limiter.has_room(PERSON)
        limiter.others_sent({OTHER: [now()] * 6})
        assert not limiter.has_room(OTHER)
        limiter.others_sent({})
        assert limiter.has_room(OTHER)
        limiter.close(OTHER, 10.0)
        assert not limiter.has_room(OTHER)
        await asyncio.sleep(60)
        assert limiter.has_room(GROUP)
        assert limiter.has_room(OTHER)
        async with limiter.turn(OTHER, Priority.PROGRESS):
            waits = asyncio.ensure_future(_take_turn(limiter, OTHER))
            await asyncio.sleep(1)
            assert not limiter.has_room(OTHER)
        await waits
        assert RateLimiter(NO_LIMITS).has_room(GROUP)

    in_virtual_time(check())


async def _take_turn(limiter: RateLimiter, chat: int) -> None:
    async with limiter.turn(chat, Priority.CUSTOMER):
        pass


def test_there_is_no_room_while_more_than_half_of_what_may_leave_does():
    async def check() -> None:
        limiter = RateLimiter(Limits(overall=Rate(2, 1 / 14)))
        for _ in range(3):
            assert limiter.has_room(PERSON)
            await asyncio.gather(*(limiter.pace(person) for person in range(12)))
            await asyncio.sleep(2)
        writes = [asyncio.ensure_future(limiter.pace(person)) for person in range(20)]
        await asyncio.sleep(0.01)
        assert not limiter.has_room(PERSON)
        await asyncio.gather(*writes)
        assert not limiter.has_room(PERSON)
        await asyncio.sleep(2)
        assert limiter.has_room(PERSON)

    in_virtual_time(check())
