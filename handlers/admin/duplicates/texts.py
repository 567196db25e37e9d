"""Sentences of the screens of double entries."""

from collections.abc import Sequence
from typing import Final

from aiogram import html

from bot.domain.pairs import PairReason
from bot.domain.registration import Registration
from bot.domain.union import Choice, UnionPlan
from bot.usecases.register.duplicates import ComparedPair, DuplicatesPage, ListedPair
from bot.wording.duplicates import NOT_COMPARED, holding, reasons
from bot.wording.values import EMPTY, LABELS, Names, show_value, value_of, when
from bot.wording.words import counted, short

NONE = (
    "🔗 <b>Cadastros repetidos</b>\n\n"
    "A lista está vazia. Toque em 🔎 Procurar: leio o cadastro inteiro e mostro quem parece estar "
    "nele duas vezes. Nada é mudado."
)
DOCUMENTS_DIFFER = (
    "⚠️ <b>São dois documentos diferentes.</b> Podem ser duas pessoas, como pai e filho, ou uma "
    "pessoa e a empresa dela. Una só se tiver certeza."
)
_NAME: Final = 24
_VALUE: Final = 120


def button(listed: ListedPair) -> str:
    """Return the pair on one line."""
    mark = "⚠️ " if PairReason.DOCUMENTS in listed.pair.reasons else ""
    return f"{mark}{short(listed.stays.name, _NAME)} ↔ {short(listed.goes.name, _NAME)}"


def listing(page: DuplicatesPage, count: int) -> str:
    if not page.pairs:
        return NONE
    lines = [
        "🔗 <b>Cadastros repetidos</b>",
        f"{counted(count, 'par provável', 'pares prováveis')}, o mais provável primeiro.",
        "",
    ]
    for number, listed in enumerate(page.pairs, start=1):
        names = f"{short(listed.stays.name, 40)} ↔ {short(listed.goes.name, 40)}"
        lines.append(f"{number}. {html.quote(names)}\n    <i>{reasons(listed.pair)}</i>")
    lines += ["", "Toque em um par para comparar os dois."]
    return "\n".join(lines)


def compared(of: ComparedPair, names: Names) -> str:
    """Return the two side by side: what is equal once, what differs twice."""
    stays, goes = of.listed.stays, of.listed.goes
    lines = ["🔗 <b>São a mesma pessoa?</b>", f"<i>{reasons(of.listed.pair)}</i>", ""]
    if PairReason.DOCUMENTS in of.listed.pair.reasons:
        lines += [DOCUMENTS_DIFFER, ""]
    same = []
    for path, label in LABELS.items():
        if path in NOT_COMPARED:
            continue
        one, other = value_of(stays, path, names), value_of(goes, path, names)
        if one == other:
            same += [label] if one != EMPTY else []
            continue
        lines.append(f"<b>{label}</b>\n1️⃣ {_value(one)}\n2️⃣ {_value(other)}")
    lines += [
        "<b>Atendimentos e chats</b>",
        f"1️⃣ {holding(of.stays)}\n2️⃣ {holding(of.goes)}",
        "<b>Criado em</b>",
        f"1️⃣ {when(stays.created.at, names)}\n2️⃣ {when(goes.created.at, names)}",
    ]
    if same:
        lines += ["", f"Igual nos dois: {', '.join(same)}."]
    return "\n".join(lines)


def _value(text: str) -> str:
    return html.quote(short(text, _VALUE))


def union(plan: UnionPlan, names: Names, *, document: str | None) -> str:
    """Return what the united registration would be, before anything is written."""
    stays, goes = plan.stays, plan.goes
    lines = [
        "🔗 <b>Unir os dois</b>",
        "",
        f"Fica: <b>{html.quote(stays.name)}</b>{_document(stays)}",
        f"Entra nele: <b>{html.quote(goes.name)}</b>{_document(goes)}",
        "",
    ]
    if plan.documents:
        lines += [DOCUMENTS_DIFFER]
        if document is None:
            lines += ["Escolha embaixo qual documento fica. O outro continua achando o cadastro."]
        lines += [""]
    changed = [change for change in plan.changes if change.path not in NOT_COMPARED]
    if changed:
        lines.append("O cadastro que fica passa a ter:")
    for change in changed:
        value = show_value(change.path, change.after, names)
        lines.append(f"• <b>{LABELS[change.path]}:</b> {_value(value)}")
    if plan.lost:
        lost = ", ".join(LABELS[path].lower() for path in plan.lost)
        lines += ["", f"Não cabe, e fica só na auditoria: {lost} do outro."]
    lines += ["", "Atendimentos, chats, histórico e vínculos com o ERP dos dois ficam nele."]
    if plan.choices:
        lines += ["Onde os dois têm um valor, toque para trocar."]
    lines += ["Dá para desfazer."]
    return "\n".join(lines)


def _document(of: Registration) -> str:
    return f" · {html.quote(of.tax_id.masked)}" if of.tax_id else ""


def choices(plan: UnionPlan, names: Names) -> Sequence[tuple[str, str]]:
    """Return a button for each field in which one of two values stays."""
    return [(one.path, _choice(one, names)) for one in plan.choices]


def _choice(one: Choice, names: Names) -> str:
    value = one.goes if one.takes_other else one.stays
    return f"🔁 {LABELS[one.path]}: {short(show_value(one.path, value, names), 30)}"


def documents(plan: UnionPlan, document: str | None) -> Sequence[tuple[str, str]]:
    """Return a button for each document that can stay."""
    return [
        (one.key, f"{'🔘' if one.key == document else '⚪️'} Fica o {one.label} {one.masked}")
        for one in plan.documents or ()
    ]


def united(registration: Registration) -> str:
    return (
        f"✅ <b>Unidos em {html.quote(registration.name)}.</b>\n\n"
        "Quem procurar por um ou pelo outro acha este cadastro. Foi engano? Toque em ✂️ Desfazer "
        "a união; depois, ela também pode ser desfeita pela auditoria do cadastro."
    )
