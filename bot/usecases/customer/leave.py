"""Use case: a customer unlinks the chat, by /sair or by "não é você?"."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot.domain.conversation import Chat, Conversation
from bot.usecases.attending.show_card import ShowCard
from bot.usecases.ports import Chats, Conversations


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """/sair and "não sou eu": unlink the chat from its document and registration."""

    chats: Chats
    conversations: Conversations
    show_card: ShowCard
    clock: Callable[[], datetime]

    async def __call__(self, chat_id: int) -> Conversation | None:
        """Close the open conversation and unlink the chat.

        Returns the conversation that this closed, or None.
        """
        conversation = await self.conversations.open_in(chat_id)
        if conversation:
            await self.conversations.close(conversation.id, None, at=self.clock())
            await self.show_card.refresh(conversation)
        chat = await self.chats.get(chat_id)
        if chat:
            await self.chats.put(unlinked(chat))
        return conversation


def unlinked(chat: Chat) -> Chat:
    """Return the chat with no document, no registration and no verification."""
    return chat.model_copy(
        update={
            "tax_id": None,
            "registration_id": None,
            "lookup_owed": False,
            "phone": None,
            "given_name": None,
        }
    ).unproven()
