"""Stored chats and conversations."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Final, Literal

from pydantic import TypeAdapter
from pymongo import ReplaceOne, UpdateOne
from pymongo.errors import DuplicateKeyError

from bot.domain.conversation import (
    Attendant,
    Chat,
    Conversation,
    ConversationEvent,
    EventKind,
    Identification,
)
from bot.domain.tax_id import TaxId
from storage.engine.batching import FindOne, InsertOne, Write
from storage.engine.connection import Collection, Database, Document, translated
from storage.engine.repeating import update_once

_CHAT: Final = TypeAdapter(Chat)
_CONVERSATION: Final = TypeAdapter(Conversation)
_OF_CUSTOMER: Final = [one.name for one in fields(Identification) if one.name != "name"]
PROOF: Final = ("identity", "verified_at", "verified_by", "verifier", "proof")
"""The fields that hold the proof of an identity, in a chat as in a conversation."""
# Below every chat id, and a number: a range keeps the count in the index.
LOWEST_CHAT: Final = -(2**63)
# As in documents of earlier versions, which are to be stored as they were.
_ABSENT_WHEN_EMPTY: Final = (
    "other_document",
    "asked_at",
    "hours_told",
    "buttons_at",
    "earlier_departments",
)
NEW_WAIT: Final = {"reminders": 0, "reminded_at": None}
"""What a change sets with which another wait begins: its reminders start again."""
WITHOUT_CARD: Final[Document] = {
    "card_message_id": None,
    "buttons_at": None,
    "topic_id": None,
    "topic_shown": "",
}
"""The fields of a card's place in the group, before there is one."""
Tie = tuple[Literal["registration_id", "tax_id"], str]
"""A link from a chat or a conversation to a person; a tax id by its `TaxId.key`."""


class Chats:
    """Private chats with customers, by their Telegram id."""

    def __init__(self, database: Database) -> None:
        self._chats: Collection = database["chats"]
        self._find = FindOne(self._chats)
        self._write = Write(self._chats)

    async def get(self, chat_id: int) -> Chat | None:
        document = await self._find(chat_id)
        return _read_chat(document) if document else None

    async def put(self, chat: Chat) -> None:
        """Store the whole chat; the caller holds the chat's lock, so no other write is lost."""
        await self._write(ReplaceOne({"_id": chat.id}, chat_document(chat), upsert=True))

    async def of_registration(self, registration_id: str) -> list[Chat]:
        """Return the chats that are linked to this registration."""
        return await self.linked([("registration_id", registration_id)])

    async def linked(self, links: Sequence[Tie]) -> list[Chat]:
        """Return the chats that have one of these links, each once."""
        documents = await _linked(self._chats, links)
        return [_read_chat(document) for document in documents]


