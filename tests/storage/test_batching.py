"""Batched calls: each caller gets its own answer, and no caller another's error."""

import asyncio
from typing import Any

import pytest

from bot.demo.documents import make_cpf
from bot.domain.conversation import Chat
from bot.domain.errors import RefusedError
from storage.register.registrations import Registrations
from storage.talk.conversations import Chats
from storage.updates.inbox import Inbox
from storage.updates.states import States
from tests.storage.records import NOW, chat, registration

UNSTORABLE = {"text": "\ud83d"}


async def test_each_of_many_callers_has_the_answer_to_his_own_question(database: Any):
    chats = Chats(database)
    await asyncio.gather(*[chats.put(chat(n, phone=f"+{n}")) for n in range(0, 500, 2)])
    found = await asyncio.gather(*[chats.get(n) for n in [*range(500), 4, 4, 5]])
    expected = [chat(n, phone=f"+{n}") if n % 2 == 0 else None for n in range(500)]
    assert found == [*expected, expected[4], expected[4], None]


async def test_creations_at_once_are_told_apart(database: Any):
    register = Registrations(database)
    records = [registration(id=f"r{n}", tax_id=make_cpf(n % 100 + 1)) for n in range(300)]
    created = await asyncio.gather(*[register.create(record) for record in records])
    assert created.count(True) == 100
    stored = await register.by_tax_ids([make_cpf(n + 1) for n in range(100)])
    assert sorted(r.id for r in stored.values()) == sorted(
        record.id for record, new in zip(records, created, strict=True) if new
    )


async def test_updates_are_pending_for_their_own_chats_only(database: Any):
    inbox = Inbox(database)
    keys = [str(n) for n in range(250)]
    await asyncio.gather(*[inbox.add(1, [(int(k), k, {"k": k})], at=NOW) for k in keys])
    await asyncio.gather(*[inbox.done(1, n, at=NOW) for n in range(0, 250, 5)])
    waiting = await asyncio.gather(*[inbox.pending_of(k) for k in keys])
    assert waiting == [[] if int(k) % 5 == 0 else [(int(k), {"k": k}, 0)] for k in keys]


async def test_one_update_that_cannot_be_stored_does_not_stop_the_others(database: Any):
    inbox = Inbox(database)
    new = await asyncio.gather(
        *[inbox.add(1, [(n, "c", UNSTORABLE if n == 5 else {})], at=NOW) for n in range(10)]
    )
    [refused] = new.pop(5)
    assert isinstance(refused, RefusedError)
    assert new == [[True]] * 9
    # The one that cannot be stored waits without its content.
    waiting = await inbox.pending_of("c")
    assert [update_id for update_id, _, _ in waiting] == list(range(10))


async def test_one_state_that_cannot_be_stored_does_not_stop_the_others(database: Any):
    states = States(database)
    told = await asyncio.gather(
        *[
            states.save([(str(n), "s", UNSTORABLE if n == 5 else {})], update_id=n)
            for n in range(10)
        ],
        return_exceptions=True,
    )
    assert [isinstance(answer, Exception) for answer in told] == [n == 5 for n in range(10)]


async def test_a_caller_who_goes_away_takes_nobody_with_him(database: Any):
    chats = Chats(database)
    calls = [asyncio.ensure_future(chats.put(Chat(id=n))) for n in range(20)]
    await asyncio.wait(calls, timeout=0)
    for call in calls[::2]:
        call.cancel()
    told = await asyncio.gather(*calls, return_exceptions=True)
    assert told[1::2] == [None] * 10
    assert all(isinstance(answer, asyncio.CancelledError) for answer in told[::2])
    found = await asyncio.gather(*[chats.get(n) for n in range(1, 20, 2)])
    assert None not in found
    await chats.put(Chat(id=99))
    assert await chats.get(99) == Chat(id=99)


@pytest.mark.parametrize("count", [1, 100, 101, 350])
async def test_any_number_at_once_is_stored(database: Any, count: int):
    inbox = Inbox(database)
    stored = await inbox.add(1, [(n, "c", {}) for n in range(count)], at=NOW)
    assert stored == [True] * count
    assert len(await inbox.pending_of("c")) == count
