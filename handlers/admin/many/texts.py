"""Sentences of the screens that act on many registrations."""

from typing import Final

from aiogram import html

from bot.domain.bulk_change import BulkAction
from bot.domain.registration import NOTE_LENGTH, TRAITS
from bot.domain.search import Query
from bot.wording.jobs import filters
from bot.wording.values import Names
from bot.wording.words import number, short
from handlers.admin.register.texts import total

CHECKING: Final = "Conferindo, nada é gravado…"
BUTTONS: Final = {
    "add_tag": "🏷 Pôr etiqueta",
    "remove_tag": "🏷 Tirar etiqueta",
    "add_kind": "👥 Pôr tipo",
    "remove_kind": "👥 Tirar tipo",
    "active": "✅ Ativar",
    "inactive": "🚫 Inativar",
    "add_priority": "🔴 Dar prioridade",
    "remove_priority": "🔴 Tirar prioridade",
    "add_trait": "❗ Pôr característica",
    "remove_trait": "❗ Tirar característica",
    "add_note": "📝 Acrescentar à observação",
    "set_note": "📝 Trocar a observação",
    "delete": "🗑 Excluir",
    "export": "📤 Exportar",
}
"""A status is chosen with the action; all others are values of `BulkAction`, but the export."""
_ASKS: Final = {
    BulkAction.ADD_TAG: "Que etiqueta todos recebem?",
    BulkAction.REMOVE_TAG: "Que etiqueta sai de todos?",
    BulkAction.ADD_KIND: "Que tipo todos recebem? Os outros tipos ficam.",
    BulkAction.REMOVE_KIND: "Que tipo sai? Quem só tem esse fica como está.",
    BulkAction.ADD_PRIORITY: "Em que departamento todos passam na frente?",
    BulkAction.REMOVE_PRIORITY: "Em que departamento deixam de passar na frente?",
    BulkAction.ADD_TRAIT: "Escreva a característica, ou várias, separadas por vírgulas. As que já "
    f"existem ficam; cada cadastro pode ter até {TRAITS}.",
    BulkAction.REMOVE_TRAIT: "Escreva a característica que sai, ou várias, com vírgulas.",
    BulkAction.ADD_NOTE: "Escreva o texto. Ele vai abaixo da observação que já existe, e aparece "
    "no começo de cada atendimento.",
    BulkAction.SET_NOTE: f"Escreva a observação nova, de até {number(NOTE_LENGTH)} caracteres. "
    "<b>A que existe é trocada.</b>",
}
NO_LABEL: Final = "\n\nAinda não há nenhuma. Crie em /etiquetas ou /departamentos."
BAD_VALUE: Final = "Isso não está mais na lista, ou é longo demais. Escolha de novo."
NOT_FROM_HERE: Final = (
    "Nada foi gravado. Os cadastros foram escolhidos um a um: escolha de novo onde os marcou."
)


def actions(query: Query, count: int, names: Names) -> str:
    return (
        f"🗂 <b>Agir em todos</b>\n\n{html.quote(short(filters(query, names), 300))}\n"
        f"{total(count)}\n\nO que fazer com eles? Antes de gravar, mostro quantos mudam e alguns "
        "exemplos. Tudo pode ser desfeito."
    )


def value(action: BulkAction) -> str:
    return f"🗂 <b>{BUTTONS[action.value]}</b>\n\n{_ASKS[action]}"
