"""The text of a cell: what programs wrap around it taken off, and what stands for nothing blank.

An export writes with `as_cell` what `meant` would change, so it is read back unchanged.
"""

import html
import re
from collections.abc import Iterable
from typing import Final

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
            *("n/a", "n/d", "n.d.", "n.a.", "\\n"),
            *_ERRORS,
            *(f"Err:{number}" for number in range(501, 541)),
        )
    )
    | {"NA", "ND"}
    | {sign * count for sign in "-\u2013\u2014_.*?/\\#" for count in range(1, 13)}
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
_LITERAL: Final = "''"


def meant(cell: str, blanks: frozenset[str] = NOTHINGS) -> str:
    """Return what is meant by a cell, empty when that is one of the `blanks`.

    Taken off are `="Ana"`, quotes round all of it, the apostrophe in front with which a
    spreadsheet marks text, characters that cannot be seen; `&eacute;` is the letter.
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
        or "\ufffd" in text
    )


def as_cell(text: str) -> str:
    """Return the cell that is read as this text, not yet guarded against formulas."""
    if text in NOTHINGS or (is_odd(text) and meant(text) != text):
        return _LITERAL + text
    return text


def _character(entity: re.Match[str]) -> str:
    return html.unescape(entity[0]).replace("\0", "")
