"""Dependencies of the screens for files and jobs, and the notifier of a job's progress."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

import structlog
from aiogram import Bot
from aiogram.exceptions import TelegramAPIError
from aiogram.types import FSInputFile
from aiogram_dialog import DialogManager

from bot.domain.errors import TryLaterError
from bot.domain.job import Counts, Job, JobKind, JobState, Progress, Report
from bot.usecases.jobs.begin_change import BeginChange
from bot.usecases.jobs.manage_jobs import ManageJobs
from bot.usecases.jobs.read_file import ReadFile
from bot.wording.values import Names
from handlers.admin.company import maintenance_texts
from handlers.admin.files import buttons, report_texts

# At 1 Mbit per second the largest file takes seven minutes.
UPLOAD_S: Final = 900

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class FileServices:
    manage: ManageJobs
    begin_change: BeginChange
    read_file: ReadFile
    report: Callable[[Job], Awaitable[Report]]
    """Returns the effects of a job, beyond its counts."""
    names: Callable[[], Awaitable[Names]]
    work_folder: Callable[[], AbstractAsyncContextManager[Path]]
    """Makes a private folder for a file in work, which is deleted afterwards."""
    requires_tax_id: bool
    create_tag: Callable[[str], Awaitable[object]]
    """Creates the tag of this name, unless there is one."""


def files_of(manager: DialogManager) -> FileServices:
    return cast(FileServices, manager.middleware_data["files"])


@dataclass(frozen=True, slots=True, kw_only=True)
class TelegramJobNotifier:
    """Notifies the admin who started a job, in the private chat."""

    bot: Bot
    names: Callable[[], Awaitable[Names]]
    admin_ids: Callable[[], Awaitable[Collection[int]]]

    async def progress(
        self, job: Job, done: Counts, *, rows_a_second: float, left_s: float | None
    ) -> None:
        """Edit the message that shows the job."""
        if job.progress is None:
            return
        if job.kind is JobKind.BACKUP:
            text = maintenance_texts.progress(job, done)
        else:
            text = report_texts.progress(job, done, rows_a_second=rows_a_second, left_s=left_s)
        try:
            await self.bot.edit_message_text(
                text,
                chat_id=job.progress.chat_id,
                message_id=job.progress.message_id,
                reply_markup=buttons.keyboard(buttons.of_job(job)),
            )
        except (TelegramAPIError, TryLaterError) as error:
            # The message is gone, the bot is blocked, or Telegram is down: a new message will
            # report the end.
            logger.info("progress not shown", job=job.id, reason=type(error).__name__)
        except Exception:
            logger.exception("progress not shown", job=job.id)

    async def notify(self, job: Job, report: Report, files: Sequence[Path]) -> None:
        """Report the end of the job in a new message.

        An edit makes no sound, and the message with the progress may be far up.
        Raises TryLaterError while Telegram does not take it.
        """
        if job.progress is None:
            return
        try:
            if job.kind is JobKind.BACKUP:
                await self._notify_of_backup(job, job.progress)
                return
            if job.progress.chat_id not in await self.admin_ids():
                logger.warning("the end of a job was not sent: no admin any more", job=job.id)
                return
            await self._notify(job, job.progress.chat_id, report, files)
            await self._take_away(job.progress.chat_id, job.progress.message_id)
        except TelegramAPIError as error:
            logger.warning("the end of a job was not sent", job=job.id, error=type(error).__name__)

    async def _notify(self, job: Job, chat_id: int, report: Report, files: Sequence[Path]) -> None:
        names = await self.names()
        markup = buttons.keyboard(buttons.of_job(job))
        # The summary of an export is the caption of its file.
        if not report_texts.is_export_done(job):
            text = report_texts.report(job, report, names)
            await self.bot.send_message(chat_id, text, reply_markup=markup)
        caption = report_texts.caption(job, names)
        if job.kind is not JobKind.EXPORT or report_texts.is_export_done(job):
            await send_files(self.bot, chat_id, job, files, caption=caption)

    async def show_end(self, job: Job, report: Report) -> None:
        """Edit the message that shows the job: an edit can be repeated until it is confirmed."""
        if job.progress is None:
            return
        names = await self.names()
        if report_texts.is_export_done(job):
            text = report_texts.caption(job, names)
        else:
            text = report_texts.report(job, report, names)
        await edit(self.bot, job.progress, text, buttons.of_job(job))

    async def _notify_of_backup(self, job: Job, shown: Progress) -> None:
        """Report the end in the message with the progress; a failure in a new one, too."""
        text = maintenance_texts.ended(job)
        await edit(self.bot, shown, text)
        if job.state is JobState.FAILED:
            await self.bot.send_message(shown.chat_id, maintenance_texts.trouble(job))

    async def _take_away(self, chat_id: int, message_id: int) -> None:
        try:
            await self.bot.delete_message(chat_id, message_id)
        except TelegramAPIError as error:
            # The message is older than two days, or gone already.
            logger.info("progress not taken away", reason=type(error).__name__)


async def send_files(
    bot: Bot,
    chat_id: int,
    job: Job,
    files: Sequence[Path],
    *,
    caption: str,
) -> None:
    """Send the files one after the other, the first with the caption.

    If Telegram refuses one, stop and say so in the chat. Raises the errors of sending that
    message.
    """
    for number, path in enumerate(files, start=1):
        text = caption if number == 1 else report_texts.part(number, len(files))
        try:
            await bot.send_document(
                chat_id, FSInputFile(path), caption=text, request_timeout=UPLOAD_S
            )
        except TelegramAPIError as error:
            logger.warning("file of a job not sent", job=job.id, error=type(error).__name__)
            await bot.send_message(chat_id, report_texts.not_sent(job))
            return


async def show_progress(bot: Bot, chat_id: int, doing: str, job: Job | None = None) -> Progress:
    """Send the message that will show the progress of a job; return its place.

    job: None if the job has yet to begin; `offer_cancel` adds the button then.
    """
    markup = buttons.keyboard(buttons.while_active(job)) if job is not None else None
    shown = await bot.send_message(chat_id, report_texts.starting(doing), reply_markup=markup)
    return Progress(chat_id=chat_id, message_id=shown.message_id)


async def offer_cancel(bot: Bot, job: Job, doing: str) -> None:
    """Show the button that cancels at once, unless the job was quicker and took the message
    away."""
    if job.progress is not None:
        await edit(bot, job.progress, report_texts.starting(doing), buttons.while_active(job))


async def without_buttons(bot: Bot, at: Progress) -> None:
    """Remove the buttons of a message that was answered."""
    await _edited(
        bot.edit_message_reply_markup(
            chat_id=at.chat_id, message_id=at.message_id, reply_markup=None
        )
    )


async def edit(bot: Bot, at: Progress, text: str, rows: buttons.Rows | None = None) -> None:
    """Edit the message; ignore a message that was deleted."""
    markup = buttons.keyboard(rows or [])
    await _edited(
        bot.edit_message_text(
            text, chat_id=at.chat_id, message_id=at.message_id, reply_markup=markup
        )
    )


async def _edited(editing: Awaitable[object]) -> None:
    try:
        await editing
    except TelegramAPIError as error:
        # The text is the same after a second press, or the message is gone.
        logger.info("message not edited", reason=type(error).__name__)
