"""What the outbox repeats, gives up and never gives up, in virtual time."""

import asyncio
from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest

from bot.domain.errors import (
    LostError,
    RefusedError,
    TryLaterError,
    UnconfirmedError,
    UnknownRefusalError,
)
from bot.domain.outgoing import ChatClosedError, Outgoing, OutgoingKind, Priority
from bot.runtime.sending.order import caused_by
from bot.runtime.sending.outbox import Outbox
from tests.unit.outbox_parts import GROUP, World, card, item
from tests.virtual_time import in_virtual_time, now


def failing(
    ids: str, error: Exception | None, *, times: int = 10_000
) -> Callable[[Sequence[Outgoing]], Exception | None]:
    """Return answers that fail the items whose id is in `ids`, so many times."""
    left = dict.fromkeys(ids.split(), times)

    def answer(items: Sequence[Outgoing]) -> Exception | None:
        for one in items:
            if left.get(one.id, 0) > 0:
                left[one.id] -= 1
                return error
        return None

    return answer


def test_an_unconfirmed_message_is_repeated_once_and_then_given_up():
    async def run() -> None:
        world = World(answer=failing("a1", UnconfirmedError("cut short")))
        async with world.running() as outbox:
            await outbox.put(item(1), item(2), item(1, "b"))
            await asyncio.sleep(60)
        assert len(world.at("a1")) == 2
        assert world.told == [("a1", "unconfirmed")]
        assert len(world.at("a2")) == len(world.at("b1")) == 1
        assert world.at("b1") < world.at("a1")[1:], "others need not wait for the repeat"
        assert world.at("a2") > world.at("a1")[1:], "those of the conversation do"

    in_virtual_time(run())


def test_an_attempt_under_a_lease_that_has_ended_is_left_to_whoever_has_it_now():
    async def run() -> None:
        world = World(answer=failing("a1", LostError("another has it"), times=1))
        writes: list[str] = []
        world.stored.trouble = writes.append
        async with world.running() as outbox:
            await outbox.put(item(1))
            await asyncio.sleep(60)
        assert len(world.at("a1")) == 2
        assert writes == ["add", "count", "count", "link", "done"], "one count for each attempt"
        assert world.told == []

    in_virtual_time(run())


def test_no_other_replica_gets_a_message_whose_counted_attempt_was_not_made():
    """It would take it for one that may have arrived, and give up after its own."""

    async def run() -> None:
        world = World()
        kept: list[list[str]] = []

        def note(write: str) -> None:
            if write == "add":
                kept.append(list(world.kept))

        world.stored.trouble = note
        async with world.running() as outbox:
            with caused_by(1, chat="5"):
                await outbox.put(item(1))
                await asyncio.sleep(1)
                await outbox.put(item(2))
                await asyncio.sleep(1)
        assert kept == [[], [f"outbox:{GROUP}"]]
        assert world.kept == []
        assert world.stored.items["a2"].attempts == 1
        assert len(world.at("a2")) == 1

    in_virtual_time(run())


def test_a_stop_takes_back_an_attempt_that_was_counted_and_not_made():
    async def run() -> None:
        world = World()
        turns = list[asyncio.Task[None]]()

        async def hold_the_turn() -> None:
            async with world.limiter.turn(GROUP, Priority.ANSWER):
                await asyncio.Event().wait()

        def begin_to_hold(write: str) -> None:
            if write == "add":
                turns.append(asyncio.create_task(hold_the_turn()))

        async with world.running() as outbox:
            with caused_by(1, chat="5"):
                await outbox.put(item(1))
                await asyncio.sleep(1)
                world.stored.trouble = begin_to_hold
                await outbox.put(item(2))
                await asyncio.sleep(1)
            assert world.stored.items["a2"].attempts == 1
            outbox.stop_waiting(now())
            await outbox.stop(1.0)
        assert world.at("a2") == []
        assert world.stored.items["a2"].attempts == 0
        for one in turns:
            one.cancel()

    in_virtual_time(run())


