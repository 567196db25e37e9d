"""Every kind of message that a person can send, both ways, in a plain group and in a forum."""

from typing import Any

import pytest

from bot.demo import people as demo
from bot.demo.bot_api.files import KINDS
from handlers.relay import texts
from tests.flows.conftest import BIA, GROUP_ID, Customer, Start, Telegram
from tests.flows.relay_table import (
    COPIED,
    FORWARDED,
    MIRRORED,
    NO,
    PAGE,
    REFUSED,
    ROWS,
    SENT,
    Row,
    with_table,
)


def test_the_table_is_that_of_the_suite() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert with_table(page) == page, "run python -m tests.flows.relay_table"


@pytest.mark.parametrize("forum", [False, True], ids=["plain", "forum"])
async def test_every_kind_both_ways(start: Start, forum: bool):
    async with start() as people:
        people.emulator.set_forum(GROUP_ID, forum)
        ana = people.customer(demo.ANA)
        await ana.is_in_conversation()
        place: dict[str, Any] = (
            {"thread_id": people.card["message_thread_id"]}
            if forum
            else {"reply_to": people.card["message_id"]}
        )
        seen = {}
        for kind in ROWS:
            seen[kind] = Row(
                await _to_attendants(people, ana, kind, place),
                await _to_customer(people, ana, kind, place),
                await _edited(people, ana, kind, place),
            )
    assert seen == ROWS
    assert ROWS.keys() >= KINDS, "a kind of file that nobody has looked at"


async def _to_attendants(people: Telegram, ana: Customer, kind: str, place: dict[str, Any]) -> str:
    return await _sent(people, ana.id, ana.id, GROUP_ID, kind, {}, place)


async def _to_customer(people: Telegram, ana: Customer, kind: str, place: dict[str, Any]) -> str:
    return await _sent(people, BIA, GROUP_ID, ana.id, kind, place, {})


async def _sent(
    people: Telegram,
    user_id: int,
    from_chat: int,
    to_chat: int,
    kind: str,
    place: dict[str, Any],
    arrives_in: dict[str, Any],
) -> str:
    calls = len(people.emulator.calls)
    before = _ids(people, to_chat)
    original = _write(people, user_id, from_chat, kind, place)
    await people.settled()
    new = [m for m in people.messages(to_chat) if m["message_id"] not in before]
    if not new:
        notes = [m for m in people.messages(from_chat) if _replies_to(m, original)]
        reason = "o Telegram não deixa enviar este tipo de mensagem"
        assert [reason in note["text"] for note in notes] == [True]
        assert texts.AGAIN not in str(notes[0]), "sending it again would not help"
        return REFUSED
    [arrived] = new
    if thread := arrives_in.get("thread_id"):
        assert arrived["message_thread_id"] == thread
    methods = {call.method for call in list(people.emulator.calls)[calls:]}
    field = "poll" if kind == "quiz" else "location" if kind == "live_location" else kind
    assert field in arrived
    if "forwardMessage" in methods:
        return FORWARDED
    if card := arrives_in.get("reply_to"):
        assert arrived["reply_to_message"]["message_id"] == card
    return COPIED if "copyMessage" in methods else SENT


async def _edited(people: Telegram, ana: Customer, kind: str, place: dict[str, Any]) -> str:
    """Edit a message in each direction; return the one result that both must have."""
    seen = set()
    for user_id, from_chat, to_chat, where in (
        (ana.id, ana.id, GROUP_ID, {}),
        (BIA, GROUP_ID, ana.id, place),
    ):
        original = _write(people, user_id, from_chat, kind, where, caption="antes")
        await people.settled()
        before, told = people.messages(to_chat), people.messages(from_chat)
        message_id = original["message_id"]
        if kind == "live_location":
            people.emulator.move_location(user_id, from_chat, message_id, -27.2, -52.7)
        elif "text" in original or "caption" in original:
            people.emulator.edit_text(user_id, from_chat, message_id, "depois")
        else:
            seen.add(NO)
            continue
        await people.settled()
        after = people.messages(to_chat)
        assert len(after) == len(before), "an edit is no new message"
        assert len(people.messages(from_chat)) == len(told), "nobody is told of an edit"
        is_mirrored = after != before and "depois" in str(after[-1])
        seen.add(MIRRORED if is_mirrored else NO)
    [result] = seen
    return result


def _write(
    people: Telegram,
    user_id: int,
    chat_id: int,
    kind: str,
    place: dict[str, Any],
    caption: str | None = None,
) -> dict[str, Any]:
    if kind == "text":
        return people.emulator.send_text(user_id, chat_id, "antes", **place)
    if kind in KINDS and kind not in ("video_note", "sticker"):
        return people.emulator.send_file(
            user_id, chat_id, kind, b"x" * 64, caption=caption, **place
        )
    return people.emulator.send_sample(user_id, chat_id, kind, **place)


def _ids(people: Telegram, chat_id: int) -> set[int]:
    return {message["message_id"] for message in people.messages(chat_id)}


def _replies_to(message: dict[str, Any], original: dict[str, Any]) -> bool:
    replied = message.get("reply_to_message", {}).get("message_id")
    return message["from"]["is_bot"] and replied == original["message_id"]
