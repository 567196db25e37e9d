"""/painel: charts of a period as one album, and buttons for other periods."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, cast
from zoneinfo import ZoneInfo

import structlog
from aiogram import Bot
from aiogram.enums import ChatAction
from aiogram.exceptions import TelegramAPIError
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import BufferedInputFile, CallbackQuery, InputMediaPhoto, Message
from aiogram_dialog import Dialog, DialogManager, ShowMode, Window
from aiogram_dialog.widgets.input import ManagedTextInput, TextInput
from aiogram_dialog.widgets.kbd import Button, Cancel, Row, SwitchTo
from aiogram_dialog.widgets.text import Const, Format

from bot.domain.chart import Chart
from bot.domain.errors import AppError, TryLaterError
from bot.domain.panel import Figures, Period, PeriodRefusal, latest_days, read_period
from bot.wording.panel import charts, summary
from handlers.admin.company import panel_texts as texts
from handlers.admin.register.services import open_over, say, take_notice
from handlers.admin.screens import Shown
from handlers.answers import answer_press

# Days and label, by the button's id.
_DAYS: Final = {
    "d1": (1, "Hoje"),
    "d7": (7, "7 dias"),
    "d30": (30, "30 dias"),
    "d90": (90, "90 dias"),
}
# Telegram shows a chat action for five seconds.
_ACTION_S: Final = 4.5

logger = structlog.get_logger()


class PanelDialog(StatesGroup):
    menu = State()
    dates = State()


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelServices:
    read: Callable[[Period], Awaitable[Figures]]
    draw: Callable[[Sequence[Chart]], Awaitable[Sequence[bytes]]]
    """Draws the charts as PNG files; raises an AppError."""
    clock: Callable[[], datetime]
    timezone: ZoneInfo

    @property
    def today(self) -> date:
        return self.clock().astimezone(self.timezone).date()


def dialog() -> Dialog:
    """Return the dialog, which starts with `PanelDialog.menu`.

    Needs `panel` in the dispatcher's data.
    """
    buttons = [Button(Const(name), id=key, on_click=_pressed) for key, (_, name) in _DAYS.items()]
    return Dialog(
        Window(
            Format("{text}"),
            Row(*buttons[:2]),
            Row(*buttons[2:]),
            SwitchTo(Const("📅 Escolher datas"), id="dates", state=PanelDialog.dates),
            Cancel(Const("✖️ Fechar")),
            state=PanelDialog.menu,
            getter=_menu,
        ),
        Window(
            Format("{text}"),
            SwitchTo(Const("⬅️ Voltar"), id="back", state=PanelDialog.menu),
            TextInput(id="typed", on_success=_typed),
            state=PanelDialog.dates,
            getter=_dates,
        ),
    )


async def open_panel(_: Message, dialog_manager: DialogManager) -> None:
    await open_over(dialog_manager, PanelDialog.menu)


async def _menu(dialog_manager: DialogManager, **_: object) -> Shown:
    shown = dialog_manager.dialog_data.get("shown")
    of = Period(*map(date.fromisoformat, shown)) if shown else None
    return {"text": texts.again(of)}


async def _dates(dialog_manager: DialogManager, **_: object) -> Shown:
    return {"text": take_notice(dialog_manager) + texts.ASK_DATES}


async def _pressed(callback: CallbackQuery, button: Button, manager: DialogManager) -> None:
    # Answer before anything is read, which may take seconds.
    await answer_press(callback, texts.DRAWING)
    days, _ = _DAYS[str(button.widget_id)]
    await _show(manager, callback.from_user.id, latest_days(days, today=_services(manager).today))


async def _typed(
    message: Message, __: ManagedTextInput[str], manager: DialogManager, text: str
) -> None:
    period = read_period(text, today=_services(manager).today)
    if isinstance(period, PeriodRefusal):
        await say(manager, texts.refusal(period))
        return
    await _show(manager, message.chat.id, period)
    await manager.switch_to(PanelDialog.menu)


async def _show(manager: DialogManager, chat_id: int, period: Period) -> None:
    """Send the charts, and the menu below them."""
    bot: Bot = manager.middleware_data["bot"]
    async with _saying_that_pictures_come(bot, chat_id):
        await _send(bot, chat_id, _services(manager), period)
    manager.dialog_data["shown"] = [period.first.isoformat(), period.last.isoformat()]
    manager.show_mode = ShowMode.DELETE_AND_SEND


@asynccontextmanager
async def _saying_that_pictures_come(bot: Bot, chat_id: int) -> AsyncIterator[None]:
    """Show "sending a photo" while the block runs.

    aiogram's own helper raises in a background task, where the error is lost.
    """

    async def say_again() -> None:
        while True:
            await asyncio.sleep(_ACTION_S)
            await say_so()

    async def say_so() -> None:
        try:
            await bot.send_chat_action(chat_id, ChatAction.UPLOAD_PHOTO)
        except (TelegramAPIError, TryLaterError) as error:
            logger.info("chat action not shown", error=type(error).__name__)

    await say_so()
    saying = asyncio.create_task(say_again())
    try:
        yield
    finally:
        saying.cancel()


async def _send(bot: Bot, chat_id: int, services: PanelServices, period: Period) -> None:
    figures = await services.read(period)
    caption = texts.caption(period, summary(figures))
    if figures.wait is None:
        await bot.send_message(chat_id, caption)
        return
    try:
        pictures = await services.draw(charts(figures))
    except AppError as error:
        logger.warning("panel without pictures", error=str(error))
        await bot.send_message(chat_id, texts.not_drawn(period, summary(figures)))
        return
    first, *others = (
        BufferedInputFile(png, filename=f"painel-{number}.png")
        for number, png in enumerate(pictures, 1)
    )
    # Telegram shows the first picture's caption as the caption of the album.
    album = [InputMediaPhoto(media=first, caption=caption)]
    album += [InputMediaPhoto(media=picture) for picture in others]
    await bot.send_media_group(chat_id, list(album))


def _services(manager: DialogManager) -> PanelServices:
    return cast(PanelServices, manager.middleware_data["panel"])
