"""Sentences about a job: progress, preview, report, and its line in the list."""

from collections.abc import Iterable, Sequence
from functools import partial
from html import escape
from typing import Final

from bot.domain.job import OVER, Counts, Job, JobKind, JobState, Report, SyncMode, SyncOptions
from bot.domain.registration import read_line
from bot.wording.jobs import KIND_NAMES, THINGS, duration, filters
from bot.wording.reasons import COLUMN_LABELS, describe, describe_trouble
from bot.wording.values import LABELS, Names, show_value, when, who
from bot.wording.words import number

# Telegram takes 4,096 characters and counts an escaped `<` as one. The rest is for the text around
# a list.
_ROOM: Final = 3_000
_VALUE: Final = 60
_REASONS: Final = 6
_LINES_OF_A_REASON: Final = 5
_LINE: Final = 220
_BAR: Final = 10
_HASHED_A_SECOND: Final = 20
"""Passwords hashed per second: each takes a tenth of a second, and two are hashed at once."""

REFUSED_ROWS: Final = (
    "⛔ Linhas recusadas, com o motivo na coluna “erro”. Corrija e envie este mesmo arquivo de "
    "volta: as outras já entraram."
)
REFUSED_RECORDS: Final = (
    "⛔ Registros do ERP que não entraram, com o motivo na coluna “erro”. Corrija no ERP: a "
    "próxima sincronização completa os traz."
)
_MODES: Final = {SyncMode.QUICK: "rápida", SyncMode.FULL: "completa"}
_STATES: Final = {
    JobState.DRAFT: "sendo preparada",
    JobState.CHECKING: "conferindo o arquivo",
    JobState.CHECKED: "esperando confirmação",
    JobState.RUNNING: "em andamento",
    JobState.DONE: "concluída",
    JobState.CANCELLED: "cancelada",
    JobState.FAILED: "falhou",
}
_MARKS: Final = {
    JobState.DRAFT: "✏️",
    JobState.CHECKING: "⏳",
    JobState.CHECKED: "❓",
    JobState.RUNNING: "⏳",
    JobState.DONE: "✅",
    JobState.CANCELLED: "✖️",
    JobState.FAILED: "⚠️",
}

# Telegram's HTML needs no escaped quotation marks.
_quote = partial(escape, quote=False)


def title(job: Job) -> str:
    """Return the title as HTML: `Tarefa 12 · Importação`."""
    return f"<b>Tarefa {job.id} · {KIND_NAMES[job.kind]}</b>"


def progress(job: Job, done: Counts, *, rows_a_second: float, left_s: float | None) -> str:
    """Return a progress bar with the number of rows, the speed and the time left."""
    if job.is_cancelled:
        doing = "Cancelando…"
    elif job.state is JobState.CHECKING:
        doing = "Conferindo o arquivo, nada é gravado…"
    else:
        doing = {
            JobKind.IMPORT: "Importando…",
            JobKind.EXPORT: "Exportando…",
            JobKind.UNDO: "Desfazendo…",
            JobKind.SYNC: "Lendo o ERP…",
        }[job.kind]
    lines = [f"⏳ {title(job)}", *_file_line(job), doing, ""]
    things = THINGS.get(job.kind, "cadastros")
    if job.total:
        share = min(1.0, done.rows / job.total)
        full = int(share * _BAR)
        lines.append(f"{'▓' * full}{'░' * (_BAR - full)} {share:.0%}")
        lines.append(f"{number(done.rows)} de {number(job.total)} {things}")
    else:
        lines.append(f"{number(done.rows)} {things}")
    if rows_a_second >= 1:
        rate = f"{number(round(rows_a_second))} por segundo"
        if left_s is not None and left_s >= 1:
            rate += f" · faltam cerca de {duration(left_s)}"
        lines.append(rate)
    return "\n".join(lines)


def starting(doing: str) -> str:
    """Return the text of a message that will show progress."""
    return f"⏳ {doing}"


