"""The command line's words on a file, on an import before it is done, and on jobs."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

from bot.cli.terminal.console import plain
from bot.cli.terminal.files import Inspected
from bot.domain.columns import Column, Doubt
from bot.domain.job import Counts, Job, JobKind, JobState, Report
from bot.runtime.leases import is_dead
from bot.usecases.jobs.manage_jobs import CannotUndo
from bot.wording.jobs import KIND_NAMES, duration, filters
from bot.wording.reasons import COLUMN_LABELS, describe, describe_trouble
from bot.wording.values import LABELS, Names, show_value, when, who
from bot.wording.words import number

_LONGEST: Final = 60
_HASHED_A_SECOND: Final = 20
_STATES: Final = {
    JobState.DRAFT: "sendo preparada",
    JobState.CHECKING: "conferindo o arquivo",
    JobState.CHECKED: "esperando confirmação",
    JobState.RUNNING: "em andamento",
    JobState.DONE: "concluída",
    JobState.CANCELLED: "cancelada",
    JobState.FAILED: "falhou",
}
_DOUBTS: Final = {
    Doubt.UNNAMED: "sem nome no cabeçalho",
    Doubt.UNKNOWN: "nenhum campo se chama assim",
    Doubt.DUPLICATE: "outra coluna já é este campo",
    Doubt.SHIFTED: "os valores não são deste campo, e sim os da coluna ao lado",
}
_ENCODINGS: Final = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
    "cp1252": "Windows-1252",
}


def is_left(job: Job, now: datetime) -> bool:
    """Return True if the job is active and no process works on it."""
    if not job.is_active:
        return False
    return job.owner is None or is_dead(job.owner) or job.until is None or job.until <= now


def file_lines(inspected: Inspected) -> Iterator[str]:
    """Yield the line on how a file was read: encoding, delimiter, place of the header, rows."""
    shape = inspected.shape
    parts = [_ENCODINGS.get(shape.encoding or "", shape.encoding or "Excel")]
    if shape.delimiter:
        parts.append(
            "separador tab" if shape.delimiter == "\t" else f"separador {shape.delimiter}"
        )
    if shape.member:
        parts.append(f"dentro do .zip: {plain(shape.member)}")
    if shape.sheet:
        parts.append(f"planilha {plain(shape.sheet)}")
    header = f"cabeçalho na linha {shape.header_line}" if shape.header_line else "sem cabeçalho"
    yield f"Arquivo: {', '.join(parts)}, {header}, {_lines(inspected.rows)} com dados"


def column_lines(inspected: Inspected, columns: Sequence[Column]) -> Iterator[str]:
    yield "Colunas:"
    for column in columns:
        if column.doubt is not None:
            is_what = f"? {_DOUBTS[column.doubt]}{_examples(inspected, column)}"
        elif column.field is None:
            is_what = "ignorada"
        else:
            is_what = COLUMN_LABELS[column.field]
        yield f"  {column.index + 1}. {_header(column)} → {is_what}"


def doubts_message(columns: Sequence[Column]) -> str:
    """Return the sentence on how to decide the columns that are in doubt."""
    doubtful = [column for column in columns if column.doubt is not None]
    first = doubtful[0]
    name = str(first.index + 1)
    told = (
        f"Não sei o que fazer com {_many(len(doubtful), 'uma coluna', 'colunas')} (veja acima, "
        f'com “?”), e nada foi importado. Diga o que cada uma é: --column "{name}=celular", ou '
        f'--column "{name}=ignorar".'
    )
    if any(column.doubt in (Doubt.UNKNOWN, Doubt.UNNAMED) for column in doubtful):
        told += " Para deixar de fora as sem nome e as desconhecidas: --ignore-unknown."
    return told


def _header(column: Column) -> str:
    return _short(column.header) or "(sem nome)"


def _examples(inspected: Inspected, column: Column) -> str:
    found = inspected.examples(column)
    return f"; por exemplo: {' | '.join(map(_short, found))}" if found else ""


def preview_lines(job: Job, report: Report, names: Names) -> Iterator[str]:
    """Yield the lines on what the import would do, from its dry run."""
    counts = job.preview or Counts()
    updates = job.import_options is not None and job.import_options.update
    yield f"Prévia, com nada gravado: {_lines(counts.rows)}"
    yield f"  {number(counts.created)} {_plural(counts.created, 'novo', 'novos')}"
    if updates:
        yield f"  {number(counts.updated)} {_plural(counts.updated, 'muda', 'mudam')}"
        yield f"  {number(counts.unchanged)} sem mudança"
    else:
        yield f"  {number(counts.unchanged)} já no cadastro: ficam como estão"
    yield f"  {_refused_rows(counts.refused)}"
    if counts.repaired:
        yield f"  {number(counts.repaired)} com os zeros do CPF ou CNPJ repostos"
    if counts.passwords:
        takes = duration(counts.passwords / _HASHED_A_SECOND)
        yield (
            f"  {_many(counts.passwords, 'uma senha', 'senhas')} a proteger: leva cerca de "
            f"{takes} a mais"
        )
    if counts.fields:
        yield "O que muda:"
    for path in _in_order(counts.fields):
        yield f"  {LABELS.get(path, path)}: {number(counts.fields[path])}"
        for sample in job.samples:
            if sample.path == path:
                before, after = (
                    _short(show_value(path, value, names))
                    for value in (sample.before, sample.after)
                )
                yield f"    linha {sample.line}, {_short(sample.name)}: {before} → {after}"
    yield from _refused_lines(counts, report)


def job_lines(job: Job, report: Report, names: Names, *, is_left: bool = False) -> Iterator[str]:
    """Yield the lines on everything that is known of a job as it is now."""
    yield f"Tarefa {job.id}: {_subject(job)}, {_state(job, is_left=is_left)}"
    yield from map("  {}".format, _of_job(job, report, names))


def _of_job(job: Job, report: Report, names: Names) -> Iterator[str]:
    yield f"Pedida em {when(job.created_at, names)}, por {who(job.by, names)}"
    if job.export_options is not None:
        yield plain(filters(job.export_options.query, names))
    if job.state is JobState.FAILED:
        yield describe_trouble(job)
    if job.counts.rows:
        yield result(job)
    if job.working_s and job.counts.rows:
        rate = max(1, round(job.counts.rows / max(job.working_s, 0.1)))
        yield f"{duration(job.working_s)}, {number(rate)} por segundo"
    counts = job.counts
    if counts.repaired:
        yield (f"Zeros do CPF ou CNPJ repostos em {_numbered(report.repaired, counts.repaired)}")
    if counts.replanned:
        yield (
            "Mudaram no cadastro desde a prévia e foram tratadas pelo que são agora: "
            f"{_numbered(report.replanned, counts.replanned)}"
        )
    yield from _refused_lines(counts, report)
    yield from _kept_lines(counts, report)
    if job.undone_by is not None:
        yield f"Desfeita pela tarefa {job.undone_by}"


def result(job: Job) -> str:
    """Return the outcome of the rows, in one line."""
    counts = job.counts
    if job.kind is JobKind.EXPORT:
        return _many(counts.rows, "um cadastro", "cadastros")
    if job.kind is JobKind.UNDO:
        parts = [
            (counts.removed, "retirado", "retirados"),
            (counts.updated, "voltou ao que era", "voltaram ao que eram"),
            (counts.restored, "trazido de volta", "trazidos de volta"),
            (counts.kept, "mantido", "mantidos"),
        ]
        told = [f"{number(n)} {_plural(n, one, many)}" for n, one, many in parts if n]
        return ", ".join(told) or "nada mudou"
    return (
        f"{number(counts.created)} {_plural(counts.created, 'novo', 'novos')}, "
        f"{number(counts.updated)} {_plural(counts.updated, 'atualizado', 'atualizados')}, "
        f"{number(counts.unchanged)} sem mudança, {_refused(job)}"
    )


def _briefly(job: Job) -> str:
    counts = job.counts
    if job.kind not in (JobKind.IMPORT, JobKind.SYNC):
        return result(job) if counts.rows else ""
    end = "o" if job.kind is JobKind.SYNC else "a"
    parts = [
        (counts.created, "novo", "novos"),
        (counts.updated, "atualizado", "atualizados"),
        (counts.refused, f"recusad{end}", f"recusad{end}s"),
    ]
    told = ", ".join(f"{number(n)} {_plural(n, one, many)}" for n, one, many in parts if n)
    return told or ("nada mudou" if counts.rows else "")


def row_of_list(job: Job, names: Names, *, is_left: bool) -> tuple[str, ...]:
    """Return the cells of a job: number, subject, state, outcome, time, and who began it."""
    state = _state(job, is_left=is_left)
    if job.undone_by is not None:
        state += f", desfeita pela {job.undone_by}"
    return (
        str(job.id),
        _subject(job),
        state,
        _briefly(job),
        when(job.created_at, names),
        who(job.by, names),
    )


def would_undo(job: Job) -> str:
    """Return the sentence on what undoing the job will do."""
    counts = job.counts
    parts = [
        (counts.created, "cadastro criado sai", "cadastros criados saem"),
        (counts.updated, "alterado volta ao que era", "alterados voltam ao que eram"),
        (counts.removed, "retirado volta", "retirados voltam"),
        (counts.restored, "trazido de volta sai", "trazidos de volta saem"),
    ]
    told = ", ".join(f"{number(n)} {_plural(n, one, many)}" for n, one, many in parts if n)
    return (
        f"Desfaz a tarefa {job.id} ({_subject(job)}): {told}. O que alguém mudou depois fica como "
        "está."
    )


def why_not_undone(why: CannotUndo, job_id: int, job: Job | None) -> str:
    match why:
        case CannotUndo.UNKNOWN:
            return no_such_job(job_id)
        case CannotUndo.NOT_OVER:
            return f"A tarefa {job_id} ainda não terminou."
        case CannotUndo.NOTHING_WRITTEN:
            return f"A tarefa {job_id} não mudou o cadastro: não há o que desfazer."
        case CannotUndo.UNDONE_ALREADY:
            by = f", pela tarefa {job.undone_by}" if job and job.undone_by else ""
            return f"A tarefa {job_id} já foi desfeita{by}."


def no_such_job(job_id: int) -> str:
    return f"Não há tarefa {job_id}. Veja quais há: balcao jobs"


def _subject(job: Job) -> str:
    subject = KIND_NAMES[job.kind].lower()
    if job.undoes is not None:
        subject += f" a tarefa {job.undoes}"
    if job.source is not None:
        subject += f" de {_short(job.source.name)}"
    return subject


def _state(job: Job, *, is_left: bool) -> str:
    if is_left:
        return "parada"
    return "cancelando" if job.is_active and job.is_cancelled else _STATES[job.state]


def _refused_lines(counts: Counts, report: Report) -> Iterator[str]:
    if report.refused:
        yield "Recusados:" if report.refused[0].ref else "Recusadas:"
    for row in report.refused:
        where = f"{row.ref} ({row.name})" if row.ref else f"linha {row.line}"
        yield f"  {plain(where)}: {plain(describe(row))}"
    if report.refused and counts.refused > len(report.refused):
        yield f"  … e mais {number(counts.refused - len(report.refused))}"


def _kept_lines(counts: Counts, report: Report) -> Iterator[str]:
    if report.kept:
        yield "Mantidos, porque alguém mudou depois:"
    for kept in report.kept:
        what = ", ".join(LABELS.get(path, path) for path in kept.paths) or "o cadastro todo"
        yield f"  {_short(kept.name)}: {what}"
    if report.kept and counts.kept > len(report.kept):
        yield f"  … e mais {number(counts.kept - len(report.kept))}"


def _numbered(lines: Sequence[int], count: int) -> str:
    more = f" e mais {number(count - len(lines))}" if count > len(lines) else ""
    listed = ", ".join(map(str, lines))
    return f"{_lines(count)}: {listed}{more}"


def _in_order(paths: Iterable[str]) -> list[str]:
    order = list(LABELS)
    return sorted(paths, key=lambda path: order.index(path) if path in order else len(order))


def _lines(count: int) -> str:
    return f"{number(count)} {_plural(count, 'linha', 'linhas')}"


def _refused_rows(count: int) -> str:
    return f"{number(count)} {_plural(count, 'recusada', 'recusadas')}"


def _refused(job: Job) -> str:
    counts = job.counts
    if job.kind is not JobKind.SYNC:
        return _refused_rows(counts.refused)
    left = f"{number(counts.skipped)} só no ERP, " if counts.skipped else ""
    return f"{left}{number(counts.refused)} {_plural(counts.refused, 'recusado', 'recusados')}"


def _many(count: int, one: str, many: str) -> str:
    return one if count == 1 else f"{number(count)} {many}"


def _plural(count: int, one: str, many: str) -> str:
    return one if count == 1 else many


def _short(text: str) -> str:
    text = plain(text)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
