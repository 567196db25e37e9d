"""What a refusal of Telegram's stops, and who is told: the message, its kind, the topic, the chat.

The descriptions are Telegram's; the emulator gives each to one call.
"""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.demo import people as demo
from tests.flows.album import ALBUM
from tests.flows.conftest import ADMIN_ID, BIA, GROUP_ID, Customer, Start, Telegram

# Long, and not about the database.
pytestmark = pytest.mark.embedded

KINDS = [
    ("Bad Request: not enough rights to send photos to the chat", "fotos"),
    ("Bad Request: CHAT_SEND_STICKERS_FORBIDDEN", "figurinhas"),
    ("Forbidden: CHAT_SEND_ROUNDVIDEOS_FORBIDDEN", "mensagens de vídeo"),
    ("Bad Request: VOICE_MESSAGES_FORBIDDEN", "mensagens de voz"),
    ("Bad Request: not enough rights to send holograms to the chat", "mensagens deste tipo"),
]
CLOSED = [
    "Bad Request: CHAT_RESTRICTED",
    "Bad Request: CHANNEL_PRIVATE",
    "Bad Request: CHAT_WRITE_FORBIDDEN",
    "Bad Request: CHAT_SEND_PLAIN_FORBIDDEN",
    "Bad Request: not enough rights to send text messages to the chat",
    "Bad Request: CHAT_ADMIN_REQUIRED",
]


@pytest.fixture
async def ana(people: Telegram) -> Customer:
    customer = people.customer(demo.ANA)
    await customer.is_in_conversation()
    return customer


def words(people: Telegram, chat_id: int) -> list[str]:
    said = [m.get("text", m.get("caption", "")) for m in people.messages(chat_id)]
    return [line for text in said for line in text.splitlines() if line[:1] == "w"]


@pytest.mark.parametrize(("description", "named"), KINDS)
async def test_a_kind_that_a_chat_does_not_take_stops_only_itself(
    people: Telegram, ana: Customer, description: str, named: str
):
    code = 403 if description.startswith("Forbidden") else 400
    people.emulator.fail_next("copyMessage", code, description, chat_id=GROUP_ID)
    assert named in await ana.sends("photo")
    await ana.says("w1")
    assert words(people, GROUP_ID) == ["w1"]
    assert people.texts(ADMIN_ID) == [], "the group is not closed"
    people.emulator.fail_next("copyMessage", code, description, chat_id=ana.id)
    await people.group_says(BIA, "w2", reply_to=people.card["message_id"])
    assert f"o chat dele não aceita {named}" in people.texts(GROUP_ID)[-1]


async def test_of_an_album_the_kinds_that_are_taken_arrive(people: Telegram, ana: Customer):
    refused = "Bad Request: not enough rights to send videos to the chat"
    for chat_id, writer in ((GROUP_ID, ana.id), (ana.id, BIA)):
        people.emulator.fail_next("sendMediaGroup", 400, refused, chat_id=chat_id)
        before = len(people.messages(chat_id))
        below = people.card["message_id"] if writer == BIA else None
        people.emulator.send_album(
            writer, GROUP_ID if writer == BIA else ana.id, ALBUM, reply_to=below
        )
        await people.settled()
        arrived = people.messages(chat_id)[before:]
        assert [("photo" in m, "video" in m) for m in arrived if "text" not in m] == [
            (True, False),
            (True, False),
        ]
        told = people.texts(ana.id if writer == ana.id else GROUP_ID)
        assert any("vídeos" in text for text in told)


@pytest.mark.parametrize("description", CLOSED)
async def test_a_closed_group_loses_nothing_and_its_admins_are_told(
    people: Telegram, ana: Customer, description: str
):
    emulator = people.emulator
    emulator.fail_next("sendMessage", 400, description, chat_id=GROUP_ID)
    emulator.send_text(ana.id, ana.id, "w1")
    emulator.send_text(ana.id, ana.id, "w2")
    await emulator.until(lambda: len(words(people, GROUP_ID)) == 2)
    await people.settled()
    assert words(people, GROUP_ID) == ["w1", "w2"]
    assert "Não consigo publicar no grupo" in people.texts(ADMIN_ID)[-1]
    assert "não conseguem receber mensagens" in ana.read[-1]


@pytest.fixture
async def forum(start: Start) -> AsyncIterator[Telegram]:
    async with start() as people:
        people.emulator.set_forum(GROUP_ID, True)
        yield people


@pytest.mark.parametrize("may_reopen", [True, False])
async def test_a_topic_that_was_closed_is_opened_again_or_replaced(
    forum: Telegram, may_reopen: bool
):
    ana, emulator = forum.customer(demo.ANA), forum.emulator
    await ana.is_in_conversation()
    topic_id = forum.card["message_thread_id"]
    assert forum.balcao
    # Of what itself does, a bot gets no update: one by hand closes the conversation, too.
    await forum.balcao.bot.close_forum_topic(GROUP_ID, topic_id)
    emulator.fail_next("sendMessage", 400, "Bad Request: TOPIC_CLOSED", chat_id=GROUP_ID)
    if not may_reopen:
        emulator.fail_next("reopenForumTopic", 400, "Bad Request: CHAT_ADMIN_REQUIRED")
    await ana.says("w1")
    [arrived] = [m for m in forum.messages(GROUP_ID) if m.get("text") == "w1"]
    assert (arrived["message_thread_id"] == topic_id) is may_reopen
    assert arrived["message_thread_id"] == forum.card["message_thread_id"]
    assert forum.texts(ADMIN_ID) == []


async def test_a_customer_that_cannot_be_written_to_is_told_to_the_attendant(
    people: Telegram, ana: Customer
):
    gone: list[tuple[int, str]] = [
        (403, "Forbidden: user is deactivated"),
        (400, "Bad Request: PEER_ID_INVALID"),
        (400, "Bad Request: CHAT_SEND_PLAIN_FORBIDDEN"),
    ]
    for code, description in gone:
        people.emulator.fail_next("copyMessage", code, description, chat_id=ana.id)
        await people.group_says(BIA, "w1", reply_to=people.card["message_id"])
        assert "bloqueou o bot" in people.texts(GROUP_ID)[-1]
    assert words(people, ana.id) == []


async def test_a_card_that_is_refused_alone_closes_no_group(people: Telegram):
    ana, emulator = people.customer(demo.ANA), people.emulator
    odd: dict[str, Any] = {"times": 2, "chat_id": GROUP_ID}
    emulator.fail_next("sendMessage", 400, "Bad Request: message is too long", **odd)
    await ana.is_in_conversation()
    await ana.says("w1")
    assert words(people, GROUP_ID) == ["w1"]
    assert len(people.cards) == 1
    assert people.texts(ADMIN_ID) == []
