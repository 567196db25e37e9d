"""Buttons below messages about a job. They stay in the chat, so they must work a week later."""

from enum import StrEnum
from typing import Final

from aiogram.filters.callback_data import CallbackData
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

from bot.domain.job import ACTIVE, Counts, Job, JobKind, JobState
from bot.wording.job_report import has_something_to_write
from bot.wording.words import number


class Verb(StrEnum):
    CONFIRM = "confirm"
    OPTIONS = "options"
    CANCEL = "cancel"
    UNDO = "undo"
    """Asks for confirmation."""
    SURE = "sure"
    KEEP = "keep"
    FILES = "files"
    OPEN = "open"
    LIST = "list"
    TEMPLATE = "template"


class JobButton(CallbackData, prefix="job"):
    verb: Verb
    id: int
    """Id of the job. For a list: its page has jobs with smaller ids; 0 for the newest jobs."""
    seen: int = 0
    """For a preview, its id: confirming an older preview does nothing."""


Rows = list[list[InlineKeyboardButton]]


_FILES: Final = {
    JobKind.EXPORT: "📄 Arquivo da exportação",
    JobKind.SYNC: "📄 Registros recusados",
}


def button(text: str, verb: Verb, job_id: int = 0, *, seen: int = 0) -> InlineKeyboardButton:
    data = JobButton(verb=verb, id=job_id, seen=seen).pack()
    return InlineKeyboardButton(text=text, callback_data=data)


def keyboard(rows: Rows) -> InlineKeyboardMarkup | None:
    return InlineKeyboardMarkup(inline_keyboard=rows) if rows else None


def preview_id(job: Job) -> int:
    """Return the id that distinguishes the current preview from older ones."""
    return job.progress.message_id if job.progress else 0


def while_active(job: Job) -> Rows:
    return [[button("✖️ Cancelar", Verb.CANCEL, job.id)]]


def of_job(job: Job) -> Rows:
    """Return the buttons for the job's current state."""
    if job.state in ACTIVE:
        return [] if job.is_cancelled else while_active(job)
    match job.state:
        case JobState.DRAFT:
            return [
                [button("✏️ Continuar", Verb.OPTIONS, job.id)],
                [button("❌ Cancelar", Verb.CANCEL, job.id)],
            ]
        case JobState.CHECKED:
            return _of_preview(job)
    rows: Rows = []
    if any(file.file_id for file in job.results):
        text = _FILES.get(job.kind, "📄 Linhas recusadas")
        rows.append([button(text, Verb.FILES, job.id)])
    if job.can_be_undone:
        rows.append([button("↩️ Desfazer", Verb.UNDO, job.id)])
    return rows


def ask_to_undo(job: Job) -> Rows:
    return [
        [
            button("↩️ Sim, desfazer", Verb.SURE, job.id),
            button("⬅️ Não", Verb.KEEP, job.id),
        ]
    ]


def _of_preview(job: Job) -> Rows:
    rows: Rows = []
    seen, preview = preview_id(job), job.preview or Counts()
    if job.kind is JobKind.CHANGE:
        if has_something_to_write(job):
            count = number(preview.updated + preview.removed)
            rows.append([button(f"✅ Confirmar ({count})", Verb.CONFIRM, job.id, seen=seen)])
        rows.append([button("⬅️ Voltar", Verb.OPTIONS, job.id)])
        return rows
    if has_something_to_write(job) and job.fits:
        changes = preview.created + preview.updated
        what = number(changes) if changes else "as senhas"
        rows.append([button(f"✅ Importar {what}", Verb.CONFIRM, job.id, seen=seen)])
    elif preview.refused and job.fits:
        rows.append([button("📄 Receber as recusadas", Verb.CONFIRM, job.id, seen=seen)])
    rows.append([button("✏️ Mudar opções", Verb.OPTIONS, job.id)])
    rows.append([button("❌ Cancelar", Verb.CANCEL, job.id)])
    return rows
