"""Sentences about one registration."""

from typing import Final

from bot.domain.registration import Registration

SAVED: Final = "Gravado."
UNCHANGED: Final = "Já estava assim: nada mudou."
CREATED: Final = "Cadastro criado."
REMOVED: Final = "Cadastro excluído. Foi engano? Toque em Desfazer."
RESTORED: Final = "Cadastro restaurado."
RESTORED_ALREADY: Final = "Este cadastro já foi restaurado."
TAKEN_BACK: Final = "Desfeito: os campos voltaram ao que eram antes."
NOT_TAKEN_BACK: Final = (
    "Não dá para voltar: o valor de antes não combina com o resto do cadastro como está agora. "
    "Nada foi mudado."
)
GONE: Final = "Este cadastro foi excluído por outra pessoa. Nada foi mudado."
CHANGED_MEANWHILE: Final = (
    "Este cadastro mudou há pouco, e nada foi gravado. Confira como está agora e tente de novo."
)
NO_COPY: Final = "A auditoria não tem mais o que havia aqui. Nada foi mudado."


def united_into(registration: Registration) -> str:
    return f"Este cadastro foi unido a outro: {registration.name}."


def taken(by: Registration) -> str:
    """Return who has the tax id that was entered."""
    document = by.tax_id.masked if by.tax_id else "Este documento"
    return f"{document} já está cadastrado: {by.name}. Nada foi mudado."
