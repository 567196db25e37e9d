"""Random registers as the kinds of file that people and programs make of them.

Each cell is written in one of the ways that `docs/imports.md` calls readable, so what is meant by
it is known. `CELLS` and `FILES` are damages that the page does not call readable.
"""

import csv
import gzip
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from hypothesis import strategies as st

from bot.domain.candidate import Candidate
from bot.domain.cell import as_cell
from bot.domain.fields import BY_PLACE, OTHER_HEADERS
from bot.domain.guard import guarded
from bot.domain.phone import show_phone
from bot.domain.tax_id import TaxId
from tests.files import corpus
from tests.unit.documents import cpfs, digit_cnpjs
from tests.unit.phones import landlines, mobiles

PATHS: Final = (
    *("name", "tax_id", "trade_name", "phones.mobile", "phones.commercial", "email", "status"),
    *("kinds", "country", "fixed_note"),
)
_HEADERS: Final[Mapping[str, list[str]]] = {
    one.path: [
        one.column or "",
        *(name.strip() for name in OTHER_HEADERS.get(one.path, "").split(",")),
    ]
    for one in BY_PLACE
    if one.path in PATHS
}
_WORDS: Final = (
    *("Ana", "João", "Conceição", "Souza", "d'Ávila", "Müller", "Antônio", "José", "Íris"),
    *("GONÇALVES", "Simões", "Ltda", "S/A", "Cia.", "20", "Érica", "Bar", "do", "Zé", "Irmãos"),
)
_BETWEEN: Final = (" ", "; ", ", ", "\n", ' "', '" ', " | ", " & ", " = ", " (", ") ", " - ", '""')
_BLANKS: Final = ("", "", "", " ", "NULL", "\\N", "-", "#N/D", "#REF!", "nan", "n/a", "None")


@dataclass(slots=True)
class Person:
    """What is meant by one row."""

    name: str
    tax_id: TaxId
    trade_name: str | None = None
    mobile: str | None = None
    commercial: str | None = None
    email: str | None = None
    status: str = "active"
    kinds: tuple[str, ...] = ("customer",)
    note: str | None = None
    cells: dict[str, str] = field(default_factory=dict)
    """How it is written, by path."""

    @property
    def values(self) -> tuple[object, ...]:
        return (
            *(self.name, self.tax_id.number, self.trade_name, self.mobile, self.commercial),
            *(self.email, self.status, tuple(sorted(self.kinds)), "BR", self.note),
        )


def values_of(one: Candidate) -> tuple[object, ...]:
    """Return the values of a candidate in the order of `Person.values`."""
    return (
        *(one.name, one.tax_id.number if one.tax_id else None, one.trade_name),
        *(one.phones.mobile, one.phones.commercial, one.email, one.status),
        *(tuple(sorted(one.kinds)), one.country, one.fixed_note),
    )


def _phrase(between: Sequence[str], most: int) -> st.SearchStrategy[str]:
    words = st.lists(st.sampled_from(_WORDS), min_size=1, max_size=most)

    def joined(parts: tuple[list[str], list[str]]) -> str:
        some, gaps = parts
        text = some[0]
        for gap, word in zip(gaps, some[1:], strict=False):
            text += gap + word
        return text

    gaps = st.lists(st.sampled_from(between), min_size=most, max_size=most)
    return st.tuples(words, gaps).map(joined)


@st.composite
def _person(draw: st.DrawFn) -> Person:
    blank = st.sampled_from(_BLANKS)

    def optional(values: st.SearchStrategy[Any]) -> Any:
        return draw(st.none() | values)

    def written(value: Any, *ways: Callable[[Any], str]) -> str:
        return draw(blank) if value is None else draw(st.sampled_from(ways))(value)

    one = Person(
        name=f"Ana {draw(_phrase((' ',), 3))}",
        tax_id=draw(cpfs | digit_cnpjs),
        trade_name=optional(_phrase((" ", " & ", ", "), 3).map("Casa {}".format)),
        mobile=optional(mobiles),
        commercial=optional(landlines),
        email=optional(st.sampled_from(("ana@x.com", "bia.lima@exemplo.com.br", "c_1@y.org"))),
        status=draw(st.sampled_from(("active", "inactive"))),
        kinds=draw(st.sampled_from((("customer",), ("supplier",), ("customer", "supplier")))),
        note=optional(_phrase(_BETWEEN, 6).map("Nota {} fim".format)),
    )
    one.cells = {
        "name": written(one.name, *TEXTS),
        "tax_id": written(one.tax_id, *DOCUMENTS),
        "trade_name": written(one.trade_name, *TEXTS),
        "phones.mobile": written(one.mobile, *TELEPHONES),
        "phones.commercial": written(one.commercial, *TELEPHONES),
        "email": written(one.email, *EMAILS),
        "status": draw(st.sampled_from(STATUSES[one.status])),
        "kinds": draw(st.sampled_from(KINDS[one.kinds])),
        "country": draw(st.sampled_from(("", "BR", "Brasil", "BRASIL", "BRA", "Brazil", "1058"))),
        "fixed_note": written(one.note, str, str, lambda text: f"\u200b{text} "),
    }
    return one


