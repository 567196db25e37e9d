"""Customers' messages go into the outbox, for the attendants' group."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiogram.types import Message, User

from bot.domain.conversation import Conversation
from bot.domain.outgoing import Outgoing, Priority
from bot.usecases.ports import Links, Outbox
from handlers.relay.content import customer_content, edited_content, header_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """Puts messages for a conversation's attendants into the outbox; never waits for Telegram."""

    outbox: Outbox
    links: Links
    clock: Callable[[], datetime]

    async def __call__(self, message: Message, conversation: Conversation, user: User) -> None:
        """Queue the customer's message. A reply to it in the group answers the customer."""
        await self.content(customer_content(message, user), conversation)

    async def content(self, content: dict[str, Any], conversation: Conversation) -> None:
        """Queue a message that was kept as the result of `customer_content`."""
        await self.outbox.put(
            Outgoing.model_validate(
                content
                | self._to(conversation)
                | {"id": f"{content['source_chat_id']}:{content['source_message_id']}"}
            )
        )

    async def edited(
        self, message: Message, conversation: Conversation | None, user: User, update_id: int
    ) -> None:
        """Queue the edit of a message that was passed on; ignore the edit of one that was not.

        conversation: the open conversation, for a message that still waits to be sent.
        """
        link = await self.links.of_customer(message.chat.id, message.message_id)
        if link is None and conversation is None:
            return
        to = {"chat_id": link.group_id, "conversation_id": link.conversation_id} if link else {}
        await self.outbox.put(
            Outgoing.model_validate(
                edited_content(message)
                | (self._to(conversation) if conversation else self._of_customer())
                | to
                | {"id": f"edit:{update_id}", "header": header_of(user)}
            )
        )

    def _to(self, conversation: Conversation) -> dict[str, Any]:
        return self._of_customer() | {
            "chat_id": conversation.group_id,
            "conversation_id": conversation.id,
        }

    def _of_customer(self) -> dict[str, Any]:
        return {"priority": Priority.CUSTOMER, "put_at": self.clock()}
