"""The outbox over a real database."""

import asyncio
from typing import Any

import pytest

from bot.domain.outgoing import File, OutgoingKind, Priority, Undelivered
from bot.domain.transcript import Said, Words
from storage.talk.transcripts import Transcripts
from storage.updates.outbox import Outbox
from tests.storage.records import NOW, after, outgoing


@pytest.fixture
def outbox(database: Any) -> Outbox:
    return Outbox(database)


NOTICE = -100, 12

FULL = outgoing(
    9,
    what=OutgoingKind.PART,
    priority=Priority.ANSWER,
    source_chat_id=5,
    source_message_id=6,
    reply_to=4,
    album="a1",
    header="<b>Ana</b>\n",
    speaker="<b>Bia</b>: ",
    file=File(type="photo", file_id="f1", has_spoiler=True, show_caption_above_media=False),
    below=3,
    again="8",
    length=12,
)


async def test_it_comes_back_as_it_was_put(outbox: Outbox):
    assert await outbox.add([outgoing(1), FULL, outgoing(2, chat_id=7)]) == [True, True, True]
    waiting = await outbox.waiting_in(-100)
    assert sorted(waiting, key=lambda item: item.order) == [outgoing(1), FULL]
    assert sorted(await outbox.waiting()) == [(-100, NOW), (-100, NOW), (7, NOW)]


async def test_one_id_waits_once_whoever_puts_it(outbox: Outbox):
    news = await asyncio.gather(*(outbox.add([outgoing(1)]) for _ in range(8)))
    assert sum(new for [new] in news) == 1
    await outbox.done(["1"], at=NOW)
    assert await outbox.add([outgoing(1)]) == [False], "not even after it was sent"
    assert await outbox.waiting_in(-100) == []


async def test_attempts_and_refusals_are_stored(outbox: Outbox):
    await outbox.add([outgoing(1), outgoing(2)])
    counted = [outgoing(1, attempts=1, refusals=3), outgoing(2, attempts=1)]
    for _ in range(2):
        await outbox.count(counted)
    waiting = await outbox.waiting_in(-100)
    assert sorted(waiting, key=lambda item: item.order) == counted


async def test_a_message_can_be_stored_with_its_first_attempt(outbox: Outbox):
    await outbox.add([outgoing(1), outgoing(2)], begun=["2"])
    waiting = await outbox.waiting_in(-100)
    assert {item.id: item.attempts for item in waiting} == {"1": 0, "2": 1}


async def test_nothing_that_was_written_stays_after_it_was_sent(outbox: Outbox, database: Any):
    await outbox.add([FULL])
    await outbox.done([FULL.id], at=after(hours=1))
    stored = await database["outbox"].find_one({"_id": FULL.id})
    assert not {"html", "header", "speaker", "file", "waiting"} & stored.keys()
    assert stored["done_at"] == after(hours=1)


async def test_only_the_words_stay_of_what_was_said(outbox: Outbox, database: Any):
    """Each item has one moment, and so one end."""
    words = Words(at=NOW, by="Bia", kind="photo", text="as luzes")
    items = [FULL.model_copy(update={"id": f"5:{n}", "words": words}) for n in range(4)]
    edit = outgoing(8, id="edit:1", what=OutgoingKind.EDIT, conversation_id="c1", words=words)
    sentence = outgoing(7, what=OutgoingKind.SAY)
    await outbox.add([*items, edit, sentence])
    assert await outbox.waiting_in(FULL.chat_id) == [*items, edit, sentence]
    await outbox.done([items[0].id, items[1].id, edit.id], at=NOW, said=["5:0", "5:1"])
    await outbox.fail([items[2].id], Undelivered.BLOCKED, at=NOW)
    stored = {one["_id"]: one async for one in database["outbox"].find({})}
    for name in ("5:0", "5:1"):
        assert not {"html", "header", "file", "waiting", "done_at"} & stored[name].keys()
        assert stored[name]["said_at"] == NOW
    assert not {"words", "said_at"} & stored["edit:1"].keys()
    transcripts = Transcripts(database)
    await transcripts.edit("5:1", Words(at=after(hours=1), text="outra"))
    await transcripts.edit("edit:1", words)
    await transcripts.edit("nothing", words)
    await transcripts.erase("5:0")
    assert await transcripts.of("c1") == (
        Said(words=words.model_copy(update={"text": "", "is_deleted": True})),
        Said(words=Words(at=NOW, by="Bia", text="outra", is_edited=True)),
        Said(words=words, is_undelivered=True),
        Said(words=words, waits=True),
    )
    assert await transcripts.of("c2") == ()


async def test_what_was_not_delivered_is_kept_and_sent_again_by_one_press(outbox: Outbox):
    await outbox.add([FULL])
    await outbox.count([FULL.model_copy(update={"attempts": 2, "refusals": 3})])
    assert not await outbox.again(FULL.id, notice=NOTICE), "it still waits"
    await outbox.fail([FULL.id], Undelivered.BLOCKED, at=NOW)
    assert await outbox.waiting_in(FULL.chat_id) == []
    [kept] = await outbox.failed(FULL.id)
    assert kept
    assert kept.file == FULL.file
    assert (
        sum(await asyncio.gather(*(outbox.again(FULL.id, notice=NOTICE) for _ in range(8)))) == 1
    )
    assert await outbox.waiting_in(FULL.chat_id) == [FULL.model_copy(update={"notice": NOTICE})]
    assert not await outbox.failed(FULL.id)
    assert not await outbox.again("nothing", notice=NOTICE)


async def test_it_goes_along_to_another_group(outbox: Outbox):
    await outbox.add([outgoing(1)])
    await outbox.move(["1"], -200)
    assert await outbox.waiting_in(-100) == []
    assert await outbox.waiting_in(-200) == [outgoing(1, chat_id=-200)]
