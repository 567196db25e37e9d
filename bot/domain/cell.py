"""The text of a cell: what programs wrap around it taken off, and what stands for nothing blank.

An export writes with `as_cell` what `meant` and `named` would change, so it comes back unchanged.
"""

import html
import re
from collections.abc import Iterable
from typing import Final

from bot.domain.encodings import count_mojibake
from bot.domain.guard import unguarded


def _spellings(words: Iterable[str]) -> frozenset[str]:
    return frozenset(form for w in words for form in (w.lower(), w.upper(), w.title(), w))


_ERRORS: Final = (
    *("#N/D", "#N/A", "#NOME?", "#NAME?", "#REF!", "#VALOR!", "#VALUE!", "#DIV/0!", "#NUM!"),
    *("#NÚM!", "#NULO!", "#NULL!", "#ERRO!", "#ERROR!", "#DESPEJAR!", "#SPILL!", "#CALC!"),
    *("#CÁLC!", "#CAMPO!", "#FIELD!", "#BLOQUEADO!", "#BLOCKED!", "#CONECTAR!", "#CONNECT!"),
    *("#OCUPADO!", "#BUSY!", "#DESCONHECIDO!", "#UNKNOWN!", "#PYTHON!", "#EXTERNO!"),
    *("#EXTERNAL!", "#OBTENDO_DADOS", "#GETTING_DATA"),
)
BLANKS: Final = (
    _spellings(
        (
            *("null", "(null)", "[null]", "<null>", "nil", "none", "nan", "-nan", "<na>"),
            *("undefined", "(vazio)", "(em branco)", "(blank)", "#vazio", "(none)", "[none]"),
            *("nat", "nulo", "(nulo)", "(empty)", "[object object]", "[object Object]"),
            *("n/a", "n/d", "n.d.", "n.a.", "\\n"),
            *_ERRORS,
            *(f"Err:{number}" for number in range(501, 541)),
        )
    )
    | {"NA", "ND"}
    | {sign * count for sign in "-\u2013\u2014_.*?/\\#" for count in range(1, 13)}
    | {sign * count for sign in "xX" for count in range(3, 13)}
)
"""Cells that hold nothing in any field: a spreadsheet's errors, a database's NULL, dashes."""
NOTHINGS: Final = BLANKS | _spellings(
    ("true", "false", "verdadeiro", "falso", "0", "0.0", "0,0", "0.00", "0,00")
)
"""Cells that hold nothing in a field of text: also what an empty cell becomes in a formula."""
_UNSEEN: Final = re.compile(
    "[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]"
)
_FORMULA: Final = re.compile(r'=\s*(?:"((?:[^"]|"")*)"|(\+?[0-9.,/-]+))', re.DOTALL)
_ENTITY: Final = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")
# A line break as web pages and workbooks write it.
_BREAK: Final = re.compile(r"<br\s*/?>|_x000[aAdD]_")
_LITERAL: Final = "''"
_ADDRESS: Final = re.compile(r"\S+@\S+\.\S+")
_NO_NAMES: Final = frozenset(
    (
        *("nao informado", "não informado", "nao informada", "não informada", "nao consta"),
        *("não consta", "nao tem", "não tem", "nao possui", "não possui", "sem nome", "s/ nome"),
        *("s/nome", "desconhecido", "desconhecida", "vazio", "em branco", "n/i", "n.i.", "s/n"),
        *("nan nan", "null null", "undefined undefined", "none none", "sem cadastro", "a definir"),
    )
)
"""Words that stand in the place of a name, in lower case."""
# No name has so many without a letter: it is a document, a telephone or a date.
_LEAST_DIGITS: Final = 5
# Accents of one encoding as another one shows them, where no name has such signs; a letter that
# was lost; a text between tags.
_GARBLED: Final = re.compile(
    "[\u2500-\u259f]"
    "|[a-zß-öø-ÿ][À-ÖØ-Þ]"
    "|[^\\W\\d_][?¡-§¨¬¯±¶¸¼-¾×÷‚„ƒˆ‰‹›†‡“€√∂∆∑∏∫Ω≈◊˘-˝ˇ][^\\W\\d_]"
    "|[^\\W\\d_][‚„ƒˆ‹‡¡-¤¬√](?![^\\W_])"
    "|(?<![^\\W_])[?µ¶¢£ƒ‡√](?=[a-zà-ÿ])"
    "|</[a-z]+>",
)


