"""/sincronizar and the sync buttons: import customers from the ERP into the register."""

from enum import StrEnum
from typing import Final, cast
from zoneinfo import ZoneInfo

from aiogram import Bot, F, Router
from aiogram.filters.callback_data import CallbackData
from aiogram.types import CallbackQuery, MaybeInaccessibleMessageUnion, Message
from aiogram_dialog import DialogManager

from bot.domain.job import SyncMode
from bot.usecases.jobs.begin_sync import BeginSync, RunsAlready
from bot.wording.sync import BEGINNING, runs_already
from handlers.admin import sync_texts as texts
from handlers.admin.files import buttons
from handlers.admin.files.services import edit, offer_cancel, show_progress
from handlers.answers import answer_press
from handlers.keyboards import button, column


class Verb(StrEnum):
    QUICK = "quick"
    FULL = "full"
    EVERYTHING = "everything"
    """A full sync that reads all records again, not only the changed ones."""


class SyncButton(CallbackData, prefix="sync"):
    verb: Verb


_LABELS: Final = {
    Verb.QUICK: "🔄 Sincronização rápida",
    Verb.FULL: "🔁 Sincronização completa",
    Verb.EVERYTHING: "⏮ Sincronização completa, desde o começo",
}


async def open_sync(message: Message, sync: BeginSync | None, timezone: ZoneInfo) -> None:
    """Answer /sincronizar."""
    if sync is None:
        await message.answer(texts.NO_ERP)
        return
    if not sync.lists_all:
        await message.answer(texts.NO_LIST)
        return
    verbs = [v for v in Verb if v is not Verb.EVERYTHING or sync.lists_changes]
    keyboard = column(*(button(_LABELS[v], SyncButton(verb=v)) for v in verbs))
    text = texts.menu(await sync.last(), lists_changes=sync.lists_changes, timezone=timezone)
    await message.answer(text, reply_markup=keyboard)


async def pressed(
    callback: CallbackQuery,
    message: MaybeInaccessibleMessageUnion,
    callback_data: SyncButton,
    bot: Bot,
    sync: BeginSync | None,
) -> None:
    await answer_press(callback)
    await begin(bot, message.chat.id, callback.from_user.id, sync, callback_data.verb)


async def begin(bot: Bot, chat_id: int, admin_id: int, sync: BeginSync | None, verb: Verb) -> None:
    """Start a sync and show its progress in a new message. If it cannot start, give the reason."""
    if sync is None or not sync.lists_all:
        await bot.send_message(chat_id, texts.NO_ERP if sync is None else texts.NO_LIST)
        return
    progress = await show_progress(bot, chat_id, BEGINNING)
    begun = await sync(
        SyncMode.QUICK if verb is Verb.QUICK else SyncMode.FULL,
        by=f"admin:{admin_id}",
        everything=verb is Verb.EVERYTHING,
        progress=progress,
    )
    if isinstance(begun, RunsAlready):
        rows = [[buttons.button("👀 Ver como anda", buttons.Verb.OPEN, begun.job.id)]]
        await edit(bot, progress, runs_already(begun.job), rows)
    else:
        await offer_cancel(bot, begun, BEGINNING)


def sync_of(manager: DialogManager) -> BeginSync | None:
    return cast(BeginSync | None, manager.middleware_data["sync"])


def router() -> Router:
    """Return the router; the including router must filter for admins and private chats.

    Needs `sync` and `timezone` in the dispatcher's data.
    """
    router = Router(name="sync")
    router.callback_query.register(pressed, SyncButton.filter(), F.message.as_("message"))
    return router