class Conversations:
    """Conversations (atendimentos); a chat has at most one open conversation."""

    def __init__(self, database: Database) -> None:
        self._conversations: Collection = database["conversations"]
        self._by_id = FindOne(self._conversations)
        self._by_open_chat = FindOne(self._conversations, "open_chat")
        self._insert = InsertOne(self._conversations)
        self._write = Write(self._conversations)
        self._by_topic = FindOne(self._conversations, "topic")

    async def get(self, conversation_id: str) -> Conversation | None:
        document = await self._by_id(conversation_id)
        return read_conversation(document) if document else None

    async def open_in(self, chat_id: int) -> Conversation | None:
        """Return the open conversation of this chat, or None."""
        document = await self._by_open_chat(chat_id)
        return read_conversation(document) if document else None

    async def count_open(self) -> int:
        with translated():
            return int(
                await self._conversations.count_documents({"open_chat": {"$gte": LOWEST_CHAT}})
            )

    async def add(self, conversation: Conversation) -> bool:
        """Return True if it was stored; False if the protocol is taken or the chat has one
        open."""
        return await self._insert(
            conversation_document(conversation) | {"open_chat": conversation.chat_id}
        )

    async def latest_of(self, registration_id: str, *, count: int) -> list[Conversation]:
        """Return the newest conversations of a registration, newest first."""
        with translated():
            documents = (
                await self._conversations.find({"registration_id": registration_id})
                .sort("opened_at", -1)
                .limit(count)
                .to_list(None)
            )
        return [read_conversation(document) for document in documents]

    async def linked(self, links: Sequence[Tie]) -> list[Conversation]:
        """Return the conversations that have one of these links, each once."""
        return [
            read_conversation(document) for document in await _linked(self._conversations, links)
        ]

    async def claim(
        self,
        conversation_id: str,
        attendant: Attendant,
        *,
        at: datetime,
        in_group: int | None = None,
    ) -> bool:
        """Return True if this attendant claimed it; of concurrent presses only one succeeds.

        in_group: claim it only while it is in this group.
        """
        query: Document = {"_id": conversation_id, "claimed_by": None, "closed_at": None}
        return await change_one(
            self._conversations,
            query | _in(in_group),
            {"claimed_by": attendant.model_dump(), "claimed_at": at, **NEW_WAIT},
            event=_event(EventKind.CLAIMED, attendant, at),
        )

    async def close(
        self,
        conversation_id: str,
        by: Attendant | None,
        *,
        at: datetime,
        in_group: int | None = None,
    ) -> bool:
        """Return True if it was open and is closed now; `by` is None when the customer ends it."""
        query: Document = {"_id": conversation_id, "closed_at": None}
        return await change_one(
            self._conversations,
            query | _in(in_group),
            {"closed_by": by.name if by else None, "closed_at": at},
            unset=("open_chat",),
            event=_event(EventKind.CLOSED, by, at),
        )

    async def set_customer_notified(self, conversation_id: str) -> None:
        change = {"$set": {"customer_told": True}}
        await self._write(UpdateOne({"_id": conversation_id}, change))

    async def set_hours_told(self, conversation_id: str) -> None:
        await change_one(self._conversations, {"_id": conversation_id}, {"hours_told": True})

    async def asked(self, conversation_id: str, *, at: datetime) -> None:
        """Store the time of the first of the customer's words that nobody has answered."""
        query: Document = {"_id": conversation_id, "asked_at": None}
        await change_one(self._conversations, query, {"asked_at": at})

    async def answered(self, conversation: Conversation) -> None:
        """Store that all is answered, unless the customer has begun to wait again since then."""
        query: Document = {"_id": conversation.id, "asked_at": conversation.asked_at}
        await change_one(self._conversations, query, {"asked_at": None, **NEW_WAIT})

    async def set_card(self, conversation: Conversation) -> None:
        """Store the message id of its card, and its topic."""
        topic_id = conversation.topic_id
        values = {
            "card_message_id": conversation.card_message_id,
            "topic_id": topic_id,
            "topic_shown": conversation.topic_shown,
        }
        change: Document = {"$set": values}
        if topic_id is None:
            change["$unset"] = {"topic": ""}
        else:
            values["topic"] = _topic_key(conversation.group_id, topic_id)
        await self._write(UpdateOne({"_id": conversation.id}, change))

    async def set_buttons(self, conversation_id: str, message_id: int) -> None:
        """Store below which message the card's buttons stand a second time."""
        change: Document = {"$set": {"buttons_at": message_id}}
        await self._write(UpdateOne({"_id": conversation_id}, change))

    async def in_topic(self, group_id: int, topic_id: int) -> Conversation | None:
        """Return the conversation that has this topic, or None."""
        document = await self._by_topic(_topic_key(group_id, topic_id))
        return read_conversation(document) if document else None

    async def move(self, conversation_id: str, group_id: int) -> None:
        """Move it to another group, where it has no card yet; leave it there with its card if it
        is there already."""
        await change_one(
            self._conversations,
            {"_id": conversation_id, "group_id": {"$ne": group_id}},
            {"group_id": group_id} | WITHOUT_CARD,
            unset=("topic",),
        )

    async def set_other_document(self, conversation_id: str, tax_key: str) -> None:
        """Store the other document that the customer sent, by `TaxId.key`."""
        change: Document = {"$set": {"other_document": tax_key}}
        await self._write(UpdateOne({"_id": conversation_id}, change))

    async def identify(
        self, conversation: Conversation, event: ConversationEvent | None = None
    ) -> None:
        """Store the known identity of the customer, and the ERP look-up that is still due."""
        values = conversation_document(conversation)
        known = (*PROOF, "tax_id", "registration_id", "shown_name", "phone", "priority")
        owed = values.get("lookup")
        await change_one(
            self._conversations,
            {"_id": conversation.id},
            {key: values.get(key) for key in (*known, "card_version")}
            | ({"lookup": owed} if owed else {})
            | {"other_document": conversation.other_document},
            unset=() if owed else ("lookup",),
            event=event,
        )

    async def owed_lookups(self, *, until: datetime) -> list[Conversation]:
        """Return the conversations whose next ERP look-up is due, also closed ones.

        Otherwise a person who is new to the register would be lost when the conversation is
        closed.
        """
        return await find_conversations(self._conversations, {"lookup.next_at": {"$lte": until}})


