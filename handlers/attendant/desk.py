"""The attendants' group over Telegram: cards are posted here and edited."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

import structlog
from aiogram import Bot
from aiogram.exceptions import (
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramNotFound,
)

from bot.domain.errors import RefusedError
from bot.usecases.show_card import Card
from handlers.attendant import card as views

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class TelegramDesk:
    bot: Bot
    timezone: ZoneInfo

    async def show(self, card: Card) -> int:
        try:
            posted = await self.bot.send_message(
                card.conversation.group_id,
                self._text(card),
                reply_markup=views.keyboard(card),
            )
        except TelegramMigrateToChat as error:
            raise RefusedError(
                f"the group is a supergroup now, with the id {error.migrate_to_chat_id}"
            ) from error
        except (TelegramForbiddenError, TelegramBadRequest, TelegramNotFound) as error:
            raise RefusedError(f"Telegram does not post in the group: {error.message}") from error
        return posted.message_id

    async def refresh(self, card: Card) -> None:
        try:
            await self.bot.edit_message_text(
                self._text(card),
                chat_id=card.conversation.group_id,
                message_id=card.conversation.card_message_id,
                reply_markup=views.keyboard(card),
            )
        except (TelegramForbiddenError, TelegramBadRequest, TelegramMigrateToChat) as error:
            # Not modified, or deleted by somebody: the conversation itself is not touched by it.
            logger.info("card not edited", reason=error.message)

    def _text(self, card: Card) -> str:
        return views.card_text(card, timezone=self.timezone)