@pytest.mark.parametrize("error", [UnconfirmedError("reset"), ValueError("a fault of ours")])
def test_it_is_repeated_only_after_telegram_has_answered_something(error: Exception):
    async def run() -> None:
        world = World(answer=failing("a1", error, times=1), is_away=True)
        async with world.running() as outbox:
            await outbox.put(item(1))
            await asyncio.sleep(900)
            assert len(world.at("a1")) == 1
            world.is_away = False
            await asyncio.sleep(6)
        assert len(world.at("a1")) == 2
        assert world.stored.over == {"a1": "done"}
        assert not world.told

    in_virtual_time(run())


def test_trouble_of_some_seconds_takes_no_message_and_no_notice():
    async def run() -> None:
        world = World(answer=lambda _: UnconfirmedError("reset"), is_away=True)
        async with world.running() as outbox:
            for number in range(4):
                await outbox.put(item(number), item(number, "b", chat_id=7))
                await asyncio.sleep(1)
            world.is_away, world.answer = False, lambda _: None
            await asyncio.sleep(11)
        assert not world.told
        assert set(world.stored.over.values()) == {"done"}
        assert len(world.stored.over) == 8

    in_virtual_time(run())


def test_another_chats_success_is_an_answer_too():
    async def run() -> None:
        world = World(answer=failing("a1", UnconfirmedError("reset"), times=1), is_away=True)
        async with world.running() as outbox:
            await outbox.put(item(1))
            await asyncio.sleep(60)
            await outbox.put(item(1, "b", chat_id=7))
            await asyncio.sleep(1)
        assert world.stored.over == {"b1": "done", "a1": "done"}

    in_virtual_time(run())


async def _traffic(outbox: Outbox, *, seconds: int, chat_id: int = 7) -> None:
    for _ in range(seconds):
        await outbox.put(item(int(now() * 1000), f"t{chat_id}-", chat_id=chat_id))
        await asyncio.sleep(1)


@pytest.mark.parametrize("elsewhere", [7, GROUP])
def test_what_telegram_refuses_is_given_up_while_others_get_through(elsewhere: int):
    async def run() -> None:
        world = World(answer=failing("a1", UnknownRefusalError("500")))
        async with world.running() as outbox:
            await outbox.put(item(1), item(2), card("b"), item(1, "b"))
            await asyncio.sleep(1)
            assert {"card:b", "b1"} <= world.stored.over.keys(), "others do not wait"
            assert not world.at("a2"), "the order in the conversation is kept"
            await _traffic(outbox, seconds=240, chat_id=elsewhere)
        tries = world.at("a1")
        pauses = [later - sooner for sooner, later in pairwise(tries)]
        assert world.told == [("a1", "away")]
        assert len(tries) == 9
        assert pauses[1:] == sorted(pauses[1:])
        assert tries[-1] < 180
        assert world.stored.over["a2"] == "done"

    in_virtual_time(run())


def test_what_telegram_refuses_alone_is_tried_ever_more_seldom_and_never_given_up():
    async def run() -> None:
        world = World(answer=failing("a1", UnknownRefusalError("500")))
        async with world.running() as outbox:
            await outbox.put(item(1))
            await asyncio.sleep(900)
            assert 15 < len(world.at("a1")) < 25
            assert not world.told
            await outbox.put(item(1, "b"))
            await asyncio.sleep(1)
        assert world.stored.over == {"b1": "done"}, "a new one does not wait for the pause"

    in_virtual_time(run())


def test_a_card_that_telegram_refuses_is_given_up_too():
    async def run() -> None:
        world = World(answer=failing("card:a a1", UnknownRefusalError("400")))
        async with world.running() as outbox:
            await outbox.put(card("a"), item(1), card("b"), item(1, "b"))
            await _traffic(outbox, seconds=600)
        assert world.told == [("card:a", "away"), ("a1", "away")]
        assert world.stored.over["b1"] == "done"

    in_virtual_time(run())


