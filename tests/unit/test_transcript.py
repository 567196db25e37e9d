"""What was said, cut into messages: nothing is lost, and every page fits."""

import asyncio
import re
from datetime import UTC, datetime
from html import unescape
from itertools import pairwise
from random import Random
from zoneinfo import ZoneInfo

import pytest

from bot.domain.outgoing import TEXT_LENGTH, OutgoingKind, telegram_length
from bot.domain.transcript import Said, Words, in_old_group
from bot.wording.transcript import Block, blocks, ending, in_html, pages, said_lines
from tests.storage.records import conversation
from tests.unit.outbox_parts import World, item
from tests.virtual_time import in_virtual_time

AT = datetime(2026, 11, 24, 12, 30, tzinfo=UTC)
ZONE = ZoneInfo("America/Sao_Paulo")


def said(text: str, **values: object) -> Said:
    about = {name: values.pop(name) for name in ("waits", "is_undelivered") if name in values}
    words = Words.model_validate({"at": AT, "text": text} | values)
    return Said(words=words, **about)  # type: ignore[arg-type]


def shown(found: list[Block]) -> str:
    """Return what a reader sees: the text without tags."""
    return unescape(re.sub(r"<[^>]+>", "", in_html(found)))


@pytest.mark.parametrize(
    ("one", "head", "text"),
    [
        (said("oi"), "👤 Ana · 24/11 09:30", "oi"),
        (said("oi", by="Bia"), "🎧 Bia · 24/11 09:30", "oi"),
        (said("", kind="photo"), "👤 Ana · 24/11 09:30", "📎 foto"),
        (said("as luzes", kind="photo", is_edited=True), None, "📎 foto: as luzes [editada]"),
        (said("", kind="new_in_telegram"), None, "📎 outra mensagem"),
        (said("", is_deleted=True, is_edited=True), None, "🗑 mensagem apagada"),
        (said("oi", is_undelivered=True), None, "oi [não entregue]"),
        (said("oi", waits=True, is_edited=True), None, "oi [editada, ainda não enviada]"),
    ],
)
def test_each_kind_of_message_is_named(one: Said, head: str | None, text: str):
    [block] = blocks([one], "Ana", ZONE)
    assert block.text == text
    assert head in (None, block.head)
    [line] = said_lines([one], "Ana", ZONE)
    assert line.endswith(text)


@pytest.mark.parametrize("seed", range(20))
def test_pages_hold_everything_once_and_fit(seed: int):
    random = Random(seed)  # noqa: S311 - the same every time
    alphabet = random.choice(["ab ", "a", "🙂", "é<&> \n", "👨‍👩‍👧 x"])
    conversation = [
        said(
            "".join(random.choices(alphabet, k=random.choice([1, 20, 999, 1000, 1001, 4096]))),
            by=random.choice(["", "Bia"]),
        )
        for _ in range(random.randrange(1, 30))
    ]
    found = blocks(conversation, "Ana <&>", ZONE)
    assert "".join(block.text for block in found) == "".join(o.words.text for o in conversation)
    made = pages(found)
    assert [block for page in made for block in page] == found
    last = ending(found)
    assert last == found[len(found) - len(last) :]
    for page in (*made, last):
        assert page
        assert telegram_length(shown(page)) <= TEXT_LENGTH - 300, "a title comes above"
    # A page ends only where the next block does not fit, and so does the end of a conversation.
    for page, following in pairwise(made):
        assert sum(b.length for b in page) + following[0].length > 3_500
    if len(last) < len(found):
        assert sum(b.length for b in last) + found[-len(last) - 1].length > 3_500


def test_a_long_text_is_cut_between_words_and_says_that_it_goes_on():
    found = blocks([said("palavra " * 300)], "Ana", ZONE)
    assert len(found) == 3
    assert all(block.text.startswith("palavra") for block in found)
    assert [block.head.endswith("(continuação)") for block in found] == [False, True, True]


def test_an_empty_conversation_has_one_empty_page():
    assert pages([]) == [[]]
    assert ending([]) == []


def test_what_still_waits_for_the_old_group_is_not_brought_along():
    """The customer's own words follow by themselves; an attendant's would be seen nowhere."""
    waiting, answer, there = said("oi", waits=True), said("já", by="Bia", waits=True), said("a")
    assert in_old_group([there, waiting, answer]) == (there, answer)


def test_a_department_has_or_had_it():
    one = conversation(department_id="b", earlier_departments=("a",))
    assert [one.was_in(department) for department in "abc"] == [True, True, False]


def test_only_what_people_said_and_others_got_is_kept():
    words = Words(at=AT, text="oi")

    async def run() -> None:
        world = World()
        async with world.running() as outbox:
            await outbox.put(item(1, words=words), item(2, what=OutgoingKind.SAY))
            await outbox.put(item(3, what=OutgoingKind.EDIT, words=words))
            album = {"what": OutgoingKind.PART, "album": "x", "words": words}
            # The mark of a comment may be on any part of its album.
            await outbox.put(item(4, **album), item(5, **album, is_internal=True))
            await asyncio.sleep(60)
        assert set(world.stored.over) == {"a1", "a2", "a3", "a4", "a5"}
        assert world.stored.said == ["a1"]

    in_virtual_time(run())
