"""What customers' texts are, as far as the steps before a conversation must tell them apart.

A wrong guess loses nothing: what is no answer is kept for the attendants.
"""

import re
from typing import Final

from bot.domain.registration import read_name
from bot.domain.search import fold
from bot.domain.tax_id import TaxId, read_tax_id


def _set(words: str) -> frozenset[str]:
    """Return words in the form of `_words`: folded, repeated letters once."""
    return frozenset(words.split())


_WORD: Final = re.compile(r"[^\W_]+")
_TWICE: Final = re.compile(r"(.)\1+")
_GREETINGS: Final = _set(
    "oi oie ola opa alo ei hey hi helo bom boa dia tarde noite tudo bem e ai ok sim nao por favor "
    "obrigado obrigada"
)
_CALLS: Final = ("atend", "human", "suport", "ajud", "pesoa", "alguem", "falar")
"""Beginnings of words by which people ask for a person."""
_BESIDE_A_NUMBER: Final = _GREETINGS | _set(
    "meu minha o a os as eh numero nr n no do da de cpf cnpj documento doc segue aqui esta ta "
    "este ese empresa certo claro"
)
_OF_NO_PERSON: Final = _set(
    "alguem quero queria preciso gostaria estou cade voce voces vcs porque quando quanto qual meu "
    "meus minha minhas nao pra internet boleto conexao sinal"
)
_OF_NO_COMPANY: Final = _set("alguem estou preciso cade caiu voces")
_LONGEST_NAME: Final = 8
_LONGEST_OF_A_COMPANY: Final = 20
_GREETED: Final = re.compile(
    r"(?:(?:o+i+e?|ol[aá]|opa|bom dia|boa (?:tarde|noite))\b[\s,.!]*)+", re.IGNORECASE
)
_INTRODUCED: Final = re.compile(
    r"(?:(?:o )?meu nome(?: completo)? (?:é|e|eh)|(?:eu )?me chamo|(?:eu )?sou|aqui (?:é|e|eh)"
    r"|(?:quem )?fala(?: aqui)?(?: é| e)?|nome\s*:)\s+(?:[oa] )?",
    re.IGNORECASE,
)
# The words between "cpf" and the number: "o cpf da minha mãe é ...".
_BEHIND_ITS_NAME: Final = re.compile(
    r"\b(?:cpf|cnpj)\b[\s:.=nº°-]*(?:[^\W\d_]+[\s:.=º°-]+){0,4}[^\W\d_]*$"
)
_WITHOUT: Final = re.compile(r"(?:continuar )?sem (?:o )?(?:cpf|cnpj)(?: ou cnpj)?")


def is_only_number(text: str) -> bool:
    """Return True if the text is a document or a try at one, with no more than words around it."""
    if sum(character.isdecimal() for character in text) < 3:
        return False
    found = read_tax_id(text)
    if isinstance(found, TaxId) and _compact(text) == found.number:
        return True
    words = [part for part in text.split() if not any(c.isdecimal() for c in part)]
    return all(word in _BESIDE_A_NUMBER for word in _words(" ".join(words)))


def tax_id_alone(text: str) -> TaxId | None:
    """Return the document that stands alone in the text, or behind the word CPF or CNPJ.

    Other numbers are left alone: one in a hundred mobile numbers has valid check digits.
    """
    found = read_tax_id(text)
    if not isinstance(found, TaxId):
        return None
    if _compact(text) == found.number:
        return found
    first = re.search(r"\d", text)
    before = text[: first.start()].lower() if first else ""
    return found if _BEHIND_ITS_NAME.search(before) else None


def is_greeting(text: str) -> bool:
    """Return True for a greeting or the wish to talk to a person, which is no try at a document.

    A text without words, such as an emoji, counts too.
    """
    words = _words(text)
    return all(word in _GREETINGS for word in words) or any(
        word.startswith(_CALLS) for word in words
    )


def is_without_tax_id(text: str) -> bool:
    """Return True if the customer wants to go on without a document."""
    return _WITHOUT.fullmatch(" ".join(_WORD.findall(fold(text)))) is not None


def read_given_name(text: str, *, is_company: bool) -> str:
    """Return the name in a customer's answer; empty when the text is no name.

    is_company: the name of a company, and of the person who writes for it.
    """
    name = read_name(text)
    greeted = _GREETED.match(name)
    # "Bom Dia Ltda" is the name of a company; a greeting before a name ends with a mark.
    if greeted and (not is_company or greeted[0].rstrip().endswith((",", ".", "!"))):
        name = name[greeted.end() :]
    if introduced := _INTRODUCED.match(name):
        name = name[introduced.end() :]
    words = _words(name)
    longest = _LONGEST_OF_A_COMPANY if is_company else _LONGEST_NAME
    strange = _OF_NO_COMPANY if is_company else _OF_NO_PERSON
    if "?" in name or len(words) > longest or not any(word.isalpha() for word in words):
        return ""
    if any(word in strange for word in words) or all(word in _GREETINGS for word in words):
        return ""
    return name


def _words(text: str) -> list[str]:
    """Return the words for comparison, with repeated letters once: "oiii" is "oi"."""
    return [_TWICE.sub(r"\1", word) for word in _WORD.findall(fold(text))]


def _compact(text: str) -> str:
    return "".join(character for character in text.upper() if character.isalnum())