def report(job: Job, found: Report, names: Names) -> str:
    """Return everything about the job's current state, within one message."""
    match job.state:
        case JobState.CHECKED:
            return preview(job, found, names)
        case JobState.DONE if job.kind is JobKind.EXPORT:
            parts = [f"✅ {title(job)}", _exported(job.counts)]
        case JobState.DONE:
            parts = [f"✅ {title(job)} concluída", *_file_line(job), *_of_undo(job)]
        case JobState.CANCELLED:
            parts = [f"✖️ {title(job)} cancelada", *_file_line(job), *_of_undo(job)]
            if not _wrote(job.counts):
                parts.append("Nada foi gravado.")
        case JobState.FAILED:
            parts = [f"⚠️ {title(job)} não terminou", *_file_line(job), *_of_undo(job)]
            parts.append(_quote(describe_trouble(job)))
            if job.kind in (JobKind.IMPORT, JobKind.SYNC) and not _wrote(job.counts):
                parts.append("Nada foi gravado.")
        case _:
            return f"{_MARKS[job.state]} {title(job)}: {_STATES[job.state]}"
    if _wrote(job.counts) and job.state is not JobState.DONE:
        parts.append("O que já tinha sido gravado continua gravado:")
    if job.kind is not JobKind.EXPORT:
        parts += ["", *_counts(job)]
        if job.state is JobState.DONE and not _wrote(job.counts):
            parts.append("Nada mudou no cadastro.")
    if job.working_s and job.counts.rows:
        rate = round(job.counts.rows / max(job.working_s, 0.1))
        parts.append(f"⏱ {duration(job.working_s)} · {number(max(1, rate))} por segundo")
    parts += _lines_found(job, found, names)
    if job.undone_by is not None:
        parts += ["", f"↩️ Desfeita pela tarefa {job.undone_by}."]
    return "\n".join(parts)


def preview(job: Job, found: Report, names: Names) -> str:
    """Return the effects of the import, as found by its dry run."""
    counts = job.preview or Counts()
    parts = [f"🔎 <b>Prévia da importação</b> · tarefa {job.id}", *_file_line(job)]
    parts += [f"{number(counts.rows)} {_plural(counts.rows, 'linha', 'linhas')} com dados", ""]
    parts.append(f"🆕 {number(counts.created)} {_plural(counts.created, 'novo', 'novos')}")
    if job.import_options is not None and job.import_options.update:
        parts.append(f"✏️ {number(counts.updated)} {_plural(counts.updated, 'muda', 'mudam')}")
    parts.append(_unchanged(job, counts))
    parts.append(f"⛔ {number(counts.refused)} {_plural(counts.refused, 'recusada', 'recusadas')}")
    if counts.repaired:
        parts.append(f"🔧 {number(counts.repaired)} com os zeros do CPF ou CNPJ repostos")
    if counts.passwords:
        takes = duration(counts.passwords / _HASHED_A_SECOND)
        parts.append(
            f"🔑 {number(counts.passwords)} {_plural(counts.passwords, 'senha', 'senhas')}: "
            f"protegê-las leva cerca de {takes} a mais"
        )
    ending = [
        "",
        "<b>Nada foi gravado ainda.</b>"
        if counts.created + counts.updated + counts.passwords
        else "<b>Não há nada a gravar.</b>",
    ]
    lists: list[str] = []
    if counts.fields:
        lists += ["", "<b>O que muda:</b>"]
        for path in _in_order(counts.fields):
            lists.append(f"• {_label(path)}: {number(counts.fields[path])}")
            lists += [
                f"   {_quote(short(sample.name, 30))}: "
                f"{_shown(path, sample.before, names)} → {_shown(path, sample.after, names)}"
                for sample in job.samples
                if sample.path == path
            ]
    if found.refused:
        lists += ["", "<b>Recusadas:</b>", *_refused(found)]
        if counts.refused > len(found.refused):
            lists.append("… A importação traz todas em um arquivo.")
    return "\n".join([*parts, *_cut(lists), *ending])


def export_caption(job: Job, names: Names) -> str:
    """Return the caption of an export's file; at most 1,024 characters."""
    options = job.export_options
    at = job.began_at or job.created_at
    lines = [f"📤 {_exported(job.counts)} · {when(at, names)}"]
    if options is not None:
        lines.append(_quote(short(filters(options.query, names), 200)))
    lines.append("⚠️ São dados pessoais: guarde bem, e apague daqui depois.")
    return "\n".join(lines)


def caption(job: Job, names: Names) -> str:
    """Return the caption of the first file of a job."""
    if job.kind is JobKind.SYNC:
        return REFUSED_RECORDS
    return export_caption(job, names) if job.kind is JobKind.EXPORT else REFUSED_ROWS


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
    line = f"{_MARKS[job.state]} <b>{job.id}</b> · {KIND_NAMES[job.kind]}"
    if job.sync_options is not None:
        line += f" {_MODES[job.sync_options.mode]}"
    if job.undoes is not None:
        line += f" da tarefa {job.undoes}"
    if job.source is not None:
        line += f" · {_quote(short(job.source.name, 40))}"
    rest = [f"{when(job.created_at, names)}, {_quote(short(who(job.by, names), 40))}"]
    if job.state not in OVER or not job.counts.rows:
        rest.append(_STATES[job.state])
    else:
        rest.append(summary(job))
    if job.undone_by is not None:
        rest.append(f"desfeita pela {job.undone_by}")
    return f"{line}\n   {' · '.join(rest)}"


