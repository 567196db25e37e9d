"""Chats and conversations: claimed once, one open per chat, nothing forgotten."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from bot.domain.conversation import (
    Attendant,
    Chat,
    Conversation,
    Identification,
    Identity,
    Link,
    LookupState,
    VerifiedBy,
)
from bot.domain.tax_id import TaxId
from storage.talk.conversations import Chats, Conversations
from storage.talk.links import Links
from tests.storage.records import CPF, NOW, RUI, after, chat, conversation


@pytest.fixture
def conversations(database: Any) -> Conversations:
    return Conversations(database)


FULL_CHAT = chat(
    5,
    privacy_notice_at=NOW,
    tax_id=CPF,
    registration_id="r1",
    identity=Identity.VERIFIED,
    lookup_owed=True,
    phone="+5549999998888",
    name="Ana <b>",
    attempts=("a1", "b2"),
    attempts_on="2026-11-24",
)
FULL = conversation(
    tax_id=CPF,
    registration_id="r1",
    identity=Identity.VERIFIED,
    phone="+5549999998888",
    priority=True,
    lookup=LookupState(attempts=3, since=NOW, next_at=after(seconds=5)),
    claimed_by=RUI,
    claimed_at=after(seconds=1),
    closed_by="Rui",
    closed_at=after(seconds=2),
    card_message_id=77,
)


@pytest.mark.parametrize(
    "chat",
    [FULL_CHAT, Chat(id=-7), chat(2**52, tax_id=TaxId("A:B", "PT"))],
    ids=["full", "empty", "big id"],
)
async def test_a_chat_comes_back_as_it_went_in(database: Any, chat: Chat):
    chats = Chats(database)
    assert await chats.get(chat.id) is None
    await chats.put(chat)
    assert await chats.get(chat.id) == chat


async def test_a_chat_and_a_conversation_are_stored_flat_as_ever(database: Any):
    """Documents that an earlier version wrote are read, and stored again as they were."""
    known = {
        "tax_id": CPF.key,
        "registration_id": "r1",
        "identity": "verified",
        "verified_at": NOW,
        "verified_by": "attendant",
        "verifier": {"id": 9, "name": "Rui"},
        "phone": "+5549999998888",
    }
    of_chat = {
        "_id": 5,
        **known,
        "given_name": "Ana",
        "privacy_notice_at": NOW,
        "privacy_notice_version": "v1",
        "lookup_owed": False,
        "attempts": ["a1"],
        "attempts_on": "2026-11-24",
    }
    of_conversation = await _before(database, known)
    await database["chats"].insert_one(of_chat)
    chats, conversations = Chats(database), Conversations(database)
    there, talk = await chats.get(5), await conversations.get("c1")
    assert there
    assert talk
    proven = Identification(
        tax_id=CPF,
        registration_id="r1",
        phone="+5549999998888",
        name="Ana",
    ).verified(VerifiedBy.ATTENDANT, at=NOW, verifier=RUI)
    assert there.customer == proven
    assert talk.customer == proven
    await chats.put(there)
    assert await database["chats"].find_one({"_id": 5}) == of_chat
    await database["conversations"].delete_one({"_id": "c1"})
    await conversations.add(talk)
    assert await database["conversations"].find_one({"_id": "c1"}) == of_conversation


async def _before(database: Any, known: dict[str, Any]) -> dict[str, Any]:
    """Store a conversation as version 1 did, and return its document."""
    document = {
        "_id": "c1",
        "protocol": "20261124-000001",
        "chat_id": 5,
        "department_id": "atendimento",
        "group_id": -100,
        **known,
        "shown_name": "Ana",
        "priority": False,
        "opened_at": NOW,
        "waiting_since": NOW,
        "queued_at": NOW,
        "reminders": 0,
        "reminded_at": None,
        "transfer": None,
        "claimed_by": None,
        "claimed_at": None,
        "closed_by": None,
        "closed_at": None,
        "customer_told": False,
        "card_message_id": None,
        "topic_id": None,
        "topic_shown": "",
        "card_version": 1,
        "card_others": "",
        "events": [{"at": NOW, "by": "chat:5", "what": "opened", "detail": ""}],
        "open_chat": 5,
    }
    await database["conversations"].insert_one(document)
    return document


async def test_putting_a_chat_again_replaces_it_whole(database: Any):
    chats = Chats(database)
    await chats.put(FULL_CHAT)
    await chats.put(Chat(id=5))
    await chats.put(chat(6, phone="+1"))
    assert await chats.get(5) == Chat(id=5)


@pytest.mark.parametrize("stored", [FULL, conversation()], ids=["full", "new"])
async def test_a_conversation_comes_back_as_it_went_in(
    conversations: Conversations, stored: Conversation
):
    assert await conversations.add(stored)
    assert await conversations.get(stored.id) == stored
    assert await conversations.get("other") is None


async def test_a_chat_has_one_open_conversation_whoever_races(conversations: Conversations):
    rivals = [conversation(n, chat_id=5) for n in range(20)]
    added = await asyncio.gather(*[conversations.add(rival) for rival in rivals])
    assert added.count(True) == 1
    assert await conversations.open_in(5) == rivals[added.index(True)]
    assert await conversations.open_in(6) is None


async def test_a_protocol_is_given_once(conversations: Conversations):
    rivals = [conversation(n, protocol="20261124-000000") for n in range(20)]
    added = await asyncio.gather(*[conversations.add(rival) for rival in rivals])
    assert added.count(True) == 1
    assert not await conversations.add(conversation(99, protocol="20261124-000000"))


async def test_after_closing_the_next_conversation_may_open(conversations: Conversations):
    assert await conversations.add(conversation(1, chat_id=5))
    assert not await conversations.add(conversation(2, chat_id=5))
    assert await conversations.close("c1", RUI, at=after(seconds=9))
    assert await conversations.open_in(5) is None
    assert await conversations.add(conversation(2, chat_id=5))
    closed = await conversations.get("c1")
    assert closed
    assert (closed.closed_by, closed.closed_at, closed.is_open) == ("Rui", after(seconds=9), False)


async def test_of_twenty_who_claim_at_once_one_has_it(conversations: Conversations):
    await conversations.add(conversation())
    attendants = [Attendant(id=n, name=f"A{n}") for n in range(20)]
    won = await asyncio.gather(*[conversations.claim("c1", a, at=NOW) for a in attendants])
    assert won.count(True) == 1
    claimed = await conversations.get("c1")
    assert claimed
    assert claimed.claimed_by == attendants[won.index(True)]
    assert claimed.claimed_at == NOW
    assert not await conversations.claim("c1", attendants[won.index(True)], at=after(hours=1))


async def test_of_twenty_who_close_at_once_one_did(conversations: Conversations):
    await conversations.add(conversation())
    closed = await asyncio.gather(
        *[
            conversations.close("c1", Attendant(id=n, name=f"A{n}"), at=after(seconds=n))
            for n in range(20)
        ]
    )
    assert closed.count(True) == 1
    stored = await conversations.get("c1")
    assert stored
    assert stored.closed_by == f"A{closed.index(True)}"


async def test_what_is_closed_or_unknown_cannot_be_claimed(conversations: Conversations):
    await conversations.add(conversation())
    await conversations.close("c1", None, at=NOW)
    assert not await conversations.claim("c1", Attendant(id=1, name="A"), at=NOW)
    assert not await conversations.claim("c9", Attendant(id=1, name="A"), at=NOW)
    assert not await conversations.close("c9", None, at=NOW)


async def test_the_card_is_remembered(conversations: Conversations):
    await conversations.add(conversation())
    shown = conversation(card_message_id=77, topic_id=70, topic_shown="Ana|open")
    await conversations.set_card(shown)
    assert await conversations.get("c1") == shown
    assert await conversations.in_topic(shown.group_id, 70) == shown
    await conversations.set_card(conversation(card_message_id=78))
    assert await conversations.in_topic(shown.group_id, 70) is None


async def test_in_another_group_it_has_neither_card_nor_topic(conversations: Conversations):
    shown = conversation(card_message_id=77, topic_id=70, topic_shown="Ana|open")
    await conversations.add(conversation())
    await conversations.set_card(shown)
    await conversations.move("c1", -200)
    assert await conversations.get("c1") == conversation(group_id=-200)
    assert await conversations.in_topic(shown.group_id, 70) is None
    there = conversation(group_id=-200, card_message_id=5, topic_id=71)
    await conversations.set_card(there)
    # As one does that has read it in the other group.
    await conversations.move("c1", -200)
    assert await conversations.get("c1") == there
    assert await conversations.in_topic(-200, 71) == there


async def test_identifying_stores_who_it_is_and_leaves_the_rest(conversations: Conversations):
    await conversations.add(conversation(lookup=LookupState(since=NOW, next_at=NOW)))
    await conversations.claim("c1", Attendant(id=1, name="A"), at=NOW)
    await conversations.identify(
        conversation(identity=Identity.VERIFIED, tax_id=CPF, registration_id="r1", priority=True)
    )
    stored = await conversations.get("c1")
    assert stored
    assert replace(stored, events=()) == conversation(
        identity=Identity.VERIFIED,
        tax_id=CPF,
        registration_id="r1",
        priority=True,
        claimed_by=Attendant(id=1, name="A"),
        claimed_at=NOW,
    )
    assert await conversations.owed_lookups(until=after(days=9)) == []


async def test_owed_lookups_are_those_that_are_due_and_closed_ones_too(
    conversations: Conversations,
):
    for number in range(6):
        owed = LookupState(since=NOW, next_at=after(seconds=number)) if number else None
        await conversations.add(conversation(number, lookup=owed))
    await conversations.close("c1", None, at=NOW)
    due = await conversations.owed_lookups(until=after(seconds=3))
    assert sorted(one.id for one in due) == ["c1", "c2", "c3"]
    later = LookupState(attempts=2, since=NOW, next_at=after(hours=1))
    await conversations.identify(conversation(2, lookup=later))
    due = await conversations.owed_lookups(until=after(seconds=3))
    assert sorted(one.id for one in due) == ["c1", "c3"]
    [again] = [
        one for one in await conversations.owed_lookups(until=after(hours=1)) if one.id == "c2"
    ]
    assert again.lookup == later


async def test_the_latest_of_a_registration_come_newest_first(conversations: Conversations):
    for number in (3, 1, 5, 2, 4):
        await conversations.add(
            conversation(number, registration_id="r1", opened_at=after(hours=number))
        )
    await conversations.add(conversation(9, registration_id="r2", opened_at=after(hours=9)))
    latest = await conversations.latest_of("r1", count=3)
    assert [one.id for one in latest] == ["c5", "c4", "c3"]
    assert await conversations.latest_of("r3", count=3) == []


async def test_a_message_in_a_group_leads_to_its_conversation(database: Any):
    links = Links(database)
    message = Link(group_id=-100, message_id=7, conversation_id="c1")
    await asyncio.gather(*[links.add([message]) for _ in range(10)])
    await links.add([message.model_copy(update={"conversation_id": "c2"})])
    assert await links.of_group(-100, 7) == message
    assert await links.of_group(-100, 8) is None
    assert await links.of_group(-200, 7) is None


async def test_messages_that_were_sent_on_as_one_are_each_found(database: Any):
    links = Links(database)
    first = Link(
        group_id=-100,
        message_id=7,
        conversation_id="c1",
        customer_chat_id=5,
        customer_message_ids=(1, 2),
        by_customer=True,
    )
    again = first.model_copy(update={"message_id": 9, "customer_message_ids": (2,)})
    await links.add([first, again])
    assert await links.of_customer(5, 1) == first
    assert await links.of_customer(5, 2) == again, "sent twice: the latest counts"
    assert await links.of_customer(5, 3) is None
    assert await links.of_customer(6, 1) is None


async def test_a_link_marks_its_messages_as_sent(database: Any):
    links = Links(database)
    of_customer = Link(
        group_id=-100,
        message_id=7,
        conversation_id="c1",
        customer_chat_id=5,
        customer_message_ids=(1, 2),
        by_customer=True,
    )
    answer = of_customer.model_copy(
        update={"message_id": 8, "customer_message_ids": (3,), "by_customer": False}
    )
    sentence = Link(group_id=-100, message_id=9, conversation_id="c1", item="told:x")
    await links.add([of_customer, answer, sentence])
    wanted = ["5:1", "5:2", "-100:8", "told:x"]
    assert await links.sent([*wanted, "5:9", "-100:10", "told:y"]) == set(wanted)
    assert await links.sent(["told:y"]) == set()
    assert await Links(database).of_group(-100, 9) == sentence
