"""Use case: register the person of a conversation whom neither register nor ERP knows."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import structlog

from bot.domain.candidate import FROM_CHAT, Candidate, Create, Unchanged
from bot.domain.conversation import Conversation
from bot.domain.registration import ChangeSource, Kind, Phones, Provenance, Registration
from bot.usecases.ports import Chats, Conversations, LoginTries, RegisterAlerts
from bot.usecases.register.apply_candidate import ApplyCandidate

PROSPECTS_AN_HOUR: Final = 30
"""A company that wins more new customers by chat than this is not seen; a script does more."""

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterProspect:
    """Registers a person as a prospect when an attendant has taken the conversation.

    Not before: anybody can type documents of people who do not exist.
    """

    apply: ApplyCandidate
    chats: Chats
    conversations: Conversations
    made: LoginTries
    """Counts the registrations of an hour."""
    alerts: RegisterAlerts
    holding: Callable[[int], AbstractAsyncContextManager[object]]
    """Holds the lock of a chat: its messages wait while its link is changed."""
    clock: Callable[[], datetime]

    async def __call__(self, conversation: Conversation) -> Conversation:
        """Return the conversation, with its registration if one could be made. Safe to repeat."""
        if not _is_new(conversation):
            return conversation
        async with self.holding(conversation.chat_id):
            now = await self.conversations.get(conversation.id)
            return await self.in_lock(now) if now else conversation

    async def in_lock(self, conversation: Conversation) -> Conversation:
        """Do the same for a caller who holds the chat's lock."""
        is_seen = conversation.claimed_by or conversation.closed_by
        if not is_seen or not _is_new(conversation):
            return conversation
        registration = await self._registered(conversation)
        if registration is None:
            return conversation
        linked = replace(
            conversation,
            customer=replace(conversation.customer, registration_id=registration.id),
            priority=registration.goes_first_in(conversation.department_id),
            card_version=registration.version,
        )
        await self.conversations.identify(linked)
        chat = await self.chats.get(conversation.chat_id)
        if chat and chat.customer.link == (conversation.customer.tax_id, None):
            await self.chats.put(chat.linked_to(registration.id))
        return linked

    async def _registered(self, conversation: Conversation) -> Registration | None:
        customer, now = conversation.customer, self.clock()
        hour = f"prospects:{now:%Y-%m-%dT%H}"
        if not await self.made.take(hour, conversation.id, at=now, limit=PROSPECTS_AN_HOUR):
            logger.warning("too many prospects in an hour", conversation=conversation.id)
            await self.alerts.prospects_stopped(PROSPECTS_AN_HOUR)
            return None
        candidate = Candidate(
            tax_id=customer.tax_id,
            name=customer.name,
            # Marked as given by a chat only: it does not prove an identity.
            phones=Phones(mobile=customer.phone),
            kinds=frozenset((Kind.PROSPECT,)),
        )
        provenance = Provenance(
            at=now, by=f"chat:{conversation.chat_id}", way=ChangeSource.IDENTIFICATION
        )
        decision = await self.apply(candidate, FROM_CHAT, provenance)
        return decision.registration if isinstance(decision, Create | Unchanged) else None


def _is_new(conversation: Conversation) -> bool:
    """Return True if neither register nor ERP knows the person, whose name is known."""
    customer = conversation.customer
    return bool(
        customer.registration_id is None
        and conversation.lookup is None
        and customer.tax_id
        and customer.name
    )
