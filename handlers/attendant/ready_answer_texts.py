"""Sentences about ready answers, for attendants."""

from collections.abc import Sequence
from typing import Final

from aiogram import html

from bot.domain.ready_answer import SIGN, ReadyAnswer, plain

CLOSE: Final = "✖️ Fechar"
BEFORE, AFTER = "‹ Anteriores", "Próximas ›"
NOTHING_SENT: Final = "💬 Nada foi enviado."
NONE_YET: Final = (
    "Este departamento ainda não tem respostas prontas. "
    "Um administrador as cria com /respostas, na conversa privada comigo."
)
SENT: Final = "Enviada."
USED: Final = "Esta lista já foi usada ou fechada. Para enviar uma resposta, abra a lista de novo."
DELETED: Final = "Esta resposta foi apagada ou mudou de departamento. Nada foi enviado."
_BEGINNING: Final = 60


def listed(page: Sequence[ReadyAnswer], *, protocol: str = "", pages: str = "") -> str:
    """Return the list. protocol: of the conversation that a press answers. pages: `1 de 3`."""
    head = "💬 <b>Respostas prontas</b>" + (f" ({pages})" if pages else "")
    lines = [f"<b>{html.quote(one.shown)}</b> – {_beginning(one)}" for one in page]
    how = (
        f"Toque em uma para <b>enviar ao cliente</b> (protocolo {html.quote(protocol)})."
        if protocol
        else "Para enviar uma, escreva só ela como resposta ao cliente, ou no tópico dele."
    )
    return "\n".join([head, "", *lines, "", how])


def sent(by: str, answer: ReadyAnswer, text: str) -> str:
    """Return what the group sees. text: HTML, as the customer gets it."""
    return f"💬 {html.quote(by)} enviou <b>{html.quote(answer.shown)}</b> ao cliente:\n\n{text}"


def unknown(word: str, nearest: Sequence[ReadyAnswer]) -> str:
    said = (
        f"⚠️ Não há resposta pronta <b>{SIGN}{html.quote(word)}</b> neste departamento: "
        "<b>nada foi enviado</b>."
    )
    if nearest:
        words = " ou ".join(f"<code>{html.quote(one.shown)}</code>" for one in nearest)
        return f"{said}\nVocê quis dizer {words}?"
    return f"{said}\nUm <b>{SIGN}</b> sozinho mostra todas."


def needs_customer(word: str) -> str:
    return (
        f"⚠️ <b>Nada foi enviado</b>: não sei a qual cliente. Escreva <b>{SIGN}{html.quote(word)}"
        "</b> como resposta à ficha ou a uma mensagem dele, ou no tópico dele."
    )


def _beginning(answer: ReadyAnswer) -> str:
    text = " ".join(plain(answer.html).split())
    return html.quote(text if len(text) <= _BEGINNING else text[: _BEGINNING - 1] + "…")
