"""Parsing of an admin's text into the value of a field, or into a sentence about its fault.

Values here can be stored in a dialog over a restart: strings, lists, booleans, None.
"""

from dataclasses import dataclass
from typing import Final

from bot.domain.candidate import Refusal
from bot.domain.fields import SHAPES, Shape
from bot.domain.phone import read_phone
from bot.domain.portal import PasswordRefusal, UsernameRefusal, read_username
from bot.domain.registration import (
    NAME_LENGTH,
    NOTE_LENGTH,
    TRAIT_LENGTH,
    TRAITS,
    read_email,
    read_line,
    read_note,
    read_traits,
)
from bot.domain.tax_id import NotATaxId, Reason, TaxId, read_foreign_tax_id, read_tax_id
from bot.wording.words import characters

_TAX_ID: Final = {
    Reason.NOTHING: "Não encontrei um número aí. Escreva o CPF (11 dígitos) ou o CNPJ (14).",
    Reason.CHECK_DIGITS: "Os dígitos finais não conferem: algum foi trocado. "
    "Olhe no documento e escreva de novo.",
    Reason.REPEATED: "Um documento não pode ter o mesmo dígito repetido. Confira o número.",
    Reason.AMBIGUOUS: "Encontrei dois números diferentes. Escreva só um.",
    Reason.SCIENTIFIC: "O Excel encurtou o número (como 2,47E+13). Escreva todos os dígitos.",
    Reason.DECIMALS: "O número veio com casas decimais. Escreva só os dígitos.",
}
_USERNAMES: Final = {
    UsernameRefusal.TOO_SHORT: "O usuário precisa de pelo menos 3 caracteres.",
    UsernameRefusal.TOO_LONG: "O usuário pode ter até 64 caracteres.",
    UsernameRefusal.CHARACTERS: "Use só letras sem acento, números, ponto, hífen, sublinhado e @.",
}

PASSWORDS: Final = {
    PasswordRefusal.TOO_SHORT: "A senha precisa de pelo menos 8 caracteres.",
    PasswordRefusal.TOO_LONG: "A senha pode ter até 128 caracteres.",
    PasswordRefusal.CHARACTERS: "A senha não pode ter quebra de linha nem caracteres invisíveis.",
    PasswordRefusal.IS_USERNAME: "A senha não pode ser igual ao usuário.",
    PasswordRefusal.IS_TAX_ID: "A senha não pode ser o CPF ou CNPJ.",
}
_REFUSALS: Final = {
    Refusal.NO_NAME: "falta o nome",
    Refusal.NO_TAX_ID: "falta o CPF ou CNPJ",
    Refusal.NO_KIND: "falta o tipo de cadastro",
    Refusal.NAME_TOO_LONG: "o nome passa de 200 caracteres",
    Refusal.TRADE_NAME_TOO_LONG: "o nome fantasia passa de 200 caracteres",
    Refusal.NOTE_TOO_LONG: f"a observação passa de {NOTE_LENGTH} caracteres",
}


@dataclass(frozen=True, slots=True)
class Wrong:
    """The fault of the text, and how to correct it."""

    sentence: str


Typed = str | list[str]
"""A value as a dialog stores it."""


def read_field(path: str, text: str, *, country: str = "BR") -> Typed | Wrong:
    """Return the value of one field, or the fault of the text."""
    match SHAPES[path]:
        case Shape.PHONE:
            phone = read_phone(text, country=country)
            return phone or Wrong("Não é um telefone. Escreva com DDD, como (49) 99999-8888.")
        case Shape.NAME:
            return _name(text)
        case Shape.EMAIL:
            wrong = Wrong("Não é um e-mail. Escreva como nome@empresa.com.br.")
            return read_email(text) or wrong
        case Shape.TAX_ID:
            document = read_document(text, country=country)
            return document.key if isinstance(document, TaxId) else document
        case Shape.TRAITS:
            return _traits(text)
        case Shape.NOTE:
            return _note(text)
        case Shape.USERNAME:
            read = read_username(text)
            return Wrong(_USERNAMES[read]) if isinstance(read, UsernameRefusal) else read
    raise ValueError(f"{path} is not typed")


def _name(text: str) -> str | Wrong:
    name = read_line(text)
    if not name:
        return Wrong("O nome ficou vazio. Escreva com letras ou números.")
    if len(name) > NAME_LENGTH:
        return Wrong(f"O nome tem {len(name)} caracteres e pode ter até {NAME_LENGTH}. Encurte.")
    return name


def _note(text: str) -> str | Wrong:
    note = read_note(text)
    if not note:
        return Wrong("A observação ficou vazia. Escreva de novo, ou use os botões.")
    if len(note) > NOTE_LENGTH:
        return Wrong(
            f"A observação tem {len(note)} caracteres e pode ter até {NOTE_LENGTH}. Encurte."
        )
    return note


def _traits(text: str) -> list[str] | Wrong:
    traits = read_traits(text)
    if not traits:
        return Wrong("Não encontrei nenhuma característica. Separe com vírgulas.")
    if len(traits) > TRAITS:
        return Wrong(f"São {len(traits)} características; o limite é {TRAITS}.")
    if long := next((trait for trait in traits if len(trait) > TRAIT_LENGTH), None):
        return Wrong(f"“{long[:30]}…” passa de {TRAIT_LENGTH} caracteres. Encurte.")
    return list(traits)


def read_document(text: str, *, country: str = "BR") -> TaxId | Wrong:
    """Return the tax id, or the fault of the text."""
    read = read_tax_id(text) if country == "BR" else read_foreign_tax_id(country, text)
    return read if isinstance(read, TaxId) else Wrong(_why(read, country))


def _why(refusal: NotATaxId, country: str) -> str:
    if country != "BR":
        return "Não parece um documento desse país. Confira o número e o país."
    if refusal.reason is Reason.LENGTH:
        return (
            f"Esse número tem {characters(refusal.length)}. O CPF tem 11 e o CNPJ tem 14. "
            "Confira se falta ou sobra algum."
        )
    return _TAX_ID.get(refusal.reason, _TAX_ID[Reason.NOTHING])


def not_added(reasons: tuple[Refusal, ...]) -> str:
    said = ", ".join(_REFUSALS.get(reason, reason.value) for reason in reasons)
    return f"⚠️ Não deu para gravar: {said}."
