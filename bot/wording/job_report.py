"""The report of a job, line by line: counts, reasons, examples. The screens lay it out."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from bot.domain.bulk_change import BulkAction
from bot.domain.job import OVER, Counts, Job, JobKind, JobState, Report
from bot.wording.bulk import ACTIONS, does, left_out, same
from bot.wording.jobs import duration, effort_sentence, exported, filters, summary
from bot.wording.reasons import ACCEPTED, COLUMN_LABELS, describe, describe_trouble
from bot.wording.values import LABELS, Names, show_value
from bot.wording.words import counted, number, plural, short

_NAME: Final = 40
_VALUE: Final = 60
_FIELDS: Final = 100
_FILTERS: Final = 300
_WRITERS: Final = (JobKind.IMPORT, JobKind.SYNC, JobKind.CHANGE)
_REASON: Final = 220
_REASONS: Final = 6
_LINES_OF_A_REASON: Final = 5
_HASHED_A_SECOND: Final = 20
"""Passwords hashed per second: each takes a tenth of a second, and two are hashed at once."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a report, as plain text."""

    text: str
    mark: str = ""
    """A picture for screens that show pictures."""
    depth: int = 0
    """0 for a statement, 1 for an entry of a list, 2 for an example of an entry."""
    is_heading: bool = False
    """True for the heading of a list."""


GAP: Final = Line("")


def report_lines(job: Job, found: Report, names: Names) -> Iterator[Line]:
    """Yield what the job did so far, or what a checked import or change would do."""
    if job.bulk_options is not None:
        action = ACTIONS[job.bulk_options.action].capitalize()
        yield Line(action if job.is_summary else does(job.bulk_options, names), "🗂")
        if job.bulk_options.query is not None:
            yield Line(short(filters(job.bulk_options.query, names), _FILTERS), "🔎")
    if job.state is JobState.CHECKED:
        lines = _preview_lines if job.bulk_options is None else _preview_of_change
        yield from lines(job, found, names)
        return
    wrote = _wrote(job.counts)
    if job.state is JobState.FAILED:
        yield Line(describe_trouble(job))
    if job.state in (JobState.CANCELLED, JobState.FAILED):
        if wrote:
            yield Line("O que já tinha sido gravado continua gravado:")
        elif job.state is JobState.CANCELLED or job.kind in _WRITERS:
            yield Line("Nada foi gravado.")
    if job.state in OVER or job.counts.rows:
        yield from _result_lines(job, found)
    if job.working_s and job.counts.rows:
        rate = max(1, round(job.counts.rows / max(job.working_s, 0.1)))
        yield Line(f"{duration(job.working_s)} · {number(rate)} por segundo", "⏱")
    yield from _lists(job, found)
    if job.undone_by is not None:
        yield GAP
        yield Line(f"Desfeita pela tarefa {job.undone_by}.", "↩️")


def has_something_to_write(job: Job) -> bool:
    """Return True if confirming the checked import or change would write something."""
    counts = job.preview or Counts()
    # A password counts as a change only after it was compared.
    return bool(counts.created + counts.updated + counts.removed + counts.passwords)


def _preview_lines(job: Job, found: Report, names: Names) -> Iterator[Line]:
    counts = job.preview or Counts()
    yield Line(f"{counted(counts.rows, 'linha', 'linhas')} com dados")
    yield GAP
    yield Line(counted(counts.created, "novo", "novos"), "🆕")
    if job.import_options is not None and job.import_options.update:
        yield Line(counted(counts.updated, "muda", "mudam"), "✏️")
    yield _unchanged(job, counts)
    yield Line(counted(counts.refused, "recusada", "recusadas"), "⛔")
    if counts.repaired:
        yield Line(f"{number(counts.repaired)} com os zeros do CPF ou CNPJ repostos", "🔧")
    if counts.passwords:
        takes = duration(counts.passwords / _HASHED_A_SECOND)
        of_them = counted(counts.passwords, "senha", "senhas")
        yield Line(f"{of_them}: protegê-las leva cerca de {takes} a mais", "🔑")
    if job.effort is not None:
        yield Line(effort_sentence(job.effort), "⏳" if job.fits else "⚠️")
    if counts.fields:
        yield Line("O que muda:", is_heading=True)
    for path in _in_order(counts.fields):
        yield Line(f"{_label(path)}: {number(counts.fields[path])}", depth=1)
        for sample in job.samples:
            if sample.path == path:
                before, after = (
                    short(show_value(path, value, names), _VALUE)
                    for value in (sample.before, sample.after)
                )
                text = f"linha {sample.line}, {short(sample.name, _NAME)}: {before} → {after}"
                yield Line(text, depth=2)
    if counts.accepted:
        without = "sem um campo que não se lê"
        yield Line(counted(counts.accepted, f"entra {without}", f"entram {without}"), "⚠️")
    if counts.problems:
        listed = ", ".join(f"{ACCEPTED[n]} ({number(c)})" for n, c in counts.problems.items())
        yield Line(f"Recusadas que podem entrar sem o campo: {listed}", "💡")
    if counts.kindless:
        text = f"{counted(counts.kindless, 'vem', 'vêm')} sem o tipo: escolha um nas opções"
        yield Line(text, "💡")
    if job.unknown_tags:
        yield Line(
            f"Etiquetas que não existem: {short(', '.join(job.unknown_tags), _FIELDS)}", "🏷"
        )
    yield from _refused_lines(job, found, counts, "A importação traz todas em um arquivo.")


