"""Several replicas, each with tasks for chats that any of them may be given work for."""

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from bot.runtime.chat_tasks import ChatTasks
from bot.runtime.leases import SHARED_KEPT_S, keep_chats
from tests.unit.leases_alone import LeasesAlone
from tests.unit.outbox_parts import GROUP, World, item
from tests.virtual_time import in_virtual_time, now

DAY = datetime(2026, 11, 30, tzinfo=UTC)
KEPT_S = 15.0
"""How long one alone keeps a lease."""


class Store:
    """The work that waits, by chat, and the leases."""

    def __init__(self) -> None:
        self.leases = LeasesAlone()
        self.waiting: dict[str, list[int]] = {}

    def clock(self) -> datetime:
        return DAY + timedelta(seconds=now())


class Replica:
    def __init__(self, store: Store) -> None:
        self.store = store
        self.is_deaf = False
        """True while it does not look for work that others have stored."""
        self.done: list[int] = []
        self.late: list[float] = []
        self.work_s = 0.0
        self.locks = keep_chats(store.leases, store.clock)
        self.tasks: ChatTasks[str] = ChatTasks(
            "test",
            work=self._work,
            holding=partial(self.locks.holding, patience_s=0.0, wake=True),
            is_left=self._is_left,
            forget=lambda chat: None,
        )
        self.locks.on_wake(lambda chat: None if self.is_deaf else self.tasks.wake(chat))

    async def gets(self, chat: str, number: int) -> None:
        self.store.waiting.setdefault(chat, []).append(number)
        self.tasks.wake(chat)
        await asyncio.sleep(0)

    async def _work(self, chat: str, is_new: bool) -> bool:
        await asyncio.sleep(self.work_s)
        while waiting := self.store.waiting.get(chat):
            self.done.append(waiting.pop(0))
            self.late.append(now())
        return True

    async def _is_left(self, chat: str) -> bool:
        return bool(self.store.waiting.get(chat))


def lived(story: Any) -> None:
    async def run() -> None:
        replicas = [Replica(Store())]
        replicas += [Replica(replicas[0].store) for _ in range(3)]
        await story(*replicas)
        await asyncio.gather(*(one.tasks.idle() for one in replicas))
        assert not any(replicas[0].store.waiting.values())
        for one in replicas:
            await one.locks.close()

    in_virtual_time(run())


def test_who_has_a_chat_does_also_what_others_are_given_for_it():
    async def story(first: Replica, *others: Replica) -> None:
        await first.gets("7", 0)
        await first.tasks.idle()
        for number, other in enumerate(others, start=1):
            await other.gets("7", number)
        await asyncio.sleep(0.5)
        assert first.done == [0, 1, 2, 3]
        assert not any(other.done for other in others)
        # They learn that nothing is left.
        await asyncio.sleep(1)
        assert not any(other.tasks.chats for other in others)

    lived(story)


def test_work_that_comes_while_the_holder_is_busy_is_done_when_it_has_time():
    async def story(first: Replica, second: Replica, *_: Replica) -> None:
        first.work_s = 8.0
        await first.gets("7", 0)
        await asyncio.sleep(1)
        await second.gets("7", 1)
        await asyncio.sleep(30)
        # Its lease is not let go under it, and the other one does not do it a second time.
        assert (first.done, second.done) == ([0, 1], [])

    lived(story)


def test_while_others_work_too_a_lease_is_free_soon_after_its_use():
    async def story(first: Replica, second: Replica, *_: Replica) -> None:
        await first.gets("7", 0)
        await first.tasks.idle()
        await second.gets("7", 1)
        await asyncio.sleep(SHARED_KEPT_S + 1)
        assert not first.locks.held
        began = now()
        await second.gets("7", 2)
        await asyncio.sleep(0)
        assert (second.done, second.late) == ([2], [began])
        # Also a chat that nobody has asked for.
        await first.gets("8", 3)
        await asyncio.sleep(SHARED_KEPT_S + 1)
        assert not first.locks.held

    lived(story)


def test_alone_a_lease_is_kept_and_so_it_is_again_once_the_others_are_gone():
    async def story(first: Replica, second: Replica, *_: Replica) -> None:
        await first.gets("7", 0)
        await asyncio.sleep(KEPT_S - 1)
        assert first.locks.held
        await second.gets("7", 1)
        await asyncio.sleep(100)
        assert not first.locks.held
        await first.gets("7", 2)
        await asyncio.sleep(KEPT_S - 1)
        assert first.locks.held

    lived(story)


def test_the_work_is_spread_over_all_that_are_given_some():
    """Each chat has something every two seconds, by whichever replica is the next."""

    async def story(*replicas: Replica) -> None:
        for number in range(400):
            await replicas[number % 4].gets(str(number % 10), number)
            await asyncio.sleep(0.2)

        assert all(60 < len(one.done) < 140 for one in replicas), [len(r.done) for r in replicas]

    lived(story)


def test_a_holder_that_does_not_look_loses_the_chat():
    async def story(holder: Replica, other: Replica, *_: Replica) -> None:
        holder.is_deaf = True
        await holder.gets("7", 0)
        await holder.tasks.idle()
        await other.gets("7", 1)
        await asyncio.sleep(SHARED_KEPT_S + 2)
        assert (holder.done, other.done) == ([0], [1])

    lived(story)


def test_a_replica_that_is_given_work_while_it_waits_for_the_holder_forgets_none():
    async def story(first: Replica, second: Replica, *_: Replica) -> None:
        await first.gets("7", 0)
        for number in range(1, 30):
            await second.gets("7", number)
            await asyncio.sleep(0.09)
        await asyncio.sleep(0.3)
        assert first.done + second.done == list(range(30))

    lived(story)


def test_a_message_is_sent_by_the_replica_that_sends_to_its_group():
    async def run() -> None:
        world, leases = World(), LeasesAlone()
        mine, others = (keep_chats(leases, lambda: DAY) for _ in range(2))
        async with world.running(mine) as here, world.running(others) as there:
            for locks, outbox in ((mine, here), (others, there)):
                locks.on_release(outbox.forget)
                locks.on_wake(outbox.reread)
            await here.put(item(1))
            await asyncio.sleep(0.1)
            await there.put(item(2))
            await here.put(item(3))
            await asyncio.sleep(0.5)
            assert [ids for _, ids in world.posts] == ["a1", "a3", "a2"]
            assert mine.held_since(f"outbox:{GROUP}") is not None
            # Free after its use: the other one sends without waiting for anybody.
            await asyncio.sleep(SHARED_KEPT_S + 1)
            assert not mine.held
            began = now()
            await there.put(item(4))
            await asyncio.sleep(0.01)
            assert world.at("a4") == [began - 1000]
        for locks in (mine, others):
            await locks.close()

    in_virtual_time(run())
