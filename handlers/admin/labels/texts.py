"""Sentences about tags and departments, for admins."""

from dataclasses import dataclass

from aiogram import html

from bot.domain.conversation import Department
from bot.domain.group import GroupAccess, Right
from bot.domain.label import LABEL_LENGTH
from bot.usecases.register.labels import Refusal

RENAME = "✏️ Renomear"
EMOJI = "🎨 Cor ou emoji"
NO_EMOJI = "Sem emoji"
ARCHIVE = "🗄 Arquivar"
RESTORE = "♻️ Reativar"
BACK = "‹ Voltar"
CLOSE = "Fechar"
CANCEL = "Cancelar"
ASK_EMOJI = "Escolha uma cor, ou envie um emoji."
ONLY_TEXT = "Envie em texto, por favor."
GONE = "⚠️ Isso não existe mais."
NO_GROUP = (
    "⚠️ <b>Sem grupo</b>: os clientes ainda não podem escolher este departamento. "
    "No grupo dos atendentes dele, envie /departamentos."
)
ARCHIVED_DEPARTMENT = "⚠️ Este departamento foi arquivado. Escolha outro."
LINKED_ELSEWHERE = "⚠️ Este departamento já tem outro grupo. Escolha outro."
GROUP_NOT_REACHED = (
    "⚠️ O bot não alcança o grupo. Confira se ele ainda está lá, ou ligue outro: "
    "envie /departamentos no grupo certo."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The words for one kind of label, tag or department."""

    title: str
    hint: str
    new: str
    ask_name: str
    archived: str
    archived_ones: str
    archived_note: str
    created: str
    name_taken: str


TAGS = Words(
    title="🏷 <b>Etiquetas</b>",
    hint="Toque em uma para mudar.",
    new="➕ Nova etiqueta",
    ask_name="Qual é o nome da nova etiqueta?",
    archived="arquivada",
    archived_ones="🗄 Arquivadas",
    archived_note="Arquivada: não é mais oferecida, e quem já tem continua com ela.",
    created="criada",
    name_taken="Já existe uma etiqueta com este nome.",
)
DEPARTMENTS = Words(
    title="🏢 <b>Departamentos</b>",
    hint="Toque em um para mudar. Para ligar um grupo, envie /departamentos "
    "<b>dentro do grupo</b>.",
    new="➕ Novo departamento",
    ask_name="Qual é o nome do novo departamento?",
    archived="arquivado",
    archived_ones="🗄 Arquivados",
    archived_note="Arquivado: não recebe atendimentos novos, e os abertos continuam.",
    created="criado",
    name_taken="Já existe um departamento com este nome.",
)

_RIGHTS = {
    Right.ADMINISTRATOR: "<b>Não é administrador</b>, e por isso não vê todas as respostas. "
    "No grupo: Editar › Administradores › Adicionar, e escolha o bot.",
    Right.DELETE: "Não pode <b>apagar mensagens</b>. "
    "No grupo: Editar › Administradores › o bot › Apagar mensagens.",
    Right.PIN: "Não pode <b>fixar mensagens</b>. "
    "No grupo: Editar › Administradores › o bot › Fixar mensagens.",
    Right.TOPICS: "Não pode <b>gerenciar tópicos</b>. "
    "No grupo: Editar › Administradores › o bot › Gerenciar tópicos.",
}


def refusal(reason: Refusal, words: Words) -> str:
    """Return the reason why nothing changed, and the next step."""
    return {
        Refusal.NO_NAME: "⚠️ Escreva um nome com pelo menos uma letra ou um número.",
        Refusal.TOO_LONG: f"⚠️ Este nome é longo demais: use até {LABEL_LENGTH} caracteres.",
        Refusal.NO_EMOJI: "⚠️ Envie um só emoji, escolha uma cor ou toque em Sem emoji.",
        Refusal.TAKEN: f"⚠️ {words.name_taken} Use outro nome.",
        Refusal.STALE: "⚠️ Um colega mudou isto agora mesmo. Nada foi mudado por você: "
        "confira como está e tente de novo.",
        Refusal.LAST: "⚠️ Este é o único departamento: crie outro antes de arquivar.",
        Refusal.LAST_WITH_GROUP: "⚠️ Este é o único departamento com grupo: ligue um grupo a "
        "outro antes de arquivar.",
        Refusal.ARCHIVED: ARCHIVED_DEPARTMENT,
    }[reason]


def restored_taken(words: Words) -> str:
    return f"⚠️ {words.name_taken} Renomeie um dos dois antes de reativar."


def created(shown: str, words: Words) -> str:
    return f"✅ <b>{html.quote(shown)}</b>: {words.created}."


def linked_group(access: GroupAccess) -> str:
    """Return the department's group, with the rights that the bot lacks there."""
    lines = [f"Grupo: <b>{html.quote(access.title)}</b>"]
    return "\n".join([*lines, *_missing(access)])


def this_group(current: Department | None, access: GroupAccess | None) -> str:
    """Return the text for the group: its department, and the possible actions."""
    if current is None:
        lines = ["Este grupo ainda não é de nenhum departamento."]
        ask = "De qual departamento ele é?"
    else:
        archived = " (arquivado)" if current.archived else ""
        lines = [f"Este grupo é do departamento <b>{html.quote(current.shown)}</b>{archived}."]
        ask = "Para passar o grupo a outro departamento, toque nele:"
    return "\n\n".join([*lines, *_rights(access), ask])


def linked(department: Department, before: Department | None, access: GroupAccess | None) -> str:
    """Return the confirmation for the group, after a department was chosen."""
    lines = [f"✅ Este grupo agora é do departamento <b>{html.quote(department.shown)}</b>."]
    if before and before.id != department.id:
        lines.append(
            f"<b>{html.quote(before.shown)}</b> ficou sem grupo: "
            "envie /departamentos no grupo novo dele."
        )
    return "\n\n".join([*lines, *_rights(access)])


def _rights(access: GroupAccess | None) -> list[str]:
    if access is None:
        return ["Não consegui conferir o que o bot pode fazer aqui."]
    missing = _missing(access)
    return ["\n".join(missing)] if missing else ["O bot tem aqui tudo de que precisa. ✅"]


def _missing(access: GroupAccess) -> list[str]:
    if not access.missing:
        return []
    return ["⚠️ Falta ao bot neste grupo:", *(f"• {_RIGHTS[right]}" for right in access.missing)]
