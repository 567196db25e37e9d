"""What a customer writes reaches the attendants' group."""

from dataclasses import dataclass

from aiogram import Bot, html
from aiogram.exceptions import (
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramMigrateToChat,
)
from aiogram.types import Message, ReplyParameters, User

from bot.domain.conversation import Conversation, RelayedMessage
from bot.domain.errors import RefusedError
from bot.usecases.show_card import Conversations, ShowCard
from handlers.answers import bot_of
from handlers.customer import texts

_TEXT_LENGTH = 4096
_GROUP_CLOSED_TO_US = (TelegramBadRequest, TelegramForbiddenError, TelegramMigrateToChat)


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """Sends one message on, below the conversation's card."""

    conversations: Conversations
    show_card: ShowCard

    async def __call__(self, message: Message, conversation: Conversation, user: User) -> None:
        """Whoever replies to the message in the group answers the customer.

        What cannot be sent on is said to the customer: nothing is swallowed.
        """
        try:
            conversation = await self.show_card.post(conversation)
            sent = await self._send(message, conversation, user)
        except (*_GROUP_CLOSED_TO_US, RefusedError):
            await message.reply(texts.NOT_DELIVERED)
            return
        await self.conversations.relay(
            RelayedMessage(
                group_id=conversation.group_id,
                message_id=sent,
                conversation_id=conversation.id,
            )
        )

    async def kept(
        self, bot: Bot, chat_id: int, message_id: int, conversation: Conversation
    ) -> bool:
        """Whether a message from before the conversation is with the attendants now.

        One that was deleted meanwhile, or cannot be copied, is not.
        """
        try:
            conversation = await self.show_card.post(conversation)
            copied = await bot.copy_message(
                conversation.group_id,
                chat_id,
                message_id,
                reply_parameters=_below_card(conversation),
            )
        except (*_GROUP_CLOSED_TO_US, RefusedError):
            return False
        await self.conversations.relay(
            RelayedMessage(
                group_id=conversation.group_id,
                message_id=copied.message_id,
                conversation_id=conversation.id,
            )
        )
        return True

    async def _send(self, message: Message, conversation: Conversation, user: User) -> int:
        bot = bot_of(message)
        below_card = _below_card(conversation)
        if message.text:
            header = f"💬 {html.bold(html.quote(user.full_name))}\n"
            body = message.html_text
            # The header may be what makes it too long; a text is at most 4,096 by itself.
            if len(message.text) + len(user.full_name) + 4 > _TEXT_LENGTH:
                header = ""
            posted = await bot.send_message(
                conversation.group_id, header + body, reply_parameters=below_card
            )
            return posted.message_id
        copied = await bot.copy_message(
            conversation.group_id,
            message.chat.id,
            message.message_id,
            reply_parameters=below_card,
        )
        return copied.message_id


def _below_card(conversation: Conversation) -> ReplyParameters:
    return ReplyParameters(
        message_id=conversation.card_message_id or 0, allow_sending_without_reply=True
    )
