"""Every sentence an attendant reads, apart from the card."""

from aiogram import html

CLAIMED = "O atendimento é seu."
ALREADY_YOURS = "Este atendimento já é seu."
CLOSED_NOW = "Atendimento encerrado."
GONE = "Não encontrei este atendimento. Ele pode ter sido apagado."
VERIFY = "✔️ Confirmar identidade"
VERIFY_YES = "✔️ Sim, é essa pessoa"
VERIFY_NO = "Cancelar"
VERIFIED_NOW = "Identidade confirmada."
NOT_VERIFIED = "Nada mudou: a identidade continua não confirmada."
ALREADY_VERIFIED = "A identidade deste cliente já está confirmada."
NOBODY_TO_VERIFY = "Ainda não há cadastro para este atendimento: não há quem confirmar."
SOMEBODY_ELSE = (
    "Não confirmei: este chat passou a usar outro cadastro. Abra a ficha completa de novo."
)
ANSWER_BY_REPLYING = (
    "💡 Isso ficou só entre os atendentes. Para falar com o cliente, <b>responda</b> à ficha "
    "ou a uma mensagem dele. (Aviso só uma vez por dia.)"
)
ANSWER_IN_TOPIC = (
    "💡 Isso ficou só entre os atendentes. Para falar com um cliente, escreva no "
    "<b>tópico dele</b>. (Aviso só uma vez por dia.)"
)


def verify(who: str) -> str:
    """who: name and document."""
    return (
        f"Quem escreve neste chat é <b>{html.quote(who)}</b>?\n"
        "Confirme só depois de conferir com o cliente algo que só ele sabe. "
        "A partir daí o bot mostra a ele os dados deste cadastro."
    )


def verified_by(name: str) -> str:
    return f"✔️ Identidade confirmada por {html.quote(name)}."


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
