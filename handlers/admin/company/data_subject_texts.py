"""Sentences of /titular."""

from typing import Final

from aiogram import html

from bot.domain.conversation import Conversation
from bot.domain.data_subject import Traces
from bot.domain.tax_id import TaxId
from bot.usecases.register.data_subject import Outcome

HOW: Final = (
    "Escreva o CPF ou CNPJ da pessoa depois do comando: <code>/titular 390.533.447-05</code>.\n"
    "Envio tudo o que está guardado sobre ela, e dali você pode anonimizar."
)
ANONYMISE: Final = "🕶 Anonimizar"
YES: Final = "🕶 Sim, anonimizar para sempre"
NO: Final = "⬅️ Não"
NOTHING_CHANGED: Final = "Nada foi mudado."
NOTHING_THERE: Final = "Não há mais dados desta pessoa. Para conferir, envie /titular de novo."
CHANGED: Final = "Estes dados mudaram desde então. Envie /titular de novo e confira antes."
DONE: Final = (
    "🕶 Pronto: a pessoa foi anonimizada. A auditoria guarda que isso foi feito, por quem e "
    "quando.\n\nApague deste chat o arquivo com os dados dela quando não precisar mais dele."
)

OUTCOMES: Final = {
    Outcome.DONE: DONE,
    Outcome.CHANGED: CHANGED,
    Outcome.NOTHING_THERE: NOTHING_THERE,
}


def wrong(reason: str) -> str:
    return f"⚠️ {html.quote(reason)}\n\n{HOW}"


def not_found(tax_id: TaxId) -> str:
    return (
        f"Não há nada guardado sobre o {tax_id.label} {html.quote(tax_id.masked)}: "
        "nenhum cadastro, nem excluído, nenhum chat e nenhum atendimento."
    )


def caption(traces: Traces) -> str:
    """Return the caption of the file."""
    lines = ["📄 <b>Tudo o que está guardado sobre esta pessoa</b>"]
    if traces.registration:
        lines.append(html.quote(traces.registration.name))
    else:
        lines.append(
            "O cadastro foi excluído." if traces.deleted else "Sem cadastro: só falou pelo chat."
        )
    lines.append(_counts(traces))
    return "\n".join(lines)


def ask(traces: Traces, *, has_erp: bool) -> str:
    """Return the question: the data removed, the data kept, and how the person may return."""
    name = html.quote(traces.registration.name) if traces.registration else "esta pessoa"
    lines = [
        f"🕶 <b>Anonimizar {name}?</b>",
        "Não há como desfazer.",
        "",
        "<b>Some:</b> nome, CPF/CNPJ, telefones, e-mail, portal, observação, características, "
        "etiquetas, prioridade e ligação com o ERP; o que a auditoria guardou deles; a ligação, o "
        "telefone e o nome dos chats; nome, telefone e documento dos atendimentos; mensagens dela "
        "que falharam; e o nome dela em relatórios de tarefas.",
        "",
        "<b>Fica:</b> que houve um cadastro, com tipo, status e datas; protocolo, datas, "
        "departamento e atendente dos atendimentos; quem mudou qual campo e quando; o número dos "
        "chats no Telegram; e que você anonimizou, com data.",
        "",
        "<b>Não alcanço:</b> mensagens que já estão no Telegram, backups feitos antes e planilhas "
        "de tarefas, que são apagadas sozinhas depois de alguns dias.",
        "",
        _counts(traces),
    ]
    if has_erp or (traces.registration and traces.registration.erp_refs):
        lines += [
            "",
            "⚠️ <b>A sincronização com o ERP traz a pessoa de volta</b> enquanto ela estiver lá. "
            "Apague ou anonimize primeiro no ERP; uma planilha importada também a traria.",
        ]
    return "\n".join(lines)


def still_served(conversation: Conversation) -> str:
    return (
        f"Há um atendimento aberto com esta pessoa, protocolo {conversation.protocol}. "
        "Encerre-o no grupo e toque de novo em Anonimizar."
    )


def _counts(traces: Traces) -> str:
    return (
        f"Chats: {len(traces.chats)}. Atendimentos: {len(traces.conversations)}. "
        f"Registros na auditoria: {len(traces.entries)}."
    )
