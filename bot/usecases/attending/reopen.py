"""Use case: reopen a closed conversation, with the same protocol."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.conversation import Attendant, Chat, Conversation, ConversationEvent, EventKind
from bot.domain.data_subject import ANONYMISED_NAME
from bot.domain.thanks import WITHIN as THANKED_WITHIN
from bot.usecases.attending.attend import Done, Gone
from bot.usecases.attending.register_prospect import RegisterProspect
from bot.usecases.attending.show_card import ShowCard
from bot.usecases.ports import Attends, Chats, Conversations, Departments, Queue


@dataclass(frozen=True, slots=True)
class OpenAlready:
    """This conversation is open already, for instance reopened by another attendant."""


@dataclass(frozen=True, slots=True)
class OtherIsOpen:
    """The customer has another open conversation by now."""

    conversation: Conversation


@dataclass(frozen=True, slots=True)
class CustomerLeft:
    """The customer ended the conversation, or the chat has another document by now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReopenConversation:
    queue: Queue
    chats: Chats
    conversations: Conversations
    departments: Departments
    show_card: ShowCard
    register_prospect: RegisterProspect
    attends: Attends
    within: timedelta
    """The time after the closing in which a customer's message reopens it; zero for never."""
    clock: Callable[[], datetime]

    async def last_of(self, chat: Chat) -> Conversation | None:
        """Return the chat's conversation that an attendant closed a short time ago, or None."""
        since = self.clock() - max(self.within, THANKED_WITHIN)
        closed = await self.queue.last_closed(chat.id, since=since)
        return closed if closed and _is_of(closed, chat) else None

    async def by_customer(self, chat: Chat, closed: Conversation) -> Conversation | None:
        """Reopen what `last_of` returned if it was closed within `within`; return it, or None.

        It goes to the attendant who had it, if still in the group, else to the queue.
        """
        now = self.clock()
        if closed.closed_at is None or closed.closed_at <= now - self.within:
            return None
        if not await self._has_group(closed):
            return None
        holder = closed.claimed_by
        if holder and not await self.attends(holder.id, closed.group_id):
            holder = None
        event = ConversationEvent(at=now, by=f"chat:{chat.id}", what=EventKind.REOPENED)
        if not await self.queue.reopen(closed, holder, event):
            return None
        reopened = await self.conversations.get(closed.id)
        if reopened:
            await self.show_card.refresh(reopened)
        return reopened

    async def by_attendant(
        self, conversation_id: str, attendant: Attendant, *, group_id: int
    ) -> Done | OpenAlready | OtherIsOpen | CustomerLeft | Gone:
        """Reopen the conversation for this attendant, unless the customer has another open one."""
        closed = await self.conversations.get(conversation_id)
        if closed is None or closed.group_id != group_id:
            return Gone()
        if closed.is_open:
            return OpenAlready()
        chat = await self.chats.get(closed.chat_id)
        if chat is None or not _is_of(closed, chat):
            return CustomerLeft()
        event = ConversationEvent(
            at=self.clock(),
            by=f"user:{attendant.id}",
            what=EventKind.REOPENED,
            detail=attendant.name,
        )
        won = await self.queue.reopen(closed, attendant, event)
        there = await self.conversations.get(closed.id)
        if there is None:
            return Gone()
        if not won:
            other = await self.conversations.open_in(closed.chat_id)
            return OpenAlready() if there.is_open or other is None else OtherIsOpen(other)
        there = await self.register_prospect(there)
        await self.show_card.refresh(there)
        return Done(there)

    async def _has_group(self, closed: Conversation) -> bool:
        return any(
            one.id == closed.department_id and one.group_id is not None and not one.archived
            for one in await self.departments.all()
        )


def _is_of(closed: Conversation, chat: Chat) -> bool:
    """Return True if an attendant closed it and the chat still has the same document.

    False if its customer was anonymised: the chat begins as anybody's does.
    """
    is_nobody = closed.shown_name == ANONYMISED_NAME
    is_same = closed.customer.tax_id == chat.customer.tax_id
    return closed.closed_by is not None and is_same and not is_nobody
