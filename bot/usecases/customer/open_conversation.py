"""Use case: open a conversation when the customer has chosen a department."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from bot.domain.conversation import (
    Attendant,
    Conversation,
    ConversationEvent,
    Department,
    EventKind,
    LookupState,
)
from bot.domain.errors import TryLaterError
from bot.domain.protocol import new_protocol
from bot.usecases.attending.show_card import ShowCard
from bot.usecases.customer.current_chat import CurrentChat
from bot.usecases.ports import Conversations

FIRST_RETRY: Final = timedelta(seconds=5)
_PROTOCOL_DRAWS: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenConversation:
    """Opens the conversation in which the customer talks to attendants."""

    conversations: Conversations
    show_card: ShowCard
    clock: Callable[[], datetime]
    timezone: ZoneInfo

    async def __call__(
        self,
        current: CurrentChat,
        department: Department,
        *,
        profile_name: str,
        caller: Attendant | None = None,
    ) -> Conversation:
        """Return the chat's open conversation; create it if there is none. Safe to repeat.

        The customer gets a protocol even while the group cannot be reached: the card waits in the
        outbox.

        caller: the attendant or admin who opens it and has it from the start; None if the customer
            does.
        """
        conversation = await self.conversations.open_in(current.id)
        if conversation is None:
            conversation = await self._added(current, department, profile_name, caller)
        await self.show_card.post(conversation)
        return conversation

    async def _added(
        self,
        current: CurrentChat,
        department: Department,
        profile_name: str,
        caller: Attendant | None,
    ) -> Conversation:
        await current.verified()  # otherwise a proof that has ended would go on here
        now, chat = self.clock(), await current.get()
        registration = await current.registration() if chat.customer.registration_id else None
        for _ in range(_PROTOCOL_DRAWS):
            conversation = Conversation(
                id=uuid.uuid4().hex,
                protocol=new_protocol(now, self.timezone),
                chat_id=chat.id,
                department_id=department.id,
                # 0 until a group is linked: handled like a group that cannot be reached.
                group_id=department.group_id or 0,
                customer=replace(
                    chat.customer,
                    registration_id=registration.id if registration else None,
                    name=chat.customer.name or profile_name,
                ),
                priority=bool(registration and registration.goes_first_in(department.id)),
                lookup=LookupState(since=now, next_at=now + FIRST_RETRY)
                if chat.lookup_owed
                else None,
                opened_at=now,
                waiting_since=now,
                queued_at=now,
                asked_at=None if caller else now,
                # Whoever opens it says so, with the protocol; a caller is there.
                hours_told=not department.hours.is_open(now, self.timezone),
                card_version=registration.version if registration else 0,
                claimed_by=caller,
                claimed_at=now if caller else None,
                events=_opened(chat.id, caller, now),
            )
            if await self.conversations.add(conversation):
                return conversation
            if there := await self.conversations.open_in(chat.id):
                return there
        raise TryLaterError("no free protocol number was drawn")


def _opened(chat_id: int, caller: Attendant | None, at: datetime) -> tuple[ConversationEvent, ...]:
    if caller is None:
        return (ConversationEvent(at=at, by=f"chat:{chat_id}", what=EventKind.OPENED),)
    return tuple(
        ConversationEvent(at=at, by=f"user:{caller.id}", what=what, detail=caller.name)
        for what in (EventKind.OPENED, EventKind.CLAIMED)
    )
