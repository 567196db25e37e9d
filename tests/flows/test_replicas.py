"""Several bots on one database: order, turns and hand-overs, whoever has taken an update."""

import asyncio
import copy
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import structlog

from bot import app
from bot.demo import people as demo
from bot.demo.bot_api import BotApiEmulator
from bot.demo.ixc import IxcEmulator
from bot.runtime.leases import POLLING_LEASE, keep_polling
from bot.runtime.sending.limits import NO_LIMITS, Limits, Rate, RateLimiter
from bot.runtime.updates.polling import PollingTurn
from bot.settings import Settings
from bot.wiring.telegram import open_bot
from storage.updates.handed_over import HandedOver
from storage.updates.inbox import Inbox as StoredInbox
from storage.updates.outbox import Outbox as StoredOutbox
from storage.updates.states import polling_leases
from tests.flows.admin import Admin
from tests.flows.conftest import ADMIN_ID, GROUP_ID, Clock, Start, Telegram, serving
from tests.flows.replica import Replica, update
from tests.patience import HANG_S, until


class WrongClock(Clock):
    """A clock that goes, and is wrong."""

    def __init__(self, ahead_s: int) -> None:
        self.ahead = timedelta(seconds=ahead_s)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@asynccontextmanager
async def bots(
    telegram: BotApiEmulator, database: Any, erp: IxcEmulator, *clocks: Clock
) -> AsyncIterator[list[Telegram]]:
    """Run a bot for each clock; yields the people once for each bot."""
    people = Telegram(telegram)
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(
                serving(copy.copy(people), database, clock=clock, erp_url=erp.url)
            )
            for clock in clocks
        ]


async def all_settled(each: Sequence[Telegram]) -> None:
    """Return once none of the bots has anything to do."""
    before = -1
    while before != (before := len(each[0].emulator.calls)):
        for people in each:
            await people.settled()


async def swept(people: Telegram) -> None:
    """Return once the bot, which has just started, has looked for what was left."""
    assert people.balcao is not None
    for health in (people.balcao.inbox.health, people.balcao.outbox.health):
        # Until the sweep has worked.
        health.failed()
    for health in (people.balcao.inbox.health, people.balcao.outbox.health):
        await until(lambda health=health: health.is_up)


def said_in_group(people: Telegram, customer: demo.DemoPerson) -> list[str]:
    """Return the customer's marked words in the group, in order."""
    texts = [message.get("text", "") for message in people.messages(GROUP_ID)]
    mark = f"w{customer.user_id}"
    return [line for text in texts for line in text.splitlines() if line.startswith(mark)]


@pytest.mark.parametrize("seed", range(3))
async def test_updates_are_handled_in_the_order_of_their_ids_whoever_stored_them(
    database: Any, clock: Clock, seed: int
):
    chance = random.Random(seed)  # noqa: S311 - the same every time
    handled: list[int] = []
    each = [Replica(database, clock) for _ in range(3)]
    for replica in each:
        replica.handled = handled
    for number in range(40):
        # As Telegram does: the next update of a chat comes when the last one is stored.
        await chance.choice(each).inbox.take([update(number, number % 2)])
        for _ in range(chance.randrange(40)):
            await asyncio.sleep(0)
        if chance.random() < 0.1:
            await chance.choice(each).locks.release_all()
    await until(lambda: len(handled) == 40)
    for chat in range(2):
        of_chat = [number for number in handled if number % 2 == chat]
        assert of_chat == sorted(of_chat)
    for replica in each:
        await replica.inbox.idle()
        await replica.locks.close()


async def test_an_update_for_a_chat_that_another_replica_has_is_handled_there(
    database: Any, clock: Clock
):
    first, second = Replica(database, clock), Replica(database, clock)
    await first.inbox.take([update(1)])
    await first.inbox.idle()
    await second.inbox.take([update(2)])
    await until(lambda: len(first.handled + second.handled) == 2)
    assert (first.handled, second.handled) == ([1, 2], [])
    # It learns that nothing is left.
    await second.inbox.idle()
    assert await second.store.pending_chats() == []
    # While others work too, the chat is free soon after its use.
    await until(lambda: not first.locks.held)
    await second.inbox.take([update(3)])
    await until(lambda: second.handled == [3])
    await asyncio.gather(first.locks.close(), second.locks.close())


