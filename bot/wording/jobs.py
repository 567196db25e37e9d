"""Words for jobs: kinds, counted units, filters and durations."""

from typing import Final

from bot.domain.job import JobKind
from bot.domain.search import Query
from bot.wording.values import Names
from bot.wording.words import KINDS, STATUSES

KIND_NAMES: Final = {
    JobKind.IMPORT: "Importação",
    JobKind.EXPORT: "Exportação",
    JobKind.UNDO: "Desfazer",
    JobKind.SYNC: "Sincronização",
}
THINGS: Final = {JobKind.IMPORT: "linhas", JobKind.SYNC: "registros do ERP"}
"""The units that a running job counts, if they are not registrations."""


def filters(query: Query, names: Names) -> str:
    """Return the filters of a query, as plain text."""
    chosen = []
    if query.text:
        chosen.append(f"busca “{query.text}”")
    if query.kind:
        chosen.append(KINDS[query.kind])
    if query.status:
        chosen.append(STATUSES[query.status])
    if query.priority:
        chosen.append("com prioridade")
    if query.tag:
        chosen.append(names.tags.get(query.tag, query.tag))
    return "Filtros: " + ", ".join(chosen) if chosen else "Todos os cadastros"


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
