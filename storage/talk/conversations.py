"""Chats and conversations."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Literal

from pymongo import ReplaceOne, UpdateOne

from bot.domain.conversation import (
    Attendant,
    Chat,
    Conversation,
    ConversationEvent,
    EventKind,
)
from bot.domain.tax_id import TaxId
from storage.engine.batching import FindOne, InsertOne, Write
from storage.engine.connection import Collection, Database, Document, translated

# A number, and so below every chat's: a range keeps the count in the index.
LOWEST_CHAT: Final = -(2**63)
Tie = tuple[Literal["registration_id", "tax_id"], str]
"""What ties a chat or a conversation to a person; a document by its `TaxId.key`."""


class Chats:
    """Private chats with customers, by their Telegram id."""

    def __init__(self, database: Database) -> None:
        self._chats: Collection = database["chats"]
        self._find = FindOne(self._chats)
        self._write = Write(self._chats)

    async def get(self, chat_id: int) -> Chat | None:
        document = await self._find(chat_id)
        return Chat.model_validate(_read(document)) if document else None

    async def put(self, chat: Chat) -> None:
        """Store the whole chat; whoever writes holds the chat's lock, so nobody is overwritten."""
        await self._write(ReplaceOne({"_id": chat.id}, _written(chat), upsert=True))

    async def linked(self, links: Sequence[Tie]) -> list[Chat]:
        """Those that one of the links holds for, each once."""
        documents = await _linked(self._chats, links)
        return [Chat.model_validate(_read(document)) for document in documents]


class Conversations:
    """Atendimentos; a chat has at most one that is open."""

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
        """The open conversation of this chat."""
        document = await self._by_open_chat(chat_id)
        return read_conversation(document) if document else None

    async def count_open(self) -> int:
        with translated():
            return int(
                await self._conversations.count_documents({"open_chat": {"$gte": LOWEST_CHAT}})
            )

    async def add(self, conversation: Conversation) -> bool:
        """Whether it was stored; False when the protocol is taken or the chat has one open."""
        return await self._insert(_written(conversation) | {"open_chat": conversation.chat_id})

    async def latest_of(self, registration_id: str, *, count: int) -> list[Conversation]:
        """The newest conversations of a registration, newest first."""
        with translated():
            documents = (
                await self._conversations.find({"registration_id": registration_id})
                .sort("opened_at", -1)
                .limit(count)
                .to_list(None)
            )
        return [read_conversation(document) for document in documents]

    async def linked(self, links: Sequence[Tie]) -> list[Conversation]:
        """Those that one of the links holds for, each once."""
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
        """Whether this attendant has it now; only one of those who press at once does.

        in_group: only while it is in this group.
        """
        query: Document = {"_id": conversation_id, "claimed_by": None, "closed_at": None}
        return await self._set(
            query | _in(in_group),
            {"claimed_by": attendant.model_dump(), "claimed_at": at},
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
        """Whether it was open until now; `by` is None when the customer ends it."""
        query: Document = {"_id": conversation_id, "closed_at": None}
        return await self._set(
            query | _in(in_group),
            {"closed_by": by.name if by else None, "closed_at": at},
            unset=("open_chat",),
            event=_event(EventKind.CLOSED, by, at),
        )

    async def set_customer_notified(self, conversation_id: str) -> None:
        change = {"$set": {"customer_told": True}}
        await self._write(UpdateOne({"_id": conversation_id}, change))

    async def set_card(self, conversation: Conversation) -> None:
        """Store where its card is, and its topic."""
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

    async def in_topic(self, group_id: int, topic_id: int) -> Conversation | None:
        """The conversation whose topic this is."""
        document = await self._by_topic(_topic_key(group_id, topic_id))
        return read_conversation(document) if document else None

    async def move(self, conversation_id: str, group_id: int) -> None:
        """It goes on in another group, where it has no card yet."""
        await self._set(
            {"_id": conversation_id},
            {"group_id": group_id, "card_message_id": None, "topic_id": None, "topic_shown": ""},
            unset=("topic",),
        )

    async def identify(self, conversation: Conversation) -> None:
        """Store what is known by now: who the customer is, and which look-up is still owed."""
        values = _written(conversation)
        known = (
            *("identity", "verified_at", "verified_by", "verifier"),
            *("tax_id", "registration_id", "shown_name", "phone", "priority"),
            "card_version",
        )
        owed = values.get("lookup")
        await self._set(
            {"_id": conversation.id},
            {key: values[key] for key in known if values[key] is not None}
            | ({"lookup": owed} if owed else {}),
            unset=() if owed else ("lookup",),
        )

    async def owed_lookups(self, *, until: datetime) -> list[Conversation]:
        """Conversations whose next look-up in the ERP is due; closed ones too, since a person
        who was new to the register must not be lost with them."""
        with translated():
            documents = await self._conversations.find(
                {"lookup.next_at": {"$lte": until}}
            ).to_list(None)
        return [read_conversation(document) for document in documents]

    async def _set(
        self,
        query: Document,
        values: Document,
        unset: tuple[str, ...] = (),
        event: ConversationEvent | None = None,
    ) -> bool:
        change: Document = {"$set": values}
        if event:
            change["$push"] = {"events": event.model_dump()}
        if unset:
            change["$unset"] = dict.fromkeys(unset, "")
        with translated():
            result = await self._conversations.update_one(query, change)
        return bool(result.matched_count)


def _topic_key(group_id: int, topic_id: int) -> str:
    return f"{group_id}:{topic_id}"


async def _linked(collection: Collection, links: Sequence[Tie]) -> list[Document]:
    found: dict[Any, Document] = {}
    for field, value in links:
        with translated():
            documents = await collection.find({field: value}).to_list(None)
        found.update((document["_id"], document) for document in documents)
    return list(found.values())


def _in(group_id: int | None) -> Document:
    return {} if group_id is None else {"group_id": group_id}


def _event(what: EventKind, by: Attendant | None, at: datetime) -> ConversationEvent:
    """Without an attendant it is the customer's doing."""
    if by is None:
        return ConversationEvent(at=at, by="customer", what=what)
    return ConversationEvent(at=at, by=f"user:{by.id}", what=what, detail=by.name)


def read_conversation(document: Document) -> Conversation:
    return Conversation.model_validate(_read(document))


def _written(model: Chat | Conversation) -> Document:
    document = model.model_dump(exclude={"id", "tax_id"})
    document["_id"] = model.id
    document["tax_id"] = model.tax_id.key if model.tax_id else None
    if document.get("lookup", "") is None:
        # Absent, not null: the sparse index holds only what is owed.
        del document["lookup"]
    return {k: list(v) if isinstance(v, tuple) else v for k, v in document.items()}


def _read(document: Document) -> dict[str, Any]:
    values = dict(document)
    values["id"] = values.pop("_id")
    values.pop("open_chat", None)
    values.pop("topic", None)
    if key := values.get("tax_id"):
        country, _, number = key.partition(":")
        values["tax_id"] = TaxId(number, country)
    return values