def _preview_of_change(job: Job, found: Report, names: Names) -> Iterator[Line]:
    counts = job.preview or Counts()
    yield Line(counted(counts.rows, "cadastro", "cadastros"), "👥")
    yield GAP
    yield from _changed(job, counts, found, is_done=False)
    if job.samples:
        yield Line("Exemplos:", is_heading=True)
    for sample in job.samples:
        before, after = (
            short(show_value(sample.path, value, names), _VALUE)
            for value in (sample.before, sample.after)
        )
        is_deletion = sample.path == "tax_id"
        rest = f" · {before}" if sample.before else ""
        text = rest if is_deletion else f": {before} → {after}"
        yield Line(f"{short(sample.name, _NAME)}{text}", depth=1)
    if counts.removed:
        yield GAP
        yield Line("Saem das buscas e dos atendimentos. Dá para desfazer em /tarefas.", "⚠️")


def _changed(job: Job, counts: Counts, found: Report, *, is_done: bool) -> Iterator[Line]:
    """Yield how many are changed, stay as they are, and are left out, with the reasons."""
    options = job.bulk_options
    if options is None:
        return
    if options.action is BulkAction.DELETE:
        will = counted(counts.removed, "vai ser excluído", "vão ser excluídos")
        yield Line(counted(counts.removed, "excluído", "excluídos") if is_done else will, "🗑")
    else:
        will = counted(counts.updated, "muda", "mudam")
        yield Line(counted(counts.updated, "mudou", "mudaram") if is_done else will, "✏️")
    if counts.unchanged:
        yield Line(same(options, counts.unchanged), "➖")
    if counts.refused:
        yield Line(counted(counts.refused, "fica de fora", "ficam de fora"), "⛔")
    for reason, count in counts.problems.items():
        rows = [row for row in found.refused if row.reasons[0][1] == reason]
        yield Line(left_out(reason, count, rows), depth=1)


def _result_lines(job: Job, found: Report) -> Iterator[Line]:
    if job.kind is JobKind.EXPORT:
        if job.state is JobState.DONE or job.counts.rows:
            yield Line(exported(job.counts))
        return
    yield GAP
    if job.kind is JobKind.PAIRS:
        if job.state is JobState.DONE:
            yield Line(summary(job))
        return
    if job.kind is JobKind.BACKUP:
        yield Line(summary(job))
        return
    if job.kind is JobKind.CHANGE:
        yield from _changed(job, job.counts, found, is_done=True)
    else:
        yield from _undone(job.counts) if job.kind is JobKind.UNDO else _written(job)
    if job.state is JobState.DONE and not _wrote(job.counts):
        yield Line("Nada mudou no cadastro.")


def _undone(counts: Counts) -> Iterator[Line]:
    for mark, count, one, many in (
        ("🗑", counts.removed, "retirado", "retirados"),
        ("↩️", counts.updated, "voltou ao que era", "voltaram ao que eram"),
        ("♻️", counts.restored, "trazido de volta", "trazidos de volta"),
        ("✋", counts.kept, "mantido: alguém mudou depois", "mantidos: alguém mudou depois"),
    ):
        if count:
            yield Line(counted(count, one, many), mark)


