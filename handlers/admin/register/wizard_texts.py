"""Sentences of the three steps of a new registration."""

from aiogram import html

from bot.domain.phone import show_phone
from bot.domain.registration import Kind
from bot.domain.tax_id import TaxId
from bot.wording.countries import country_name
from bot.wording.new_registration import NewRegistration
from bot.wording.values import Names
from bot.wording.words import KINDS

_NONE = "—"


def company_switched(tax_id: TaxId) -> str:
    return (
        "Isso é um CNPJ: mudei “Pessoa jurídica” para Sim."
        if tax_id.is_company
        else "Isso é um CPF: mudei “Pessoa jurídica” para Não."
    )


def step_1(new: NewRegistration) -> str:
    kinds = ", ".join(KINDS[Kind(kind)] for kind in new.kinds) or _NONE
    document = new.document.masked if new.document else _NONE
    lines = [
        "📝 <b>Novo cadastro · etapa 1 de 3</b>",
        "Informações principais",
        "",
        f"País: {html.quote(country_name(new.country))}",
        f"Pessoa jurídica: {'Sim' if new.company else 'Não'}",
        f"Nome: <b>{html.quote(new.name or _NONE)}</b>",
        f"{new.document_label}: <b>{html.quote(document)}</b>",
        f"Telefone: <b>{html.quote(show_phone(new.phone) if new.phone else _NONE)}</b> (opcional)",
        f"E-mail: <b>{html.quote(new.email or _NONE)}</b> (opcional)",
        f"Tipo de cadastro: <b>{kinds}</b>",
        "",
        f"👉 {_next_of_step_1(new)}",
    ]
    return "\n".join(lines)


def _next_of_step_1(new: NewRegistration) -> str:
    path = new.asked_for
    if path == "name":
        return "Escreva o <b>nome</b>."
    if path == "tax_id":
        return f"Escreva o <b>{new.document_label}</b>."
    if path == "phone":
        return "Escreva o <b>telefone</b> com DDD."
    if path == "email":
        return "Escreva o <b>e-mail</b>."
    if not new.kinds:
        return "Marque o <b>tipo de cadastro</b>; pode ser mais de um."
    return "Confira e toque em <b>Continuar</b>. Telefone e e-mail você pode escrever aqui."


def step_2(new: NewRegistration) -> str:
    lines = ["📝 <b>Novo cadastro · etapa 2 de 3</b>", "Prioridade e identificação", ""]
    lines.append(f"Para: <b>{html.quote(new.name or _NONE)}</b>")
    if new.alert:
        traits = ", ".join(new.traits) or _NONE
        lines.append(f"Características: <b>{html.quote(traits)}</b>")
    lines.append("")
    if new.alert and not new.traits:
        lines.append("👉 Escreva as <b>características</b>, separadas por vírgulas.")
    elif new.alert:
        lines.append("👉 Escreva mais características, ou toque em uma para tirar.")
    else:
        lines.append("Avisar o atendente sobre as características do cliente?")
    if new.priority:
        lines.append("👉 Marque os <b>departamentos</b> em que passa na frente.")
    else:
        lines.append("O cliente tem prioridade em atendimentos?")
    return "\n".join(lines)


def step_3(new: NewRegistration, names: Names) -> str:
    document = new.document.masked if new.document else _NONE
    kinds = ", ".join(KINDS[Kind(kind)] for kind in new.kinds) or _NONE
    lines = [
        "📝 <b>Novo cadastro · etapa 3 de 3</b>",
        "Observações",
        "",
        f"<b>{html.quote(new.name or _NONE)}</b>",
        f"{new.document_label} {html.quote(document)} · {kinds}",
    ]
    if new.alert and new.traits:
        lines.append(f"❗ {html.quote(', '.join(new.traits))}")
    if new.priority:
        departments = ", ".join(names.departments.get(d, d) for d in new.departments)
        lines.append(f"🔴 Prioridade: {html.quote(departments)}")
    if new.tags:
        lines.append(f"🏷 {html.quote(', '.join(names.tags.get(t, t) for t in new.tags))}")
    lines.append("")
    if new.phone:
        lines.insert(5, f"📞 {html.quote(show_phone(new.phone))}")
    if new.email:
        lines.insert(5, f"✉️ {html.quote(new.email)}")
    if new.note:
        lines += [f"📌 {html.quote(new.note)}", "", "👉 Confira e toque em <b>Enviar</b>."]
    else:
        lines.append(
            "👉 Escreva uma observação fixa para os atendimentos deste cliente, ou só toque em "
            "<b>Enviar</b>: ela é opcional."
        )
    return "\n".join(lines)
