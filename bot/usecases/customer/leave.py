"""Use case: a customer unlinks the chat, by /sair or by "não é você?"."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot.domain.conversation import Conversation
from bot.usecases.attending.show_card import ShowCard
from bot.usecases.customer.current_chat import CurrentChat
from bot.usecases.ports import Conversations, KeptMessages


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """/sair and "não sou eu": unlink the chat from its document and registration."""

    conversations: Conversations
    kept: KeptMessages
    show_card: ShowCard
    clock: Callable[[], datetime]

    async def __call__(
        self, current: CurrentChat, *, forgets: bool = False
    ) -> Conversation | None:
        """Close the open conversation and unlink the chat.

        forgets: also forget what was written before a conversation. Returns the conversation that
        this closed, or None.
        """
        conversation = await self.conversations.open_in(current.id)
        if conversation:
            await self.conversations.close(conversation.id, None, at=self.clock())
            await self.show_card.refresh(conversation)
        if forgets:
            await self.kept.forget(current.id)
        chat = await current.get()
        if chat != (unlinked := chat.unlinked()):
            await current.put(unlinked)
        return conversation
