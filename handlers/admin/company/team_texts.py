"""Sentences about admins and attendants."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from aiogram import html

from bot.usecases.company.team import Refusal

INVITE = "➕ Convidar administrador"
REFRESH = "🔄 Atualizar"
BACK = "↩️ Voltar"
YES_REMOVE = "🗑 Sim, remover"

ATTENDANTS_NOTE = (
    "Quem está no grupo de um departamento é atendente. O Telegram não me mostra todos: "
    "aqui estão os administradores do grupo e quem já atendeu por ele."
)
NO_GROUP = "Nenhum departamento tem grupo ainda. Use /departamentos."
GROUP_NOT_REACHED = "não consegui ler o grupo agora"
NOBODY_KNOWN = "ninguém conhecido ainda"

UNKNOWN_INVITATION = (
    "Este convite não existe. Confira se o link está inteiro ou peça outro a quem convidou você."
)
EXPIRED_INVITATION = "Este convite venceu: ele vale por 24 horas. Peça outro a quem convidou você."
USED_INVITATION = "Este convite já foi usado. Peça outro a quem convidou você."
REVOKED_INVITATION = "Este convite foi cancelado. Fale com quem convidou você."
ALREADY_ADMIN = (
    "Você já é administrador. Se o convite ainda não foi usado, "
    "ele continua valendo para outra pessoa."
)
WELCOME = (
    "🎉 Agora você é <b>administrador</b> deste atendimento.\n\n"
    "Toque em <b>Menu</b>, ao lado de onde se escreve, para ver seus comandos. "
    "Comece por /clientes, o cadastro, ou por /ajuda."
)
NO_LONGER_ADMIN = (
    "Você não é mais administrador deste atendimento. "
    "Os comandos e as telas de administrador não funcionam mais neste chat."
)
ALREADY_REVOKED = "Este convite já não valia mais."
REVOKED_NOW = "Convite cancelado."
FROM_SETTINGS = "Quem vem da configuração do servidor só sai por lá."
NOT_ADMIN = "Esta pessoa já não é administrador."
TOO_MANY = "Há 10 convites abertos. Cancele um antes de fazer outro."

_NAME_LENGTH = 40
_NAMES = 30


def shown(name: str) -> str:
    """Return the name, escaped, short, and with its writing direction isolated."""
    return f"\u2068{html.quote(clipped(name))}\u2069"


def clipped(name: str, length: int = _NAME_LENGTH) -> str:
    return name if len(name) <= length else name[: length - 1] + "…"


def when(moment: datetime, timezone: ZoneInfo) -> str:
    return f"{moment.astimezone(timezone):%d/%m/%Y %H:%M}"


def of_settings(name: str, *, is_me: bool) -> str:
    return f"• {shown(name)}{_you(is_me)}, da configuração do servidor"


def invited(name: str, since: datetime, timezone: ZoneInfo, *, is_me: bool) -> str:
    return f"• {shown(name)}{_you(is_me)}, desde {since.astimezone(timezone):%d/%m/%Y}"


def invitation(by: str, expires_at: datetime, timezone: ZoneInfo) -> str:
    return f"• de {shown(by)}, vale até {when(expires_at, timezone)}"


def attendants(department: str, names: Sequence[str] | None) -> str:
    """Return the line of a department. names: None if the group could not be read."""
    if names is None:
        listed = GROUP_NOT_REACHED
    elif not names:
        listed = NOBODY_KNOWN
    else:
        listed = ", ".join(shown(name) for name in names[:_NAMES])
        if len(names) > _NAMES:
            listed += f" e mais {len(names) - _NAMES}"
    return f"• <b>{html.quote(department)}</b>: {listed}"


def screen(admins: Sequence[str], invitations: Sequence[str], groups: Sequence[str]) -> str:
    parts = ["👥 <b>Equipe</b>", "<b>Administradores</b>\n" + _lines(admins)]
    if invitations:
        parts.append("<b>Convites abertos</b>\n" + _lines(invitations))
    parts.append("<b>Atendentes</b>\n" + (_lines(groups) if groups else NO_GROUP))
    if groups:
        parts.append(f"<i>{ATTENDANTS_NOTE}</i>")
    return "\n\n".join(parts)


def link(url: str, expires_at: datetime, timezone: ZoneInfo) -> str:
    return (
        "Envie este link a quem vai ser administrador:\n"
        f"{html.quote(url)}\n\n"
        f"Ele vale para <b>uma pessoa</b>, até {when(expires_at, timezone)}, "
        "e só aparece nesta mensagem. <b>Quem abrir primeiro vira administrador</b>: "
        "não publique em grupos. Se errar, cancele em /equipe."
    )


def sure(name: str) -> str:
    return (
        f"Remover {shown(name)} dos administradores?\n\n"
        "Essa pessoa perde os comandos e as telas na hora, e os convites que ela fez são "
        "cancelados. O que ela mudou no cadastro continua como está."
    )


def remove(name: str) -> str:
    """Return the label of a button."""
    return f"🗑 Remover {clipped(name, 30)}"


def revoke(expires_at: datetime, timezone: ZoneInfo) -> str:
    """Return the label of a button."""
    return f"✖️ Cancelar convite (até {expires_at.astimezone(timezone):%d/%m %H:%M})"


def accepted(name: str) -> str:
    return f"✅ {shown(name)} aceitou seu convite e agora é administrador."


def added(name: str, by: str) -> str:
    return f"👥 {shown(name)} agora é administrador, a convite de {shown(by)}."


def removed(name: str, by: str) -> str:
    return f"👥 {shown(name)} não é mais administrador. Quem removeu: {shown(by)}."


def refusal(reason: Refusal) -> str:
    return {
        Refusal.TOO_MANY: TOO_MANY,
        Refusal.ALREADY_ADMIN: ALREADY_ADMIN,
        Refusal.UNKNOWN: UNKNOWN_INVITATION,
        Refusal.EXPIRED: EXPIRED_INVITATION,
        Refusal.USED: USED_INVITATION,
        Refusal.REVOKED: REVOKED_INVITATION,
        Refusal.FROM_SETTINGS: FROM_SETTINGS,
        Refusal.NO_ADMIN: NOT_ADMIN,
    }[reason]


def _you(is_me: bool) -> str:
    return " (você)" if is_me else ""


def _lines(lines: Sequence[str]) -> str:
    """Return as many lines as fit into a message of 4,096 characters."""
    if len(lines) <= _NAMES // 2:
        return "\n".join(lines)
    return "\n".join([*lines[: _NAMES // 2], f"e mais {len(lines) - _NAMES // 2}"])
