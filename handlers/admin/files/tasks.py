"""/tarefas, and the buttons below messages about a job, which have no expiry.

Each press reads the job again: it may be finished or undone by now, or another admin may have
acted on it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiogram import Bot, F, Router, html
from aiogram.types import CallbackQuery, MaybeInaccessibleMessageUnion
from aiogram_dialog import DialogManager

from bot.domain.errors import RefusedError
from bot.domain.job import ACTIVE, OVER, Job, JobKind, JobState, Progress
from bot.usecases.jobs.manage_jobs import CannotUndo
from bot.wording.jobs import cannot_undo, effort_sentence
from handlers.admin.files import buttons, report_texts, texts
from handlers.admin.files.arriving import reopen, send_template
from handlers.admin.files.buttons import JobButton, Rows, Verb, button, keyboard
from handlers.admin.files.services import (
    FileServices,
    edit,
    send_files,
    show_progress,
    without_buttons,
)
from handlers.admin.many.screens import open_again
from handlers.answers import answer_press

PAGE: Final = 6
_LONGEST_ANSWER: Final = 200
"""Characters that Telegram shows in an alert window."""


async def list_jobs(files: FileServices, before: int | None = None) -> tuple[str, Rows]:
    """Return text and buttons of one page of the list.

    before: the page lists jobs with smaller ids; None for the newest jobs.
    """
    found = await files.manage.latest(PAGE + 1, before=before)
    jobs = found[:PAGE]
    if not jobs:
        return texts.NO_JOBS, []
    names = await files.names()
    lines = ["🗂 <b>Tarefas</b>", ""]
    lines += [report_texts.list_line(job, names) for job in jobs]
    opened = [button(report_texts.list_button(job), Verb.OPEN, job.id) for job in jobs]
    rows: Rows = [opened[start : start + 3] for start in range(0, len(opened), 3)]
    turns = []
    if before is not None:
        newer = await files.manage.above(jobs[0].id, PAGE)
        top = newer[0].id if newer else jobs[0].id
        turns.append(button("◀️ Mais novas", Verb.LIST, top + 1))
    if len(found) > PAGE:
        turns.append(button("Mais antigas ▶️", Verb.LIST, jobs[-1].id))
    return "\n".join(lines), [*rows, turns] if turns else rows


@dataclass(frozen=True, slots=True)
class Press:
    """One press of a button below a message about a job."""

    callback: CallbackQuery
    here: Progress
    """The place of the message."""
    data: JobButton
    files: FileServices
    bot: Bot

    @property
    def by(self) -> str:
        return f"admin:{self.callback.from_user.id}"

    async def job(self) -> Job | None:
        """Return the current job. Return None if it is gone; the press is answered then."""
        job = await self.files.manage.get(self.data.id)
        if job is None:
            await self.answer(texts.GONE)
        return job

    async def answer(self, text: str | None = None) -> None:
        if text is not None and len(text) > _LONGEST_ANSWER:
            await answer_press(self.callback)
            await self.bot.send_message(self.here.chat_id, html.quote(text))
        else:
            await answer_press(self.callback, text, alert=text is not None)

    async def edit(self, text: str, rows: Rows | None = None) -> None:
        await edit(self.bot, self.here, text, rows)


async def confirm(press: Press) -> None:
    job = await press.job()
    if job is None:
        return
    if job.state is not JobState.CHECKED or press.data.seen != buttons.preview_id(job):
        await press.answer(report_texts.state_message(job))
        return
    if job.effort is not None and not job.fits:
        await press.answer(effort_sentence(job.effort))
        return
    await press.answer()
    await without_buttons(press.bot, press.here)
    doing = texts.CHANGING if job.kind is JobKind.CHANGE else texts.IMPORTING
    progress = await show_progress(press.bot, press.here.chat_id, doing, job)
    if await press.files.manage.confirm(job.id, progress) is None:
        # Another admin confirmed a moment earlier.
        told = await press.files.manage.get(job.id)
        text = report_texts.state_message(told) if told else texts.GONE
        await edit(press.bot, progress, text)


async def options(press: Press, dialog_manager: DialogManager) -> None:
    job = await press.job()
    if job is None:
        return
    if job.state not in (JobState.DRAFT, JobState.CHECKED):
        await press.answer(report_texts.state_message(job))
        return
    await press.answer()
    await without_buttons(press.bot, press.here)
    again = open_again if job.kind is JobKind.CHANGE else reopen
    if trouble := await again(dialog_manager, press.files, job):
        await press.bot.send_message(press.here.chat_id, f"⚠️ {html.quote(trouble)}")


async def cancel(press: Press) -> None:
    job = await press.job()
    if job is None:
        return
    cancelled = await press.files.manage.cancel(job.id)
    if cancelled is None:
        now = await press.files.manage.get(job.id)
        await press.answer(report_texts.state_message(now) if now else texts.GONE)
    elif cancelled.state in ACTIVE:
        await press.answer(texts.CANCELLING)
    else:
        await press.answer()
        await press.edit(report_texts.cancelled(cancelled))


async def undo(press: Press) -> None:
    """Ask for confirmation before the job is undone."""
    job = await press.job()
    if job is None:
        return
    if not job.can_be_undone:
        await press.answer(cannot_undo(job))
        return
    await press.answer()
    await press.bot.send_message(
        press.here.chat_id,
        texts.ask_to_undo(job),
        reply_markup=keyboard(buttons.ask_to_undo(job)),
    )


async def sure(press: Press) -> None:
    outcome = await press.files.manage.undo(press.data.id, by=press.by, progress=press.here)
    if isinstance(outcome, Job):
        await press.answer()
        # The question becomes the progress message, unless the undo has already finished.
        now = await press.files.manage.get(outcome.id)
        if now is None or now.state not in OVER:
            await press.edit(report_texts.starting(texts.UNDOING), buttons.while_active(outcome))
        return
    target = await press.files.manage.get(press.data.id)
    if target is None or outcome is CannotUndo.UNKNOWN:
        await press.answer(texts.GONE)
        return
    undoing = await press.files.manage.get(target.undone_by) if target.undone_by else None
    await press.answer(cannot_undo(target))
    if undoing is None or undoing.progress != press.here:
        await press.edit(html.quote(cannot_undo(target)))


async def keep(press: Press) -> None:
    await press.answer()
    await press.edit(texts.NOT_UNDONE)


async def send_results(press: Press) -> None:
    job = await press.job()
    if job is None:
        return
    results = [file for file in job.results if file.file_id]
    if not results:
        await press.answer(texts.FILE_GONE)
        return
    await press.answer()
    caption = report_texts.caption(job, await press.files.names())
    try:
        async with press.files.work_folder() as folder:
            paths = [folder / Path(result.name).name for result in results]
            for result, path in zip(results, paths, strict=True):
                await press.files.manage.files.fetch(result.file_id, path)
            await send_files(press.bot, press.here.chat_id, job, paths, caption=caption)
    except RefusedError:
        await press.bot.send_message(press.here.chat_id, texts.FILE_GONE)


async def open_job(press: Press) -> None:
    job = await press.job()
    if job is None:
        return
    await press.answer()
    found = await press.files.report(job)
    text = report_texts.details(job, found, await press.files.names())
    rows = buttons.of_job(job)
    turns = [button("⬅️ Tarefas", Verb.LIST)]
    if job.state in ACTIVE:
        turns.insert(0, button("🔄 Atualizar", Verb.OPEN, job.id))
    await press.edit(text, [*rows, turns])


async def turn(press: Press) -> None:
    await press.answer()
    before = press.data.id or None
    if before is not None:
        newest = await press.files.manage.latest(1)
        if newest and newest[0].id < before:
            before = None
    await press.edit(*await list_jobs(press.files, before))


async def template(press: Press) -> None:
    await press.answer()
    await send_template(press.bot, press.here.chat_id)


_PRESSES: Final[dict[Verb, Callable[[Press], Awaitable[None]]]] = {
    Verb.CONFIRM: confirm,
    Verb.CANCEL: cancel,
    Verb.UNDO: undo,
    Verb.SURE: sure,
    Verb.KEEP: keep,
    Verb.FILES: send_results,
    Verb.OPEN: open_job,
    Verb.LIST: turn,
    Verb.TEMPLATE: template,
}


async def pressed(
    callback: CallbackQuery,
    message: MaybeInaccessibleMessageUnion,
    callback_data: JobButton,
    files: FileServices,
    bot: Bot,
    dialog_manager: DialogManager,
) -> None:
    here = Progress(chat_id=message.chat.id, message_id=message.message_id)
    press = Press(callback, here, callback_data, files, bot)
    if callback_data.verb is Verb.OPTIONS:
        await options(press, dialog_manager)
    else:
        await _PRESSES[callback_data.verb](press)


def router() -> Router:
    """Return the router; the including router must filter for admins and private chats.

    It must also set up dialogs. Needs `files` in the dispatcher's data.
    """
    router = Router(name="tasks")
    router.callback_query.register(pressed, JobButton.filter(), F.message.as_("message"))
    return router
