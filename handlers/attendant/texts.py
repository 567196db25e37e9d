"""Every sentence an attendant reads, apart from the card."""

from aiogram import html

CLAIMED = "O atendimento é seu."
ALREADY_YOURS = "Este atendimento já é seu."
CLOSED_NOW = "Atendimento encerrado."
GONE = "Não encontrei este atendimento. Ele pode ter sido apagado."
ANSWER_BY_REPLYING = (
    "💡 Isso ficou só entre os atendentes. Para falar com o cliente, <b>responda</b> à ficha "
    "ou a uma mensagem dele. (Aviso só uma vez por dia.)"
)
ANSWER_IN_TOPIC = (
    "💡 Isso ficou só entre os atendentes. Para falar com um cliente, escreva no "
    "<b>tópico dele</b>. (Aviso só uma vez por dia.)"
)


def taken_by(name: str) -> str:
    """Plain text: it is shown in an alert window."""
    return f"{name} já está neste atendimento."


def already_closed(by: str | None) -> str:
    """Plain text: it is shown in an alert window."""
    return f"Este atendimento já foi encerrado {f'por {by}' if by else 'pelo cliente'}."


def answer_to_closed(protocol: str) -> str:
    return (
        f"⚠️ O atendimento {html.quote(protocol)} já foi encerrado: "
        "<b>sua mensagem não foi enviada</b>. Se o cliente escrever de novo, abre outro."
    )
