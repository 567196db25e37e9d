"""Sentences of the register's screens."""

from aiogram import html

from bot.domain.audit import AuditEntry
from bot.domain.phone import read_phone
from bot.domain.registration import Registration, Status
from bot.domain.search import PAGE, Query, ResultPage
from bot.wording.countries import country_name
from bot.wording.jobs import chosen_filters
from bot.wording.values import (
    EMPTY,
    LABELS,
    Names,
    provenance_line,
    show_value,
    value_of,
    when,
    who,
)
from bot.wording.words import number

COUNTING = "Contando o total…"
EMPTY_REGISTER = (
    "👥 <b>Clientes e fornecedores</b>\n\n"
    "Gerencie o cadastro de seus clientes. Parece que nenhum cliente foi adicionado até agora.\n\n"
    "Para começar, toque no botão abaixo."
)
SUSPICIOUS_TAX_ID = "⚠️ Esse CPF ou CNPJ não confere: algum dígito está trocado. Confira."
GONE = (
    "🗑 <b>Este cadastro não existe mais.</b>\n\n"
    "Alguém o excluiu. A auditoria guarda uma cópia, e por ela ele pode ser restaurado."
)
GONE_NOW = "Este cadastro foi excluído por outra pessoa. Nada foi mudado."
SAVED = "✅ Gravado."
UNCHANGED = "Já estava assim: nada mudou."
CREATED = "✅ Cadastro criado."
RESTORED = "✅ Cadastro restaurado."
REMOVED = "🗑 Cadastro excluído."
UNDO_REMOVAL = "🗑 <b>Cadastro excluído.</b>\n\nFoi engano? Toque em ↩️ Desfazer."
RESTORED_ALREADY = "Este cadastro já foi restaurado."
NO_COPY = "A auditoria não tem mais a cópia deste cadastro."
ACTIVATED = "✅ Cadastro ativado."
INACTIVATED = "✅ Cadastro inativado."
PASSWORD_SAVED = "✅ Senha gravada. Apaguei sua mensagem com ela."  # noqa: S105
PASSWORD_AGAIN = "⚠️ Não consegui gravar a senha, e ela não fica guardada. Escreva-a de novo."  # noqa: S105
PASSWORD_NOT_DELETED = "✅ Senha gravada. ⚠️ Apague você mesmo sua mensagem com ela."  # noqa: S105
CANCEL_WIZARD = (
    "Descartar este cadastro?\n\nNada foi gravado ainda, e o que você escreveu será perdido."
)
_BUTTON_LENGTH = 40
# Two buttons stand beside each other on a phone.
_VALUE = 20


def total(count: int) -> str:
    """Return `1 cadastro` or `1.234 cadastros`."""
    return f"{number(count)} {'cadastro' if count == 1 else 'cadastros'}"


def choice(label: str, ticked: bool) -> str:
    return f"{'☑️' if ticked else '◻️'} {label}"


def filter_button(query: Query) -> str:
    chosen = (query.kinds, query.statuses, query.tags, query.departments)
    count = sum(map(len, chosen)) + query.priority + query.without_tag + query.left_erp
    return f"🔎 Filtros ({count})" if count else "🔎 Filtros"


def many_button(count: int | None) -> str:
    """count: of all results; None while they are being counted."""
    return "Agir em todos" + (f" ({number(count)})" if count is not None else "")


def result_button(registration: Registration) -> str:
    """Return the registration on one line: marks, name, tax id."""
    mark = "🔴 " if registration.priority_departments else ""
    if registration.lost_refs:
        mark += "👋 "
    if registration.status is Status.INACTIVE:
        mark += "🚫 "
    name = registration.name
    if len(name) > _BUTTON_LENGTH:
        name = name[: _BUTTON_LENGTH - 1] + "…"
    document = f" · {registration.tax_id.masked}" if registration.tax_id else ""
    return f"{mark}{name}{document}"


def filters(query: Query, names: Names) -> str:
    chosen = "; ".join(chosen_filters(query, names))
    shown = f"\n\nEscolhido: {html.quote(chosen)}" if chosen else ""
    return (
        "🔎 <b>Filtros</b>\n\nToque para marcar, quantos quiser; toque de novo para tirar. "
        "Vale um dos marcados de cada grupo: “Fornecedor” e “Prospect” mostram os dois."
        f"{shown}"
    )


