"""Ready answers: texts that attendants send by a short word, filled in for the customer."""

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from html import escape, unescape
from typing import Final

from pydantic import BaseModel, ConfigDict

from bot.domain.card import Card
from bot.domain.conversation import Identity
from bot.domain.normal_form import normalized
from bot.domain.outgoing import TEXT_LENGTH, telegram_length
from bot.domain.search import fold

SIGN: Final = "!"
"""Begins a message that asks for a ready answer; a slash would be a command."""
ANSWER_LENGTH: Final = 3500
SHORTEST_WORD: Final = 2
LONGEST_WORD: Final = 30
NAME: Final = "{nome}"
PROTOCOL: Final = "{protocolo}"
_LONGEST_NAME: Final = 60
# In the group, the text stands below a line that says who sent it.
_FILLED_LENGTH: Final = TEXT_LENGTH - 300
_NEAREST: Final = 3

_WORD: Final = re.compile(rf"[^\W_]{{{SHORTEST_WORD},{LONGEST_WORD}}}")
_ASKED: Final = re.compile(rf"{SIGN}[ \t]*([\w-]{{0,60}})")
_TAG: Final = re.compile(r"<[^>]*>")
_PLACE: Final = re.compile(r"\{\s*([^\W\d_]\w*)\s*\}")


class ReadyAnswer(BaseModel):
    """Resposta pronta: a text of the company, and the short word by which it is sent."""

    model_config = ConfigDict(frozen=True)

    id: str
    word: str
    html: str
    """The text in Telegram's HTML, with its places still to be filled."""
    department_id: str | None = None
    """The department whose attendants have it; None for all departments."""
    version: int = 1

    @property
    def key(self) -> str:
        """Return the word as it is compared: accents and case do not matter."""
        return fold(self.word)

    @property
    def shown(self) -> str:
        """Return the word as attendants write it, with its sign."""
        return SIGN + self.word


def read_word(text: str) -> str | None:
    """Return the short word that an admin typed, with or without its sign, or None."""
    word = normalized("NFC", text.strip().removeprefix(SIGN).strip())
    return word if _WORD.fullmatch(word) else None


def asked_word(text: str) -> str | None:
    """Return the word that the whole message asks for; empty for the sign alone.

    Returns None for every other message.
    """
    found = _ASKED.fullmatch(normalized("NFC", text.strip()))
    return found[1] if found else None


def of_department(answers: Iterable[ReadyAnswer], department_id: str) -> tuple[ReadyAnswer, ...]:
    """Return the answers of this department by word; its own goes before one for all."""
    found: dict[str, ReadyAnswer] = {}
    for one in answers:
        is_own = one.department_id == department_id
        if is_own or (one.department_id is None and one.key not in found):
            found[one.key] = one
    return tuple(found[key] for key in sorted(found))


def find(answers: Iterable[ReadyAnswer], word: str) -> ReadyAnswer | None:
    return next((one for one in answers if one.key == fold(word)), None)


def nearest(answers: Sequence[ReadyAnswer], word: str) -> tuple[ReadyAnswer, ...]:
    """Return the answers whose words are most like this one, the most similar first."""
    key = fold(word)
    by_key = {one.key: one for one in answers}
    begin = [one for one in by_key if one.startswith(key) or key.startswith(one)]
    similar = get_close_matches(key, by_key, n=_NEAREST, cutoff=0.6)
    return tuple(by_key[one] for one in dict.fromkeys([*begin, *similar]))[:_NEAREST]


def name_on(card: Card) -> str | None:
    """Return the customer's first name, a company's whole name, or None.

    It is None unless the identity is proven: the record may be somebody else's.
    """
    registration = card.registration
    if registration is None or card.conversation.customer.identity is not Identity.VERIFIED:
        return None
    if registration.tax_id and registration.tax_id.is_company:
        name = registration.trade_name or registration.name
    else:
        name = registration.name.split()[0]
        # ERPs often have names in capitals.
        name = name.capitalize() if name.isupper() else name
    return name if len(name) <= _LONGEST_NAME else None


def fill(html: str, *, name: str | None, protocol: str) -> str:
    """Return the text, as HTML, with its places filled; without a name it still reads well."""
    if name is None:
        html = _without_name(html)
    values = {NAME: escape(name or "", quote=False), PROTOCOL: escape(protocol, quote=False)}
    return _PLACE.sub(lambda found: values.get(_named(found), found[0]), html)