people: Final = st.lists(
    _person(), min_size=2, max_size=4, unique_by=lambda one: one.tax_id.number
)


def _formula(text: str) -> str:
    return '="{}"'.format(text.replace('"', '""'))


TEXTS: Final[tuple[Callable[[str], str], ...]] = (
    str,
    str,
    lambda text: f"  {text.replace(' ', '  ')}\u200b",
    lambda text: text.replace(" ", "\u00a0"),
    lambda text: f"'{text}",
    lambda text: text.replace("ã", "&atilde;").replace("ç", "&#231;"),
    _formula,
)
DOCUMENTS: Final[tuple[Callable[[TaxId], str], ...]] = (
    lambda tax_id: tax_id.number,
    lambda tax_id: tax_id.masked,
    lambda tax_id: f" {tax_id.masked} ",
    lambda tax_id: f"'{tax_id.number}",
    lambda tax_id: _formula(tax_id.number),
    lambda tax_id: tax_id.number + ".0",
)
TELEPHONES: Final[tuple[Callable[[str], str], ...]] = (
    lambda phone: phone,
    lambda phone: phone.removeprefix("+55"),
    show_phone,
    lambda phone: f"0xx{phone[3:5]} {phone[5:-4]}-{phone[-4:]}",
    lambda phone: f"{show_phone(phone)} ramal 12",
    lambda phone: f"{phone.removeprefix('+55')}.0",
    lambda phone: f"'{show_phone(phone)}",
    lambda phone: f"+55 ({phone[3:5]}) {phone[5:-4]} {phone[-4:]}",
)
EMAILS: Final[tuple[Callable[[str], str], ...]] = (
    str,
    str.upper,
    lambda email: f"mailto:{email}",
    lambda email: f"<{email}>",
    lambda email: f" {email};",
)
STATUSES: Final[Mapping[str, Sequence[str]]] = {
    "active": ("A", "Ativo", "ATIVO ", "TRUE", "VERDADEIRO", "S", "A - Ativo", "1"),
    "inactive": ("I", "Inativo", "Desativado", "Removido", "FALSO", "Cancelado", "N"),
}
KINDS: Final[Mapping[tuple[str, ...], Sequence[str]]] = {
    ("customer",): ("cliente", "Cliente", "CLIENTES", "C"),
    ("supplier",): ("fornecedor", "Fornecedores"),
    ("customer", "supplier"): ("Cliente/Fornecedor", "cliente, fornecedor", "Ambos"),
}
Rows = list[list[str]]


def _csv(rows: Rows, *, delimiter: str = ";", end: str = "\r\n", quotes: int = 0) -> str:
    return corpus.csv_text(rows, delimiter=delimiter, line_end=end, quoting=quotes)


def _mysql(rows: Rows) -> bytes:
    def cell(text: str) -> str:
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        return text if text == "\\N" else f'"{escaped}"'

    return "".join(",".join(map(cell, row)) + "\n" for row in rows).encode()


def _numbers(rows: Rows) -> list[list[object]]:
    """Return the rows with their numbers as a spreadsheet has them."""
    head, *others = rows
    cells = [
        [float(one) if one.isdecimal() and one[0] != "0" else one or None for one in row]
        for row in others
    ]
    return [list(head), *cells]


def _export(rows: Rows) -> bytes:
    """Return what Balcão itself would write if these were values."""
    head, *others = rows
    return _csv([head, *([guarded(as_cell(one)) for one in row] for row in others)]).encode()


KINDS_OF_FILE: Final[Mapping[str, Callable[[Rows], bytes]]] = {
    "excel": lambda rows: _csv(rows).encode("cp1252", "ignore"),
    "excel-utf8": lambda rows: _csv(rows).encode("utf-8-sig"),
    "excel-unicode": lambda rows: _csv(rows, delimiter="\t").encode("utf-16"),
    "utf16-be": lambda rows: b"\xfe\xff" + _csv(rows, delimiter="\t").encode("utf-16-be"),
    "utf16-no-mark": lambda rows: _csv(rows).encode("utf-16-le"),
    "excel-mac": lambda rows: _csv(
        [[one.replace("\n", "\r") for one in row] for row in rows], end="\r"
    ).encode("mac_roman", "ignore"),
    "excel-dos": lambda rows: _csv(rows).encode("cp850", "ignore"),
    "libreoffice": lambda rows: _csv(rows, delimiter=",", end="\n", quotes=csv.QUOTE_ALL).encode(),
    "commas": lambda rows: _csv(rows, delimiter=",").encode(),
    "tabs": lambda rows: _csv(rows, delimiter="\t", end="\n").encode(),
    "pipes": lambda rows: _csv(rows, delimiter="|", end="\n").encode(),
    "told": lambda rows: b"sep=,\r\n" + _csv(rows, delimiter=",").encode("cp1252", "ignore"),
    "titled": lambda rows: b"Clientes da empresa\r\n\r\n" + _csv(rows).encode(),
    "blank-lines": lambda rows: _csv(rows).replace("\r\n", "\r\n\r\n").encode(),
    "mysql": _mysql,
    "gz": lambda rows: gzip.compress(_csv(rows).encode(), mtime=0),
    "zip": lambda rows: corpus.zipped(clientes_csv=_csv(rows).encode("utf-8-sig")),
    "xlsx": lambda rows: corpus.xlsx(rows),
    "xlsx-numbers": lambda rows: corpus.xlsx(_numbers(rows), start=(2, 1)),
    "xlsx-sheets": lambda rows: corpus.xlsx([("Resumo",), ("2 clientes",)], rows),
    "xlsx-in-zip": lambda rows: corpus.zipped(clientes_xlsx=corpus.xlsx(rows)),
}
"""The rows as each kind of file."""