async def test_an_update_that_is_stored_late_goes_before_later_ones_that_still_wait(
    database: Any, clock: Clock
):
    here, other = (Replica(database, clock) for _ in range(2))
    here.gate = asyncio.Event()
    await here.inbox.take([update(10), update(12)])
    await until(lambda: here.tried == 1)
    await other.inbox.take([update(11)])
    here.gate.set()
    await here.inbox.idle()
    await here.locks.release_all()
    await other.inbox.idle()
    assert here.handled + other.handled == [10, 11, 12]
    await other.locks.close()


async def test_what_is_typed_behind_the_telephone_arrives_in_order_over_three_wrong_clocks(
    telegram: BotApiEmulator, database: Any, erp: IxcEmulator
):
    """No bot polls: each takes any update, as behind a balancer of webhooks."""
    chance = random.Random(1)  # noqa: S311 - the same every time
    customers = (demo.ANA, demo.JOSE, demo.MARIA)
    async with bots(telegram, database, erp, *map(WrongClock, (12, -20, 60))) as each:
        for task in [task for task in asyncio.all_tasks() if task.get_name() == "polling"]:
            task.cancel()

        async def taken() -> None:
            updates = [queued.update for queued in telegram.updates.pending]
            for one in updates:
                await chance.choice(each).balcao.inbox.take([one])
                for _ in range(chance.randrange(100)):
                    await asyncio.sleep(0)
            telegram.updates.confirm([one["update_id"] for one in updates])

        for one in customers:
            each[0].customer(one)
            telegram.send_text(one.user_id, one.user_id, "/start")
        await taken()
        await all_settled(each)
        for one in customers:
            telegram.send_text(one.user_id, one.user_id, one.tax_id)
        await taken()
        await all_settled(each)
        for one in customers:
            telegram.send_contact(one.user_id, one.user_id)
        for number in range(4):
            for one in customers:
                telegram.send_text(one.user_id, one.user_id, f"w{one.user_id} {number}")
            await taken()
        await all_settled(each)
        for one in customers:
            assert said_in_group(each[0], one) == [f"w{one.user_id} {n}" for n in range(4)]
        assert len(each[0].cards) == len(customers)


async def test_who_stops_hands_over_at_once_what_waits_for_its_turn(
    start: Start,
    telegram: BotApiEmulator,
    database: Any,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
):
    """The first one polls; the group takes no more of its messages for an hour."""
    # Without the hand-over nothing would go on within this test.
    monkeypatch.setattr("bot.runtime.updates.serve.DRAIN_S", HANG_S * 2)
    monkeypatch.setattr("bot.runtime.chat_tasks._SWEEP_S", HANG_S * 2)
    async with start() as people:
        ana = people.customer(demo.ANA)
        await ana.is_in_conversation()
    async with AsyncExitStack() as first_bot, AsyncExitStack() as second_bot:
        full = Limits(group=Rate(1, HANG_S * 10))
        first = await first_bot.enter_async_context(
            serving(copy.copy(people), database, clock=clock, limits=full)
        )
        telegram.send_text(ana.id, ana.id, f"w{ana.id} 0")
        await telegram.until(lambda: len(said_in_group(first, demo.ANA)) == 1)
        await first.settled()
        assert first.balcao is not None
        locks = first.balcao.locks
        # However long the second one takes to start, it finds both chats taken.
        with locks.kept(ana.id), locks.kept(f"outbox:{GROUP_ID}"):
            assert locks.held_since(ana.id)
            assert locks.held_since(f"outbox:{GROUP_ID}")
            second = await second_bot.enter_async_context(
                serving(copy.copy(people), database, clock=clock)
            )
            await swept(second)
            for number in (1, 2):
                telegram.send_text(ana.id, ana.id, f"w{ana.id} {number}")
            async with asyncio.timeout(HANG_S):
                while len(await StoredOutbox(database).waiting()) != 2:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            await first.balcao.inbox.idle()
        await first_bot.aclose()
        # Nothing new has come in that chat to make the second one look.
        await telegram.until(lambda: len(said_in_group(second, demo.ANA)) == 3)
        telegram.send_text(ana.id, ana.id, f"w{ana.id} 3")
        await telegram.until(lambda: len(said_in_group(second, demo.ANA)) == 4)
        await second.settled()
        assert said_in_group(second, demo.ANA) == [f"w{ana.id} {n}" for n in range(4)]


