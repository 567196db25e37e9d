"""The updates that were set aside: a page of /status with a button for each."""

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from aiogram import Bot, F, Router
from aiogram.types import (
    CallbackQuery,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    MaybeInaccessibleMessageUnion,
)

from bot.usecases.company.set_aside import Listed, TendSetAside
from handlers.admin.company import set_aside_texts as texts
from handlers.admin.company.status_screen import Action, Screen, SetAsideButton, StatusButton
from handlers.answers import answer_press
from handlers.keyboards import button, column

_SHOWN: Final = 8
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


async def pressed(
    callback: CallbackQuery,
    callback_data: SetAsideButton,
    message: MaybeInaccessibleMessageUnion,
    bot: Bot,
    set_aside: TendSetAside,
    timezone: ZoneInfo,
) -> None:
    screen = Screen(bot, message.chat.id, message.message_id)
    if callback_data.action in (Action.ASK_DROP, Action.ASK_DROP_ALL):
        await answer_press(callback)
        await screen.show(*_question(callback_data))
        return
    told = await _done(callback_data, set_aside)
    await answer_press(callback, told, alert=told is not None)
    now, listed = set_aside.clock(), await set_aside.first(_SHOWN)
    await screen.show(texts.listed(listed, now, timezone=timezone), _keyboard(listed, now))


async def _done(pressed: SetAsideButton, set_aside: TendSetAside) -> str | None:
    """Do what the button says; return what came of it."""
    key = pressed.key.replace(".", ":")
    match pressed.action:
        case Action.REPEAT:
            return texts.REPEATED if await set_aside.repeat(key) else texts.GONE
        case Action.REPEAT_ALL:
            return texts.repeated(await set_aside.repeat_all())
        case Action.DROP:
            return texts.DROPPED if await set_aside.drop(key) else texts.GONE
        case Action.DROP_ALL:
            seen = _EPOCH + timedelta(milliseconds=pressed.until)
            return texts.dropped(await set_aside.drop_until(seen))
        case _:
            return None


def _question(pressed: SetAsideButton) -> tuple[str, InlineKeyboardMarkup]:
    is_one = pressed.action is Action.ASK_DROP
    yes = pressed.model_copy(update={"action": Action.DROP if is_one else Action.DROP_ALL})
    keyboard = column(
        button(texts.YES_DROP, yes), button(texts.NO_BACK, SetAsideButton(action=Action.LIST))
    )
    return texts.ASK_DROP if is_one else texts.ASK_DROP_ALL, keyboard


def _keyboard(listed: Listed, now: datetime) -> InlineKeyboardMarkup:
    def of(text: str, action: Action, key: str = "", until: int = 0) -> InlineKeyboardButton:
        data = SetAsideButton(action=action, key=key.replace(":", "."), until=until)
        return button(text, data)

    rows = []
    for number, one in enumerate(listed.first, 1):
        repeat = [of(texts.repeat(number), Action.REPEAT, one.key)] if one.can_be_repeated else []
        rows.append([*repeat, of(texts.drop(number), Action.ASK_DROP, one.key)])
    if listed.count > 1:
        until = (now - _EPOCH) // timedelta(milliseconds=1)
        rows.append(
            [
                of(texts.REPEAT_ALL, Action.REPEAT_ALL),
                of(texts.DROP_ALL, Action.ASK_DROP_ALL, until=until),
            ]
        )
    rows.append([button(texts.BACK, StatusButton())])
    return InlineKeyboardMarkup(inline_keyboard=rows)


def router() -> Router:
    """Return the router; the including router must filter for admins and private chats.

    Needs `set_aside` and `timezone` in the dispatcher's data.
    """
    router = Router(name="set_aside")
    router.callback_query.register(pressed, SetAsideButton.filter(), F.message.as_("message"))
    return router
