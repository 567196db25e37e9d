"""The card's buttons below a customer's message, in a group without topics."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import structlog
from aiogram.types import InlineKeyboardMarkup

from bot.domain.conversation import Conversation
from bot.domain.errors import AppError
from bot.domain.outgoing import Outgoing, OutgoingKind
from bot.usecases.ports import Conversations
from handlers.relay.sending import Sending

FAR: Final = 6
"""So many messages below its card, or below the buttons, a customer's next one gets them."""

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class NearButtons:
    """Moves the buttons down with the conversation, by one edit of a message that had them."""

    conversations: Conversations
    sending: Sending
    keyboard: Callable[[Conversation], InlineKeyboardMarkup]
    has_room: Callable[[int], bool]
    """Returns True if one message more in this group makes no other late."""
    _seen: dict[int, deque[int]] = field(default_factory=dict)
    """By group, the latest messages there that this process has sent or passed on.

    In a basic group the ids count the messages of all chats, so a distance of ids says nothing.
    """

    def saw(self, group_id: int, *message_ids: int) -> None:
        self._seen.setdefault(group_id, deque(maxlen=FAR)).extend(message_ids)

    async def due(self, conversation: Conversation, head: Outgoing) -> Conversation | None:
        """Return the conversation as it is now if the buttons are to stand below this message."""
        if head.what not in (OutgoingKind.TEXT, OutgoingKind.COPY):
            return None  # Telegram has no buttons below an album
        if conversation.topic_id is not None or not self._is_far(conversation):
            return None
        if conversation.buttons_at and not self.has_room(conversation.group_id):
            return None  # Telegram's limits are for messages, and a move costs an edit
        now = await self.conversations.get(conversation.id)
        return now if now and now.is_open and self._is_far(now) else None

    async def moved(self, conversation: Conversation, message_id: int) -> None:
        """Store that they stand below this message, and take them from the earlier one.

        The message is posted, and must not be posted again for what fails here.
        """
        group_id, earlier = conversation.group_id, conversation.buttons_at
        try:
            await self.conversations.set_buttons(conversation.id, message_id)
            if earlier:
                await self.sending.take_buttons(conversation, earlier)
        except AppError as error:
            # Two messages have buttons; each press reads the conversation.
            logger.warning("buttons not moved", chat=group_id, error=str(error))

    def _is_far(self, conversation: Conversation) -> bool:
        above = max(conversation.card_message_id or 0, conversation.buttons_at or 0)
        seen = self._seen.get(conversation.group_id, ())
        return len(seen) == FAR and all(one > above for one in seen)
