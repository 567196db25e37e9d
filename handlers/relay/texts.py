"""Sentences about messages that were not delivered."""

from typing import Final

from aiogram import html

from bot.domain.outgoing import Undelivered
from bot.domain.tax_id import TaxId

SWITCH: Final = "🔄 Trocar para este cadastro"
AGAIN: Final = "🔁 Enviar de novo"
SENT_AGAIN: Final = "Enviando de novo."
SENDING_AGAIN: Final = "🔁 Enviando de novo ao cliente. Se não chegar, aviso aqui."
ARRIVED: Final = "✅ Entregue ao cliente."
NOT_AGAIN: Final = "Esta mensagem já foi enviada de novo, ou é antiga demais."
CORRECTED: Final = "✏️ <b>Corrigido pelo cliente:</b>\n"
FILE_CHANGED: Final = "✏️ <b>O cliente trocou o arquivo.</b>"
OTHER_SUBJECT: Final = (
    "🆕 O cliente disse que <b>é outro assunto</b>: o que ele escreveu depois de reabrir segue "
    "para um atendimento novo."
)
FORWARDED_FROM: Final = "↪️ Encaminhada de"
DELETED: Final = "🗑 Apagada do chat do cliente."
DELETE_BY_REPLYING: Final = (
    "Para apagar do chat do cliente uma mensagem sua, <b>responda</b> a ela com /apagar."
)
NOT_YOURS: Final = "Essa mensagem não foi enviada ao cliente pelos atendentes."
NOTE_KEPT: Final = "✍"
"""The reaction to an internal comment, which stays among the attendants."""

GROUP_CLOSED: Final = (
    "Neste momento os atendentes não conseguem receber mensagens. O que você escrever "
    "<b>fica guardado</b> e segue para eles assim que voltarem."
)

CARD_NOT_POSTED: Final = (
    "Não consegui mostrar aos atendentes quem você é. Sua conversa continua: escreva o que "
    "precisa e, por favor, <b>diga também o seu nome</b>."
)
MANY_WAIT: Final = (
    "Recebi muitas mensagens suas. <b>Nada se perdeu</b>: elas seguem aos poucos para os "
    "atendentes, na mesma ordem. Aguarde um pouco antes de enviar mais, por favor."
)

_TO_CUSTOMER: Final = "⚠️ <b>Sua mensagem não foi entregue ao cliente</b>: "

_REASONS: Final = {
    Undelivered.BLOCKED: (
        "ele bloqueou o bot ou apagou a conta. Se for urgente, fale com ele por telefone."
    ),
    Undelivered.TOO_LONG: "é longa demais para o Telegram. Divida em duas.",
    Undelivered.TOO_OLD: "o Telegram não deixa mais mudar nem apagar a que ele recebeu.",
    Undelivered.TOO_BIG: "o arquivo é grande demais para o Telegram. Envie um menor, ou um link.",
    Undelivered.NOT_COPIED: (
        "o Telegram não deixa enviar este tipo de mensagem. "
        "Tente em texto, ou como foto ou arquivo."
    ),
    Undelivered.NOT_ALLOWED: "o chat dele não aceita {kind}. Tente em texto.",
    Undelivered.GONE: "ela foi apagada antes de ser enviada.",
    Undelivered.UNCONFIRMED: (
        "o bot foi interrompido duas vezes ao enviar. Ela pode ter chegado; "
        "pergunte ao cliente ou envie de novo."
    ),
    Undelivered.AWAY: (
        "o Telegram não a aceitou, mesmo depois de várias tentativas. "
        "Tente de novo mais tarde, ou escreva de outra forma."
    ),
}
_NOT_WORTH_REPEATING: Final = frozenset(
    {
        Undelivered.TOO_LONG,
        Undelivered.TOO_OLD,
        Undelivered.TOO_BIG,
        Undelivered.NOT_COPIED,
        Undelivered.NOT_ALLOWED,
        Undelivered.GONE,
    }
)
_KINDS: Final = {
    "animation": "GIFs",
    "audio": "áudios",
    "contact": "contatos",
    "document": "arquivos",
    "game": "jogos",
    "location": "localizações",
    "media": "fotos, vídeos nem arquivos",
    "photo": "fotos",
    "poll": "enquetes",
    "sticker": "figurinhas",
    "story": "stories",
    "video": "vídeos",
    "video note": "mensagens de vídeo",
    "voice": "mensagens de voz",
}

CUSTOMER_BLOCKED: Final = (
    "⚠️ O cliente bloqueou o bot: <b>ele não recebeu o último aviso</b>. "
    "Se for urgente, fale com ele por telefone."
)
_FROM_CUSTOMER: Final = {
    Undelivered.NOT_COPIED: (
        "Não consegui encaminhar esse tipo de mensagem. "
        "Escreva em texto ou envie uma foto ou arquivo."
    ),
    Undelivered.NOT_ALLOWED: (
        "O grupo dos atendentes não aceita {kind}, e essa mensagem não chegou. "
        "Escreva em texto, por favor."
    ),
    Undelivered.TOO_BIG: "Esse arquivo é grande demais. Envie um menor, por favor.",
    Undelivered.TOO_LONG: "Essa mensagem é longa demais. Divida em duas, por favor.",
    Undelivered.AWAY: (
        "Não consegui passar esta mensagem aos atendentes: o Telegram não a aceitou. "
        "Envie de outra forma, por favor, como um texto ou uma foto."
    ),
}
_NOT_SURE: Final = (
    "Não tenho certeza de que sua mensagem chegou aos atendentes. Envie de novo, por favor."
)


def not_delivered(reason: Undelivered, kind: str = "") -> str:
    """Return the sentence for the attendant who wrote the message.

    kind: the refused kind, as `Refusal.kind` names it.
    """
    return _TO_CUSTOMER + _REASONS[reason].format(kind=_named(kind))


def can_be_repeated(reason: Undelivered) -> bool:
    """Return True if sending the same message again may help."""
    return reason not in _NOT_WORTH_REPEATING


def not_passed_on(reason: Undelivered, kind: str = "") -> str:
    """Return the sentence for the customer who wrote the message."""
    return _FROM_CUSTOMER.get(reason, _NOT_SURE).format(kind=_named(kind))


def _named(kind: str) -> str:
    return _KINDS.get(kind, "mensagens deste tipo")


def other_document(tax_id: TaxId) -> str:
    """Return the notice for attendants: the customer sent another document than the card's."""
    number = html.quote(tax_id.masked)
    return (
        f"🔎 O cliente enviou outro {tax_id.label}, <code>{number}</code>. O atendimento "
        "continua no cadastro da ficha. É sobre esse outro? Toque abaixo."
    )
