"""Words for jobs: their subject and state, progress, result, and what undoing one does."""

from typing import Final

from bot.domain.effort import Effort
from bot.domain.job import OVER, Counts, Job, JobKind, JobState, SyncMode
from bot.domain.registration import Kind, Status
from bot.domain.retention import JOBS_KEPT
from bot.domain.search import Query
from bot.wording.bulk import ACTIONS
from bot.wording.values import LABELS, Names
from bot.wording.words import KINDS, STATUSES, counted, number, plural, short

KIND_NAMES: Final = {
    JobKind.IMPORT: "Importação",
    JobKind.EXPORT: "Exportação",
    JobKind.UNDO: "Desfazer",
    JobKind.SYNC: "Sincronização",
    JobKind.BACKUP: "Backup",
    JobKind.CHANGE: "Alteração em lote",
    JobKind.PAIRS: "Procura de cadastros repetidos",
}
LOST: Final = "Não estão mais no ERP"
STATES: Final = {
    JobState.DRAFT: "sendo preparada",
    JobState.CHECKING: "conferindo",
    JobState.CHECKED: "esperando confirmação",
    JobState.RUNNING: "em andamento",
    JobState.DONE: "concluída",
    JobState.CANCELLED: "cancelada",
    JobState.FAILED: "falhou",
}
MODES: Final = {SyncMode.QUICK: "rápida", SyncMode.FULL: "completa"}
_DOING: Final = {
    JobKind.IMPORT: "Importando",
    JobKind.EXPORT: "Exportando",
    JobKind.UNDO: "Desfazendo",
    JobKind.SYNC: "Lendo o ERP",
    JobKind.BACKUP: "Fazendo o backup",
    JobKind.CHANGE: "Gravando",
    JobKind.PAIRS: "Procurando cadastros repetidos",
}
_THINGS: Final = {
    JobKind.IMPORT: ("linha", "linhas"),
    JobKind.SYNC: ("registro do ERP", "registros do ERP"),
    JobKind.BACKUP: ("documento", "documentos"),
}
"""The units that a running job counts, if they are not registrations."""
_NAME: Final = 40


def subject(job: Job) -> str:
    """Return the job in a few words: `importação de clientes.csv`."""
    words = KIND_NAMES[job.kind].lower()
    if job.sync_options is not None:
        words += f" {MODES[job.sync_options.mode]}"
    if job.bulk_options is not None:
        words += f": {ACTIONS[job.bulk_options.action]}"
    if job.undoes is not None:
        words += f" a tarefa {job.undoes}"
    if job.source is not None:
        words += f" de {short(job.source.name, _NAME)}"
    return words


def undone(job: Job) -> str:
    """Return what the job undoes: `importação da tarefa 2`, or `tarefa 2` if no more is known."""
    task = f"tarefa {job.undoes}"
    if job.undoes_kind is None or job.undoes_kind is JobKind.UNDO:
        return task
    return f"{KIND_NAMES[job.undoes_kind].lower()} da {task}"


def doing(job: Job) -> str:
    """Return the work in progress, without a full stop."""
    if job.is_cancelled:
        return "Cancelando"
    if job.waits_since is not None:
        return "Esperando a vez: outras tarefas estão na frente"
    if job.state is JobState.CHECKING:
        what = " o arquivo" if job.kind is JobKind.IMPORT else ""
        return f"Conferindo{what}, nada é gravado"
    return _DOING[job.kind]


def state(job: Job) -> str:
    """Return the state of the job in a list."""
    if job.is_active and job.waits_since is not None and not job.is_cancelled:
        return "esperando a vez"
    return STATES[job.state]


def progress_parts(
    job: Job, done: Counts, *, total: int | None, rows_a_second: float, left_s: float | None
) -> list[str]:
    """Return the number of rows done, then the speed and the time left as far as they are
    known."""
    of = f" de {number(total)}" if total else ""
    things = plural(total or done.rows, *_THINGS.get(job.kind, ("cadastro", "cadastros")))
    parts = [f"{number(done.rows)}{of} {things}"]
    if rows_a_second >= 1:
        parts.append(f"{number(round(rows_a_second))} por segundo")
        if left_s is not None and left_s >= 1:
            parts.append(f"faltam cerca de {duration(left_s)}")
    return parts


def summary(job: Job) -> str:
    """Return the result of the job in a few words."""
    counts = job.counts
    if job.kind is JobKind.EXPORT:
        return exported(counts)
    if job.kind is JobKind.PAIRS:
        return pairs_found(counts)
    if job.kind is JobKind.BACKUP:
        return counted(counts.rows, "documento", "documentos")
    if job.kind is JobKind.UNDO:
        taken_back = counts.removed + counts.updated + counts.restored
        parts = [counted(taken_back, "desfeito", "desfeitos")]
        if counts.kept:
            parts.append(counted(counts.kept, "mantido", "mantidos"))
        return ", ".join(parts)
    if job.kind is JobKind.CHANGE:
        deleted = counted(counts.removed, "excluído", "excluídos")
        parts = [deleted if counts.removed else counted(counts.updated, "mudado", "mudados")]
        if counts.refused:
            parts.append(f"{number(counts.refused)} de fora")
        return ", ".join(parts)
    parts = [
        counted(counts.created, "novo", "novos"),
        counted(counts.updated, "atualizado", "atualizados"),
    ]
    if counts.refused:
        end = "o" if job.kind is JobKind.SYNC else "a"
        parts.append(counted(counts.refused, f"recusad{end}", f"recusad{end}s"))
    return ", ".join(parts)