async def test_a_start_looks_once_for_what_was_left(
    start: Start, database: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("bot.runtime.updates.serve._LOOK_S", 0.1)
    async with start() as people:
        # As another replica does that has not handed anything over.
        stored = StoredInbox(database)
        await stored.add(people.emulator.bot.id, [(5, "7", update(5))], at=clock())
        ana = people.customer(demo.ANA)
        for _ in range(10):
            await ana.says("oi")
        assert len(await stored.pending_of("7")) == 1
        await HandedOver(database).tell()
        async with asyncio.timeout(HANG_S):
            while await stored.pending_of("7"):  # noqa: ASYNC110
                await asyncio.sleep(0.01)


async def test_a_replica_that_stands_by_polls_when_the_lease_of_the_killed_one_has_ended(
    database: Any, clock: Clock
):
    leases = polling_leases(database)
    await leases.acquire("poll:1", "elsewhere:1/7/x", now=clock(), lease=POLLING_LEASE)
    turn, is_mine = PollingTurn(1, keep_polling(leases, clock)), asyncio.Event()

    async def poll() -> None:
        async with turn.mine():
            turn.polled(0.0)
            is_mine.set()
            await asyncio.Event().wait()

    polling = asyncio.create_task(poll())
    with structlog.testing.capture_logs() as lines:
        await until(lambda: lines)
        assert lines[0]["polling"] == "elsewhere, process 7"
        assert turn.alone_since() is None
        before = asyncio.get_running_loop().time()
        clock.advance(POLLING_LEASE + timedelta(seconds=1))
        await is_mine.wait()
    since = turn.alone_since()
    assert since is not None
    last_noticed = before + POLLING_LEASE.total_seconds()
    assert since > last_noticed, "the last one may not have noticed yet"
    polling.cancel()
    await asyncio.gather(polling, return_exceptions=True)
    assert await leases.owner_of("poll:1") is None


async def test_a_conflict_says_who_else_polls(people: Telegram, database: Any):
    telegram, ana = people.emulator, people.customer(demo.ANA)

    async def conflict(words: str, said: str) -> None:
        telegram.fail_next("getUpdates", 409, f"Conflict: {words}", times=1)
        with structlog.testing.capture_logs() as lines:
            # Ends the poll that waits.
            telegram.send_text(ana.id, ana.id, "oi")
            async with asyncio.timeout(HANG_S):
                while said not in str(lines):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)

    other = "terminated by other getUpdates request"
    await conflict(other, "another program polls")
    await conflict("can't use getUpdates method while webhook is active", "a webhook is set")
    lease = {"_id": f"poll:{telegram.bot.id}"}
    await database["locks"].update_one(lease, {"$set": {"owner": "elsewhere:1/7/x"}})
    await conflict(other, "elsewhere, process 7")
    await database["locks"].delete_one(lease)
    await people.settled()
    assert await ana.says("oi")


async def test_eight_ticks_at_once_on_two_replicas_are_all_kept(
    start: Start, database: Any, clock: Clock
):
    async with start(with_erp=False) as telegram:
        assert telegram.balcao is not None
        admin, tags = Admin(telegram, ADMIN_ID), telegram.balcao.tags
        for number in range(8):
            await tags.create(f"Etiqueta {number}")
        settings = Settings.model_validate(
            {
                "bot_token": telegram.emulator.token,
                "telegram_api_url": telegram.emulator.url,
                "admin_ids": (ADMIN_ID,),
                "attendants_chat_id": GROUP_ID,
            }
        )
        await admin.says("/clientes")
        await admin.presses("➕")
        await admin.says("Ana")
        await admin.says("390.533.447-05")
        await admin.presses("◻️ Cliente")
        await admin.presses("Continuar")
        rows = admin.message["reply_markup"]["inline_keyboard"]
        ticks = [b for row in rows for b in row if "◻️ Etiqueta" in b["text"]]
        assert len(ticks) == 8
        limiter = RateLimiter(NO_LIMITS)
        async with open_bot(settings, limiter) as bot:
            other = app.build(
                settings, bot=bot, limiter=limiter, database=database, erp=None, clock=clock
            )
            replicas = (telegram.balcao, other)
            await asyncio.gather(
                *(
                    replicas[number % 2].inbox.take([press(900_000 + number, admin, tick)])
                    for number, tick in enumerate(ticks)
                )
            )
            for _ in range(2):
                for replica in replicas:
                    await replica.inbox.idle()
        assert sum("☑️ Etiqueta" in button for button in admin.buttons) == 8


def press(update_id: int, admin: Admin, button: dict[str, Any]) -> dict[str, Any]:
    """Return the callback query update of a press, as Telegram sends it."""
    user = {"id": admin.id, "is_bot": False, "first_name": "Dora"}
    return {
        "update_id": update_id,
        "callback_query": {
            "id": str(update_id),
            "from": user,
            "chat_instance": "1",
            "data": button["callback_data"],
            "message": admin.message,
        },
    }
