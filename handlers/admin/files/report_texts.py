"""A job as messages of the chat: its report, progress, captions, and its line in the list."""

from collections.abc import Iterable
from functools import partial
from html import escape
from typing import Final

from bot.domain.job import OVER, Counts, Job, JobKind, JobState, Report
from bot.wording.bulk import ACTIONS
from bot.wording.job_report import Line, has_something_to_write, report_lines
from bot.wording.jobs import (
    KIND_NAMES,
    MODES,
    STATES,
    doing,
    exported,
    filters,
    progress_parts,
    state,
    subject,
    summary,
    undone,
)
from bot.wording.reasons import describe_trouble
from bot.wording.values import Names, erp_name, when, who
from bot.wording.words import short

# Telegram takes 4,096 characters and counts an escaped `<` as one. The rest is for the title and
# what stands below the report.
_ROOM: Final = 3_300
_BAR: Final = 10

REFUSED_ROWS: Final = (
    "⛔ Linhas recusadas, com o motivo na coluna “erro”. Corrija e envie este mesmo arquivo de "
    "volta: as outras já entraram."
)
REFUSED_RECORDS: Final = (
    "⛔ Registros do ERP que não entraram, com o motivo na coluna “erro”. Corrija no ERP: a "
    "próxima sincronização completa os traz."
)
_MARKS: Final = {
    JobState.DRAFT: "✏️",
    JobState.CHECKING: "⏳",
    JobState.CHECKED: "❓",
    JobState.RUNNING: "⏳",
    JobState.DONE: "✅",
    JobState.CANCELLED: "✖️",
    JobState.FAILED: "⚠️",
}
_ENDINGS: Final = {
    JobState.DONE: "concluída",
    JobState.CANCELLED: "cancelada",
    JobState.FAILED: "não terminou",
}

_MESSAGES: Final = {
    JobState.DRAFT: "está sendo preparada: confira o arquivo primeiro.",
    JobState.CHECKING: "está sendo conferida. A prévia chega em uma mensagem nova.",
    JobState.CHECKED: "espera confirmação, com uma prévia mais nova. Veja em /tarefas.",
    JobState.RUNNING: "já está em andamento.",
    JobState.DONE: "já terminou.",
    JobState.CANCELLED: "foi cancelada.",
    JobState.FAILED: "parou com um erro. Veja em /tarefas.",
}

# Telegram's HTML needs no escaped quotation marks.
_quote = partial(escape, quote=False)


def title(job: Job) -> str:
    """Return the title as HTML: `Tarefa 12 · Importação`."""
    of = f" a {undone(job)}" if job.undoes is not None else ""
    return f"<b>Tarefa {job.id} · {KIND_NAMES[job.kind]}{of}</b>"


def progress(job: Job, done: Counts, *, rows_a_second: float, left_s: float | None) -> str:
    """Return a progress bar with the number of rows, the speed and the time left."""
    lines = [f"⏳ {title(job)}", *_file_line(job), f"{doing(job)}…", ""]
    if job.total:
        share = min(1.0, done.rows / job.total)
        full = int(share * _BAR)
        lines.append(f"{'▓' * full}{'░' * (_BAR - full)} {share:.0%}")
    amount, *pace = progress_parts(
        job, done, total=job.total, rows_a_second=rows_a_second, left_s=left_s
    )
    return "\n".join([*lines, amount, *([" · ".join(pace)] if pace else [])])


def starting(doing: str) -> str:
    """Return the text of a message that will show progress."""
    return f"⏳ {doing}"


def report(job: Job, found: Report, names: Names) -> str:
    """Return everything about the job's current state, within one message."""
    head, ending = _file_line(job), []
    match job.state:
        case JobState.CHECKED if job.asks_about_losses:
            head.insert(0, f"❓ {title(job)}")
            ending = ["", "<b>É isso mesmo?</b> Confira um destes no ERP."]
        case JobState.CHECKED:
            of = KIND_NAMES[job.kind].lower()
            head.insert(0, f"🔎 <b>Prévia da {of}</b> · tarefa {job.id}")
            nothing = (
                "Nada foi gravado ainda."
                if has_something_to_write(job)
                else "Não há nada a gravar."
            )
            ending = ["", f"<b>{nothing}</b>"]
        case JobState.DONE | JobState.CANCELLED | JobState.FAILED:
            head.insert(0, f"{_MARKS[job.state]} {_ended(job)}")
        case _:
            return f"{_MARKS[job.state]} {title(job)}: {STATES[job.state]}"
    return "\n".join([*head, *_laid_out(report_lines(job, found, names)), *ending])