def asks_about_losses(job: Job) -> str:
    """Return the sentence with which a sync asks before it takes away so much."""
    counts = job.preview or Counts()
    parts = []
    if counts.lost:
        parts.append(counted(counts.lost, "não está mais lá", "não estão mais lá"))
    if counts.emptied:
        emptied = "com telefone ou e-mail que o ERP esvaziou"
        parts.append(f"{number(counts.emptied)} {emptied}")
    return (
        f"O ERP respondeu {counted(counts.rows, 'registro', 'registros')}, e faltam dados de "
        f"muitos cadastros: {' e '.join(parts)}. Pode ser um erro do ERP. Por isso parei, e nada "
        "foi esvaziado nem marcado."
    )


def examples_of_losses(job: Job) -> list[str]:
    """Return up to three examples of what a sync asks about: `Ana Silva: E-mail`."""
    labels = {"lost_refs": "não está mais no ERP"}
    return [
        f"{short(one.name, _NAME)}: {labels.get(one.path) or LABELS[one.path].lower() + ' vazio'}"
        for one in job.samples
    ]


def pairs_found(counts: Counts) -> str:
    """Return what a search for double entries has found."""
    if not counts.pairs:
        return "Nenhum cadastro repetido encontrado."
    found = counted(counts.pairs, "par provável", "pares prováveis")
    return f"{found}. Veja em /duplicados."


def exported(counts: Counts) -> str:
    if not counts.rows:
        return "Nenhum cadastro com estes filtros: não há arquivo."
    return counted(counts.rows, "cadastro", "cadastros")


def undo_effects(job: Job) -> str:
    """Return the sentences on what undoing the job changes."""
    counts = job.counts
    changed = counts.created + counts.updated + counts.removed + counts.restored
    if job.kind is JobKind.UNDO:
        of_it = counted(changed, "cadastro", "cadastros")
        return f"O que a tarefa {job.undoes} tinha feito vale de novo ({of_it})."
    sentences = []
    if counts.created:
        many = f"Os {number(counts.created)} cadastros novos são retirados."
        sentences.append(plural(counts.created, "O cadastro novo é retirado.", many))
    if counts.updated:
        many = f"Os {number(counts.updated)} atualizados voltam ao que eram."
        sentences.append(plural(counts.updated, "O atualizado volta ao que era.", many))
    if counts.removed:
        many = f"Os {number(counts.removed)} excluídos voltam ao cadastro."
        sentences.append(plural(counts.removed, "O excluído volta ao cadastro.", many))
    return " ".join(sentences)


def cannot_undo(job: Job) -> str:
    """Return the reason why the job cannot be undone."""
    if job.undone_by is not None:
        return f"A tarefa {job.id} já foi desfeita, pela tarefa {job.undone_by}."
    if job.state not in OVER:
        return f"A tarefa {job.id} ainda não terminou."
    if job.is_summary:
        return (
            f"A tarefa {job.id} tem mais de {JOBS_KEPT.days} dias: os detalhes para desfazê-la já "
            "foram apagados. A auditoria ainda diz o que ela mudou."
        )
    return f"A tarefa {job.id} não mudou nada no cadastro: não há o que desfazer."


def filters(query: Query, names: Names) -> str:
    """Return the filters of a query, as plain text."""
    chosen = []
    if query.text:
        chosen.append(f"busca “{query.text}”")
    chosen += chosen_filters(query, names)
    return "Filtros: " + ", ".join(chosen) if chosen else "Todos os cadastros"


def chosen_filters(query: Query, names: Names) -> list[str]:
    """Return each filter of a query in words, as plain text: `Cliente ou Fornecedor`."""
    tags = sorted(names.tags.get(tag, tag) for tag in query.tags)
    departments = sorted(names.departments.get(one, one) for one in query.departments)
    groups = (
        [KINDS[kind] for kind in Kind if kind in query.kinds],
        [STATUSES[status] for status in Status if status in query.statuses],
        ["Sem etiqueta"] * query.without_tag + tags,
        ["Com prioridade"] * query.priority,
        [LOST.lower()] * query.left_erp,
        [f"Prioridade em {_either(departments)}"] if departments else [],
    )
    return [_either(group) for group in groups if group]


def _either(words: list[str]) -> str:
    return " ou ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def effort_sentence(effort: Effort) -> str:
    """Return what a large import takes on the embedded server, and what to do about it."""
    disk, free = size(effort.disk_bytes), size(effort.free_bytes)
    if not effort.fits:
        return (
            f"Não cabe no disco do servidor: são cerca de {disk}, e há {free} livres. Libere "
            "espaço e confira de novo, ou use um MongoDB (BALCAO_MONGODB_URI)."
        )
    return (
        f"Leva cerca de {duration(effort.seconds)} e {disk} de disco (há {free} livres). O banco "
        "embutido é para cadastros pequenos: para tantos, use um MongoDB (BALCAO_MONGODB_URI)."
    )


def size(size_bytes: int) -> str:
    """Return a size on disk in words: `970 MB`, `1,2 GB`."""
    if size_bytes < 1_000_000_000:
        return f"{max(1, round(size_bytes / 1_000_000))} MB"
    return f"{size_bytes / 1_000_000_000:.1f} GB".replace(".", ",")


def duration(seconds: float) -> str:
    """Return a duration in words: `12 s`, `3 min 20 s`, `1 h 5 min`."""
    whole = max(1, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"