def list_button(job: Job) -> str:
    return f"{_MARKS[job.state]} {job.id}"


def state_message(job: Job) -> str:
    """Return the reason why a button no longer works, short enough for an alert window."""
    name = f"A tarefa {job.id}"
    match job.state:
        case JobState.DRAFT:
            return f"{name} está sendo preparada: confira o arquivo primeiro."
        case JobState.CHECKING:
            return f"{name} está conferindo o arquivo. A prévia chega em uma mensagem nova."
        case JobState.CHECKED:
            return f"{name} espera confirmação, com uma prévia mais nova. Veja em /tarefas."
        case JobState.RUNNING:
            return f"{name} já está em andamento."
        case JobState.DONE:
            return f"{name} já terminou."
        case JobState.CANCELLED:
            return f"{name} foi cancelada."
        case JobState.FAILED:
            return f"{name} parou com um erro. Veja em /tarefas."


def sync_fails(job: Job) -> str:
    """Return the alert that admins receive once, when scheduled syncs begin to fail."""
    return (
        f"⚠️ <b>A sincronização com o ERP falhou</b> (tarefa {job.id}). "
        f"{_quote(describe_trouble(job))}\n\nTento de novo na próxima hora marcada, sem avisar a "
        "cada vez; aviso quando voltar a funcionar. Os clientes continuam sendo atendidos."
    )


def sync_works_again(job: Job) -> str:
    return f"✅ A sincronização com o ERP voltou a funcionar (tarefa {job.id})."


def _counts(job: Job) -> list[str]:
    counts = job.counts
    if job.kind is JobKind.UNDO:
        shown = [
            ("🗑", counts.removed, "retirado", "retirados"),
            ("↩️", counts.updated, "voltou ao que era", "voltaram ao que eram"),
            ("♻️", counts.restored, "trazido de volta", "trazidos de volta"),
            ("✋", counts.kept, "mantido: alguém mudou depois", "mantidos: alguém mudou depois"),
        ]
        return [f"{m} {number(n)} {_plural(n, one, many)}" for m, n, one, many in shown if n]
    lines = [f"🆕 {number(counts.created)} {_plural(counts.created, 'novo', 'novos')}"]
    lines.append(
        f"✏️ {number(counts.updated)} {_plural(counts.updated, 'atualizado', 'atualizados')}"
    )
    lines.append(_unchanged(job, counts))
    refused = _plural(counts.refused, "linha recusada", "linhas recusadas")
    if job.kind is JobKind.SYNC:
        refused = _plural(counts.refused, "registro recusado", "registros recusados")
        if counts.skipped:
            enter = _plural(counts.skipped, "entra", "entram")
            lines.append(
                f"🙈 {number(counts.skipped)} só no ERP: {enter} com a sincronização completa"
            )
    lines.append(f"⛔ {number(counts.refused)} {refused}")
    return lines


def _unchanged(job: Job, counts: Counts) -> str:
    if job.sync_options is not None or (job.import_options and job.import_options.update):
        return f"➖ {number(counts.unchanged)} sem mudança"
    return f"➖ {number(counts.unchanged)} já no cadastro, sem mudança"


def summary(job: Job) -> str:
    """Return the result of the job in a few words."""
    counts = job.counts
    if job.kind is JobKind.EXPORT:
        return _exported(counts)
    if job.kind is JobKind.UNDO:
        taken_back = counts.removed + counts.updated + counts.restored
        done = f"{number(taken_back)} {_plural(taken_back, 'desfeito', 'desfeitos')}"
        kept = _plural(counts.kept, "mantido", "mantidos")
        return f"{done}, {number(counts.kept)} {kept}" if counts.kept else done
    created = f"{number(counts.created)} {_plural(counts.created, 'novo', 'novos')}"
    updated = f"{number(counts.updated)} {_plural(counts.updated, 'atualizado', 'atualizados')}"
    if not counts.refused:
        return f"{created}, {updated}"
    words = ("recusado", "recusados") if job.kind is JobKind.SYNC else ("recusada", "recusadas")
    return f"{created}, {updated}, {number(counts.refused)} {_plural(counts.refused, *words)}"


