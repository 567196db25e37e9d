"""Use case: queue the posting, editing and retiring of cards in the outbox."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot.domain.conversation import Conversation
from bot.domain.outgoing import Outgoing, OutgoingKind, Priority
from bot.usecases.ports import Outbox


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowCard:
    """Queues the work on cards in the outbox, so that no caller waits for Telegram."""

    outbox: Outbox
    clock: Callable[[], datetime]

    async def post(self, conversation: Conversation) -> None:
        """Queue the posting of the card, unless it is posted."""
        if conversation.card_message_id is None:
            await self._put(conversation, OutgoingKind.CARD, Priority.CARD)

    async def refresh(self, conversation: Conversation) -> None:
        """Queue an edit of the card to the data at the time of the edit."""
        if conversation.card_message_id is not None:
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
