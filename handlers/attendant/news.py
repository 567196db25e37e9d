"""What a group and a customer are told of the queue without asking."""

from dataclasses import dataclass
from datetime import timedelta

import structlog
from aiogram import Bot
from aiogram.exceptions import TelegramAPIError, TelegramForbiddenError
from aiogram.types import ReplyParameters

from bot.domain.conversation import Conversation, Department, Transfer
from bot.usecases.show_card import Card
from handlers.attendant import texts
from handlers.customer import texts as customer_texts
from handlers.words import span

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class TelegramTransferNews:
    """Who is told of a transfer, besides what the cards say."""

    bot: Bot

    async def tell_customer(self, conversation: Conversation, department: Department) -> None:
        try:
            await self.bot.send_message(
                conversation.chat_id, customer_texts.transferred(department.name)
            )
        except TelegramForbiddenError:
            # Blocked the bot: the next answer of an attendant says so.
            logger.info("transfer not told", conversation=conversation.id)

    async def tell_attendant(self, conversation: Conversation, transfer: Transfer) -> None:
        if conversation.claimed_by:
            await _below_card(
                self.bot,
                conversation,
                texts.transferred_to_you(conversation.claimed_by, transfer, conversation.protocol),
            )


@dataclass(frozen=True, slots=True)
class TelegramReminders:
    bot: Bot

    async def remind(self, card: Card, *, waited: timedelta) -> None:
        conversation, registration = card.conversation, card.registration
        name = registration.name if registration else conversation.shown_name
        await _below_card(
            self.bot, conversation, texts.reminder(name, span(waited), conversation.protocol)
        )


async def _below_card(bot: Bot, conversation: Conversation, text: str) -> None:
    try:
        await bot.send_message(
            conversation.group_id,
            text,
            reply_parameters=ReplyParameters(
                message_id=conversation.card_message_id or 0, allow_sending_without_reply=True
            ),
        )
    except TelegramAPIError as error:
        # The group is closed to us; its admins hear of that by the cards.
        logger.warning("group not told", group=conversation.group_id, reason=error.message)