def meant(cell: str, blanks: frozenset[str] = NOTHINGS) -> str:
    """Return what is meant by a cell, empty when that is one of the `blanks`.

    Taken off are `="Ana"`, quotes round all of it, the apostrophe in front with which a
    spreadsheet marks text, characters that cannot be seen; `&eacute;` is the letter, `<br>` a
    line break.
    """
    cell = _UNSEEN.sub("", cell).strip()
    if cell[:1] == "'":
        freed = unguarded(cell)
        if freed.startswith(_LITERAL) and len(freed) > len(_LITERAL):
            return freed.removeprefix(_LITERAL)
        if freed != cell:
            cell = freed.strip()
        elif len(cell) > 1 and cell[-1] == "'":
            cell = cell[1:-1]
        else:
            cell = cell[1:]
    if cell[:1] == "=" and (formula := _FORMULA.fullmatch(cell)):
        cell = (formula[1] or formula[2] or "").replace('""', '"')
    elif len(cell) > 1 and cell[0] == cell[-1] == '"' and '"' not in cell[1:-1]:
        cell = cell[1:-1]
    if "&" in cell:
        cell = _ENTITY.sub(_character, cell)
    if "<" in cell or "_x000" in cell:
        cell = _BREAK.sub("\n", cell)
    cell = cell.strip()
    return "" if cell in blanks else cell


def is_odd(text: str) -> bool:
    """Return True if a text has any sign of what `meant` takes off; most rows have none."""
    return (
        not text.isprintable()
        or "'" in text
        or '"' in text
        or "=" in text
        or "&" in text
        or "\\" in text
        or "#" in text
        or "<" in text
        or "_x000" in text
        or "\ufffd" in text
    )


def named(cell: str, meaning: str) -> str | None:
    """Return the name that a cell means, empty when that stands for none; None if it cannot be a
    name: a formula, text between tags, an e-mail, a number, or letters that another encoding has
    turned into signs (`Jo?o`, `JoÆo`, `Jo├úo`).

    cell: as it stands in the file. What an export has marked is a name.
    """
    if cell.startswith(_LITERAL):
        return meaning
    if meaning.casefold() in _NO_NAMES:
        return ""
    # The usual name first: files have hundreds of thousands.
    if meaning.isascii() and meaning.replace(" ", "").isalpha():
        return meaning
    is_no_name = (
        cell[0] == meaning[0] == "="
        or ((not meaning[0].isalpha() or meaning.startswith("R$")) and _is_number(meaning))
        or ("@" in meaning and _ADDRESS.fullmatch(meaning) is not None)
        or _is_garbled(meaning)
    )
    return None if is_no_name else meaning


def _is_garbled(text: str) -> bool:
    if text.isascii() and "?" not in text and "</" not in text:
        return False
    # UTF-8 that was read twice is asked about as a whole, and left as it is on demand.
    return _GARBLED.search(text) is not None and not count_mojibake(text)


def _is_number(text: str) -> bool:
    has_letters = any(map(str.isalpha, text.removeprefix("R$")))
    return not has_letters and sum(map(str.isdecimal, text)) >= _LEAST_DIGITS


def as_cell(text: str, *, is_name: bool = False) -> str:
    """Return the cell that is read as this text, not yet guarded against formulas."""
    if text in NOTHINGS or (is_odd(text) and meant(text) != text):
        return _LITERAL + text
    return _LITERAL + text if is_name and text and named(text, text) != text else text


def _character(entity: re.Match[str]) -> str:
    return html.unescape(entity[0]).replace("\0", "")
