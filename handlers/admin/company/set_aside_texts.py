"""Sentences about the updates that were set aside."""

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from aiogram import html

from bot.domain.retention import SET_ASIDE_KEPT
from bot.domain.set_aside import SetAside
from bot.usecases.company.set_aside import Listed
from bot.wording.set_aside import why
from bot.wording.words import counted, number, plural, short

_WHO: Final = 40

REPEAT_ALL = "🔁 Repetir todas"
DROP_ALL = "🗑 Descartar todas"
BACK = "⬅️ Voltar ao status"
YES_DROP = "🗑 Sim, descartar"
NO_BACK = "Não, voltar"

NONE = "✅ Nenhuma mensagem está posta de lado."
ASK_DROP = (
    "🗑 <b>Descartar esta mensagem?</b>\n\n"
    "O que a pessoa escreveu é apagado, e ninguém mais poderá responder. Não dá para desfazer."
)
ASK_DROP_ALL = (
    "🗑 <b>Descartar todas as que estavam na lista?</b>\n\n"
    "O que as pessoas escreveram é apagado, e ninguém mais poderá responder. Não dá para desfazer."
)
REPEATED = "Esta mensagem vai ser tratada de novo, agora."
DROPPED = "A mensagem foi descartada."
GONE = "Outra pessoa já cuidou desta mensagem, ou o prazo dela acabou. A lista foi atualizada."
NOTHING_LEFT = "Não havia mais nada para fazer: outra pessoa já cuidou destas mensagens."


def repeat(number: int) -> str:
    return f"🔁 Repetir {number}"


def drop(number: int) -> str:
    return f"🗑 Descartar {number}"


def repeated(count: int) -> str:
    if not count:
        return NOTHING_LEFT
    verb = plural(count, "vai ser tratada", "vão ser tratadas")
    return f"{counted(count, 'mensagem', 'mensagens')} {verb} de novo, cada uma no seu lugar."


def dropped(count: int) -> str:
    if not count:
        return NOTHING_LEFT
    were = plural(count, "mensagem foi descartada", "mensagens foram descartadas")
    return f"{number(count)} {were}."


def listed(listed: Listed, now: datetime, *, timezone: ZoneInfo) -> str:
    """Return the list: when, who and why, and nothing of what was written."""
    if not listed.count:
        return NONE
    lines = [
        f"⚠️ <b>Postas de lado: {number(listed.count)}</b>",
        "",
        "Não consegui tratar estas mensagens. <b>Repetir</b> trata a mensagem de novo, no lugar "
        "dela; <b>descartar</b> apaga o que foi escrito. Sem nada disso, cada uma some em "
        f"{SET_ASIDE_KEPT.days} dias.",
        "",
        *(_line(place, one, now, timezone) for place, one in enumerate(listed.first, 1)),
    ]
    if more := listed.count - len(listed.first):
        lines.append(f"… e mais {number(more)}")
    return "\n".join(lines)


def _line(place: int, one: SetAside, now: datetime, timezone: ZoneInfo) -> str:
    at = f"{(one.received_at or one.set_aside_at).astimezone(timezone):%d/%m às %H:%M}"
    who = f", de {html.quote(short(one.who, _WHO))}" if one.who else ""
    left = max(0, (one.ends_at - now).days)
    ends = f"some em {counted(left, 'dia', 'dias')}" if left else "some hoje"
    only = "" if one.can_be_repeated else " O conteúdo não foi guardado: só dá para descartar."
    return f"<b>{place}.</b> {at}{who}: {html.quote(why(one.error))}; {ends}.{only}"
