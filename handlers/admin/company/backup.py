"""/backup: an explanation, a button that starts a backup, and the file that it makes."""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never
from zoneinfo import ZoneInfo

import structlog
from aiogram import Bot, F, Router
from aiogram.exceptions import (
    TelegramAPIError,
    TelegramBadRequest,
    TelegramEntityTooLarge,
    TelegramForbiddenError,
)
from aiogram.filters import Command
from aiogram.filters.callback_data import CallbackData
from aiogram.types import (
    CallbackQuery,
    FSInputFile,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    MaybeInaccessibleMessageUnion,
    Message,
)

from bot.domain.backup import BackupFile
from bot.domain.errors import TryLaterError
from bot.domain.job import Job, JobTrouble, Progress
from bot.usecases.jobs.begin_backup import AlreadyOver, AlreadyRunning, BeginBackup
from handlers.admin.company import maintenance_texts as texts
from handlers.admin.files.services import UPLOAD_S
from handlers.answers import answer_press

logger = structlog.get_logger()


class Action(StrEnum):
    GO = "g"
    CANCEL = "c"


class BackupButton(CallbackData, prefix="backup"):
    action: Action


@dataclass(frozen=True, slots=True, kw_only=True)
class TelegramBackups:
    """Sends backups to the admins who started them, in the private chat."""

    bot: Bot
    admin_ids: Callable[[], Awaitable[Collection[int]]]

    async def deliver(self, job: Job, file: BackupFile) -> JobTrouble | None:
        """Send the file; return the reason if it did not reach the admin, else None."""
        if job.progress is None or job.progress.chat_id not in await self.admin_ids():
            return JobTrouble.NO_RIGHT
        caption = texts.caption(file.counts, size_bytes=file.size_bytes, sha256=file.sha256)
        try:
            await self.bot.send_document(
                job.progress.chat_id,
                FSInputFile(file.path),
                caption=caption,
                # The admin is to store the file elsewhere.
                protect_content=False,
                request_timeout=UPLOAD_S,
            )
        except TelegramForbiddenError:
            return JobTrouble.BLOCKED
        except TelegramEntityTooLarge:
            return JobTrouble.TOO_LARGE
        except (TelegramAPIError, TryLaterError) as error:
            logger.warning("backup not sent", error=type(error).__name__)
            return JobTrouble.TELEGRAM
        return None


async def explain(message: Message) -> None:
    def row(text: str, action: Action) -> list[InlineKeyboardButton]:
        data = BackupButton(action=action).pack()
        return [InlineKeyboardButton(text=text, callback_data=data)]

    rows = [row(texts.BACK_UP_NOW, Action.GO), row(texts.CANCEL, Action.CANCEL)]
    await message.answer(
        texts.EXPLANATION, reply_markup=InlineKeyboardMarkup(inline_keyboard=rows)
    )


async def go(
    callback: CallbackQuery,
    message: MaybeInaccessibleMessageUnion,
    begin_backup: BeginBackup,
    timezone: ZoneInfo,
) -> None:
    outcome = await begin_backup(by=f"admin:{callback.from_user.id}", progress=_shown_in(message))
    match outcome:
        case Job():
            await answer_press(callback)
        case AlreadyRunning(job):
            told = texts.already_running(job, timezone=timezone)
            await answer_press(callback, told, alert=True)
        case AlreadyOver():
            await answer_press(callback, texts.ALREADY_DONE, alert=True)
        case _:
            assert_never(outcome)


async def cancel(
    callback: CallbackQuery,
    message: MaybeInaccessibleMessageUnion,
    begin_backup: BeginBackup,
    bot: Bot,
) -> None:
    if await begin_backup.was_begun(_shown_in(message)):
        await answer_press(callback, texts.ALREADY_DONE, alert=True)
        return
    await answer_press(callback)
    try:
        await bot.edit_message_text(
            texts.CANCELLED, chat_id=message.chat.id, message_id=message.message_id
        )
    except TelegramBadRequest as error:
        logger.info("question about a backup not withdrawn", reason=error.message)


def _shown_in(message: MaybeInaccessibleMessageUnion) -> Progress:
    return Progress(chat_id=message.chat.id, message_id=message.message_id)


def router() -> Router:
    """Return the router; the including router must filter for admins and private chats.

    Needs `begin_backup` and `timezone` in the dispatcher's data.
    """
    router = Router(name="backup")
    message = F.message.as_("message")
    router.message.register(explain, Command("backup"))
    for action, handler in ((Action.GO, go), (Action.CANCEL, cancel)):
        router.callback_query.register(handler, BackupButton.filter(F.action == action), message)
    return router
