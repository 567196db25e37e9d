"""The inbox: an update is stored once, stays in order, and leaves only a mark when done."""

import asyncio
from typing import Any

import pytest
from pymongo.write_concern import WriteConcern

from bot.domain.errors import AppError, RefusedError
from storage.updates.inbox import Inbox
from tests.storage.records import NOW, after

BOT = 777


@pytest.fixture
def inbox(database: Any) -> Inbox:
    return Inbox(database)


def updates(*ids: int, chat: str = "5") -> list[tuple[int, str, dict[str, Any]]]:
    return [(n, chat, {"update_id": n, "message": {"text": f"oi {n}"}}) for n in ids]


async def test_updates_wait_by_chat_in_the_order_of_their_ids(inbox: Inbox):
    assert await inbox.add(BOT, updates(30, 4, 100), at=NOW) == [True, True, True]
    assert await inbox.add(BOT, updates(7, 4), at=NOW) == [True, False]
    await inbox.add(BOT, updates(1, chat="6"), at=NOW)
    assert await inbox.add(BOT, [], at=NOW) == []
    waiting = await inbox.pending_of("5")
    assert [update_id for update_id, _, _ in waiting] == [4, 7, 30, 100]
    assert waiting[0] == (4, {"update_id": 4, "message": {"text": "oi 4"}}, 0)
    assert sorted(await inbox.pending_chats()) == ["5", "6"]
    assert await inbox.pending_of("7") == []


async def test_a_duplicate_stays_as_it_is(inbox: Inbox, database: Any):
    await inbox.add(BOT, updates(1, 2), at=NOW)
    await inbox.failed(BOT, 1, attempts=1, error="ValueError")
    other = [(1, "9", {"update_id": 1, "other": True})]
    await inbox.add(BOT, [*other, *updates(3), *updates(3)], at=after(hours=1))
    waiting = await inbox.pending_of("5")
    assert [(update_id, attempts) for update_id, _, attempts in waiting] == [
        (1, 1),
        (2, 0),
        (3, 0),
    ]
    assert waiting[0][1]["message"] == {"text": "oi 1"}
    assert await database["inbox"].count_documents({}) == 3


async def test_what_twenty_deliveries_bring_at_once_is_there_once(inbox: Inbox, database: Any):
    await asyncio.gather(*[inbox.add(BOT, updates(*range(10)), at=NOW) for _ in range(20)])
    assert await database["inbox"].count_documents({}) == 10
    assert [u for u, _, _ in await inbox.pending_of("5")] == list(range(10))


async def test_two_bots_have_updates_of_their_own(inbox: Inbox):
    await inbox.add(BOT, updates(1), at=NOW)
    await inbox.add(BOT + 1, updates(1), at=NOW)
    assert len(await inbox.pending_of("5")) == 2
    await inbox.done(BOT, 1, at=NOW)
    assert len(await inbox.pending_of("5")) == 1


async def test_a_done_update_leaves_only_a_mark_and_is_known_again(inbox: Inbox, database: Any):
    await inbox.add(BOT, updates(1, 2), at=NOW)
    await inbox.done(BOT, 1, at=after(seconds=1))
    mark = await database["inbox"].find_one({"_id": f"{BOT}:1"})
    assert mark == {
        "_id": f"{BOT}:1",
        "update_id": 1,
        "received_at": NOW,
        "done_at": after(seconds=1),
        "attempts": 0,
    }
    await inbox.add(BOT, updates(1), at=after(hours=1))
    assert [u for u, _, _ in await inbox.pending_of("5")] == [2]
    await inbox.done(BOT, 2, at=NOW)
    await inbox.done(BOT, 99, at=NOW)
    assert await inbox.pending_chats() == []


async def test_an_update_set_aside_is_out_of_the_way_with_its_payload(inbox: Inbox, database: Any):
    await inbox.add(BOT, updates(1, 2), at=NOW)
    await inbox.failed(BOT, 1, attempts=3, error="KeyError")
    assert [(u, n) for u, _, n in await inbox.pending_of("5")] == [(1, 3), (2, 0)]
    await inbox.set_aside(BOT, 1, at=after(seconds=2))
    assert [u for u, _, _ in await inbox.pending_of("5")] == [2]
    kept = await database["inbox"].find_one({"_id": f"{BOT}:1"})
    assert kept["payload"]["message"] == {"text": "oi 1"}
    assert (kept["error"], kept["set_aside_at"]) == ("KeyError", after(seconds=2))
    await inbox.add(BOT, updates(1), at=NOW)
    assert [u for u, _, _ in await inbox.pending_of("5")] == [2]


@pytest.mark.parametrize(
    "payload",
    [
        {"text": "\x00 😀 \u202e"},
        {"$set": {"a.b": 1}, "": None},
        {"big": 2**63 - 1, "list": [{"x": [1.5, True]}]},
    ],
)
async def test_any_payload_comes_back_as_it_went_in(inbox: Inbox, payload: dict[str, Any]):
    await inbox.add(BOT, [(1, "5", payload)], at=NOW)
    assert await inbox.pending_of("5") == [(1, payload, 0)]


@pytest.mark.parametrize(
    "payload",
    [{"n": 2**70}, {"text": "\ud83d"}, {"a\x00b": 1}, {"text": "x" * 17_000_000}],
    ids=["number", "surrogate", "nul in a key", "too big"],
)
async def test_an_update_that_no_document_holds_waits_without_its_payload(
    inbox: Inbox, payload: dict[str, Any]
):
    """If it were dropped, nobody would know; if it failed, Telegram would send it for ever."""
    both = [(1, "5", payload), (2, "5", {"a": 1})]
    refused, stored = await inbox.add(BOT, both, at=NOW)
    assert isinstance(refused, RefusedError)
    assert stored is True
    assert await inbox.pending_of("5") == [(1, {}, 0), (2, {"a": 1}, 0)]
    assert await inbox.add(BOT, both, at=NOW) == [False, False]


async def test_a_chat_key_that_no_document_holds_stops_nobody(inbox: Inbox):
    key = "\ud800" * 10_000_000
    refused, stored = await inbox.add(BOT, [(1, key, {}), (2, "5", {})], at=NOW)
    assert isinstance(refused, RefusedError)
    assert stored is True
    assert sorted(await inbox.pending_chats()) == ["5", "?" * 64]


async def test_updates_that_were_not_safely_stored_are_not_called_stored(database: Any):
    impossible = database.with_options(write_concern=WriteConcern(w=5, wtimeout=1))
    with pytest.raises(AppError):
        await Inbox(impossible).add(BOT, updates(1), at=NOW)
