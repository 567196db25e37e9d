"""/status: the state of the bot, and a button that refreshes it."""

import asyncio
from typing import Final
from zoneinfo import ZoneInfo

from aiogram import Bot, F, Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, MaybeInaccessibleMessageUnion, Message

from bot.usecases.company.status import Failed, ReportStatus
from handlers.admin.company import maintenance_texts as texts
from handlers.admin.company.status_screen import Action, Screen, SetAsideButton, StatusButton
from handlers.answers import answer_press, bot_of
from handlers.keyboards import button, column

_SOON_S: Final = 1.0


async def status(message: Message, report_status: ReportStatus, timezone: ZoneInfo) -> None:
    await _report(Screen(bot_of(message), message.chat.id), report_status, timezone)


async def again(
    callback: CallbackQuery,
    message: MaybeInaccessibleMessageUnion,
    bot: Bot,
    report_status: ReportStatus,
    timezone: ZoneInfo,
) -> None:
    await answer_press(callback)
    screen = Screen(bot, message.chat.id, message.message_id)
    await _report(screen, report_status, timezone)


async def _report(screen: Screen, report_status: ReportStatus, timezone: ZoneInfo) -> None:
    reporting = asyncio.ensure_future(report_status())
    try:
        done, _ = await asyncio.wait({reporting}, timeout=_SOON_S)
        if not done:
            await screen.show(texts.CHECKING)
        report = await reporting
    finally:
        reporting.cancel()
    buttons = [button(texts.AGAIN, StatusButton())]
    if not isinstance(report.waiting, Failed) and report.waiting.set_aside:
        buttons.append(button(texts.SET_ASIDE, SetAsideButton(action=Action.LIST)))
    await screen.show(texts.status(report, timezone=timezone), column(*buttons))


def router() -> Router:
    """Return the router; the including router must filter for admins and private chats.

    Needs `report_status` and `timezone` in the dispatcher's data.
    """
    router = Router(name="status")
    router.message.register(status, Command("status"))
    router.callback_query.register(again, StatusButton.filter(), F.message.as_("message"))
    return router
