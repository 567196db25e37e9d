"""Sentences of the audit's screens."""

import re
from datetime import date
from typing import Final

from aiogram import html

from bot.domain.audit import AuditEntry, AuditFilter, AuditPage, Event
from bot.domain.registration import Registration
from bot.wording.values import LABELS, WAYS, Names, show_value, when, who
from bot.wording.words import EVENTS
from handlers.admin.register.texts import change_line

_MARKS: Final = {
    Event.CREATED: "➕",
    Event.CHANGED: "✏️",
    Event.DELETED: "🗑",
    Event.RESTORED: "♻️",
    Event.UNITED: "🔗",
    Event.ANONYMISED: "🕶",
}
NO_ENTRY = "Este registro da auditoria não existe."
REDACTED = "Os valores foram apagados: esta pessoa foi anonimizada."
FILE = "📄 Auditoria. Abre no Excel."
FILE_CUT = (
    "📄 Auditoria, só a parte mais nova: ela toda não cabe em um arquivo do Telegram. "
    "Escolha um período menor nos filtros."
)
ASK_PERIOD = (
    "📅 <b>Período</b>\n\nEscolha, ou escreva as datas: <code>01/11/2026 a 24/11/2026</code>, "
    "ou um dia só."
)
_DATE: Final = re.compile(r"(\d{1,2})/(\d{1,2})(?:/(\d{4}|\d{2}))?")
_LINES: Final = 14


def read_period(text: str, *, today: date) -> tuple[date, date] | None:
    """Return first and last day, in order, from one or two typed dates; None for other texts.

    A date without a year is in the year of `today`.
    """
    found = _DATE.findall(text)
    if not 1 <= len(found) <= 2:
        return None
    try:
        days = [
            date(int(y) + (2000 if len(y) == 2 else 0) if y else today.year, int(m), int(d))
            for d, m, y in found
        ]
    except ValueError:
        return None
    return min(days), max(days)


def period(wanted: AuditFilter) -> str:
    first, last = wanted.first_day, wanted.last_day
    if first and last:
        return f"{first:%d/%m/%Y}" if first == last else f"{first:%d/%m/%Y} a {last:%d/%m/%Y}"
    return f"desde {first:%d/%m/%Y}" if first else ""


def _chosen(wanted: AuditFilter, names: Names) -> str:
    chosen = []
    if wanted.event:
        chosen.append(EVENTS[wanted.event])
    if wanted.by:
        chosen.append(who(wanted.by, names))
    if shown := period(wanted):
        chosen.append(shown)
    return ", ".join(chosen)


def filters(wanted: AuditFilter, names: Names) -> str:
    chosen = _chosen(wanted, names)
    shown = f"\n\nEscolhido: {html.quote(chosen)}" if chosen else ""
    return f"🔎 <b>Filtros da auditoria</b>\n\nO que mudou, quem mudou e quando.{shown}"


def listing(
    page: AuditPage,
    wanted: AuditFilter,
    names: Names,
    *,
    registration: Registration | None,
    of_one: bool,
) -> str:
    lines = ["📜 <b>Auditoria</b>"]
    if registration:
        lines.append(html.quote(registration.name))
    elif of_one and page.entries:
        lines.append(f"{html.quote(page.entries[0].name)} (excluído)")
    if chosen := _chosen(wanted, names):
        lines.append(f"Filtros: {html.quote(chosen)}")
    if not page.entries:
        lines += ["", _nothing(of_one=of_one, filtered=bool(chosen))]
    else:
        lines += ["", "As mais novas primeiro. Toque em uma para ver tudo."]
    return "\n".join(lines)


def _nothing(*, of_one: bool, filtered: bool) -> str:
    if filtered:
        return "Nenhuma alteração com estes filtros."
    if of_one:
        return "Nada mudou neste cadastro desde que ele foi criado."
    return "Ainda não há nenhuma alteração."


def button(entry: AuditEntry, names: Names, *, of_one: bool) -> str:
    """Return one line with time, person and change; for the whole register, the name instead."""
    at = f"{entry.provenance.at.astimezone(names.timezone):%d/%m %H:%M}"
    by = _cut(who(entry.provenance.by, names), 18)
    if not of_one:
        return f"{_MARKS[entry.event]} {at} · {by} · {_cut(entry.name, 30)}"
    if entry.event is Event.CHANGED:
        what = ", ".join(LABELS.get(change.path, change.path) for change in entry.changes)
    else:
        what = EVENTS[entry.event]
    return f"{_MARKS[entry.event]} {at} · {by} · {_cut(what, 30)}"


def entry(of: AuditEntry, names: Names) -> str:
    """Return everything about one entry."""
    made = of.provenance
    by = html.quote(who(made.by, names))
    lines = [
        f"{_MARKS[of.event]} <b>{EVENTS[of.event]}</b>",
        html.quote(of.name),
        "",
        f"{when(made.at, names)}, por {by} ({WAYS[made.way]})",
    ]
    if of.is_redacted:
        fields = ", ".join(LABELS.get(change.path, change.path) for change in of.changes)
        lines += ["", *([f"Campos: {fields}"] if fields else []), REDACTED]
    elif of.changes:
        lines.append("")
        lines += [
            f"• {change_line(change.path, change.before, change.after, names)}"
            for change in of.changes[:_LINES]
        ]
    if of.deleted:
        lines += ["", "<b>O que estava no cadastro:</b>"]
        for path, label in LABELS.items():
            if shown := _kept(of.deleted, path, names):
                lines.append(f"{label}: {html.quote(_cut(shown, 150))}")
    return "\n".join(lines)


def _kept(registration: Registration, path: str, names: Names) -> str:
    value = registration.value(path)
    return show_value(path, value, names) if value else ""


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
