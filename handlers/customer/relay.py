"""Customers' messages go into the outbox, for the attendants' group."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from aiogram.types import Message, User

from bot.domain.conversation import Conversation
from bot.domain.outgoing import Content, Outgoing, Priority
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

    async def content(self, content: Content, conversation: Conversation) -> None:
        """Queue a message that was kept as the result of `customer_content`."""
        await self._put(
            content,
            conversation.group_id,
            conversation.id,
            id=f"{content.source_chat_id}:{content.source_message_id}",
        )

    async def edited(
        self, message: Message, conversation: Conversation | None, user: User, update_id: int
    ) -> None:
        """Queue the edit of a message that was passed on; ignore the edit of one that was not.

        conversation: the open conversation, for a message that still waits to be sent.
        """
        link = await self.links.of_customer(message.chat.id, message.message_id)
        if link:
            chat_id, conversation_id = link.group_id, link.conversation_id
        elif conversation:
            chat_id, conversation_id = conversation.group_id, conversation.id
        else:
            return
        content = edited_content(message, header=header_of(user))
        await self._put(content, chat_id, conversation_id, id=f"edit:{update_id}")

    async def _put(
        self,
        content: Content,
        chat_id: int,
        conversation_id: str,
        *,
        id: str,  # noqa: A002
    ) -> None:
        await self.outbox.put(
            Outgoing.of(
                content,
                id=id,
                chat_id=chat_id,
                conversation_id=conversation_id,
                priority=Priority.CUSTOMER,
                put_at=self.clock(),
            )
        )
