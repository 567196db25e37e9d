"""Use case: queue the posting, editing and retiring of cards in the outbox."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot.domain.card import Card
from bot.domain.conversation import Conversation
from bot.domain.outgoing import Outgoing, OutgoingKind, Priority
from bot.usecases.attending.draw_card import DrawCard
from bot.usecases.ports import Conversations, Departments, Outbox, Registrations


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowCard:
    """Queues the work on cards in the outbox, so that no caller waits for Telegram."""

    draw: DrawCard
    outbox: Outbox
    clock: Callable[[], datetime]

    @property
    def conversations(self) -> Conversations:
        return self.draw.conversations

    @property
    def registrations(self) -> Registrations:
        return self.draw.registrations

    @property
    def departments(self) -> Departments:
        return self.draw.departments

    async def card_of(self, conversation: Conversation) -> Card:
        """Return the card with all current data."""
        return await self.draw.card_of(conversation)

    async def post(self, conversation: Conversation) -> Conversation:
        """Queue the posting of the card, unless it is posted; return the conversation."""
        if conversation.card_message_id is None:
            await self._put(conversation, OutgoingKind.CARD, Priority.CARD)
        return conversation

    async def refresh(self, conversation_id: str) -> None:
        """Queue an edit of the card to the data at the time of the edit."""
        conversation = await self.draw.conversations.get(conversation_id)
        if conversation and conversation.card_message_id is not None:
            await self._put(conversation, OutgoingKind.REFRESH, Priority.PROGRESS)

    async def retire(self, conversation: Conversation) -> None:
        """Queue an edit of the card that the last transfer left behind: it shows the new place."""
        transfer = conversation.transfer
        if transfer and transfer.from_card is not None:
            await self._put(
                conversation, OutgoingKind.RETIRE, Priority.PROGRESS, group_id=transfer.from_group
            )

    async def _put(
        self,
        conversation: Conversation,
        what: OutgoingKind,
        priority: Priority,
        *,
        group_id: int | None = None,
    ) -> None:
        await self.outbox.put(
            Outgoing(
                # A random id is enough: the work reads the conversation, so it is idempotent.
                id=f"{what}:{uuid.uuid4().hex}",
                chat_id=conversation.group_id if group_id is None else group_id,
                conversation_id=conversation.id,
                what=what,
                priority=priority,
                put_at=self.clock(),
            )
        )