def _written(job: Job) -> Iterator[Line]:
    counts = job.counts
    yield Line(counted(counts.created, "novo", "novos"), "🆕")
    yield Line(counted(counts.updated, "atualizado", "atualizados"), "✏️")
    yield _unchanged(job, counts)
    if job.kind is not JobKind.SYNC:
        yield Line(counted(counts.refused, "linha recusada", "linhas recusadas"), "⛔")
        return
    if counts.skipped:
        enter = plural(counts.skipped, "entra", "entram")
        text = f"{number(counts.skipped)} só no ERP: {enter} com a sincronização completa"
        yield Line(text, "🙈")
    yield Line(counted(counts.refused, "registro recusado", "registros recusados"), "⛔")


def _unchanged(job: Job, counts: Counts) -> Line:
    updates = job.sync_options is not None or (job.import_options and job.import_options.update)
    is_there = "" if updates else "já no cadastro, "
    return Line(f"{number(counts.unchanged)} {is_there}sem mudança", "➖")


def _lists(job: Job, found: Report) -> Iterator[Line]:
    counts = job.counts
    if counts.repaired:
        lines = _line_numbers(found.repaired, counts.repaired)
        text = f"Zeros do CPF ou CNPJ repostos em {number(counts.repaired)}: {lines}"
        yield Line(text, "🔧")
    if counts.replanned:
        lines = _line_numbers(found.replanned, counts.replanned)
        those = counted(
            counts.replanned,
            "mudou no cadastro desde a prévia e foi tratada pelo que é agora",
            "mudaram no cadastro desde a prévia e foram tratadas pelo que são agora",
        )
        text = f"{those}: {lines}"
        yield Line(text, "🔁")
    if found.accepted:
        yield Line("Entraram sem o campo:", is_heading=True)
    for report in found.accepted:
        yield Line(f"Linha {number(report.line)}: {short(describe(report), _REASON)}", depth=1)
    if counts.accepted > len(found.accepted):
        yield Line(f"… e mais {number(counts.accepted - len(found.accepted))}")
    others = "Os outros" if job.kind is JobKind.SYNC else "As outras"
    yield from _refused_lines(job, found, counts, f"{others} estão no arquivo.")
    if found.kept:
        yield Line("Mantidos, porque alguém mudou depois:", is_heading=True)
    for kept in found.kept:
        fields = short(", ".join(map(_label, kept.paths)) or "o cadastro todo", _FIELDS)
        yield Line(f"{short(kept.name, _NAME)}: {fields}", depth=1)
    if found.kept and counts.kept > len(found.kept):
        yield Line(f"… e mais {number(counts.kept - len(found.kept))}")


def _refused_lines(job: Job, found: Report, counts: Counts, others: str) -> Iterator[Line]:
    """Yield one line per reason: twenty rows with the same mistake need only one."""
    if not found.refused or job.kind is JobKind.CHANGE:
        return
    is_sync = job.kind is JobKind.SYNC
    yield Line("Recusados:" if is_sync else "Recusadas:", is_heading=True)
    rows: dict[str, list[str]] = {}
    for row in found.refused:
        name = f" ({row.name})" if row.name else ""
        where = f"{row.ref}{name}" if row.ref else number(row.line)
        rows.setdefault(describe(row), []).append(where)
    for reason, places in [*rows.items()][:_REASONS]:
        listed = ", ".join(short(place, _NAME) for place in places[:_LINES_OF_A_REASON])
        more = "…" if len(places) > _LINES_OF_A_REASON else ""
        there = "No ERP," if is_sync else plural(len(places), "Linha", "Linhas")
        yield Line(f"{there} {listed}{more}: {short(reason, _REASON)}", depth=1)
    if counts.refused > len(found.refused):
        more = number(counts.refused - len(found.refused))
        yield Line(f"… e mais {more}. {others}")


def _line_numbers(lines: Sequence[int], count: int) -> str:
    more = f" e mais {number(count - len(lines))}" if count > len(lines) else ""
    return f"{plural(len(lines), 'linha', 'linhas')} {', '.join(map(str, lines))}{more}"


def _wrote(counts: Counts) -> bool:
    return bool(counts.created or counts.updated or counts.removed or counts.restored)


def _label(path: str) -> str:
    return COLUMN_LABELS.get(path, path)


def _in_order(paths: Iterable[str]) -> list[str]:
    order = list(LABELS)
    return sorted(paths, key=lambda path: order.index(path) if path in order else len(order))
