"""The rate of a bot over its processes: each has a share, and together they keep the limit."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.domain.agreed import AgreedAlone
from bot.domain.errors import TryLaterError
from bot.domain.shares import Shares
from bot.runtime.leases import SHARED_KEPT_S
from bot.runtime.sending.limits import ALL_CHATS, TELEGRAM_LIMITS, RateLimiter
from bot.runtime.sending.share import KeepShare
from tests.virtual_time import in_virtual_time, now

ALL = 30
"""What Telegram allows in a second."""
GROUP = -100
HAIR_S = 1e-6


class Database:
    """The value that all processes read, with its own time; away when it is told so."""

    def __init__(self) -> None:
        self._agreed = AgreedAlone(Shares(), self.clock)
        self.trips = 0
        self.cut_off: set[str] = set()
        self.gone: set[str] = set()
        """The processes that are known to be gone."""

    @staticmethod
    def clock() -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=now())

    def seen_by(self, name: str) -> "Seen":
        return Seen(self, name)


class Seen:
    def __init__(self, database: Database, name: str) -> None:
        self._database = database
        self._name = name

    async def change(self, change: Callable[[Shares, datetime], Shares]) -> Shares:
        self._database.trips += 1
        # A round trip.
        await asyncio.sleep(0.004)
        if self._name in self._database.cut_off:
            raise TryLaterError("the database is away")
        return await self._database._agreed.change(change)


class Process:
    """A process of the bot that sends to a chat of its own for each message."""

    def __init__(
        self,
        database: Database,
        name: str,
        sent: list[tuple[float, str]],
        *,
        receives: bool = True,
    ) -> None:
        self.name = name
        self.limiter = RateLimiter(TELEGRAM_LIMITS)
        self.share = KeepShare(
            database.seen_by(name),
            self.limiter,
            owner=name,
            receives=receives,
            is_gone=database.gone.__contains__,
        )
        self._sent = sent
        self._tasks = set[asyncio.Task[Any]]()
        self._chats = iter(range(1, 10**6))

    async def starts(self) -> None:
        await self.share.join()
        self.begin(self.share.keep_forever())

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.add(asyncio.create_task(work))

    async def send(self) -> None:
        await self.limiter.pace(next(self._chats))
        self._sent.append((now(), self.name))

    async def flood(self, for_s: float) -> None:
        """Always have messages that wait."""
        until = now() + for_s
        senders = [self._until(until) for _ in range(40)]
        await asyncio.gather(*senders)

    async def _until(self, until: float) -> None:
        while now() < until:
            await self.send()

    async def dies(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class World:
    def __init__(self) -> None:
        self.database = Database()
        self.sent: list[tuple[float, str]] = []
        self.began = now()

    async def started(self, *names: str, receives: bool = True) -> list[Process]:
        made = [Process(self.database, name, self.sent, receives=receives) for name in names]
        for one in made:
            await one.starts()
        return made

    def between(self, begin_s: float, end_s: float, *names: str) -> int:
        """Return how many messages these processes, or all, sent in these seconds."""
        begin, end = self.began + begin_s, self.began + end_s
        return sum(begin <= at < end and (name in names or not names) for at, name in self.sent)

    def most_in_a_second(self, second_s: float = 1.0) -> int:
        times = sorted(at for at, _ in self.sent)
        return max(
            sum(a <= t < a + second_s - HAIR_S for t in times[n : n + 99])
            for n, a in enumerate(times)
        )


def lived(
    *, seconds: float, story: Callable[[World], Coroutine[Any, Any, None]], late_s: float = 0.0
) -> World:
    async def run() -> World:
        world = World()
        await story(world)
        rest = world.began + seconds - now()
        await asyncio.sleep(max(rest, 0.0))
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        return world

    return in_virtual_time(run(), late_s=late_s)


def test_one_alone_has_everything_and_asks_nobody():
    async def story(world: World) -> None:
        (a,) = await world.started("a")
        await asyncio.sleep(10)
        world.database.trips = 0
        before = now()
        await asyncio.gather(*(a.send() for _ in range(100)))
        assert now() - before == pytest.approx(3.5)

    world = lived(seconds=20, story=story)
    # Heartbeats only: fewer than there are messages, and none that a message waits for.
    assert world.database.trips < 50
    assert world.most_in_a_second() <= ALL


def test_two_share_and_have_back_what_the_other_does_not_use():
    async def story(world: World) -> None:
        a, b = await world.started("a", "b")
        a.begin(a.flood(20))
        await asyncio.sleep(5)
        await b.flood(5)

    world = lived(seconds=20, story=story)
    assert world.most_in_a_second() <= ALL
    assert world.between(1, 5, "a") > 4 * 26
    # Both want everything.
    assert world.between(7, 10, "a") == pytest.approx(world.between(7, 10, "b"), abs=4)
    assert world.between(7, 10) > 3 * 25
    # A second after the last message of the other one.
    last = max(at for at, name in world.sent if name == "b") - world.began
    assert world.between(last + 1, last + 3, "a") > 2 * 26


def test_a_process_that_was_idle_waits_no_longer_than_a_round_trip():
    async def story(world: World) -> None:
        a, b = await world.started("a", "b")
        await asyncio.sleep(5)
        before = now()
        await a.send()
        assert now() == before
        await asyncio.gather(*(b.send() for _ in range(5)))
        assert now() - before < 0.5
        # Also while the other one floods.
        a.begin(a.flood(5))
        await asyncio.sleep(3)
        before = now()
        await b.send()
        assert now() == before

    assert lived(seconds=12, story=story).most_in_a_second() <= ALL


@pytest.mark.parametrize("rates", [(12, 4, 4, 3), (14, 4, 4, 3), (22, 1, 1, 1), (6, 6, 6, 6)])
def test_who_has_more_to_send_has_what_the_others_do_not_need(rates: tuple[int, ...]):
    """All of them together send less than Telegram allows, so nobody falls behind."""
    waited = dict[str, list[float]]()

    async def story(world: World) -> None:
        started = await world.started(*(f"p{n}" for n in range(len(rates))))
        for one, rate in zip(started, rates, strict=True):
            one.begin(_steadily(one, rate))

    async def _steadily(one: Process, rate: int) -> None:
        for _ in range(60 * rate):
            one.begin(_timed(one))
            await asyncio.sleep(1 / rate)

    async def _timed(one: Process) -> None:
        before = now()
        await one.send()
        waited.setdefault(one.name, []).append(now() - before)

    world = lived(seconds=70, story=story)
    assert world.most_in_a_second() <= ALL
    assert {name: len(times) for name, times in waited.items()} == {
        f"p{n}": 60 * rate for n, rate in enumerate(rates)
    }
    assert max(max(times) for times in waited.values()) < 3.0


def test_where_all_send_too_much_messages_wait_equally_long_everywhere():
    """First what the small ones send, and then the large one would never catch up."""
    wants = {"large": 2 * 28 + 1, "b": 2 * 7 + 1, "c": 2 * 7 + 1, "d": 2 * 7 + 1}
    shares, at = Shares(), datetime(2026, 11, 30, tzinfo=UTC)
    for _ in range(12):
        for owner, wanted in wants.items():
            shares = shares.renewed(
                owner, total=ALL, wants=wanted, sent=(), groups={}, gone=(), now=at
            )
            at += timedelta(seconds=0.3)
    units = {owner: shares.units_of(owner) for owner in wants}
    assert sum(units.values()) == ALL
    # 49 for 30: each of them 0.61 of what it sends.
    assert units == {"large": 18, "b": 4, "c": 4, "d": 4}


@pytest.mark.parametrize("names", ["a", "abcd"])
def test_a_loop_that_is_always_late_sends_as_many(names: str):
    async def story(world: World) -> None:
        await asyncio.gather(*(one.flood(30) for one in await world.started(*names)))

    world = lived(seconds=30, story=story, late_s=0.01)
    # Where each that was late made the next ones late, these were 24.6 and 26.2.
    assert world.between(5, 30) / 25 > 27.5
    assert world.most_in_a_second() <= ALL


def test_the_share_of_a_killed_process_comes_back_when_its_heartbeat_ends():
    async def story(world: World) -> None:
        a, b, c = await world.started("a", "b", "c")
        for one in (a, b, c):
            one.begin(one.flood(30))
        await asyncio.sleep(5)
        await b.dies()
        await c.share.leave()
        await c.dies()

    world = lived(seconds=30, story=story)
    assert world.most_in_a_second() <= ALL
    for name in "abc":
        assert 6 * 3 < world.between(2, 5, name) < 11 * 3
    # One left in order: what it had is free after its last second.
    assert world.between(7, 10, "a") > 3 * 12
    assert world.between(12.5, 20, "a") > 7.5 * 26


def test_who_is_started_again_after_a_kill_soon_has_everything():
    """The killed one is known to be gone where it ran on the same machine."""

    async def story(world: World) -> None:
        (a,) = await world.started("a")
        a.begin(a.flood(9))
        await asyncio.sleep(5)
        await a.dies()
        world.database.gone.add("a")
        (b,) = await world.started("b")
        await b.send()
        await b.flood(5)

    world = lived(seconds=12, story=story)
    assert world.most_in_a_second() <= ALL
    assert world.between(4.9, 5.1, "b") == 1
    assert world.between(6.5, 10, "b") > 3.5 * 26


def test_who_cannot_reach_the_database_sends_next_to_nothing():
    async def story(world: World) -> None:
        a, b = await world.started("a", "b")
        a.begin(a.flood(40))
        await asyncio.sleep(3)
        world.database.cut_off.add("a")
        await asyncio.sleep(3)
        b.begin(b.flood(20))
        await asyncio.sleep(10)
        world.database.cut_off.clear()

    world = lived(seconds=24, story=story)
    assert world.most_in_a_second() <= ALL
    assert world.between(9, 16, "a") <= 8
    assert world.between(11, 16, "b") > 5 * 25
    assert world.between(18, 24, "a") > 6 * 12


@pytest.mark.parametrize("processes", [3, 8])
def test_whatever_they_want_they_keep_the_limit_together(processes: int):
    async def story(world: World) -> None:
        names = [f"p{n}" for n in range(processes)]
        started = await world.started(*names)
        for n, one in enumerate(started):
            for begin in range(n, 20, 2 + n):
                one.begin(_later(begin * 0.9, one, for_s=0.3 + n * 0.4))

    async def _later(after_s: float, one: Process, for_s: float) -> None:
        await asyncio.sleep(after_s)
        await one.flood(for_s)

    world = lived(seconds=30, story=story)
    assert world.most_in_a_second() <= ALL
    assert len(world.sent) > 200


def test_what_telegram_asks_of_one_all_keep():
    async def story(world: World) -> None:
        a, b = await world.started("a", "b")
        a.limiter.asked(-100, 8.0)
        a.limiter.asked("setMyCommands", 20.0)
        await asyncio.sleep(1)
        assert b.limiter.closed_for_s(-100) == pytest.approx(7.0, abs=0.01)
        assert b.limiter.closed_for_s("setMyCommands") == pytest.approx(19.0, abs=0.01)
        assert b.limiter.closed_for_s(-200) == 0
        # A third chat, and nothing was taken since the first.
        a.limiter.asked(-200, 5.0)
        a.limiter.asked(-300, 5.0)
        await asyncio.sleep(1)
        (c,) = await world.started("c")
        assert b.limiter.closed_for_s("getUpdates") == 0
        for one in (a, b, c):
            assert one.limiter.closed_for_s(-400) == pytest.approx(4.0, abs=0.01)
        await asyncio.sleep(5)
        for one in (a, b, c):
            assert one.limiter.closed_for_s(-400) == 0
            assert one.limiter.closed_for_s(-100) == pytest.approx(1.0, abs=0.01)

    lived(seconds=12, story=story)


def test_chats_that_ask_to_wait_are_not_the_whole_bot_while_others_are_served():
    async def story(_: World) -> None:
        limiter = RateLimiter(TELEGRAM_LIMITS)
        for chat in range(1, 9):
            limiter.asked(chat, 5.0)
            limiter.asked(chat, 5.0)
            if chat % 2:
                limiter.sent()
        assert limiter.closed_for_s(ALL_CHATS) == 0

    lived(seconds=0, story=story)


def test_a_worker_that_sends_nothing_leaves_everything_to_the_others():
    waited = dict[str, float]()

    async def story(world: World) -> None:
        a, b = await world.started("a", "b")
        workers = await world.started("w", "v", receives=False)
        a.begin(a.flood(20))
        b.begin(b.flood(20))
        await asyncio.sleep(10)
        for worker in workers:
            before = now()
            await worker.send()
            waited[worker.name] = now() - before
        workers[0].begin(workers[0].flood(5))

    world = lived(seconds=22, story=story)
    assert world.most_in_a_second() <= ALL
    assert world.between(2, 10, "a", "b") > 8 * 27
    # With everything in use it gets one as soon as it asks.
    assert max(waited.values()) < 0.1
    assert world.between(12, 15, "w") > 3 * 7


@pytest.mark.parametrize("seed", range(5))
def test_the_limit_of_a_group_holds_whoever_sends_to_it(seed: int):
    async def story(world: World) -> None:
        a, b, c = await world.started("a", "b", "c")

        async def sends(one: Process, for_s: float) -> None:
            until = now() + for_s
            while now() < until:
                async with lease:
                    for _ in range(draw.randint(1, 4)):
                        await one.limiter.pace(GROUP)
                        world.sent.append((now(), one.name))
                    # So long a lease is kept after its use, and then another one has it.
                    await asyncio.sleep(SHARED_KEPT_S)
                await asyncio.sleep(0)

        lease, draw = asyncio.Lock(), random.Random(seed)  # noqa: S311 - a run that can be had again
        await asyncio.gather(*(sends(one, 200) for one in (a, b)))
        # One leaves in order, the other is killed.
        await a.share.leave()
        for one in (a, b):
            await one.dies()
        await sends(c, 100)

    world = lived(seconds=320, story=story)
    assert world.most_in_a_second(60.0) <= 20
    for name in "ab":
        assert world.between(0, 200, name) > 25
    assert len(world.sent) > 5 * 18


@pytest.mark.parametrize(("a_second", "has_room"), [(1.0, True), (2.0, True), (6.0, False)])
def test_four_processes_have_room_until_all_of_them_send_half_of_the_limit(
    a_second: float, has_room: bool
):
    found: list[bool] = []

    async def story(world: World) -> None:
        processes = await world.started("a", "b", "c", "d")
        for _ in range(int(10 * a_second)):
            await asyncio.sleep(1 / a_second)
            for one in processes:
                found.append(one.limiter.has_room(GROUP))
                await one.send()

    lived(seconds=20, story=story)
    settled = found[len(found) // 2 :]
    assert settled.count(has_room) > 0.9 * len(settled)
