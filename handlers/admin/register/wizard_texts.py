"""Sentences of the three steps of a new registration."""

from typing import Any

from aiogram import html

from bot.domain.registration import Kind
from bot.domain.tax_id import TaxId
from bot.wording.countries import country_name
from bot.wording.values import Names
from bot.wording.words import KINDS
from handlers.admin.register.reading import typed

_NONE = "—"
_CAPTIONS = {"name": "o nome", "kinds": "o tipo de cadastro"}


def document_label(data: dict[str, Any]) -> str:
    """Return the name of the document for this country and kind of person."""
    if data["country"] != "BR":
        return "Documento"
    return "CNPJ" if data["company"] else "CPF"


def asked(data: dict[str, Any]) -> str | None:
    """Return the field that the next text fills: the requested one, else the first missing one."""
    if data.get("asked"):
        return str(data["asked"])
    return next((path for path in ("name", "tax_id") if not data[path]), None)


def missing(data: dict[str, Any]) -> str:
    """Return the names of the fields that step 1 still needs; empty if there are none."""
    names = _CAPTIONS | {"tax_id": f"o {document_label(data)}"}
    return ", ".join(names[path] for path in ("name", "tax_id", "kinds") if not data[path])


def company_switched(tax_id: TaxId) -> str:
    return (
        "Isso é um CNPJ: mudei “Pessoa jurídica” para Sim."
        if tax_id.is_company
        else "Isso é um CPF: mudei “Pessoa jurídica” para Não."
    )


def step_1(data: dict[str, Any]) -> str:
    kinds = ", ".join(KINDS[Kind(kind)] for kind in data["kinds"]) or _NONE
    document = typed("tax_id", data["tax_id"])["tax_id"].masked if data["tax_id"] else _NONE
    lines = [
        "📝 <b>Novo cadastro · etapa 1 de 3</b>",
        "Informações principais",
        "",
        f"País: {html.quote(country_name(data['country']))}",
        f"Pessoa jurídica: {'Sim' if data['company'] else 'Não'}",
        f"Nome: <b>{html.quote(data['name'] or _NONE)}</b>",
        f"{document_label(data)}: <b>{html.quote(document)}</b>",
        f"Tipo de cadastro: <b>{kinds}</b>",
        "",
        f"👉 {_next_of_step_1(data)}",
    ]
    return "\n".join(lines)


def _next_of_step_1(data: dict[str, Any]) -> str:
    path = asked(data)
    if path == "name":
        return "Escreva o <b>nome</b>."
    if path == "tax_id":
        return f"Escreva o <b>{document_label(data)}</b>."
    if not data["kinds"]:
        return "Marque o <b>tipo de cadastro</b>; pode ser mais de um."
    return "Confira e toque em <b>Continuar</b>."


def step_2(data: dict[str, Any]) -> str:
    lines = ["📝 <b>Novo cadastro · etapa 2 de 3</b>", "Prioridade e identificação", ""]
    lines.append(f"Para: <b>{html.quote(data['name'] or _NONE)}</b>")
    if data["alert"]:
        traits = ", ".join(data["traits"]) or _NONE
        lines.append(f"Características: <b>{html.quote(traits)}</b>")
    lines.append("")
    if data["alert"] and not data["traits"]:
        lines.append("👉 Escreva as <b>características</b>, separadas por vírgulas.")
    elif data["alert"]:
        lines.append("👉 Escreva mais características, ou toque em uma para tirar.")
    else:
        lines.append("Avisar o atendente sobre as características do cliente?")
    if data["priority"]:
        lines.append("👉 Marque os <b>departamentos</b> em que passa na frente.")
    else:
        lines.append("O cliente tem prioridade em atendimentos?")
    return "\n".join(lines)


def step_3(data: dict[str, Any], names: Names) -> str:
    document = typed("tax_id", data["tax_id"])["tax_id"].masked if data["tax_id"] else _NONE
    kinds = ", ".join(KINDS[Kind(kind)] for kind in data["kinds"]) or _NONE
    lines = [
        "📝 <b>Novo cadastro · etapa 3 de 3</b>",
        "Observações",
        "",
        f"<b>{html.quote(data['name'] or _NONE)}</b>",
        f"{document_label(data)} {html.quote(document)} · {kinds}",
    ]
    if data["alert"] and data["traits"]:
        lines.append(f"❗ {html.quote(', '.join(data['traits']))}")
    if data["priority"]:
        departments = ", ".join(names.departments.get(d, d) for d in data["departments"])
        lines.append(f"🔴 Prioridade: {html.quote(departments)}")
    if data["tags"]:
        lines.append(f"🏷 {html.quote(', '.join(names.tags.get(t, t) for t in data['tags']))}")
    lines.append("")
    if data["note"]:
        lines += [f"📌 {html.quote(data['note'])}", "", "👉 Confira e toque em <b>Enviar</b>."]
    else:
        lines.append(
            "👉 Escreva uma observação fixa para os atendimentos deste cliente, ou só toque em "
            "<b>Enviar</b>: ela é opcional."
        )
    return "\n".join(lines)
