"""The message of /status: one that is edited, with the buttons that lead from page to page."""

from dataclasses import dataclass
from enum import StrEnum

from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest
from aiogram.filters.callback_data import CallbackData
from aiogram.types import InlineKeyboardMarkup


class StatusButton(CallbackData, prefix="status"):
    """Refreshes the status."""


class Action(StrEnum):
    LIST = "l"
    REPEAT = "r"
    REPEAT_ALL = "ra"
    ASK_DROP = "d"
    DROP = "dy"
    ASK_DROP_ALL = "da"
    DROP_ALL = "day"


class SetAsideButton(CallbackData, prefix="aside"):
    """Repeats or drops one update that was set aside, or all of them."""

    action: Action
    key: str = ""
    """The update's key, with a point in place of the colon, which separates the fields here."""
    until: int = 0
    """When the admin saw the list, in milliseconds: what was set aside later stays."""


@dataclass(slots=True)
class Screen:
    """One message, sent when first shown and edited from then on."""

    bot: Bot
    chat_id: int
    message_id: int | None = None

    async def show(self, text: str, keyboard: InlineKeyboardMarkup | None = None) -> None:
        if self.message_id is not None:
            try:
                await self.bot.edit_message_text(
                    text,
                    chat_id=self.chat_id,
                    message_id=self.message_id,
                    reply_markup=keyboard,
                )
            except TelegramBadRequest as error:
                if "not modified" in error.message:
                    return
            else:
                return
        sent = await self.bot.send_message(self.chat_id, text, reply_markup=keyboard)
        self.message_id = sent.message_id
