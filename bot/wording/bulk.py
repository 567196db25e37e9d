"""Words for changes of many registrations: what is done, what stays, and who is left out."""

from collections.abc import Sequence
from typing import Final

from bot.domain.bulk_change import BulkAction, BulkOptions, Skip
from bot.domain.job import RowReport
from bot.domain.registration import NOTE_LENGTH, TRAITS, Status
from bot.wording.values import Names
from bot.wording.words import KINDS, counted, number, short

ACTIONS: Final = {
    BulkAction.ADD_TAG: "pôr etiqueta",
    BulkAction.REMOVE_TAG: "tirar etiqueta",
    BulkAction.ADD_KIND: "pôr tipo",
    BulkAction.REMOVE_KIND: "tirar tipo",
    BulkAction.STATUS: "mudar o status",
    BulkAction.ADD_PRIORITY: "dar prioridade",
    BulkAction.REMOVE_PRIORITY: "tirar prioridade",
    BulkAction.ADD_TRAIT: "pôr característica",
    BulkAction.REMOVE_TRAIT: "tirar característica",
    BulkAction.ADD_NOTE: "acrescentar à observação",
    BulkAction.SET_NOTE: "trocar a observação",
    BulkAction.DELETE: "excluir",
}
_DOES: Final = {
    BulkAction.ADD_TAG: "Pôr a etiqueta {value}",
    BulkAction.REMOVE_TAG: "Tirar a etiqueta {value}",
    BulkAction.ADD_KIND: "Pôr o tipo {value}",
    BulkAction.REMOVE_KIND: "Tirar o tipo {value}",
    BulkAction.ADD_PRIORITY: "Dar prioridade em {value}",
    BulkAction.REMOVE_PRIORITY: "Tirar a prioridade em {value}",
    BulkAction.ADD_TRAIT: "Pôr a característica “{value}”",
    BulkAction.REMOVE_TRAIT: "Tirar a característica “{value}”",
    BulkAction.ADD_NOTE: "Acrescentar à observação fixa “{value}”",
    BulkAction.SET_NOTE: "Trocar a observação fixa por “{value}”",
    BulkAction.DELETE: "Excluir",
}
_SAME: Final = {
    BulkAction.ADD_TAG: ("já tem essa etiqueta", "já têm essa etiqueta"),
    BulkAction.REMOVE_TAG: ("não tem essa etiqueta", "não têm essa etiqueta"),
    BulkAction.ADD_KIND: ("já é desse tipo", "já são desse tipo"),
    BulkAction.REMOVE_KIND: ("não é desse tipo", "não são desse tipo"),
    BulkAction.STATUS: ("já tem esse status", "já têm esse status"),
    BulkAction.ADD_PRIORITY: ("já tem essa prioridade", "já têm essa prioridade"),
    BulkAction.REMOVE_PRIORITY: ("não tem essa prioridade", "não têm essa prioridade"),
    BulkAction.ADD_TRAIT: ("já tem essa característica", "já têm essa característica"),
    BulkAction.REMOVE_TRAIT: ("não tem essa característica", "não têm essa característica"),
    BulkAction.ADD_NOTE: ("já tem esse texto na observação", "já têm esse texto na observação"),
    BulkAction.SET_NOTE: ("já tem essa observação", "já têm essa observação"),
    BulkAction.DELETE: ("sem mudança", "sem mudança"),
}
_SKIPS: Final = {
    Skip.GONE: "Foram excluídos nesse meio-tempo",
    Skip.ANONYMISED: "Estão anonimizados",
    Skip.NOT_FOUND: "Mudaram e já não estão na busca",
    Skip.ONLY_KIND: "É o único tipo que têm; ponha outro antes",
    Skip.TRAITS_FULL: f"Passariam de {TRAITS} características",
    Skip.NOTE_FULL: f"A observação passaria de {number(NOTE_LENGTH)} caracteres",
    Skip.BUSY: "Outra tarefa os mudava nesse momento; repita daqui a pouco",
}
_VALUE: Final = 60
_NAME: Final = 40
_NAMED: Final = 5


def does(options: BulkOptions, names: Names) -> str:
    """Return what is done, with its value: `Pôr a etiqueta VIP`."""
    action, value = options.action, options.value
    if action is BulkAction.SET_NOTE and not value:
        return "Deixar a observação fixa vazia"
    match action:
        case BulkAction.ADD_TAG | BulkAction.REMOVE_TAG:
            value = names.tags.get(value, value)
        case BulkAction.ADD_PRIORITY | BulkAction.REMOVE_PRIORITY:
            value = names.departments.get(value, value)
        case BulkAction.ADD_KIND | BulkAction.REMOVE_KIND:
            value = next((name for kind, name in KINDS.items() if kind == value), value)
        case BulkAction.STATUS:
            return "Inativar" if value == Status.INACTIVE else "Ativar"
    return _DOES[action].format(value=short(value, _VALUE))


def same(options: BulkOptions, count: int) -> str:
    """Return how many stay as they are, and why: `3 já têm essa etiqueta`."""
    return counted(count, *_SAME[options.action])


def left_out(reason: str, count: int, rows: Sequence[RowReport]) -> str:
    """Return why some are left out, how many, and the first names that are known."""
    named = [short(row.name, _NAME) for row in rows if row.name]
    shown = ", ".join(named[:_NAMED]) + (", …" if count > len(named[:_NAMED]) else "")
    return f"{_SKIPS[Skip(reason)]}: {number(count)}" + (f" ({shown})" if named else "")
