"""Use case: retry the look-ups that the ERP has not answered, until it answers."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from bot.domain.conversation import Chat, Conversation, LookupState, VerifiedBy
from bot.domain.proof import phone_proof
from bot.domain.registration import Registration
from bot.usecases.attending.register_prospect import RegisterProspect
from bot.usecases.attending.show_card import ShowCard
from bot.usecases.customer.identify import Found, LookUp, LookupOutcome, NotConsulted
from bot.usecases.customer.identify_conversation import identified
from bot.usecases.ports import Chats, Conversations, Registrations

_LEASE: Final = "lookups"
# In the first hour an attendant may need the answer; later it only completes the register.
_FIRST_PAUSE: Final = timedelta(seconds=5)
_LONGEST_PAUSE: Final = timedelta(minutes=1)
_EARLY: Final = timedelta(hours=1)
_LATE_PAUSE: Final = timedelta(minutes=15)
# Then the person is registered from the chat's own data; a sync adds the rest later.
_GIVE_UP: Final = timedelta(days=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryLookups:
    """Retries, in one round, the look-ups of all conversations that are due."""

    chats: Chats
    conversations: Conversations
    registrations: Registrations
    look_up: LookUp
    register_prospect: RegisterProspect
    show_card: ShowCard
    holding: Callable[[int | str], AbstractAsyncContextManager[object]]
    """Holds the lock of a chat: its messages wait while its link is changed. Holds a lease too,
    so that two replicas do not ask the ERP for the same customers."""
    clock: Callable[[], datetime]

    async def __call__(self) -> int:
        """Run one round; return the number of look-ups that were answered."""
        if not await self._due():
            return 0
        answered = 0
        async with self.holding(_LEASE):
            for conversation in await self._due():
                if conversation.customer.tax_id is None:
                    continue
                # Outside the chat's lock: no messages wait for a slow ERP.
                outcome = await self.look_up(conversation.customer.tax_id)
                async with self.holding(conversation.chat_id):
                    answered += await self._apply(conversation.id, outcome)
        return answered

    async def _due(self) -> list[Conversation]:
        return await self.conversations.owed_lookups(until=self.clock())

    async def _apply(self, conversation_id: str, outcome: LookupOutcome) -> bool:
        # Read again under the lock: another replica may have finished first.
        conversation = await self.conversations.get(conversation_id)
        if conversation is None or conversation.lookup is None:
            return False
        now, owed = self.clock(), conversation.lookup
        chat = await self.chats.get(conversation.chat_id)
        # The chat may have another document by now: then only the conversation is identified.
        is_stored = chat is not None and chat.customer.tax_id == conversation.customer.tax_id
        if chat is None or not is_stored:
            chat = Chat(id=conversation.chat_id, customer=conversation.customer)
        if isinstance(outcome, NotConsulted) and now - owed.since < _GIVE_UP:
            await self._identify(conversation, chat, await self._known(chat), _later(owed, now))
            return False
        if isinstance(outcome, Found):
            registration: Registration | None = outcome.registration
            chat = chat.linked_to(outcome.registration.id)
            if (phone := chat.customer.phone) and outcome.registration.is_reached_at(phone):
                customer = chat.customer.verified(
                    VerifiedBy.PHONE, at=now, proof=phone_proof(phone)
                )
                chat = replace(chat, customer=customer)
        else:
            chat = replace(chat, lookup_owed=False)
            registration = await self._known(chat)
        if is_stored:
            await self.chats.put(chat)
        await self._identify(conversation, chat, registration, None)
        if answered := await self.conversations.get(conversation.id):
            await self.register_prospect.in_lock(answered)
        # Read again: the card may have been posted meanwhile.
        if now_stored := await self.conversations.get(conversation.id):
            await self.show_card.refresh(now_stored)
        return True

    async def _known(self, chat: Chat) -> Registration | None:
        known = chat.customer.registration_id
        return await self.registrations.by_id(known) if known else None

    async def _identify(
        self,
        conversation: Conversation,
        chat: Chat,
        registration: Registration | None,
        lookup: LookupState | None,
    ) -> None:
        """Bring the conversation up to date with the chat; `lookup` is what is still due."""
        customer = replace(
            chat.customer,
            # As they were given in this conversation.
            phone=conversation.customer.phone,
            name=conversation.customer.name,
        )
        await self.conversations.identify(identified(conversation, customer, registration, lookup))


def _later(owed: LookupState, now: datetime) -> LookupState:
    early = min(_FIRST_PAUSE * 2 ** min(owed.attempts, 10), _LONGEST_PAUSE)
    pause = early if now - owed.since < _EARLY else _LATE_PAUSE
    return LookupState(attempts=owed.attempts + 1, since=owed.since, next_at=now + pause)