@st.composite
def _headers(draw: st.DrawFn) -> dict[str, str]:
    styles = st.sampled_from((str, str.upper, str.title, lambda text: text.replace(" ", "_")))
    return {
        path: draw(styles)(draw(st.sampled_from(_HEADERS[path])))
        for path in draw(st.permutations(PATHS))
    }


headers: Final = _headers()
"""The header of each field, in any order."""


SPOILT: Final[Mapping[str, Sequence[Callable[[Person], str]]]] = {
    "name": (
        lambda one: "#NOME?",
        lambda one: one.name.replace("a", "\ufffd", 1),
        lambda one: "n" * 201,
        lambda one: "",
    ),
    "tax_id": (
        lambda one: one.tax_id.masked[:-1],
        lambda one: one.tax_id.masked[1:],
        lambda one: one.tax_id.number[:-1] + str((int(one.tax_id.number[-1]) + 1) % 10),
        lambda one: f"{one.tax_id.masked} 390.533.447-05",
        lambda one: f"{float(one.tax_id.number):.5E}".replace(".", ","),
        lambda one: f"{one.tax_id.masked} 1",
        lambda one: f"{int(one.tax_id.number)},00",
        lambda one: "ISENTO",
        lambda one: "0",
    ),
    "phones.mobile": (
        lambda one: "(49) 99999-888",
        lambda one: "(49) 9999-8888 - 7",
        lambda one: "(49) 9999-8888 (1)",
        lambda one: "(49) 9999-8888 após as 8",
        lambda one: "(49) 3333-4444/4445",
        lambda one: "9999-8888",
        lambda one: "não tem",
    ),
    "email": (lambda one: "não tem", lambda one: "ana@", lambda one: "a@x.com b@x.com"),
    "status": (lambda one: "Bloqueado", lambda one: "Ativo/Inativo"),
    "kinds": (lambda one: "Transportadora", lambda one: "cliente, rei"),
    "country": (lambda one: "Brazzil", lambda one: "XX1"),
    "trade_name": (lambda one: "f" * 201,),
    "fixed_note": (lambda one: "o" * 2_001, lambda one: "Nota \ufffd"),
}
"""Cells that are no value of their field; the last way but one to write a document can be one."""


def _swallowed(rows: Rows, note: int, first: int, last: int) -> bytes:
    """Return a text with a stray mark at the beginning of one note and at the end of another."""
    lines = []
    for line, row in enumerate(rows):
        cells = [one.replace('"', "").replace("\n", " ").replace(";", ",") for one in row]
        if line == first:
            cells[note] = f'"{cells[note]}'
        if line == last:
            cells[note] += '"'
        lines.append(";".join(cells))
    return "\n".join([*lines, ""]).encode()


DAMAGED_FILES: Final[Mapping[str, Callable[[Rows, int], bytes]]] = {
    "swallowed": lambda rows, note: _swallowed(rows, note, 1, len(rows) - 1),
    "never-closed": lambda rows, note: _swallowed(rows, note, 1, 0),
    "read-twice": lambda rows, note: (
        _csv(rows).encode().decode("cp1252", "replace").encode().replace("\ufffd".encode(), b"")
    ),
    "two-encodings": lambda rows, note: (
        _csv(rows[:-1]).encode() + _csv(rows[-1:]).encode("cp1252", "ignore")
    ),
    "lines-in-quotes": lambda rows, note: _csv(
        [[_csv([row], end="")] for row in rows], quotes=csv.QUOTE_ALL
    ).encode(),
    "no-header": lambda rows, note: _csv(rows[1:]).encode(),
    "header-twice": lambda rows, note: _csv([row * 2 for row in rows]).encode(),
    "surplus": lambda rows, note: _csv([*rows[:-1], [*rows[-1], "", "x"]]).encode(),
    "totals": lambda rows, note: _csv([*rows, ["Total: 2 clientes"]]).encode(),
    "cut-gz": lambda rows, note: gzip.compress(_csv(rows).encode(), mtime=0)[:-9],
    "cut-xlsx": lambda rows, note: corpus.xlsx(rows)[:-40],
}
"""Files that were damaged on their way; `note` is the place of the notes."""
