"""The reader that turns a row of a file into a candidate; each field has a rule for its cells.

The reader raises no errors: an unreadable cell becomes a problem of its row. Readings of texts
that repeat often, such as kinds and tags, are cached.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from babel import Locale
from pydantic import SecretStr

from bot.domain.candidate import NO_PHONES, NO_PORTAL, Candidate, CellProblem, CellReason
from bot.domain.fields import PASSWORD, SHAPES, Shape
from bot.domain.guard import unguarded
from bot.domain.label import Label, label_key
from bot.domain.phone import read_phone
from bot.domain.portal import PasswordRefusal, UsernameRefusal, read_password, read_username
from bot.domain.registration import (
    TRAIT_LENGTH,
    TRAITS,
    Kind,
    Phones,
    Portal,
    Status,
    read_email,
    read_line,
    read_note,
    read_traits,
)
from bot.domain.search import fold
from bot.domain.tax_id import CellTaxId, NotATaxId, Reason, read_foreign_tax_id, read_tax_id_cell

KINDS: Final[Mapping[str, Kind]] = {
    "cliente": Kind.CUSTOMER,
    "clientes": Kind.CUSTOMER,
    "fornecedor": Kind.SUPPLIER,
    "fornecedores": Kind.SUPPLIER,
    "prestador de servico": Kind.SERVICE_PROVIDER,
    "prestador servico": Kind.SERVICE_PROVIDER,
    "prestador de servicos": Kind.SERVICE_PROVIDER,
    "prestador": Kind.SERVICE_PROVIDER,
    "prospect": Kind.PROSPECT,
    "prospecto": Kind.PROSPECT,
    "lead": Kind.PROSPECT,
}
"""Kinds by folded name."""
_STATUSES: Final = {
    **dict.fromkeys(("a", "ativo", "ativa", "s", "sim", "1"), Status.ACTIVE),
    **dict.fromkeys(("i", "inativo", "inativa", "n", "nao", "0"), Status.INACTIVE),
}
_YES: Final = frozenset(("s", "sim", "1", "verdadeiro", "x"))
_NO: Final = frozenset(("n", "nao", "0", "falso"))
_LIST: Final = re.compile(r"[,;\n]")
TAX_ID_REASONS: Final = {
    Reason.NOTHING: CellReason.TAX_ID_NOTHING,
    Reason.LENGTH: CellReason.TAX_ID_LENGTH,
    Reason.CHECK_DIGITS: CellReason.TAX_ID_CHECK_DIGITS,
    Reason.REPEATED: CellReason.TAX_ID_REPEATED,
    Reason.AMBIGUOUS: CellReason.TAX_ID_AMBIGUOUS,
    Reason.SCIENTIFIC: CellReason.TAX_ID_SCIENTIFIC,
    Reason.COUNTRY_RULE: CellReason.TAX_ID_COUNTRY,
}
# Maximum size of the cache of readings, for each field that has one.
_MOST_READINGS: Final = 10_000
_DETAIL: Final = 60


# Not frozen, because creating a frozen one takes longer, as with `Candidate`.
@dataclass(slots=True)
class Row:
    """The content of a row."""

    candidate: Candidate
    repaired: bool = False
    """True if the lost leading zeros of its tax id were restored."""
    password: SecretStr | None = None
    """The password in plain text: hashing is slow, and may not be needed."""


@dataclass(frozen=True, slots=True)
class _Wrong:
    """A cell that is not a valid value of its field."""

    reason: CellReason
    detail: str = ""


class RowReader:
    """Reads the rows of one file.

    fields: the path of each column's field; None for a column that is not imported.
    """

    def __init__(
        self,
        fields: Sequence[str | None],
        *,
        tags: Iterable[Label] = (),
        departments: Iterable[Label] = (),
    ) -> None:
        self._width = len(fields)
        self._places = {path: place for place, path in enumerate(fields) if path is not None}
        self._has_country = "country" in self._places
        self._has_password = PASSWORD in self._places
        readers: dict[Shape, Callable[[str], object]] = {
            Shape.NAME: _name,
            Shape.EMAIL: _email,
            Shape.USERNAME: _username,
            Shape.STATUS: _kept(_status),
            Shape.KINDS: _kept(_kinds),
            Shape.TAGS: _kept(_labels(tags, CellReason.TAG)),
            Shape.DEPARTMENTS: _kept(_labels(departments, CellReason.DEPARTMENT)),
            Shape.TRAITS: _traits,
            Shape.YES_OR_NO: _kept(_yes_or_no),
            Shape.NOTE: _note,
        }
        self._readers = [
            (place, path, read)
            for path, place in self._places.items()
            if (read := readers.get(SHAPES[path]))
        ]
        self._phones = [
            (place, path, path.removeprefix("phones."))
            for path, place in self._places.items()
            if SHAPES[path] is Shape.PHONE
        ]

    def __call__(self, line: int, cells: Sequence[str]) -> Row:
        """Return the row as a candidate, with all problems of its cells."""
        problems: list[CellProblem] = []
        if len(cells) != self._width:
            cells = self._fitted(cells, problems)
        if "\0" in "".join(cells):
            problems.append(CellProblem("", CellReason.UNREADABLE))
            cells = [cell.replace("\0", "") for cell in cells]
        values: dict[str, Any] = {}
        for place, path, read in self._readers:
            # Most cells of most files are empty.
            if (cell := cells[place]) and (cell := cell.strip()):
                if cell[0] == "'":
                    cell = unguarded(cell).strip()
                value = read(cell)
                if isinstance(value, _Wrong):
                    problems.append(CellProblem(path, value.reason, value.detail))
                else:
                    values[path] = value
        country = self._country(cells, problems) if self._has_country else "BR"
        tax_id = self._tax_id(cells, country, problems)
        phones = self._read_phones(cells, country, problems)
        username = values.pop("portal.username", None)
        password = None
        if self._has_password:
            password = self._password(cells, username, tax_id, problems)
        candidate = Candidate(
            tax_id=tax_id.tax_id if tax_id else None,
            country=country,
            phones=Phones(**phones) if phones else NO_PHONES,
            portal=Portal(username=username) if username else NO_PORTAL,
            line=line,
            problems=tuple(problems),
            **values,
        )
        return Row(candidate, tax_id is not None and tax_id.repaired, password)

    def _fitted(self, cells: Sequence[str], problems: list[CellProblem]) -> Sequence[str]:
        surplus = cells[self._width :]
        if any(cell.strip() for cell in surplus):
            problems.append(CellProblem("", CellReason.TOO_MANY_CELLS))
        return [*cells[: self._width], *[""] * (self._width - len(cells))]

    def _cell(self, path: str, cells: Sequence[str]) -> str:
        place = self._places.get(path)
        if place is None:
            return ""
        cell = cells[place].strip()
        return unguarded(cell).strip() if cell[:1] == "'" else cell

    def _country(self, cells: Sequence[str], problems: list[CellProblem]) -> str:
        cell = self._cell("country", cells)
        if not cell or cell == "BR":
            return "BR"
        code = _countries().get(fold(cell))
        if code is None:
            problems.append(CellProblem("country", CellReason.COUNTRY, cell[:_DETAIL]))
        return code or "BR"

    def _tax_id(
        self, cells: Sequence[str], country: str, problems: list[CellProblem]
    ) -> CellTaxId | None:
        cell = self._cell("tax_id", cells)
        if not cell:
            return None
        if country == "BR":
            read = read_tax_id_cell(cell)
        else:
            foreign = read_foreign_tax_id(country, cell)
            read = foreign if isinstance(foreign, NotATaxId) else CellTaxId(foreign)
        if isinstance(read, NotATaxId):
            detail = str(read.length) if read.reason is Reason.LENGTH else ""
            problems.append(CellProblem("tax_id", TAX_ID_REASONS[read.reason], detail))
            return None
        return read

    def _read_phones(
        self, cells: Sequence[str], country: str, problems: list[CellProblem]
    ) -> dict[str, str]:
        phones = {}
        for place, path, name in self._phones:
            if not (cell := cells[place]) or not (cell := cell.strip()):
                continue
            if cell[0] == "'":
                cell = unguarded(cell)
            phone = read_phone(cell, country=country)
            if phone is None:
                problems.append(CellProblem(path, CellReason.PHONE))
            else:
                phones[name] = phone
        return phones

    def _password(
        self,
        cells: Sequence[str],
        username: str | None,
        tax_id: CellTaxId | None,
        problems: list[CellProblem],
    ) -> SecretStr | None:
        # A password keeps its spaces; a cell with only spaces is blank.
        place = self._places[PASSWORD]
        if not cells[place].strip():
            return None
        read = read_password(
            SecretStr(unguarded(cells[place])),
            username=username,
            tax_id=tax_id.tax_id if tax_id else None,
        )
        if isinstance(read, PasswordRefusal):
            problems.append(CellProblem(PASSWORD, CellReason.PASSWORD, read.name.lower()))
            return None
        return read


def _name(cell: str) -> str | None:
    return read_line(cell) or None


def _email(cell: str) -> str | _Wrong:
    return read_email(cell) or _Wrong(CellReason.EMAIL)


def _username(cell: str) -> str | _Wrong:
    username = read_username(cell)
    if isinstance(username, UsernameRefusal):
        return _Wrong(CellReason.USERNAME, username.name.lower())
    return username


def _note(cell: str) -> str | None:
    return read_note(cell) or None


def _traits(cell: str) -> tuple[str, ...] | _Wrong:
    traits = read_traits(cell)
    fits = len(traits) <= TRAITS and all(len(trait) <= TRAIT_LENGTH for trait in traits)
    return traits if fits else _Wrong(CellReason.TRAITS)


def _status(cell: str) -> Status | _Wrong:
    return _STATUSES.get(fold(cell)) or _Wrong(CellReason.STATUS, cell[:_DETAIL])


def _yes_or_no(cell: str) -> bool | _Wrong:
    folded = fold(cell)
    if folded in _YES or folded in _NO:
        return folded in _YES
    return _Wrong(CellReason.YES_OR_NO, cell[:_DETAIL])


def _kinds(cell: str) -> frozenset[Kind] | _Wrong:
    kinds = {part: KINDS.get(fold(part)) for part in _parts(cell)}
    wrong = [part for part, kind in kinds.items() if kind is None]
    if wrong:
        return _Wrong(CellReason.KIND, wrong[0][:_DETAIL])
    return frozenset(kind for kind in kinds.values() if kind)


def _labels(
    labels: Iterable[Label], reason: CellReason
) -> Callable[[str], frozenset[str] | _Wrong]:
    """Return a reader of ids and names.

    It follows the same rule as `bot.usecases.register.labels.Labels.by_name_or_id`.
    """
    known = list(labels)
    ids = {label.key: label.id for label in known if label.archived}
    ids |= {label.key: label.id for label in known if not label.archived}
    own = {label.id for label in known}

    def read(cell: str) -> frozenset[str] | _Wrong:
        found = {p: p if p in own else ids.get(label_key(p)) for p in _parts(cell)}
        wrong = [part for part, label_id in found.items() if label_id is None]
        if wrong:
            return _Wrong(reason, wrong[0][:_DETAIL])
        return frozenset(label_id for label_id in found.values() if label_id)

    return read


class _Readings(dict[str, object]):
    """A cache of readings, by cell text."""

    def __init__(self, read: Callable[[str], object]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, cell: str) -> object:
        reading = self._read(cell)
        if len(self) < _MOST_READINGS:
            self[cell] = reading
        return reading


def _kept(read: Callable[[str], object]) -> Callable[[str], object]:
    """Return the same reader, with a cache."""
    return _Readings(read).__getitem__


def _parts(cell: str) -> list[str]:
    return [part.strip() for part in _LIST.split(cell) if part.strip()]


@cache
def _countries() -> dict[str, str]:
    names = Locale("pt", "BR").territories
    codes = {code: name for code, name in names.items() if len(code) == 2 and code.isalpha()}
    return {fold(name): code for code, name in codes.items()} | {c.lower(): c for c in codes}
