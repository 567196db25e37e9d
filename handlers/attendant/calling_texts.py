"""Sentences for who calls a customer."""

from typing import Final

from aiogram import html

from bot.domain.conversation import Department

CALL: Final = "📞 Chamar o cliente"
WHICH_CHAT: Final = "📞 Há mais de um Telegram confirmado neste cadastro. Quem você quer chamar?"
WHICH_DEPARTMENT: Final = "📞 Por qual departamento você quer chamar o cliente?"
# Shown in an alert window, which has 200 characters.
NOBODY_VERIFIED: Final = (
    "Não dá para chamar por aqui: nenhum Telegram está confirmado neste cadastro. "
    "Fale com o cliente por telefone."
)
BLOCKED: Final = (
    "O cliente bloqueou o bot ou apagou a conta: por aqui ele não recebe nada. "
    "Fale com ele por telefone."
)
GONE: Final = "Este cadastro não existe mais."
NO_DEPARTMENT: Final = (
    "Para chamar, você precisa estar no grupo de um departamento: é lá que o atendimento abre."
)


def called(name: str, protocol: str, department: Department) -> str:
    return (
        f"📞 Chamei <b>{html.quote(name)}</b>: o atendimento <b>{html.quote(protocol)}</b> é seu, "
        f"em <b>{html.quote(department.shown)}</b>. A ficha está lá; escreva a ele por ela."
    )


def already_open(protocol: str, where: str, holder: str | None) -> str:
    """protocol, where: HTML."""
    who = f"com {html.quote(holder)}" if holder else "na fila"
    return f"📞 Já há um atendimento aberto com este cliente: {protocol}, em {where}, {who}."
