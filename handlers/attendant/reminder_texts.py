"""Sentences about customers who wait, for groups and admins."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from aiogram import html

from bot.domain.card import QueueEntry
from bot.domain.conversation import Attendant, Department
from bot.wording.words import counted, number, span
from handlers.attendant.queue import name_of, protocol_link

# So many lines fit into one message, whatever the names are.
_SHOWN: Final = 20


def reminder(entry: QueueEntry, *, at: datetime) -> str:
    """Return the reminder of one customer, below the card."""
    conversation, name = entry.conversation, html.quote(entry.name)
    waited, protocol = _waited(entry, at), html.quote(conversation.protocol)
    mark = "🔴" if conversation.priority else "⏰"
    has_priority = "tem prioridade e " if conversation.priority else ""
    if conversation.claimed_by:
        return (
            f"{mark} {_mention(conversation.claimed_by)}, <b>{name}</b> {has_priority}está sem "
            f"resposta há <b>{waited}</b> (protocolo {protocol})."
        )
    return (
        f"{mark} <b>{name}</b> {has_priority}espera há <b>{waited}</b> (protocolo {protocol}). "
        "Quem atende?"
    )


def reminders(waiting: Sequence[QueueEntry], *, at: datetime) -> str:
    """Return the reminder of several customers of a group."""
    lines = [f"⏰ <b>{counted(len(waiting), 'cliente espera', 'clientes esperam')}:</b>"]
    lines += [f"• {_line(one, at)}" for one in waiting[:_SHOWN]]
    return "\n".join(
        [*lines, *_more(len(waiting) - _SHOWN), "", "Quem atende? /fila mostra a fila."]
    )


def reminders_of_departments(
    waiting: Sequence[QueueEntry], departments: Sequence[Department], *, at: datetime
) -> str:
    """Return the reminder for admins, by department."""
    count = counted(len(waiting), "cliente espera", "clientes esperam")
    lines = [f"⏰ <b>{count} há muito tempo</b>"]
    shown = waiting[:_SHOWN]
    for department in departments:
        there = [one for one in shown if one.conversation.department_id == department.id]
        if there:
            lines += ["", f"<b>{html.quote(department.shown)}</b>"]
            lines += [f"• {_line(one, at)}" for one in there]
    return "\n".join([*lines, *_more(len(waiting) - _SHOWN), "", "/fila mostra todas as filas."])


def opened(first: Sequence[QueueEntry], *, total: int, at: datetime) -> str:
    """Return the message at the opening. first: the first of all that wait, in order."""
    lines = [f"🔔 <b>Abrimos: {counted(total, 'cliente espera', 'clientes esperam')}.</b>", ""]
    lines += [f"{n}. {_line(one, at)}" for n, one in enumerate(first, 1)]
    return "\n".join(
        [*lines, *_more(total - len(first)), "", "/fila mostra a fila, com botões para assumir."]
    )


def _line(entry: QueueEntry, at: datetime) -> str:
    conversation = entry.conversation
    mark = "🔴 " if conversation.priority else ""
    holder = conversation.claimed_by
    waits = f"sem resposta de {_mention(holder)}, há" if holder else "há"
    return (
        f"{mark}<b>{name_of(entry)}</b> · {waits} {_waited(entry, at)} · "
        f"{protocol_link(conversation)}"
    )


def _waited(entry: QueueEntry, at: datetime) -> str:
    """Return the customer's own wait, which a transfer or a closed door does not interrupt."""
    conversation = entry.conversation
    since = conversation.asked_at if conversation.claimed_by else None
    return span(at - (since or conversation.customer_waits_since))


def _mention(attendant: Attendant) -> str:
    return html.link(html.quote(attendant.name[:40]), f"tg://user?id={attendant.id}")


def _more(count: int) -> list[str]:
    return [f"… e mais {number(count)}"] if count > 0 else []