async def find_conversations(conversations: Collection, query: Document) -> list[Conversation]:
    with translated():
        documents = await conversations.find(query).to_list(None)
    return [read_conversation(document) for document in documents]


async def change_one(
    conversations: Collection,
    query: Document,
    values: Document,
    *,
    unset: tuple[str, ...] = (),
    event: ConversationEvent | None = None,
) -> bool:
    """Change the conversation that matches, with the event in its history; True if one did.

    False also when its chat has another open conversation.
    """
    change: Document = {"$set": values}
    if event:
        change["$push"] = {"events": event.model_dump()}
    if unset:
        change["$unset"] = dict.fromkeys(unset, "")
    with translated():
        try:
            return await update_once(conversations, query, change)
        except DuplicateKeyError:
            return False


def _topic_key(group_id: int, topic_id: int) -> str:
    return f"{group_id}:{topic_id}"


async def _linked(collection: Collection, links: Sequence[Tie]) -> list[Document]:
    found: Document = {}
    for field, value in links:
        with translated():
            documents = await collection.find({field: value}).to_list(None)
        found.update((document["_id"], document) for document in documents)
    return list(found.values())


def _in(group_id: int | None) -> Document:
    return {} if group_id is None else {"group_id": group_id}


def _event(what: EventKind, by: Attendant | None, at: datetime) -> ConversationEvent:
    """Return the event; without an attendant the customer caused it."""
    if by is None:
        return ConversationEvent(at=at, by="customer", what=what)
    return ConversationEvent(at=at, by=f"user:{by.id}", what=what, detail=by.name)


def read_conversation(document: Document) -> Conversation:
    return _CONVERSATION.validate_python(_unflattened(document, name="shown_name"))


def chat_document(chat: Chat) -> Document:
    document = _flattened(_CHAT.dump_python(chat), chat.customer, name="given_name")
    if not chat.united_from:
        # Absent as in documents of earlier versions.
        del document["united_from"]
    return document


def _read_chat(document: Document) -> Chat:
    return _CHAT.validate_python(_unflattened(document, name="given_name"))


def conversation_document(conversation: Conversation) -> Document:
    document = _flattened(
        _CONVERSATION.dump_python(conversation), conversation.customer, name="shown_name"
    )
    for name in _ABSENT_WHEN_EMPTY:
        if not document[name]:
            # Absent as in documents of earlier versions.
            del document[name]
    if document["lookup"] is None:
        # Absent, not null, so that the sparse index holds only look-ups that are due.
        del document["lookup"]
    return document


def _flattened(document: Document, customer: Identification, *, name: str) -> Document:
    """Return the document with the fields of the identification beside all others.

    name: the field that holds its name.
    """
    known = document.pop("customer")
    known[name] = known.pop("name")
    known["tax_id"] = customer.tax_id.key if customer.tax_id else None
    document["_id"] = document.pop("id")
    if known["proof"] is None:
        # Absent as in documents of earlier versions, which are to be stored as they were.
        del known["proof"]
    flat = document | known
    return {key: list(one) if isinstance(one, tuple) else one for key, one in flat.items()}


def _unflattened(document: Document, *, name: str) -> Document:
    values = dict(document)
    values["id"] = values.pop("_id")
    customer = {key: values.pop(key) for key in _OF_CUSTOMER if key in values}
    customer["name"] = values.pop(name, None)
    if key := customer.get("tax_id"):
        country, _, number = key.partition(":")
        customer["tax_id"] = TaxId(number, country)
    values["customer"] = customer
    return values
