"""/backup: an explanation, a button that starts a backup, and messages about its progress."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol, assert_never
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

from bot.domain.backup import (
    AlreadyOver,
    AlreadyRunning,
    BackupFile,
    BackupRun,
    Copied,
    Started,
    Trouble,
)
from bot.domain.errors import TryLaterError
from handlers.admin.company import maintenance_texts as texts
from handlers.answers import answer_press

# At 1 Mbit per second the largest file takes seven minutes.
_UPLOAD_S: Final = 900

logger = structlog.get_logger()


class Action(StrEnum):
    GO = "g"
    CANCEL = "c"


class BackupButton(CallbackData, prefix="backup"):
    action: Action


class Backups(Protocol):
    """Makes backups in the background, beside the handling of updates."""

    async def start(
        self, admin_id: int, message_id: int
    ) -> Started | AlreadyRunning | AlreadyOver:
        """Start a backup whose progress is shown in this message; return at once."""
        ...

    async def was_begun(self, admin_id: int, message_id: int) -> bool:
        """Return True if this message belongs to a backup, running or over."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TelegramBackupNotifier:
    """Notifies the admin who started a backup, in the private chat."""

    bot: Bot

    async def began(self, run: BackupRun) -> None:
        await self._edit(run, texts.BEGAN)

    async def progress(self, run: BackupRun, copied: Mapping[str, Copied]) -> None:
        await self._edit(run, texts.progress(copied))

    async def deliver(self, run: BackupRun, file: BackupFile) -> Trouble | None:
        caption = texts.caption(file.counts, size_bytes=file.size_bytes, sha256=file.sha256)
        try:
            await self.bot.send_document(
                run.admin_id,
                FSInputFile(file.path),
                caption=caption,
                # The admin is to store the file elsewhere.
                protect_content=False,
                request_timeout=_UPLOAD_S,
            )
        except TelegramForbiddenError:
            return Trouble.BLOCKED
        except TelegramEntityTooLarge:
            return Trouble.TOO_LARGE
        except (TelegramAPIError, TryLaterError) as error:
            logger.warning("backup not sent", error=type(error).__name__)
            return Trouble.TELEGRAM
        await self._edit(run, texts.SENT)
        return None

    async def failed(self, run: BackupRun, trouble: Trouble, *, size_bytes: int) -> bool:
        """Return True if the admin was notified or never can be; False to retry later."""
        await self._edit(run, texts.STOPPED)
        try:
            # A new message, because an edit makes no sound and a backup takes a while.
            await self.bot.send_message(
                run.admin_id, texts.trouble(trouble, size_bytes=size_bytes)
            )
        except TelegramAPIError as error:
            logger.warning("admin not notified of a backup", error=type(error).__name__)
        except TryLaterError as error:
            logger.warning("admin not yet notified of a backup", error=str(error))
            return False
        return True

    async def _edit(self, run: BackupRun, text: str) -> None:
        try:
            await self.bot.edit_message_text(text, chat_id=run.admin_id, message_id=run.message_id)
        except (TelegramAPIError, TryLaterError) as error:
            # The message is gone, the bot is blocked, or Telegram is down: the file or a message
            # follows.
            logger.info("backup's progress not shown", reason=type(error).__name__)


def file_name(at: datetime, *, timezone: ZoneInfo) -> str:
    return f"balcao-{at.astimezone(timezone):%Y-%m-%d-%H%M}.backup"


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
    backups: Backups,
    timezone: ZoneInfo,
) -> None:
    outcome = await backups.start(callback.from_user.id, message.message_id)
    match outcome:
        case Started():
            await answer_press(callback)
        case AlreadyRunning(run):
            told = texts.already_running(run, timezone=timezone)
            await answer_press(callback, told, alert=True)
        case AlreadyOver():
            await answer_press(callback, texts.ALREADY_DONE, alert=True)
        case _:
            assert_never(outcome)


async def cancel(
    callback: CallbackQuery, message: MaybeInaccessibleMessageUnion, backups: Backups, bot: Bot
) -> None:
    if await backups.was_begun(callback.from_user.id, message.message_id):
        await answer_press(callback, texts.ALREADY_DONE, alert=True)
        return
    await answer_press(callback)
    try:
        await bot.edit_message_text(
            texts.CANCELLED, chat_id=message.chat.id, message_id=message.message_id
        )
    except TelegramBadRequest as error:
        logger.info("question about a backup not withdrawn", reason=error.message)


def router() -> Router:
    """Return the router; the including router must filter for admins and private chats.

    Needs `backups` and `timezone` in the dispatcher's data.
    """
    router = Router(name="backup")
    message = F.message.as_("message")
    router.message.register(explain, Command("backup"))
    for action, handler in ((Action.GO, go), (Action.CANCEL, cancel)):
        router.callback_query.register(handler, BackupButton.filter(F.action == action), message)
    return router
