"""Sentences about ready answers, for admins."""

from collections.abc import Mapping
from typing import Final

from aiogram import html

from bot.domain.conversation import Department
from bot.domain.outgoing import telegram_length
from bot.domain.ready_answer import (
    ANSWER_LENGTH,
    LONGEST_WORD,
    SHORTEST_WORD,
    ReadyAnswer,
    fill,
    has_name,
    plain,
    unknown_places,
)
from bot.usecases.company.ready_answers import Refusal
from bot.wording.words import number

NEW: Final = "➕ Nova resposta"
CHANGE_TEXT: Final = "✏️ Mudar o texto"
CHANGE_WORD: Final = "🔤 Mudar a palavra"
CHANGE_DEPARTMENT: Final = "🏢 Mudar o departamento"
DELETE: Final = "🗑 Apagar"
DELETE_YES: Final = "🗑 Sim, apagar"
EVERYWHERE: Final = "Todos os departamentos"
GONE: Final = "⚠️ Esta resposta não existe mais."
DELETED: Final = "Resposta apagada."
SAVED: Final = "✅ Resposta guardada."
TITLE: Final = "💬 <b>Respostas prontas</b>"
HINT: Final = "Toque em uma para ver ou mudar."
EMPTY: Final = (
    "Textos que os atendentes enviam com uma palavra, como <code>!boleto</code>. "
    "Ainda não há nenhum: crie o primeiro."
)
ASK_DEPARTMENT: Final = "De qual departamento é a resposta?"
ASK_WORD: Final = (
    f"Com que palavra os atendentes a enviam? De {SHORTEST_WORD} a {LONGEST_WORD} letras ou "
    "números, sem espaço. Exemplo: <b>boleto</b>; no grupo eles escrevem <code>!boleto</code>."
)
ASK_TEXT: Final = (
    "Escreva o texto que o cliente vai receber; negrito, links e outros formatos ficam.\n"
    "<code>{nome}</code> vira o primeiro nome do cliente, ou some com a vírgula quando ele não "
    "confirmou quem é. <code>{protocolo}</code> vira o número do atendimento.\n"
    "Exemplo: <i>Olá, {nome}! Seu protocolo é {protocolo}.</i>"
)
_EXAMPLE_PROTOCOL: Final = "20261124-048213"
_NAMELESS: Final = 250


def department_of(answer: ReadyAnswer, departments: Mapping[str, Department]) -> str:
    """Return the answer's department as plain text."""
    if answer.department_id is None:
        return EVERYWHERE
    department = departments.get(answer.department_id)
    if department is None:
        return "departamento que não existe mais"
    return f"{department.shown} (arquivado)" if department.archived else department.shown


def described(answer: ReadyAnswer, department: str) -> str:
    """Return the whole answer, and how it reads for a customer who is not called by name."""
    lines = [f"💬 <b>{html.quote(answer.shown)}</b> · {html.quote(department)}", answer.html]
    if has_name(answer.html):
        nameless = plain(fill(answer.html, name=None, protocol=_EXAMPLE_PROTOCOL))
        if len(nameless) > _NAMELESS:
            nameless = nameless[: _NAMELESS - 1] + "…"
        lines.append(
            f"<b>Sem o nome</b>, se o cliente não confirmou quem é:\n<i>{html.quote(nameless)}</i>"
        )
    return "\n\n".join(lines)


def ask_delete(answer: ReadyAnswer) -> str:
    return (
        f"Apagar <b>{html.quote(answer.shown)}</b>? Os atendentes não a terão mais. "
        "O que já foi enviado fica como está."
    )


def refusal(reason: Refusal, text: str = "") -> str:
    """Return the reason why nothing changed, as plain text. text: what was refused, as HTML."""
    match reason:
        case Refusal.NO_WORD:
            return (
                f"⚠️ A palavra precisa ter de {SHORTEST_WORD} a {LONGEST_WORD} letras ou números, "
                "sem espaço nem traço."
            )
        case Refusal.TAKEN:
            return "⚠️ Já há uma resposta com esta palavra neste departamento. Use outra palavra."
        case Refusal.NO_TEXT:
            return "⚠️ Sem o nome, não sobra texto nenhum. Escreva mais do que {nome}."
        case Refusal.TOO_LONG:
            return _too_long(telegram_length(plain(text)))
        case Refusal.UNKNOWN_PLACE:
            places = ", ".join(unknown_places(text))
            return f"⚠️ Não sei o que pôr em {places}: só conheço {{nome}} e {{protocolo}}."
        case Refusal.STALE:
            return (
                "⚠️ Um colega mudou ou apagou esta resposta agora mesmo. Nada foi mudado por "
                "você: confira como está e tente de novo."
            )


def _too_long(length: int) -> str:
    if length > ANSWER_LENGTH:
        return (
            f"⚠️ O texto tem {number(length)} caracteres e pode ter até {number(ANSWER_LENGTH)}. "
            "Envie um mais curto."
        )
    return "⚠️ Com nome e protocolo no lugar, o texto fica longo demais. Envie um mais curto."