def _lines_found(job: Job, found: Report, names: Names) -> list[str]:
    """Return the lists at the end of a report, as many as fit."""
    counts = job.counts
    lines: list[str] = []
    if counts.repaired:
        lines.append(
            f"🔧 Zeros do CPF ou CNPJ repostos em {number(counts.repaired)}: "
            f"{_line_numbers(found.repaired, counts.repaired)}"
        )
    if counts.replanned:
        lines.append(
            f"🔁 {number(counts.replanned)} mudaram no cadastro desde a prévia e foram tratadas "
            f"pelo que são agora: {_line_numbers(found.replanned, counts.replanned)}"
        )
    if found.refused:
        is_sync = job.kind is JobKind.SYNC
        lines += ["", f"<b>{'Recusados' if is_sync else 'Recusadas'}:</b>", *_refused(found)]
        if counts.refused > len(found.refused):
            lines.append(f"… {'Os outros' if is_sync else 'As outras'} estão no arquivo.")
    if found.kept:
        lines += ["", "<b>Mantidos, porque alguém mudou depois:</b>"]
        for kept in found.kept:
            what = ", ".join(map(_label, kept.paths)) or "o cadastro todo"
            lines.append(f"• {_quote(short(kept.name, 40))}: {short(what, 100)}")
        if counts.kept > len(found.kept):
            lines.append(f"… e mais {number(counts.kept - len(found.kept))}")
    return _cut(lines)


def _refused(found: Report) -> list[str]:
    """Return one line per reason: twenty rows with the same mistake need only one."""
    lines: dict[str, list[str]] = {}
    for row in found.refused:
        where = row.ref or number(row.line)
        lines.setdefault(describe(row), []).append(where)
    told = []
    is_of_erp = any(row.ref for row in found.refused)
    for reason, rows in [*lines.items()][:_REASONS]:
        shown = ", ".join(_quote(short(one, 40)) for one in rows[:_LINES_OF_A_REASON])
        more = "…" if len(rows) > _LINES_OF_A_REASON else ""
        row_s = "No ERP," if is_of_erp else _plural(len(rows), "Linha", "Linhas")
        told.append(f"• {row_s} {shown}{more}: {_quote(short(reason, _LINE))}")
    return told


def _line_numbers(lines: Sequence[int], count: int) -> str:
    shown = ", ".join(map(str, lines))
    more = f" e mais {number(count - len(lines))}" if count > len(lines) else ""
    return f"{_plural(len(lines), 'linha', 'linhas')} {shown}{more}"


def _file_line(job: Job) -> list[str]:
    if job.sync_options is not None:
        return [f"🔗 ERP {_quote(job.sync_options.system)}: {_sync(job.sync_options)}"]
    return [f"📄 {_quote(short(job.source.name, 60))}"] if job.source is not None else []


def _sync(options: SyncOptions) -> str:
    read = "lendo só o que mudou" if options.since else "lendo tudo"
    return f"{_MODES[options.mode]}, {read}"


def _of_undo(job: Job) -> list[str]:
    return [f"O que a tarefa {job.undoes} fez"] if job.undoes is not None else []


def _exported(counts: Counts) -> str:
    if not counts.rows:
        return "Nenhum cadastro com estes filtros: não há arquivo."
    return f"{number(counts.rows)} {_plural(counts.rows, 'cadastro', 'cadastros')}"


def _wrote(counts: Counts) -> bool:
    return bool(counts.created or counts.updated or counts.removed or counts.restored)


def _shown(path: str, value: object, names: Names) -> str:
    return _quote(short(show_value(path, value, names), _VALUE))


def _label(path: str) -> str:
    return COLUMN_LABELS.get(path, path)


def _in_order(paths: Iterable[str]) -> list[str]:
    order = list(LABELS)
    return sorted(paths, key=lambda path: order.index(path) if path in order else len(order))


def _cut(lines: Sequence[str]) -> list[str]:
    """Return as many of the lines as fit."""
    kept: list[str] = []
    room = _ROOM
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            return [*kept, "…"]
        kept.append(line)
    return kept


def _plural(count: int, one: str, many: str) -> str:
    return one if count == 1 else many


def short(text: str, length: int) -> str:
    """Return the text on one line, without invisible characters, and at most `length` long."""
    text = read_line(text)
    return text if len(text) <= length else f"{text[: length - 1]}…"