def test_refusals_are_counted_over_restarts():
    async def run() -> None:
        world = World(answer=failing("a1", UnknownRefusalError("500")))
        for _ in range(8):
            async with world.running() as outbox:
                if not world.posts:
                    await outbox.put(item(1))
                await _traffic(outbox, seconds=20)
        assert world.told == [("a1", "away")]
        assert len(world.at("a1")) < 20

    in_virtual_time(run())


@pytest.mark.parametrize("error", [UnknownRefusalError("502"), TryLaterError("away")])
@pytest.mark.parametrize("lasts_s", [60, 900])
def test_an_outage_costs_nothing_and_ends_soon(error: Exception, lasts_s: int):
    async def run() -> None:
        world = World(answer=lambda _: error, is_away=True)
        async with world.running() as outbox:
            for number in range(50):
                chat_id = GROUP if number % 2 else number + 1
                await outbox.put(item(1, f"c{number}-", chat_id=chat_id))
            await asyncio.sleep(lasts_s)
            tries = len(world.posts)
            world.is_away, world.answer = False, lambda _: None
            await asyncio.sleep(6)
        assert not world.told
        assert len(world.stored.over) == 50
        assert tries < 26 * (lasts_s / 60 + 8), "each chat is tried once a minute"

    in_virtual_time(run())


def test_the_wait_that_telegram_asks_for_is_kept_to_the_second():
    async def run() -> None:
        asked = TryLaterError("429", retry_after_s=300)
        world = World(answer=failing("a1", asked, times=1))
        async with world.running() as outbox:
            await outbox.put(item(1))
            for _ in range(29):
                await outbox.put(item(1, "b", chat_id=7))
                await outbox.put(item(2))
                await asyncio.sleep(10)
            assert len(world.at("b1")) == 1, "other chats go on"
            await asyncio.sleep(20)
        first, second = world.at("a1")
        assert second - first == pytest.approx(300, abs=0.1)
        assert world.stored.over["a2"] == "done"

    in_virtual_time(run())


@pytest.mark.parametrize("write", ["link", "done", "count"])
@pytest.mark.parametrize("error", [RefusedError("code 13"), TryLaterError("gone")])
def test_what_telegram_has_taken_is_not_sent_again_while_the_database_refuses(
    write: str, error: Exception
):
    async def run() -> None:
        world = World()
        async with world.running() as outbox:
            world.stored.trouble = lambda name: error if name == write else None
            await outbox.put(item(1), item(2))
            await outbox.put(item(3))
            await asyncio.sleep(10)
            # As when the lease is lost.
            outbox.forget(f"outbox:{GROUP}")
            await asyncio.sleep(25)
            world.stored.trouble = lambda _: None
            await asyncio.sleep(60)
        assert [ids for _, ids in world.posts] == ["a1", "a2", "a3"]
        assert set(world.stored.over.values()) == {"done"}
        assert set(world.stored.links) == {"a1", "a2", "a3"}
        assert not world.told
        assert not world.closed

    in_virtual_time(run())


@pytest.mark.parametrize("write", ["link", "done", "fail"])
@pytest.mark.parametrize("error", [RefusedError("code 13"), TryLaterError("gone")])
@pytest.mark.parametrize("is_stopped", [False, True])
def test_another_replica_gets_no_chat_before_its_answers_are_stored(
    write: str, error: Exception, is_stopped: bool
):
    async def run() -> None:
        fails = write == "fail"
        world = World(answer=failing("a1", UnconfirmedError("cut short") if fails else None))
        world.stored.trouble = lambda name: error if name == write else None
        async with world.running() as first:
            await first.put(item(1), item(2))
            await asyncio.sleep(20)
            async with world.running():
                stopping = asyncio.create_task(first.stop(40.0)) if is_stopped else None
                await asyncio.sleep(35)
                world.stored.trouble = lambda _: None
                await asyncio.sleep(20)
                if stopping:
                    await stopping
        assert [ids for _, ids in world.posts] == ["a1"] * (1 + fails) + ["a2"]
        assert set(world.stored.over) == {"a1", "a2"}
        # Telling again is put under the same id.
        assert len(set(world.told)) == fails

    in_virtual_time(run())


