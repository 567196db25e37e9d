"""Groups with topics, and groups that change while conversations are open."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from bot.demo import people as demo
from bot.demo.ixc import IxcEmulator, faults
from bot.domain.candidate import Candidate, Policy
from bot.domain.registration import ChangeSource, Kind, Provenance
from bot.domain.tax_id import read_tax_id
from tests.flows.album import ALBUM
from tests.flows.conftest import (
    ADMIN_ID,
    BIA,
    CAIO,
    GROUP_ID,
    PROTOCOL,
    Clock,
    Customer,
    Start,
    Telegram,
)

NEW_ID = -1001000000077


@pytest.fixture
async def forum(start: Start) -> AsyncIterator[Telegram]:
    async with start() as people:
        people.emulator.set_forum(GROUP_ID, True)
        yield people


@pytest.fixture
async def ana(forum: Telegram) -> Customer:
    customer = forum.customer(demo.ANA)
    await customer.is_in_conversation()
    return customer


def topic(people: Telegram) -> Any:
    """Return the topic of the latest card."""
    return people.emulator.chat(GROUP_ID).topics[people.card["message_thread_id"]]


async def in_topic(people: Telegram, text: str, **more: Any) -> None:
    thread = people.card["message_thread_id"]
    people.emulator.send_text(BIA, GROUP_ID, text, thread_id=thread, **more)
    await people.settled()


def arrived(people: Telegram, word: str, chat_id: int = GROUP_ID) -> dict[str, Any]:
    [message] = [m for m in people.messages(chat_id) if word in m.get("text", "")]
    return message


async def test_a_conversation_has_a_topic_with_its_card_pinned(forum: Telegram, ana: Customer):
    name, protocol = topic(forum).name.split(" · ")
    assert name.endswith("Ana Beatriz Souza")
    assert PROTOCOL.fullmatch(protocol)
    assert forum.card["message_id"] in forum.emulator.chat(GROUP_ID).pinned
    await ana.says("Caiu")
    message = arrived(forum, "Caiu")
    assert message["text"] == "Caiu", "the topic says who writes"
    assert message["message_thread_id"] == topic(forum).thread_id


async def test_everything_in_the_topic_reaches_the_customer_and_general_does_not(
    forum: Telegram, ana: Customer
):
    await in_topic(forum, "Bom dia")
    assert ana.read[-1] == "Bom dia"
    assert "reply_to_message" not in forum.messages(ana.id)[-1]
    other = forum.emulator.create_topic(BIA, GROUP_ID, "Escala")
    forum.emulator.send_text(BIA, GROUP_ID, "Quem vem?", thread_id=other)
    for text in ("Oi, Ana", "Ana?"):
        await forum.group_says(BIA, text, reply_to=None)
    assert ana.read[-1] == "Bom dia"
    hints = [t for t in forum.texts(GROUP_ID) if "tópico dele" in t]
    assert len(hints) == 1


async def test_who_is_found_late_is_named_in_the_title(
    forum: Telegram, erp: IxcEmulator, clock: Clock
):
    erp.fail(faults.html(500))
    maria = forum.customer(demo.MARIA)
    await maria.is_in_conversation()
    await maria.says("Mari")
    assert topic(forum).name.startswith("⚠️ Mari · ")
    assert forum.balcao is not None
    await forum.balcao.apply_candidate(
        Candidate(
            tax_id=read_tax_id(demo.MARIA.tax_id),
            name="Maria de Lourdes",
            kinds=frozenset((Kind.CUSTOMER,)),
            priority_departments=frozenset(("atendimento",)),
        ),
        Policy(may_create=True, may_update=True),
        Provenance(at=clock(), by="admin:1", way=ChangeSource.CHAT),
    )
    erp.heal()
    clock.advance(timedelta(seconds=6))
    await forum.balcao.retry_lookups()
    await forum.settled()
    assert topic(forum).name.startswith("🔴 ⚠️ Maria de Lourdes")


async def test_the_topic_is_closed_with_the_conversation(
    forum: Telegram, ana: Customer, clock: Clock
):
    await forum.press(BIA, "☑️ Encerrar")
    assert topic(forum).closed
    assert "encerrado" in ana.read[-1]
    clock.advance(timedelta(hours=13))
    await ana.says("Voltei")
    assert len(forum.cards) == 2
    assert not topic(forum).closed
    assert arrived(forum, "Voltei")["message_thread_id"] == topic(forum).thread_id


async def test_closing_the_topic_by_hand_closes_the_conversation(forum: Telegram, ana: Customer):
    forum.emulator.close_topic(ADMIN_ID, GROUP_ID, topic(forum).thread_id)
    await forum.settled()
    assert "Encerrado por Dora" in forum.card["text"]
    assert [t for t in ana.read if "encerrado" in t] == [ana.read[-1]]
    forum.emulator.send_text(ADMIN_ID, GROUP_ID, "Ana?", thread_id=topic(forum).thread_id)
    await forum.settled()
    assert "sua mensagem não foi enviada" in forum.texts(GROUP_ID)[-1]


@pytest.mark.parametrize("kind", ["text", "photo", "album", "edit"])
async def test_a_topic_deleted_by_hand_is_made_again_and_nothing_is_lost(
    forum: Telegram, ana: Customer, kind: str
):
    said = forum.emulator.send_text(ana.id, ana.id, "Antes")
    await forum.settled()
    old = topic(forum).thread_id
    forum.emulator.delete_topic(GROUP_ID, old)
    match kind:
        case "text":
            await ana.says("Depois")
        case "photo":
            await ana.sends("photo")
        case "album":
            forum.emulator.send_album(ana.id, ana.id, ALBUM)
        case _:
            forum.emulator.edit_text(ana.id, ana.id, said["message_id"], "Corrigi")
    await forum.settled()
    [card] = forum.cards
    new = card["message_thread_id"]
    assert new != old
    messages = [m for m in forum.messages(GROUP_ID) if m.get("message_thread_id") == new]
    behind = messages[messages.index(card) + 1 :]
    sent = [m for m in behind if "pinned_message" not in m]
    assert len(sent) == (4 if kind == "album" else 1)
    await in_topic(forum, "Recebi")
    assert ana.read[-1] == "Recebi"


async def test_a_topic_deleted_before_its_card_was_in_it_is_made_again(forum: Telegram):
    forum.emulator.fail_next("sendMessage", 502, chat_id=GROUP_ID)
    ana = forum.customer(demo.ANA)
    await ana.says("/start")
    await ana.says(ana.person.tax_id)
    forum.emulator.send_contact(ana.id, ana.id)
    chat = forum.emulator.chat(GROUP_ID)
    await forum.emulator.until(lambda: chat.topics)
    await forum.emulator.until(lambda: forum.emulator.calls_of("sendMessage")[-1])
    forum.emulator.delete_topic(GROUP_ID, next(iter(chat.topics)))
    await forum.settled()
    assert forum.card["message_thread_id"] in chat.topics
    assert forum.texts(ADMIN_ID) == [], "no admin is told of a group that is closed"


async def test_without_the_right_to_make_topics_replies_do_it(start: Start):
    async with start() as people:
        people.emulator.set_forum(GROUP_ID, True)
        people.emulator.set_bot_rights(GROUP_ID, can_manage_topics=False, can_pin_messages=False)
        ana = people.customer(demo.ANA)
        await ana.is_in_conversation()
        assert "message_thread_id" not in people.card
        await ana.says("Caiu")
        assert (
            arrived(people, "Caiu")["reply_to_message"]["message_id"] == people.card["message_id"]
        )
        await people.group_says(BIA, "Já vejo", reply_to=people.card["message_id"])
        assert ana.read[-1] == "Já vejo"


async def test_without_the_right_to_pin_everything_else_works(forum: Telegram):
    forum.emulator.set_bot_rights(GROUP_ID, can_pin_messages=False)
    ana = forum.customer(demo.ANA)
    await ana.is_in_conversation()
    assert forum.emulator.chat(GROUP_ID).pinned == []
    await in_topic(forum, "Bom dia")
    assert ana.read[-1] == "Bom dia"


async def test_a_group_gets_topics_and_loses_them_while_conversations_are_open(
    start: Start,
):
    async with start() as people:
        ana, jose = people.customer(demo.ANA), people.customer(demo.JOSE)
        await ana.is_in_conversation()
        old = people.card
        people.emulator.set_forum(GROUP_ID, True)
        await ana.says("Ainda aqui")
        assert arrived(people, "Ainda")["reply_to_message"]["message_id"] == old["message_id"]
        await people.group_says(BIA, "Sim", reply_to=old["message_id"])
        assert ana.read[-1] == "Sim"
        await jose.is_in_conversation()
        assert people.card["message_thread_id"]
        people.emulator.set_forum(GROUP_ID, False)
        await jose.says("E eu")
        card = people.card
        message = arrived(people, "E eu")
        assert message["text"].startswith("💬"), "no topic says who writes"
        assert message["reply_to_message"]["message_id"] == card["message_id"]
        await people.group_says(BIA, "Você também", reply_to=message["message_id"])
        assert jose.read[-1] == "Você também"


@pytest.mark.parametrize("waiting", [False, True], ids=["quiet", "messages wait"])
async def test_a_plain_group_becomes_a_supergroup(start: Start, waiting: bool):
    plain = -4001
    async with start(attendants_chat_id=plain) as people:
        emulator = people.emulator
        emulator.add_group(plain, "Suporte", members=(ADMIN_ID, BIA, CAIO))
        ana = people.customer(demo.ANA)
        await ana.is_in_conversation()
        said = emulator.send_text(ana.id, ana.id, "Antes")
        await people.settled()
        if waiting:
            emulator.fail_next("sendMessage", 502, chat_id=plain, times=1)
            for text in ("um", "dois"):
                emulator.send_text(ana.id, ana.id, text)
            await emulator.until(
                lambda: emulator.calls_of("sendMessage")[-1].params.get("text", "").endswith("um")
            )
        emulator.migrate(plain, NEW_ID)
        emulator.send_text(ana.id, ana.id, "Depois")
        emulator.edit_text(ana.id, ana.id, said["message_id"], "Mudei")
        await people.settled()
        texts_there = [m["text"] for m in people.messages(NEW_ID) if "text" in m]
        cards = [m for m in people.messages(NEW_ID) if "Ficha completa" in str(m)]
        cards = [m for m in cards if "reply_markup" in m]
        assert len(cards) == 1
        shown = "\n".join(texts_there)
        words = [*(("um", "dois") if waiting else ()), "Depois", "Mudei"]
        assert [shown.count(word) for word in words] == [1] * len(words)
        assert [w for w in shown.split() if w in words] == words
        emulator.send_text(BIA, NEW_ID, "Vi", reply_to=cards[0]["message_id"])
        await people.settled()
        assert ana.read[-1] == "Vi"
        assert people.texts(ADMIN_ID) == []
        assert people.balcao is not None
        assert [d.group_id for d in await people.balcao.departments.all()] == [NEW_ID]


@pytest.mark.parametrize("has_reply", [True, False])
async def test_who_writes_in_a_topic_is_checked_also_without_a_reply(
    forum: Telegram, ana: Customer, has_reply: bool
):
    assert forum.balcao
    stranger = forum.customer(demo.STRANGER)
    for number, (user_id, word) in enumerate(((stranger.id, "golpe"), (BIA, "boa tarde"))):
        message = {
            "message_id": 9_000 + number,
            "from": forum.emulator.user(user_id).api,
            "chat": forum.emulator.chat(GROUP_ID).api,
            "date": 1_795_000_000,
            "is_topic_message": True,
            "message_thread_id": forum.card["message_thread_id"],
        }
        if has_reply:
            message["reply_to_message"] = forum.card
        forum.emulator.chat(GROUP_ID).messages[9_000 + number] = message | {"text": word}
        update = {"update_id": 900_000 + number, "message": message | {"text": word}}
        await forum.balcao.inbox.take([update])
        await forum.settled()
    assert "golpe" not in ana.read
    assert ana.read[-1] == "boa tarde"
