"""The queue: each move of a conversation happens once and writes one line of history."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from bot.domain.conversation import Attendant, Conversation
from bot.domain.reminder import Stage
from storage.register.registrations import Registrations
from storage.talk.conversations import Conversations
from storage.talk.questions import Questions
from storage.talk.queue import Queue
from tests.storage.records import (
    NOW,
    RUI,
    TRANSFER,
    TRANSFERRED,
    after,
    conversation,
    question,
    registration,
)

BIA = Attendant(id=8, name="Bia")


@pytest.fixture
def queue(database: Any) -> Queue:
    return Queue(database)


@pytest.fixture
def conversations(database: Any) -> Conversations:
    return Conversations(database)


def moved_to(seen: Conversation, department: str, **values: Any) -> Conversation:
    there = {
        "department_id": department,
        "group_id": -200,
        "claimed_by": None,
        "transfer": TRANSFER,
    }
    return replace(seen, **there | {"queued_at": NOW} | values)


async def test_of_eight_transfers_at_once_one_goes_and_tells_of_it(
    queue: Queue, conversations: Conversations
):
    seen = conversation(card_message_id=77, reminders=2, reminded_at=NOW)
    await conversations.add(seen)
    went = await asyncio.gather(
        *[queue.transfer(seen, moved_to(seen, f"d{n}"), TRANSFERRED) for n in range(8)]
    )
    assert went.count(True) == 1
    there = await conversations.get("c1")
    assert there == moved_to(
        seen,
        f"d{went.index(True)}",
        card_message_id=None,
        reminders=0,
        reminded_at=None,
        events=(TRANSFERRED,),
    )
    await queue.set_announced("c1", TRANSFER.model_copy(update={"at": after(seconds=1)}))
    assert (await conversations.get("c1")).transfer == TRANSFER  # type: ignore[union-attr]
    await queue.set_announced("c1", TRANSFER)
    assert (await conversations.get("c1")).transfer.settled  # type: ignore[union-attr]


@pytest.mark.parametrize("change", ["claimed", "closed", "moved"])
async def test_what_is_not_as_it_was_seen_stays_where_it_is(
    queue: Queue, conversations: Conversations, change: str
):
    seen = conversation()
    await conversations.add(seen)
    match change:
        case "claimed":
            await conversations.claim("c1", BIA, at=NOW)
        case "closed":
            await conversations.close("c1", BIA, at=NOW)
        case "moved":
            await conversations.move("c1", -300)
    before = await conversations.get("c1")
    assert not await queue.transfer(seen, moved_to(seen, "d"), TRANSFERRED)
    assert not await queue.remind(seen, Stage.GROUP, TRANSFERRED)
    assert await conversations.get("c1") == before


async def test_within_the_group_the_card_stays(queue: Queue, conversations: Conversations):
    seen = conversation(card_message_id=77, claimed_by=BIA)
    await conversations.add(seen)
    given = replace(seen, claimed_by=RUI, claimed_at=NOW)
    assert await queue.transfer(seen, given, TRANSFERRED)
    there = await conversations.get("c1")
    assert there
    assert (there.claimed_by, there.card_message_id) == (RUI, 77)
    assert not await queue.transfer(seen, given, TRANSFERRED), "Bia does not have it any more"


async def test_of_eight_who_reopen_at_once_one_did(queue: Queue, conversations: Conversations):
    await conversations.add(conversation())
    await conversations.close("c1", RUI, at=NOW)
    closed = await conversations.get("c1")
    assert closed
    events = [TRANSFERRED.model_copy(update={"at": after(seconds=n)}) for n in range(8)]
    opened = await asyncio.gather(*[queue.reopen(closed, RUI, one) for one in events])
    assert opened.count(True) == 1
    there = await conversations.open_in(1)
    assert there
    assert there.customer_waits_since == events[opened.index(True)].at
    assert (there.closed_at, there.closed_by, there.claimed_by) == (None, None, RUI)
    assert len(there.events) == 2


async def test_a_chat_with_another_open_one_reopens_none(
    queue: Queue, conversations: Conversations
):
    """In a race the new conversation and the old one are never open together."""
    for number in range(20):
        chat, old, new = number + 1, f"a{number}", f"b{number}"
        await conversations.add(conversation(number, id=old, chat_id=chat))
        await conversations.close(old, RUI, at=NOW)
        closed = await conversations.get(old)
        assert closed
        added, reopened = await asyncio.gather(
            conversations.add(conversation(100 + number, id=new, chat_id=chat)),
            queue.reopen(closed, None, TRANSFERRED),
        )
        assert added is not reopened
        there = await conversations.open_in(chat)
        assert there
        assert there.id == (new if added else old)


async def test_a_reminder_is_given_once(queue: Queue, conversations: Conversations):
    await conversations.add(conversation())
    for stage in Stage:
        seen = await conversations.get("c1")
        assert seen
        event = TRANSFERRED.model_copy(update={"at": after(minutes=int(stage))})
        given = await asyncio.gather(*[queue.remind(seen, stage, event) for _ in range(8)])
        assert given.count(True) == 1
    seen = await conversations.get("c1")
    assert seen
    assert (seen.reminders, seen.reminded_at, len(seen.events)) == (2, after(minutes=2), 2)


async def test_a_wait_for_an_answer_begins_with_the_first_word_and_ends_with_the_answer(
    database: Any, queue: Queue, conversations: Conversations
):
    await conversations.add(conversation(claimed_by=BIA, claimed_at=NOW))
    # As earlier versions stored it.
    await database["conversations"].update_one({"_id": "c1"}, {"$unset": {"asked_at": ""}})
    for minutes in (1, 2):
        await conversations.asked("c1", at=after(minutes=minutes))
    seen = await conversations.get("c1")
    assert seen
    assert seen.waits_for_staff_since == after(minutes=1)
    assert await queue.remind(seen, Stage.GROUP, TRANSFERRED)
    await conversations.answered(seen)
    answered = await conversations.get("c1")
    assert answered
    assert (answered.waits_for_staff_since, answered.reminders) == (None, 0)
    # A word that came after what the attendant saw is not answered.
    await conversations.asked("c1", at=after(minutes=3))
    await conversations.answered(seen)
    assert (await conversations.get("c1")).asked_at == after(minutes=3)  # type: ignore[union-attr]


@pytest.mark.parametrize("seed", [1])
async def test_what_is_found_is_what_a_plain_filter_finds(
    database: Any, queue: Queue, conversations: Conversations, seed: int
):
    random = Random(seed)  # noqa: S311 - the same data each time
    stored: list[Conversation] = []
    for number in range(200):
        one = conversation(
            number,
            chat_id=random.randrange(-60, 60),
            registration_id=random.choice([None, "r1", "r2", "r3"]),
            department_id=random.choice(["a", "b"]),
        )
        if not await conversations.add(one):
            continue
        if random.random() < 0.7:
            at = NOW + timedelta(milliseconds=random.randrange(10**6))
            await conversations.close(one.id, RUI, at=at)
        found = await conversations.get(one.id)
        assert found
        stored.append(found)
    there = sorted(await queue.all_open(), key=lambda one: one.id)
    assert there == sorted((c for c in stored if c.is_open), key=lambda one: one.id)
    for key in ("r1", "r2", "r9"):
        of_it = {c.id for c in stored if c.is_open and c.customer.registration_id == key}
        assert {c.id for c in await queue.open_of(key)} == of_it
    for chat_id in range(-60, 60):
        since = NOW + timedelta(milliseconds=random.randrange(10**6))
        closed = [
            c for c in stored if c.chat_id == chat_id and c.closed_at and c.closed_at >= since
        ]
        latest = max(closed, key=lambda c: c.closed_at or NOW, default=None)
        assert await queue.last_closed(chat_id, since=since) == latest
    one = random.choice(stored)
    assert await queue.by_protocol(one.protocol) == one
    assert await queue.by_protocol("20200101-000000") is None


async def test_versions_are_read_many_at_a_time(database: Any, queue: Queue):
    register = Registrations(database)
    for number in range(130):
        await register.create(registration(id=f"r{number}", tax_id=None, version=number + 1))
    ids = [f"r{number}" for number in range(140)]
    assert await queue.versions(ids) == {f"r{n}": n + 1 for n in range(130)}
    assert await queue.versions([]) == {}


async def test_priority_is_set_only_where_it_was_seen(queue: Queue, conversations: Conversations):
    await conversations.add(conversation())
    await queue.prioritise(conversation(department_id="other"), priority=True)
    assert await conversations.get("c1") == conversation()
    await queue.prioritise(conversation(), priority=True)
    await queue.drawn("c1", 7, others="x")
    assert await conversations.get("c1") == conversation(
        priority=True, card_version=7, card_others="x"
    )


async def test_a_question_comes_back_and_is_finished_once(database: Any):
    questions = Questions(database)
    full = question(target="d.1", holder_id=5, menu_id=6, note_before="a", added="b", proposal=2)
    await questions.put(question())
    await questions.put(full)
    assert await questions.get(-100, 7) == full
    assert await questions.get(-100, 8) is None
    finished = await asyncio.gather(*[questions.finish(-100, 7) for _ in range(8)])
    assert finished.count(True) == 1
    assert await questions.get(-100, 7) == replace(full, done=True)
    assert not await questions.finish(-100, 8)