def test_what_telegram_has_taken_is_stored_before_the_end():
    async def run() -> None:
        world = World()
        async with world.running() as outbox:
            world.stored.trouble = lambda name: TryLaterError("gone") if name == "link" else None
            await outbox.put(item(1))
            await asyncio.sleep(1)
            stopping = asyncio.create_task(outbox.stop(20.0))
            await asyncio.sleep(5)
            world.stored.trouble = lambda _: None
            await stopping
        assert world.stored.over == {"a1": "done"}
        assert set(world.stored.links) == {"a1"}

    in_virtual_time(run())


def test_a_database_that_refuses_inside_a_delivery_closes_no_group():
    async def run() -> None:
        world = World(answer=failing("a1", RefusedError("code 13"), times=3))
        async with world.running() as outbox:
            await outbox.put(item(1))
            await asyncio.sleep(30)
        assert world.stored.over == {"a1": "done"}
        assert not world.closed
        world = World(answer=failing("a1", ChatClosedError("kicked"), times=2))
        async with world.running() as outbox:
            await outbox.put(item(1))
            await asyncio.sleep(30)
        assert world.stored.over == {"a1": "done"}
        assert world.closed == 2

    in_virtual_time(run())


def test_the_writer_is_told_once_although_the_mark_is_refused():
    async def run() -> None:
        world = World(answer=failing("a1", UnconfirmedError("cut short")))
        world.stored.trouble = lambda name: RefusedError("13") if name == "fail" else None
        async with world.running() as outbox:
            await outbox.put(item(1))
            await asyncio.sleep(60)
            world.stored.trouble = lambda _: None
            await asyncio.sleep(60)
        assert len(world.at("a1")) == 2
        assert set(world.told) == {("a1", "unconfirmed")}
        assert world.stored.over == {"a1": "unconfirmed"}

    in_virtual_time(run())


def test_an_attempt_that_was_only_counted_is_none():
    async def run() -> None:
        world = World(answer=failing("a1", UnconfirmedError("cut short"), times=1))
        async with world.running() as outbox:
            await outbox.put(item(1))
            await asyncio.sleep(1)
            world.stored.is_answer_lost = True
            await asyncio.sleep(60)
            world.stored.is_answer_lost = False
            await asyncio.sleep(60)
        assert len(world.at("a1")) == 2
        assert world.stored.over == {"a1": "done"}
        assert not world.told

    in_virtual_time(run())


def test_a_crash_between_link_and_mark_repeats_nothing():
    async def run() -> None:
        world = World()
        world.stored.trouble = lambda name: TryLaterError("gone") if name == "done" else None
        async with world.running() as outbox:
            await outbox.put(item(1))
            await asyncio.sleep(1)
        world.stored.trouble = lambda _: None
        async with world.running():
            await asyncio.sleep(1)
        assert len(world.at("a1")) == 1
        assert world.stored.over == {"a1": "done"}

    in_virtual_time(run())


def test_joined_texts_are_repeated_and_given_up_each_for_itself():
    async def run() -> None:
        world = World(answer=failing("a1", UnconfirmedError("cut short")))
        text = {"what": OutgoingKind.TEXT, "length": 5}
        async with world.running() as outbox:
            await outbox.put(item(1, **text))
            await asyncio.sleep(0.1)
            await outbox.put(item(2, **text), item(3, **text))
            await asyncio.sleep(60)
        assert world.told == [("a1", "unconfirmed")]
        assert world.stored.over["a2"] == world.stored.over["a3"] == "done"

    in_virtual_time(run())
