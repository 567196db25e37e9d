"""Sentences about the customer's own data."""

from typing import Final

from aiogram import html

from bot.domain.privacy_notice import PrivacyNotice

FIX: Final = "✏️ Pedir correção"
BACK: Final = "⬅️ Voltar"
CORRECTION: Final = "📝 Pedido de correção"
"""First line of a request, as the attendants receive it."""
CAPTION: Final = (
    "📄 <b>O que guardamos sobre você</b>\n"
    "Se algo estiver errado, toque em Pedir correção: um atendente cuida disso."
)
NOT_VERIFIED: Final = (
    "Só mostro dados guardados a quem confirmou que é o dono deles.\n\n"
    "Se já está falando com um atendente, <b>peça a ele</b> que confirme sua identidade. Ou envie "
    "/sair (o atendimento aberto é encerrado), escreva de novo aqui, informe seu CPF ou CNPJ e "
    "toque em <b>Compartilhar meu telefone</b>."
)
ASK_AN_ATTENDANT: Final = (
    "Só mostro dados guardados a quem confirmou que é o dono deles, e por aqui não há como "
    "confirmar. Peça a um atendente, nesta conversa."
)
NOT_VERIFIED_NOW: Final = (
    "Este chat não está confirmado. Envie /meusdados para ver como confirmar."
)
WHICH_DEPARTMENT: Final = "Para qual departamento vai o pedido de correção?"
WRITE: Final = (
    "Escreva em <b>uma mensagem</b> o que está errado e como é o certo. Ela vai para um atendente."
)
AS_TEXT: Final = (
    "O pedido de correção vai em <b>texto</b>. Fotos e arquivos você pode mandar logo depois dele."
)
LEFT: Final = "Tudo bem, nenhum pedido de correção foi enviado."
GONE: Final = "Este departamento não está mais disponível. Escolha outro e envie o pedido de novo."
_LONGEST: Final = 4_000
TOO_LONG: Final = (
    "O pedido de correção passa de 4.000 caracteres. Envie uma versão mais curta; o resto você "
    "pode mandar logo depois."
)


def is_too_long(text: str) -> bool:
    return len(text) > _LONGEST


def not_verified(*, can_verify: bool) -> str:
    """Return the refusal, the same for every chat and for every tax id that was typed in it."""
    return NOT_VERIFIED if can_verify else ASK_AN_ATTENDANT


def sent(protocol: str) -> str:
    return (
        "📝 Seu pedido de correção foi para os atendentes. "
        f"Protocolo <b>{html.quote(protocol)}</b>. A resposta vem aqui mesmo."
    )


def renewed_notice(notice: PrivacyNotice) -> str:
    link = f" {html.link('Saiba mais', html.quote(notice.url))}." if notice.url else ""
    return f"🔒 <b>Nosso aviso de privacidade foi atualizado</b>\n{html.quote(notice.text)}{link}"
