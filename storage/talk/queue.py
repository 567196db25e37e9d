"""The queue: open conversations, and their transitions, each of which happens once in any race."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from bot.domain.conversation import Attendant, Conversation, ConversationEvent, Transfer
from bot.domain.reminder import Stage
from storage.engine.batching import FindOne
from storage.engine.connection import Collection, Database, Document, translated
from storage.talk.conversations import (
    LOWEST_CHAT,
    NEW_WAIT,
    WITHOUT_CARD,
    change_one,
    find_conversations,
    read_conversation,
)

# On the embedded server, the time of `$in` grows with the square of its keys.
_KEYS: Final = 100


class Queue:
    """Waiting conversations and their transitions."""

    def __init__(self, database: Database) -> None:
        self._conversations: Collection = database["conversations"]
        self._registrations: Collection = database["registrations"]
        self._by_protocol = FindOne(self._conversations, "protocol")

    async def all_open(self) -> list[Conversation]:
        """Return every open conversation, of all departments: some hundreds."""
        return await find_conversations(self._conversations, {"open_chat": {"$gte": LOWEST_CHAT}})

    async def by_protocol(self, protocol: str) -> Conversation | None:
        document = await self._by_protocol(protocol)
        return read_conversation(document) if document else None

    async def open_of(self, registration_id: str) -> list[Conversation]:
        """Return the open conversations of a registration, in any chat and department."""
        return await find_conversations(
            self._conversations, {"registration_id": registration_id, "closed_at": None}
        )

    async def last_closed(self, chat_id: int, *, since: datetime) -> Conversation | None:
        """Return the chat's conversation that was closed last; None if that was before `since`."""
        found = await find_conversations(
            self._conversations, {"chat_id": chat_id, "closed_at": {"$gte": since}}
        )
        return max(found, key=lambda one: one.closed_at or since, default=None)

    async def transfer(
        self,
        seen: Conversation,
        to: Conversation,
        event: ConversationEvent,
    ) -> bool:
        """Return True if it was transferred from its state in `seen` to its state in `to`.

        False when it was closed, moved, claimed or handed over meanwhile.
        """
        there = to.department_id != seen.department_id
        values: Document = {
            "department_id": to.department_id,
            "group_id": to.group_id,
            "priority": to.priority,
            "claimed_by": to.claimed_by.model_dump() if to.claimed_by else None,
            "claimed_at": to.claimed_at,
            "queued_at": to.queued_at,
            "transfer": to.transfer.model_dump() if to.transfer else None,
            **NEW_WAIT,
        }
        if there:
            values |= WITHOUT_CARD
            values["earlier_departments"] = list(to.earlier_departments)
        unset = ("topic",) if there else ()
        return await change_one(
            self._conversations, _as_seen(seen), values, event=event, unset=unset
        )

    async def set_announced(self, conversation_id: str, transfer: Transfer) -> None:
        """Store that the cards and the customer were notified of this transfer."""
        query: Document = {"_id": conversation_id, "transfer.at": transfer.at}
        await change_one(self._conversations, query, {"transfer.settled": True})

    async def reopen(
        self,
        closed: Conversation,
        holder: Attendant | None,
        event: ConversationEvent,
    ) -> bool:
        """Return True if this closed conversation is open again.

        False when it is open already, or when its chat has another open conversation.
        """
        values: Document = {
            "closed_at": None,
            "closed_by": None,
            "customer_told": False,
            "open_chat": closed.chat_id,
            "claimed_by": holder.model_dump() if holder else None,
            "claimed_at": event.at if holder else None,
            "waiting_since": event.at,
            "queued_at": event.at,
            # Who reopens it waits for nobody, if it is an attendant.
            "asked_at": None if event.by.startswith("user:") else event.at,
            "hours_told": False,
            **NEW_WAIT,
        }
        return await change_one(
            self._conversations,
            {"_id": closed.id, "closed_at": closed.closed_at},
            values,
            event=event,
        )

    async def remind(self, seen: Conversation, stage: Stage, event: ConversationEvent) -> bool:
        """Store the stage; return False if it has changed since, or waits no more."""
        query = _as_seen(seen) | {"reminded_at": seen.reminded_at}
        values: Document = {"reminders": int(stage), "reminded_at": event.at}
        return await change_one(self._conversations, query, values, event=event)

    async def prioritise(self, seen: Conversation, *, priority: bool) -> None:
        """Set its priority, if it is still in the department in which it was seen."""
        query: Document = {"_id": seen.id, "department_id": seen.department_id}
        await change_one(self._conversations, query, {"priority": priority})

    async def drawn(self, conversation_id: str, version: int, *, others: str) -> None:
        """Store which version of the registration, and which others, the card shows."""
        values = {"card_version": version, "card_others": others}
        await change_one(self._conversations, {"_id": conversation_id}, values)

    async def versions(self, registration_ids: Sequence[str]) -> dict[str, int]:
        """Return the version of each registration that exists, by id."""
        found: dict[str, int] = {}
        for start in range(0, len(registration_ids), _KEYS):
            keys = list(registration_ids[start : start + _KEYS])
            with translated():
                documents = await self._registrations.find(
                    {"_id": {"$in": keys}}, {"version": 1}
                ).to_list(None)
            found |= {document["_id"]: document["version"] for document in documents}
        return found


def _as_seen(seen: Conversation) -> Document:
    """Return the filter that matches the conversation only while it is open, in the same group and
    department, and with the same attendant."""
    holder: Document = (
        {"claimed_by.id": seen.claimed_by.id} if seen.claimed_by else {"claimed_by": None}
    )
    return {
        "_id": seen.id,
        "closed_at": None,
        "group_id": seen.group_id,
        "department_id": seen.department_id,
        **holder,
    }