def listing(
    query: Query, page: ResultPage, count: int | None, names: Names, *, page_number: int
) -> str:
    """count: of all results; None while they are being counted."""
    if query == Query() and not page.registrations:
        return EMPTY_REGISTER
    lines = ["👥 <b>Clientes e fornecedores</b>"]
    if query.text:
        lines.append(f"Busca: “{html.quote(query.text)}”")
    if chosen := "; ".join(chosen_filters(query, names)):
        lines.append(f"Filtros: {html.quote(chosen)}")
    if not page.registrations:
        nobody = (
            "Ninguém tem este telefone, CPF ou CNPJ"
            if read_phone(query.text)
            else "Nada encontrado"
        )
        lines += ["", f"<b>{nobody}.</b> Confira a busca, ou toque em “Mostrar todos”."]
        return "\n".join(lines)
    pages = -(-count // PAGE) if count is not None else 0
    if count is None:
        lines.append(f"{COUNTING} · página {page_number}")
    else:
        lines.append(total(count) + (f" · página {page_number} de {number(pages)}" * (pages > 1)))
    if not query.text:
        lines += ["", "Para procurar, escreva um nome, CPF, CNPJ, telefone, e-mail ou etiqueta."]
    return "\n".join(lines)


def record(registration: Registration, names: Names) -> str:
    """Return everything on record. Empty fields are left out, to fit a phone."""
    mark = "🔴 " if registration.priority_departments else "👤 "
    lines = [f"{mark}<b>{html.quote(registration.name)}</b>"]
    if registration.trade_name:
        lines.append(html.quote(registration.trade_name))
    if registration.tax_id:
        document = html.quote(registration.tax_id.masked)
        lines.append(f"{html.quote(registration.tax_id.label)} <code>{document}</code>")
    kinds = value_of(registration, "kinds", names)
    active = registration.status is Status.ACTIVE
    lines += [f"{kinds} · {'Ativo' if active else '🚫 <b>Inativo</b>'}", ""]
    if registration.lost_refs:
        lines.append("👋 <b>Não está mais no ERP.</b> Se não é mais cliente, toque em Inativar.")
    hidden = ("name", "trade_name", "tax_id", "kinds", "status", "country", "alert_traits")
    for path, label in LABELS.items():
        value = value_of(registration, path, names)
        if path in hidden or value == EMPTY:
            continue
        if path == "traits" and registration.alert_traits:
            label += " (avisar atendente)"
        # A message has 4,096 characters; the note alone may have 2,000.
        shown = value if path == "fixed_note" else _cut(value, 400)
        lines.append(f"<b>{label}:</b> {html.quote(shown)}")
    if registration.country != "BR":
        lines.append(f"<b>País:</b> {html.quote(country_name(registration.country))}")
    lines += ["", f"Criado em {html.quote(provenance_line(registration.created, names))}"]
    if registration.version > 1:
        lines.append(f"Alterado em {html.quote(provenance_line(registration.updated, names))}")
    return "\n".join(lines)


def ask_to_delete(registration: Registration) -> str:
    return (
        f"🗑 Excluir <b>{html.quote(registration.name)}</b>?\n\n"
        "O cadastro sai das buscas e dos atendimentos. A auditoria guarda uma cópia, e por ela "
        "ele pode ser restaurado."
    )


def edit_menu(registration: Registration) -> str:
    return f"✏️ <b>{html.quote(registration.name)}</b>\n\nO que você quer mudar?"


def field_button(label: str, value: str | None) -> str:
    """Return the label of a field's button, with its value unless there is none."""
    return label if not value or value == EMPTY else f"{label}: {_cut(value, _VALUE)}"


def edit_field(path: str, current: str, hint: str) -> str:
    return f"✏️ <b>{LABELS[path]}:</b> {html.quote(current)}\n\n{hint}"


def conflict(entries: list[AuditEntry], path: str, mine: str, names: Names) -> str:
    """Return others' changes since the screen was opened, and the effect of this change."""
    lines = ["⚠️ <b>Este cadastro mudou enquanto você editava.</b>", ""]
    for entry in entries[:3]:
        lines.append(
            f"{html.quote(who(entry.provenance.by, names))}, {when(entry.provenance.at, names)}:"
        )
        lines += [f"• {change_line(c.path, c.before, c.after, names)}" for c in entry.changes[:4]]
    lines += ["", f"Sua alteração: <b>{LABELS[path]}</b> → {html.quote(mine[:300])}", ""]
    lines.append("Gravar a sua assim mesmo?")
    return "\n".join(lines)


def change_line(path: str, before: object, after: object, names: Names) -> str:
    """Return the change as HTML: `Celular: (49) 99999-0000 → vazio`."""
    old, new = (show_value(path, value, names) for value in (before, after))
    label = LABELS.get(path, path)
    return f"<b>{label}:</b> {html.quote(_cut(old))} → {html.quote(_cut(new))}"


def exists(registration: Registration) -> str:
    return (
        f"⚠️ {registration.tax_id.masked if registration.tax_id else 'Este documento'} já está "
        f"cadastrado: {registration.name}. Abra o cadastro pelo botão."
    )


def _cut(text: str, length: int = 120) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