def plain(html: str) -> str:
    """Return the text of Telegram's HTML without tags."""
    return unescape(_TAG.sub("", html))


def has_name(html: str) -> bool:
    return any(_named(found) == NAME for found in _PLACE.finditer(html))


def unknown_places(html: str) -> list[str]:
    """Return the places that nothing fills, as they were typed: `{cpf}`."""
    found = _PLACE.finditer(plain(html))
    return list(dict.fromkeys(one[0] for one in found if _named(one) not in (NAME, PROTOCOL)))


def is_too_long(html: str) -> bool:
    """Return True if the text is too long as typed, or could be once it is filled."""
    filled = plain(fill(html, name="n" * _LONGEST_NAME, protocol="0" * 15))
    lengths = telegram_length(plain(html)), telegram_length(filled)
    return lengths[0] > ANSWER_LENGTH or lengths[1] > _FILLED_LENGTH


def _named(place: re.Match[str]) -> str:
    return f"{{{place[1].lower()}}}"


# The rest of the module leaves out the name of a customer who must not be called by it.

_N: Final = r"\{\s*nome\s*\}"
_WRAPPED: Final = re.compile(rf"<([\w-]+)(?:\s[^>]*)?>\s*({_N})\s*</\1>", re.IGNORECASE)
_EMPTY: Final = re.compile(r"<([\w-]+)(?:\s[^>]*)?></\1>")
_CALLED: Final = re.compile(rf"(,?[ \t]{{0,9}})((?:<[^/][^>]*>)*){_N}(,?)", re.IGNORECASE)
_SENTENCE_ENDS: Final = re.compile(r"[.!?…:;\n]")
_GREETING: Final = re.compile(
    r"\W*(?:ol[aá]|oie?|opa|bom dia|boa (?:tarde|noite)|tudo (?:bem|certo)|certo|ok|sim|não|"
    r"claro|pronto|perfeito|entendi|então|combinado|obrigad[oa]|agradecemos|desculpe)",
    re.IGNORECASE,
)
# What leans on the name, and what it becomes without it.
_LEANING: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), becomes)
    for pattern, becomes in (
        (rf"\b(?:sra?|dra?|srta)(?:\(a\))?\.?[ \t]+({_N})", r"\1"),
        (rf"\b(?:senhora?|seu|dona)(?:\(a\))?[ \t]+({_N})", r"\1"),
        (rf"\b((?:prezad|car|estimad)(?:[oa]|o\(a\)|a\(o\)))[ \t]+{_N}", r"\1 cliente"),
        (rf"\bem nome d[eoa][ \t]+{_N}", "em seu nome"),
        (rf"\b(para|por|com)[ \t]+(?:[oa][ \t]+)?{_N}", r"\1 você"),
        (rf"[ \t]+d[eoa][ \t]+{_N}", ""),
    )
)


def _without_name(html: str) -> str:
    """Return the HTML without the places for the name, and without the commas that set it off."""
    before = ""
    while before != html:
        before, html = html, _WRAPPED.sub(r"\2", html)
    for pattern, becomes in _LEANING:
        html = pattern.sub(becomes, html)
    while found := _CALLED.search(html):
        html = _without_one(html, found)
    while before != html:
        before, html = html, _EMPTY.sub("", html)
    return html.strip()


def _without_one(html: str, found: re.Match[str]) -> str:
    start, rest = html[: found.start()], html[found.end() :]
    gap, tags, comma = found.groups()
    sentence = _SENTENCE_ENDS.split(plain(start))[-1]
    if not re.search(r"\w", sentence):
        return start + gap.lstrip(",") + tags + _beginning(rest)
    is_greeting = _GREETING.fullmatch(sentence)
    if is_greeting and (comma or re.match(r"[ \t]+\w", rest)):
        return f"{start},{tags}{rest}"
    # Between two commas the name goes with both; else the one behind it belongs to the sentence.
    return start + tags + (comma if "," not in gap else "") + rest


def _beginning(rest: str) -> str:
    """Return what follows a name as the beginning of the sentence."""
    rest = re.sub(r"^[ \t]*[,:;!.–-]*[ \t]*", "", rest)
    return re.sub(
        r"^((?:<[^>]*>|[^\w<&])*)(\w)", lambda found: found[1] + found[2].upper(), rest, count=1
    )
