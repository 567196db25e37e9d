"""Old conversations are deleted once a day with all that belongs to them, and nothing else."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.domain.conversation import Attendant, Link, LookupState
from bot.usecases.company.retention import Retain
from storage.engine.indexes import ensure_indexes, missing_indexes
from storage.talk.conversations import Conversations
from storage.talk.links import Links
from storage.talk.retention import Retention
from tests.storage.records import NOW, after, conversation

# 12:30 in São Paulo.
TODAY = after(days=40)
OWED = LookupState(since=NOW, next_at=NOW)


class Clock:
    def __init__(self) -> None:
        self.now = TODAY

    def __call__(self) -> datetime:
        return self.now


def retaining(database: Any, clock: Clock, *, days: int = 30) -> Retain:
    return Retain(
        store=Retention(database),
        conversations_days=days,
        clock=clock,
        timezone=ZoneInfo("America/Sao_Paulo"),
    )


@pytest.fixture
async def stored(database: Any) -> Conversations:
    """Store conversations for the run at TODAY.

    Three were closed 40, 30 and 29 days before. One has been open for 40 days. One is closed but
    still owes a look-up.
    """
    conversations = Conversations(database)
    for number in range(1, 6):
        lookup = {"lookup": OWED} if number == 5 else {}
        assert await conversations.add(conversation(number, **lookup))
        link = Link(group_id=-1, message_id=number, conversation_id=f"c{number}")
        await Links(database).add([link])
        await database["outbox"].insert_one({"_id": number, "conversation_id": f"c{number}"})
    for number, closed_at in ((1, NOW), (2, after(days=9)), (3, after(days=11)), (5, NOW)):
        await conversations.close(f"c{number}", Attendant(id=2, name="Bia"), at=closed_at)
    return conversations


async def left(database: Any) -> dict[str, list[str]]:
    found = {}
    for name, field in (
        ("conversations", "_id"),
        ("relayed", "conversation_id"),
        ("outbox", "conversation_id"),
    ):
        found[name] = sorted(one[field] for one in await database[name].find({}).to_list(None))
    return found


async def test_what_was_kept_long_enough_goes_with_what_belongs_to_it(
    database: Any, stored: Conversations
):
    clock = Clock()
    run = await retaining(database, clock)()
    assert run
    assert (run.conversations, run.messages) == (2, 4)
    kept = ["c3", "c4", "c5"]
    assert await left(database) == {"conversations": kept, "relayed": kept, "outbox": kept}
    assert await stored.open_in(4)
    told = await Retention(database).last()
    assert told
    assert (told.conversations, told.ended_at) == (2, TODAY)


async def test_it_is_done_once_a_day_by_one_replica(database: Any, stored: Conversations):
    clock = Clock()
    retain = retaining(database, clock)
    runs = await asyncio.gather(*(retaining(database, clock)() for _ in range(4)))
    assert sum(run is not None for run in runs) == 1
    # The day begins at 3:00; before that it is still yesterday's.
    clock.now = TODAY + timedelta(hours=14)
    assert await retain() is None
    clock.now = TODAY + timedelta(hours=15)
    run = await retain()
    assert run
    assert run.conversations == 0
    clock.now = TODAY + timedelta(days=3)
    run = await retain()
    assert run
    assert run.conversations == 1
    assert await left(database) == {
        name: ["c4", "c5"] for name in ("conversations", "relayed", "outbox")
    }


async def test_nothing_goes_when_nothing_is_said(database: Any, stored: Conversations):
    assert await retaining(database, Clock(), days=0)() is None
    assert len((await left(database))["conversations"]) == 5
    assert await Retention(database).last() is None


class KilledError(Exception):
    pass


class Killed(Retention):
    """A store whose process is killed once the messages are deleted."""

    async def delete(self, ids: Any, *, closed_before: datetime) -> tuple[int, int]:
        await super().delete(ids, closed_before=datetime.min.replace(tzinfo=NOW.tzinfo))
        raise KilledError


async def test_killed_in_the_middle_another_goes_on_an_hour_later(
    database: Any, stored: Conversations
):
    clock = Clock()
    retain = retaining(database, clock)
    killed = Retain(
        store=Killed(database), conversations_days=30, clock=clock, timezone=retain.timezone
    )
    with pytest.raises(KilledError):
        await killed()
    assert len((await left(database))["conversations"]) == 5
    clock.now += timedelta(minutes=59)
    assert await retain() is None
    clock.now += timedelta(minutes=1)
    run = await retain()
    assert run
    assert run.conversations == 2
    assert (await left(database))["relayed"] == ["c3", "c4", "c5"]


async def test_for_how_long_the_inbox_keeps_follows_the_setting(own_database: Any):
    async def kept_days() -> float:
        index = (await own_database["inbox"].index_information())["done"]
        return float(index["expireAfterSeconds"]) / 86_400

    assert await kept_days() == 2
    await ensure_indexes(own_database, inbox_days=9)
    assert await kept_days() == 9
    # A restore does this, because it does not know the setting.
    await ensure_indexes(own_database)
    assert await kept_days() == 9
    assert await missing_indexes(own_database) == []
    await ensure_indexes(own_database, inbox_days=2)
    assert await kept_days() == 2
    await own_database["inbox"].drop()
    await ensure_indexes(own_database, inbox_days=30)
    assert await kept_days() == 30
