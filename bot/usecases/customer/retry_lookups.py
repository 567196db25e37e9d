"""Use case: retry the look-ups that the ERP has not answered, until it answers."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bot.domain.conversation import Chat, Conversation, LookupState, VerifiedBy
from bot.usecases.attending.show_card import ShowCard
from bot.usecases.customer.identify import Found, LookUp, LookupOutcome, NotConsulted
from bot.usecases.customer.introduce import RegisterProspect
from bot.usecases.ports import Chats, Conversations, Registrations

# In the first hour an attendant may need the answer; later it only completes the register.
_FIRST_PAUSE: Final = timedelta(seconds=5)
_LONGEST_PAUSE: Final = timedelta(minutes=1)
_EARLY: Final = timedelta(hours=1)
_LATE_PAUSE: Final = timedelta(minutes=15)
# Then the person is registered from the chat's own data; a sync adds the rest later.
_GIVE_UP: Final = timedelta(days=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentifyConversation:
    """Brings a conversation up to date when the ERP has answered late."""

    conversations: Conversations
    registrations: Registrations
    show_card: ShowCard

    async def __call__(
        self, conversation: Conversation, chat: Chat, lookup: LookupState | None
    ) -> None:
        """Update conversation and card to the registration that the chat is linked to now.

        lookup: the look-up that is still due; None when it was answered.
        """
        registration = (
            await self.registrations.by_id(chat.registration_id) if chat.registration_id else None
        )
        identified = conversation.model_copy(
            update={
                "identity": chat.identity,
                "verified_at": chat.verified_at,
                "verified_by": chat.verified_by,
                "verifier": chat.verifier,
                "registration_id": registration.id if registration else None,
                "priority": bool(
                    registration and registration.goes_first_in(conversation.department_id)
                ),
                "lookup": lookup,
                "card_version": registration.version if registration else 0,
            }
        )
        await self.conversations.identify(identified)
        # Read again: the card may have been posted meanwhile.
        if lookup is None and (now_stored := await self.conversations.get(conversation.id)):
            await self.show_card.refresh(now_stored)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryLookups:
    """Retries, in one round, the look-ups of all conversations that are due."""

    chats: Chats
    conversations: Conversations
    look_up: LookUp
    register_prospect: RegisterProspect
    identify_conversation: IdentifyConversation
    holding: Callable[[int], AbstractAsyncContextManager[object]]
    """Holds the lock of a chat: its messages wait while its link is changed."""
    clock: Callable[[], datetime]

    async def __call__(self) -> int:
        """Run one round; return the number of look-ups that were answered."""
        answered = 0
        for conversation in await self.conversations.owed_lookups(until=self.clock()):
            if conversation.tax_id is None:
                continue
            # Outside the lock: no messages wait for a slow ERP.
            outcome = await self.look_up(conversation.tax_id)
            async with self.holding(conversation.chat_id):
                answered += await self._apply(conversation.id, outcome)
        return answered

    async def _apply(self, conversation_id: str, outcome: LookupOutcome) -> bool:
        # Read again under the lock: another replica may have finished first.
        now_stored = await self.conversations.get(conversation_id)
        if now_stored is None or now_stored.lookup is None:
            return False
        now, owed = self.clock(), now_stored.lookup
        chat = await self._chat_of(now_stored)
        if isinstance(outcome, NotConsulted) and now - owed.since < _GIVE_UP:
            await self.identify_conversation(now_stored, chat, _later(owed, now))
            return False
        if isinstance(outcome, Found):
            registration = outcome.registration
            chat = chat.model_copy(
                update={"registration_id": registration.id, "lookup_owed": False}
            )
            if chat.phone and registration.is_reached_at(chat.phone):
                chat = chat.verified(VerifiedBy.PHONE, at=now)
        else:
            chat = await self.register_prospect(chat.model_copy(update={"lookup_owed": False}))
        await self._link(chat)
        await self.identify_conversation(now_stored, chat, None)
        return True

    async def _chat_of(self, conversation: Conversation) -> Chat:
        """Return the chat as it was in this conversation: it may have another document by now."""
        chat = await self.chats.get(conversation.chat_id)
        if chat and chat.tax_id == conversation.tax_id:
            return chat
        return Chat(
            id=conversation.chat_id,
            tax_id=conversation.tax_id,
            identity=conversation.identity,
            verified_at=conversation.verified_at,
            verified_by=conversation.verified_by,
            verifier=conversation.verifier,
            phone=conversation.phone,
            given_name=conversation.shown_name,
        )

    async def _link(self, chat: Chat) -> None:
        stored = await self.chats.get(chat.id)
        if stored and stored.tax_id == chat.tax_id:
            await self.chats.put(chat)


def _later(owed: LookupState, now: datetime) -> LookupState:
    early = min(_FIRST_PAUSE * 2 ** min(owed.attempts, 10), _LONGEST_PAUSE)
    pause = early if now - owed.since < _EARLY else _LATE_PAUSE
    return LookupState(attempts=owed.attempts + 1, since=owed.since, next_at=now + pause)
