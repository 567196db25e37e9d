"""The command line's words on a file, on an import before it is done, and on jobs."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from bot.cli.terminal.console import plain
from bot.domain.candidate import Refusal
from bot.domain.columns import Column, Doubt
from bot.domain.file_shape import FileShape, Inspected, Question
from bot.domain.job import COMMAND_LINE, Job, JobKind, Report, SyncOptions
from bot.runtime.owners import is_dead
from bot.usecases.jobs.begin_sync import GOES_ON
from bot.wording.files import (
    DOUBTS,
    amounts,
    column_line,
    left_out,
    question,
    understood,
)
from bot.wording.files import (
    names as names_of,
)
from bot.wording.job_report import Line, report_lines
from bot.wording.jobs import filters, state, subject, summary, undo_effects
from bot.wording.values import Names, when, who
from bot.wording.words import counted, plural, short

_LONGEST: Final = 60
_KIND: Final = "  Para dar um tipo a quem vem sem: --kind cliente"
_ANSWERS: Final = {
    Question.QUOTES: "Responda com --quotes text (a aspa é texto) ou --quotes cell (é tudo uma "
    "célula).",
    Question.ENCODING: "Diga com --encoding cp1252, --encoding cp850 ou --encoding mac.",
    Question.MOJIBAKE: "Responda com --encoding utf-8-2x (consertar) ou --encoding {encoding} "
    "(deixar como está).",
}


def is_left(job: Job, now: datetime) -> bool:
    """Return True if the job is active and no process works on it."""
    if not job.is_active:
        return False
    return job.owner is None or is_dead(job.owner) or job.until is None or job.until <= now


def file_lines(inspected: Inspected, columns: Sequence[Column]) -> Iterator[str]:
    """Yield how the file was read, and what each of its columns is."""
    rows = counted(inspected.shape.rows, "linha", "linhas")
    yield f"Arquivo: {plain(understood(inspected.shape))}, {rows} com dados"
    yield f"Conferência: {amounts(inspected.shape)}"
    if examples := names_of(inspected):
        yield f"Nomes: {plain(', '.join(examples))}"
    yield "Colunas:"
    for column in columns:
        doubt = f"? {DOUBTS[column.doubt]}" if column.doubt is not None else ""
        if doubt and (values := inspected.examples(column)):
            shown = " | ".join(short(plain(one), _LONGEST) for one in values)
            doubt += f"; por exemplo: {shown}"
        yield f"  {column_line(column, length=_LONGEST, doubtful=doubt)}"


def left_out_lines(shape: FileShape) -> Iterator[str]:
    """Yield what is left out or easily overlooked, and how to choose another sheet."""
    for line in left_out(shape):
        yield f"Atenção: {plain(line)}"
    if any(not sheet.is_hidden for sheet in shape.other_sheets):
        yield '  Para ler outra aba: --sheet "NOME"'


def questions_message(inspected: Inspected) -> str:
    """Return what is asked about the file, and the options that answer."""
    encoding = inspected.shape.encoding
    asked = [
        f"{plain(question(inspected, one))} {_ANSWERS[one].format(encoding=encoding)}"
        for one in inspected.shape.questions
    ]
    return " ".join([*asked, "Nada foi importado."])


def doubts_message(columns: Sequence[Column]) -> str:
    """Return the sentence on how to decide the columns that are in doubt."""
    doubtful = [column for column in columns if column.doubt is not None]
    name = str(doubtful[0].index + 1)
    of_them = plural(len(doubtful), "uma coluna", f"{len(doubtful)} colunas")
    told = (
        f"Não sei o que fazer com {of_them} (veja acima, com “?”), e nada foi importado. Diga o "
        f'que cada uma é: --column "{name}=celular", ou --column "{name}=ignorar".'
    )
    if any(column.doubt in (Doubt.UNKNOWN, Doubt.UNNAMED) for column in doubtful):
        told += " Para deixar de fora as sem nome e as desconhecidas: --ignore-unknown."
    return told


def preview_lines(job: Job, report: Report, names: Names) -> Iterator[str]:
    """Yield the lines on what the import would do, from its dry run."""
    yield "Prévia, com nada gravado:"
    yield from _laid_out(report_lines(job, report, names))
    if job.preview and job.preview.kindless:
        yield _KIND
    if job.preview and job.preview.problems:
        yield f"  Para deixar entrar sem o campo: --accept {','.join(job.preview.problems)}"
    if job.unknown_tags:
        yield "  Para criar as etiquetas que faltam: --create-tags"


def job_lines(job: Job, report: Report, names: Names, *, is_left: bool = False) -> Iterator[str]:
    """Yield the lines on everything that is known of a job as it is now."""
    yield f"Tarefa {job.id}: {subject(job)}, {_state(job, is_left=is_left)}"
    yield f"  Pedida em {when(job.created_at, names)}, por {who(job.by, names)}"
    if job.export_options is not None:
        yield f"  {plain(filters(job.export_options.query, names))}"
    yield from _laid_out(report_lines(job, report, names))
    if job.kind is JobKind.IMPORT:
        reasons = {reason for row in report.refused for _, reason, _ in row.reasons}
        if Refusal.NO_KIND in reasons or (job.preview and job.preview.kindless):
            yield _KIND
    if job.can_go_on or (is_left and job.by == COMMAND_LINE):
        yield f"  Para continuar de onde parou: balcao jobs {job.id} --go-on"
    if job.syncs_on and job.sync_options is not None:
        hours = GOES_ON // timedelta(hours=1)
        yield f"  Para continuar de onde parou, por {hours} horas: {_again(job.sync_options)}"


def _again(options: SyncOptions) -> str:
    return f"balcao sync {options.mode}"


def runs_already(job: Job, *, is_left: bool) -> str:
    """Return the sentence on a sync that keeps another from beginning, and how it goes on."""
    if not is_left:
        return f"A sincronização da tarefa {job.id} ainda está andando."
    if job.by == COMMAND_LINE:
        return (
            f"A sincronização da tarefa {job.id} parou no meio. Para continuar de onde parou: "
            f"balcao jobs {job.id} --go-on"
        )
    return (
        f"A sincronização da tarefa {job.id} espera o bot, e continua quando ele estiver no ar: "
        "balcao run"
    )


def row_of_list(job: Job, names: Names, *, is_left: bool) -> tuple[str, ...]:
    """Return the cells of a job: number, subject, state, outcome, time, and who began it."""
    state = _state(job, is_left=is_left)
    if job.undone_by is not None:
        state += f", desfeita pela {job.undone_by}"
    return (
        str(job.id),
        subject(job),
        state,
        summary(job) if job.counts.rows else "",
        when(job.created_at, names),
        who(job.by, names),
    )


def would_undo(job: Job) -> str:
    """Return the sentence on what undoing the job will do."""
    return (
        f"Desfaz a tarefa {job.id} ({subject(job)}). {undo_effects(job)} O que alguém mudou "
        "depois fica como está."
    )


def no_such_job(job_id: int) -> str:
    return f"Não há tarefa {job_id}. Veja quais há: balcao jobs"


def cannot_go_on(job: Job) -> str:
    """Return the reason why a cancelled job does not go on, and what to do instead."""
    if job.sync_options is not None:
        return f"A tarefa {job.id} é uma sincronização. Continue com: {_again(job.sync_options)}"
    if job.undone_by is not None:
        return f"A tarefa {job.id} foi desfeita, pela tarefa {job.undone_by}. Importe de novo."
    return (
        f"A tarefa {job.id} não continua: o arquivo não está mais guardado. Importe de novo; quem "
        "já entrou fica como está."
    )


def _state(job: Job, *, is_left: bool) -> str:
    if is_left:
        return "parada" if job.waits_since is None else state(job)
    return "cancelando" if job.is_active and job.is_cancelled else state(job)


def _laid_out(lines: Iterable[Line]) -> Iterator[str]:
    for line in lines:
        if line.text:
            yield f"{'  ' * (1 + line.depth)}{plain(line.text)}"
