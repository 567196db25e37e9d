"""Use case: what reopened a conversation turns out to be another subject."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot.domain.conversation import Conversation, EventKind
from bot.usecases.attending.show_card import ShowCard
from bot.usecases.customer.current_chat import CurrentChat
from bot.usecases.customer.keep_messages import KeepMessages
from bot.usecases.ports import Conversations


@dataclass(frozen=True, slots=True, kw_only=True)
class SetApart:
    """Closes the reopened conversation again, and has its latest messages ready for a new one."""

    conversations: Conversations
    keep: KeepMessages
    show_card: ShowCard
    clock: Callable[[], datetime]

    async def __call__(
        self, current: CurrentChat, conversation_id: str, *, is_repeated: bool
    ) -> Conversation | None:
        """Return the conversation, or None if the customer's words did not reopen it.

        is_repeated: True if this may have been done before, and what follows from it was not.
        """
        reopened = await self.conversations.get(conversation_id)
        if reopened is None or reopened.chat_id != current.id or not _was_reopened(reopened):
            return None
        is_closed_now = await self.conversations.close(reopened.id, None, at=self.clock())
        if not is_closed_now and not (is_repeated and reopened.closed_by is None):
            return None
        await self.show_card.refresh(reopened)
        await self.keep.send_again(current.id)
        return reopened


def _was_reopened(conversation: Conversation) -> bool:
    by = f"chat:{conversation.chat_id}"
    return any(one.what is EventKind.REOPENED and one.by == by for one in conversation.events)
