"""Use case: an attendant or admin opens a conversation with the customer of a registration."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bot.domain import proof
from bot.domain.conversation import Attendant, Chat, Conversation, Department
from bot.domain.registration import Registration
from bot.usecases.attending.attend import Gone
from bot.usecases.customer.current_chat import CurrentChat
from bot.usecases.customer.open_conversation import OpenConversation
from bot.usecases.ports import (
    Attends,
    Conversations,
    CustomerProfiles,
    Departments,
    LinkedChats,
    Registrations,
)

# A press that a crash cut short is handled again by then.
_SAME_CALL: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class CanBeCalled:
    registration: Registration
    chats: tuple[Chat, ...]
    """The chats that are verified for it: at least one."""


@dataclass(frozen=True, slots=True)
class NobodyVerified:
    """No chat is linked to the registration and verified for it now."""


@dataclass(frozen=True, slots=True)
class Blocked:
    """The customer has blocked the bot or deleted the account."""


@dataclass(frozen=True, slots=True)
class AlreadyOpen:
    """The chat has an open conversation; nothing was changed."""

    conversation: Conversation


@dataclass(frozen=True, slots=True)
class Called:
    """The conversation is open and claimed by the caller; the customer is to be told."""

    conversation: Conversation


@dataclass(frozen=True, slots=True, kw_only=True)
class CallCustomer:
    chats: LinkedChats
    registrations: Registrations
    conversations: Conversations
    departments: Departments
    open_conversation: OpenConversation
    profiles: CustomerProfiles
    attends: Attends
    holding: Callable[[int], AbstractAsyncContextManager[object]]
    """Holds the lock of a chat: its messages wait while the conversation opens."""
    clock: Callable[[], datetime]

    async def whom(
        self, registration_id: str, *, caller_id: int
    ) -> CanBeCalled | NobodyVerified | Gone:
        """Return the chats in which this customer can be called, or the reason why in none."""
        registration = await self.registrations.by_id(registration_id)
        if registration is None:
            return Gone()
        now = self.clock()
        chats = tuple(
            chat
            for chat in await self.chats.of_registration(registration_id)
            # Nobody calls himself, and the caller's own chat is locked already.
            if chat.id != caller_id and proof.holds(chat.customer, registration, at=now)
        )
        return CanBeCalled(registration, chats) if chats else NobodyVerified()

    async def of_conversation(
        self, conversation_id: str, *, group_id: int, caller_id: int
    ) -> CanBeCalled | NobodyVerified | Gone:
        """Do the same for the registration of a conversation of this group, open or closed."""
        conversation = await self.conversations.get(conversation_id)
        if conversation is None or conversation.group_id != group_id:
            return Gone()
        registration_id = conversation.customer.registration_id
        if registration_id is None:
            return Gone()
        return await self.whom(registration_id, caller_id=caller_id)

    async def departments_of(self, caller_id: int) -> Sequence[Department]:
        """Return the departments in whose groups the caller can answer."""
        return [
            one
            for one in await self.departments.all()
            if not one.archived
            and one.group_id is not None
            and await self.attends(caller_id, one.group_id)
        ]

    async def __call__(
        self, chat_id: int, registration_id: str, department: Department, caller: Attendant
    ) -> Called | AlreadyOpen | NobodyVerified | Blocked:
        """Open the conversation for the caller, unless the chat has one. Safe to repeat."""
        async with self.holding(chat_id):
            current = CurrentChat(chat_id, self.chats, self.registrations, self.clock)
            registration = await current.verified()
            if registration is None or registration.id != registration_id:
                return NobodyVerified()
            there = await self.conversations.open_in(chat_id)
            if there is None:
                name = await self.profiles.name(chat_id)
                if name is None:
                    return Blocked()
                there = await self.open_conversation(
                    current, department, profile_name=name, caller=caller
                )
                return Called(there)
        opened = there.events[0] if there.events else None
        is_ours = opened is not None and opened.by == f"user:{caller.id}"
        if is_ours and self.clock() - there.opened_at < _SAME_CALL:
            return Called(there)
        return AlreadyOpen(there)
