"""/status: the state of the bot, and a button that refreshes it."""

import asyncio
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from aiogram import Bot, F, Router
from aiogram.exceptions import TelegramBadRequest
from aiogram.filters import Command
from aiogram.filters.callback_data import CallbackData
from aiogram.types import (
    CallbackQuery,
    InlineKeyboardMarkup,
    MaybeInaccessibleMessageUnion,
    Message,
)

from bot.usecases.company.status import ReportStatus
from handlers.admin.company import maintenance_texts as texts
from handlers.answers import answer_press, bot_of
from handlers.keyboards import button, column

_SOON_S: Final = 1.0


class StatusButton(CallbackData, prefix="status"):
    """Refreshes the status."""


@dataclass(slots=True)
class _Screen:
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


async def status(message: Message, report_status: ReportStatus, timezone: ZoneInfo) -> None:
    await _report(_Screen(bot_of(message), message.chat.id), report_status, timezone)


async def again(
    callback: CallbackQuery,
    message: MaybeInaccessibleMessageUnion,
    bot: Bot,
    report_status: ReportStatus,
    timezone: ZoneInfo,
) -> None:
    await answer_press(callback)
    screen = _Screen(bot, message.chat.id, message.message_id)
    await _report(screen, report_status, timezone)


async def _report(screen: _Screen, report_status: ReportStatus, timezone: ZoneInfo) -> None:
    reporting = asyncio.ensure_future(report_status())
    try:
        done, _ = await asyncio.wait({reporting}, timeout=_SOON_S)
        if not done:
            await screen.show(texts.CHECKING)
        report = await reporting
    finally:
        reporting.cancel()
    keyboard = column(button(texts.AGAIN, StatusButton()))
    await screen.show(texts.status(report, timezone=timezone), keyboard)


def router() -> Router:
    """Return the router; the including router must filter for admins and private chats.

    Needs `report_status` and `timezone` in the dispatcher's data.
    """
    router = Router(name="status")
    router.message.register(status, Command("status"))
    router.callback_query.register(again, StatusButton.filter(), F.message.as_("message"))
    return router