def caption(job: Job, names: Names) -> str:
    """Return the caption of the first file of a job; at most 1,024 characters."""
    if job.kind is not JobKind.EXPORT:
        return REFUSED_RECORDS if job.kind is JobKind.SYNC else REFUSED_ROWS
    lines = [f"📤 {exported(job.counts)} · {when(job.began_at or job.created_at, names)}"]
    if job.export_options is not None:
        lines.append(_quote(short(filters(job.export_options.query, names), 200)))
    lines.append("⚠️ São dados pessoais: guarde bem, e apague daqui depois.")
    return "\n".join(lines)


def cancelled(job: Job) -> str:
    """Return the text for an import that was cancelled before it began."""
    return "\n".join([f"✖️ {title(job)} cancelada", *_file_line(job), "Nada foi gravado."])


def is_export_done(job: Job) -> bool:
    """Return True if the job is a finished export with files to send."""
    return job.kind is JobKind.EXPORT and job.state is JobState.DONE and job.counts.rows > 0


def part(place: int, of: int) -> str:
    return f"Parte {place} de {of}."


def not_sent(job: Job) -> str:
    return (
        f"⚠️ O Telegram não aceitou o arquivo da tarefa {job.id}. Ele fica guardado 7 dias: abra a "
        "tarefa em /tarefas e peça de novo."
    )


def details(job: Job, found: Report, names: Names) -> str:
    """Return the job with its author and times, for an admin who opens it in the list."""
    head = [f"👤 {_quote(who(job.by, names))} · {when(job.created_at, names)}"]
    if job.ended_at is not None:
        head.append(f"🏁 {when(job.ended_at, names)}")
    if job.export_options is not None:
        head.append(_quote(short(filters(job.export_options.query, names), 200)))
    if job.is_active:
        return "\n".join([progress(job, job.counts, rows_a_second=0, left_s=None), "", *head])
    return "\n".join([report(job, found, names), "", *head])


def list_line(job: Job, names: Names) -> str:
    """Return the job's line in the list."""
    what = _quote(subject(job))
    rest = [f"{when(job.created_at, names)}, {_quote(short(who(job.by, names), 40))}"]
    is_over = job.state in OVER and job.counts.rows
    rest.append(summary(job) if is_over else state(job))
    if job.undone_by is not None:
        rest.append(f"desfeita pela {job.undone_by}")
    return (
        f"{_MARKS[job.state]} <b>{job.id}</b> · {what[0].upper()}{what[1:]}\n   {' · '.join(rest)}"
    )


def list_button(job: Job) -> str:
    return f"{_MARKS[job.state]} {job.id}"


def state_message(job: Job) -> str:
    """Return the reason why a button no longer works, short enough for an alert window."""
    return f"A tarefa {job.id} {_MESSAGES[job.state]}"


def sync_fails(job: Job) -> str:
    """Return the alert that admins receive once, when scheduled syncs begin to fail."""
    return (
        f"⚠️ <b>A sincronização com o ERP falhou</b> (tarefa {job.id}). "
        f"{_quote(describe_trouble(job))}\n\nTento de novo na próxima hora marcada, sem avisar a "
        "cada vez; aviso quando voltar a funcionar. Os clientes continuam sendo atendidos."
    )


def sync_asks(job: Job, names: Names) -> str:
    """Return the question that admins receive when a scheduled sync would take away much."""
    return report(job, Report(), names)


def sync_works_again(job: Job) -> str:
    return f"✅ A sincronização com o ERP voltou a funcionar (tarefa {job.id})."


def _ended(job: Job) -> str:
    if job.undoes is not None and job.state is JobState.DONE:
        return f"<b>Tarefa {job.id}: {undone(job)} desfeita</b>"
    return f"{title(job)} {_ENDINGS[job.state]}"


def _laid_out(lines: Iterable[Line]) -> list[str]:
    """Return as many of the lines as fit, as HTML; a list begins after an empty line."""
    shown: list[str] = []
    room = _ROOM
    for line in lines:
        text = _quote(line.text)
        if line.is_heading:
            shown.append("")
            text = f"<b>{text}</b>"
        text = f"{_indent(line)}{text}"
        room -= len(text) + 1
        if room < 0:
            return [*shown, "…"]
        shown.append(text)
    return shown


def _indent(line: Line) -> str:
    return f"{line.mark} " if line.mark else ("", "• ", "   ")[line.depth]


def _file_line(job: Job) -> list[str]:
    if job.sync_options is not None:
        read = "lendo só o que mudou" if job.sync_options.since else "lendo tudo"
        mode = MODES[job.sync_options.mode]
        return [f"🔗 ERP {_quote(erp_name(job.sync_options.system))}: {mode}, {read}"]
    if job.bulk_options is not None and job.is_active:
        return [f"🗂 {ACTIONS[job.bulk_options.action].capitalize()}"]
    return [f"📄 {_quote(short(job.source.name, 60))}"] if job.source is not None else []
