"""Use case: open a conversation when the customer has chosen a department."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from bot.domain.conversation import (
    Chat,
    Conversation,
    ConversationEvent,
    Department,
    EventKind,
    LookupState,
    new_protocol,
)
from bot.domain.errors import TryLaterError
from bot.usecases.attending.show_card import ShowCard
from bot.usecases.ports import Chats, Conversations, Registrations

FIRST_RETRY: Final = timedelta(seconds=5)
_PROTOCOL_DRAWS: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenConversation:
    """Opens the conversation in which the customer talks to attendants."""

    chats: Chats
    conversations: Conversations
    registrations: Registrations
    show_card: ShowCard
    clock: Callable[[], datetime]
    timezone: ZoneInfo

    async def __call__(
        self, chat_id: int, department: Department, *, profile_name: str
    ) -> Conversation:
        """Return the chat's open conversation; create it if there is none. Safe to repeat.

        The customer gets a protocol even while the group cannot be reached: the card waits in the
        outbox.
        """
        conversation = await self.conversations.open_in(chat_id)
        if conversation is None:
            chat = await self.chats.get(chat_id) or Chat(id=chat_id)
            conversation = await self._added(chat, department, profile_name)
        await self.show_card.post(conversation)
        return conversation

    async def _added(self, chat: Chat, department: Department, profile_name: str) -> Conversation:
        now = self.clock()
        registration = (
            await self.registrations.by_id(chat.registration_id) if chat.registration_id else None
        )
        for _ in range(_PROTOCOL_DRAWS):
            conversation = Conversation(
                id=uuid.uuid4().hex,
                protocol=new_protocol(now, self.timezone),
                chat_id=chat.id,
                department_id=department.id,
                # 0 until a group is linked: handled like a group that cannot be reached.
                group_id=department.group_id or 0,
                identity=chat.identity,
                verified_at=chat.verified_at,
                verified_by=chat.verified_by,
                verifier=chat.verifier,
                tax_id=chat.tax_id,
                registration_id=registration.id if registration else None,
                shown_name=chat.given_name or profile_name,
                phone=chat.phone,
                priority=bool(registration and registration.goes_first_in(department.id)),
                lookup=LookupState(since=now, next_at=now + FIRST_RETRY)
                if chat.lookup_owed
                else None,
                opened_at=now,
                waiting_since=now,
                queued_at=now,
                card_version=registration.version if registration else 0,
                events=(ConversationEvent(at=now, by=f"chat:{chat.id}", what=EventKind.OPENED),),
            )
            if await self.conversations.add(conversation):
                return conversation
            if there := await self.conversations.open_in(chat.id):
                return there
        raise TryLaterError("no free protocol number was drawn")
