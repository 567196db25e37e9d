"""Attendants' messages, and the bot's own sentences in a conversation, go into the outbox."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from aiogram.types import Message

from bot.domain.conversation import Conversation
from bot.domain.outgoing import Content, Outgoing, OutgoingKind, Priority
from bot.usecases.ports import Conversations, Links, Outbox
from handlers.relay.content import attendant_content, edited_content


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """Puts messages into the outbox; never waits for Telegram. Passed to the handlers by name."""

    outbox: Outbox
    conversations: Conversations
    links: Links
    clock: Callable[[], datetime]

    async def answer(self, message: Message, conversation: Conversation) -> None:
        """Queue an attendant's message for the customer."""
        await self._put(
            attendant_content(message),
            conversation.chat_id,
            conversation.id,
            id=f"{message.chat.id}:{message.message_id}",
        )

    async def hold_back(self, message: Message, conversation: Conversation) -> None:
        """Queue a mark that keeps the album of this message from being sent."""
        await self._put(
            attendant_content(message),
            conversation.chat_id,
            conversation.id,
            id=f"{message.chat.id}:{message.message_id}",
            is_internal=True,
        )

    async def edited(self, message: Message, *, update_id: int) -> None:
        """Queue the edit of an answer; ignore a message that never went to the customer."""
        conversation = await self._answered_by(message)
        if conversation:
            await self._put(
                edited_content(message),
                conversation.chat_id,
                conversation.id,
                id=f"edit:{update_id}",
            )

    async def delete(self, command: Message, answer_id: int, *, update_id: int) -> bool:
        """Queue the deletion of an answer in the customer's chat, also if it is not sent yet.

        Returns False if there is no such answer.
        """
        link = await self.links.of_group(command.chat.id, answer_id)
        waiting = await self.outbox.waiting(f"{command.chat.id}:{answer_id}")
        if link is not None and not link.by_customer and link.customer_message_ids:
            chat_id, conversation_id = link.customer_chat_id, link.conversation_id
        elif waiting is not None:
            chat_id, conversation_id = waiting.chat_id, waiting.conversation_id
        else:
            return False
        await self._put(
            Content(
                what=OutgoingKind.DELETE,
                source_chat_id=command.chat.id,
                source_message_id=answer_id,
            ),
            chat_id,
            conversation_id,
            id=f"delete:{update_id}",
        )
        return True

    async def _answered_by(self, message: Message) -> Conversation | None:
        """Return the conversation of an answer, also if the answer still waits to be sent."""
        link = await self.links.of_group(message.chat.id, message.message_id)
        if link:
            return None if link.by_customer else await self.conversations.get(link.conversation_id)
        if message.is_topic_message and message.message_thread_id:
            return await self.conversations.in_topic(message.chat.id, message.message_thread_id)
        reply = message.reply_to_message
        behind = await self.links.of_group(message.chat.id, reply.message_id) if reply else None
        return await self.conversations.get(behind.conversation_id) if behind else None

    async def _put(
        self,
        content: Content,
        chat_id: int,
        conversation_id: str,
        *,
        id: str,  # noqa: A002
        is_internal: bool = False,
    ) -> None:
        await self.outbox.put(
            Outgoing.of(
                content,
                id=id,
                chat_id=chat_id,
                conversation_id=conversation_id,
                priority=Priority.ANSWER,
                put_at=self.clock(),
                is_internal=is_internal,
            )
        )

    async def say(
        self,
        conversation: Conversation,
        html: str,
        *,
        id: str,  # noqa: A002
        to_customer: bool = False,
        below: int = 0,
        again: str = "",
    ) -> None:
        """Queue a sentence of the bot, after the items already in the queue."""
        await self.outbox.put(
            Outgoing(
                id=id,
                chat_id=conversation.chat_id if to_customer else conversation.group_id,
                conversation_id=conversation.id,
                what=OutgoingKind.SAY,
                priority=Priority.ANSWER,
                put_at=self.clock(),
                html=html,
                below=below,
                again=again,
            )
        )
