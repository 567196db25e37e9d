"""The reader that turns a row of a file into a candidate; each field has a rule for its cells.

The reader raises no errors: an unreadable cell becomes a problem of its row. Readings of texts
that repeat often, such as kinds and tags, are cached.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import SecretStr

from bot.domain.candidate import NO_PHONES, NO_PORTAL, Candidate, CellProblem, CellReason
from bot.domain.cell import BLANKS, NOTHINGS, is_odd, meant, named
from bot.domain.countries import country_code
from bot.domain.fields import PASSWORD, SHAPES, Shape
from bot.domain.guard import unguarded
from bot.domain.label import Label, label_key
from bot.domain.phone import read_phone, read_phones
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
from bot.domain.tax_id import (
    CellTaxId,
    NotATaxId,
    Reason,
    read_foreign_tax_id,
    read_tax_id_cell,
    without_decimals,
)

KINDS: Final[Mapping[str, frozenset[Kind]]] = {
    **dict.fromkeys(("cliente", "clientes", "cli", "c", "customer"), frozenset((Kind.CUSTOMER,))),
    **dict.fromkeys(
        ("fornecedor", "fornecedora", "fornecedores", "supplier"),
        frozenset((Kind.SUPPLIER,)),
    ),
    **dict.fromkeys(
        (
            *("prestador de servico", "prestador servico", "prestador de servicos", "prestador"),
            *("prestador servicos", "prestadores", "prestadores de servico", "prestadora"),
            *("prestadores de servicos", "prestadora de servico", "prestadora de servicos"),
        ),
        frozenset((Kind.SERVICE_PROVIDER,)),
    ),
    **dict.fromkeys(
        (
            *("prospect", "prospects", "prospecto", "prospeccao", "lead", "leads", "interessado"),
            *("interessada", "potencial", "potencial cliente", "cliente potencial"),
            *("cliente em potencial", "cliente em prospeccao"),
        ),
        frozenset((Kind.PROSPECT,)),
    ),
    **dict.fromkeys(("ambos", "os dois"), frozenset((Kind.CUSTOMER, Kind.SUPPLIER))),
}
"""Kinds by `kind_key`."""
STATUSES: Final = {
    **dict.fromkeys(
        (
            *("a", "ativo", "ativa", "ativado", "ativada", "s", "sim", "1", "y", "yes", "t"),
            *("true", "verdadeiro", "active", "enabled", "habilitado", "habilitada"),
        ),
        Status.ACTIVE,
    ),
    **dict.fromkeys(
        (
            *("i", "inativo", "inativa", "inativado", "inativada", "n", "nao", "0", "no", "f"),
            *("false", "falso", "inactive", "disabled", "desativado", "desativada"),
            *("desabilitado", "desabilitada", "cancelado", "cancelada", "removido", "removida"),
            *("excluido", "excluida", "encerrado", "encerrada", "baixado", "baixada"),
            *("deletado", "deletada", "arquivado", "arquivada", "ex cliente", "nao ativo"),
        ),
        Status.INACTIVE,
    ),
}
"""Statuses by `kind_key`."""
_YES: Final = frozenset(("s", "sim", "1", "verdadeiro", "x", "true", "t", "y", "yes", "v"))
_NO: Final = frozenset(("n", "nao", "0", "falso", "false", "f", "no"))
_JOINED_KINDS: Final = re.compile(r"[,;\n/|+&]|\s(?:e|ou)\s", re.IGNORECASE)
_NEXT_PHONE: Final = {"commercial": "home", "home": "mobile", "mobile": "commercial"}
ACCEPTED: Final[Mapping[str, frozenset[CellReason]]] = {
    "phone": frozenset((CellReason.PHONE, CellReason.PHONES)),
    "email": frozenset((CellReason.EMAIL,)),
    "tag": frozenset((CellReason.TAG,)),
    "trade_name": frozenset((CellReason.TRADE_NAME,)),
    "department": frozenset((CellReason.DEPARTMENT,)),
    "traits": frozenset((CellReason.TRAITS,)),
    "username": frozenset((CellReason.USERNAME,)),
    "password": frozenset((CellReason.PASSWORD,)),
    "name": frozenset((CellReason.NAME_ALONE,)),
}
"""The kinds of problem with which a row may enter without the field, by their names in options."""
_LIST: Final = re.compile(r"[,;\n]")
TAX_ID_REASONS: Final = {
    Reason.NOTHING: CellReason.TAX_ID_NOTHING,
    Reason.LENGTH: CellReason.TAX_ID_LENGTH,
    Reason.CHECK_DIGITS: CellReason.TAX_ID_CHECK_DIGITS,
    Reason.REPEATED: CellReason.TAX_ID_REPEATED,
    Reason.AMBIGUOUS: CellReason.TAX_ID_AMBIGUOUS,
    Reason.SCIENTIFIC: CellReason.TAX_ID_SCIENTIFIC,
    Reason.DECIMALS: CellReason.TAX_ID_DECIMALS,
    Reason.COUNTRY_RULE: CellReason.TAX_ID_COUNTRY,
}


def accepted_reasons(names: Iterable[str]) -> frozenset[CellReason]:
    """Return the reasons that these names of `ACCEPTED` stand for; others are ignored."""
    return frozenset().union(*(ACCEPTED.get(name, frozenset()) for name in names))


# Maximum size of the cache of readings, for each field that has one.
_MOST_READINGS: Final = 10_000
_DETAIL: Final = 60
# Shapes whose cells can be words for yes and no, or any number.
_WORDED: Final = frozenset(
    (Shape.STATUS, Shape.KINDS, Shape.TAGS, Shape.DEPARTMENTS, Shape.YES_OR_NO)
)
_INTERESTED: Final = object()
"""The reading of a status that only a prospect has."""
_NOT_EMPTY: Final = re.compile(r"[^\W0_]")
"""What a telephone's cell has that is more than an empty mask such as `(00) 00000-0000`."""
# Of a folded name, which has no punctuation.
_TOTAL: Final = re.compile(
    r"(?:sub ?)?tota(?:l|is)\b|soma(?:torio)?\b|quant(?:idade)?\b|qtde?s?\b|contagem\b|"
    r"(?:n|no|numero) (?:de|total)\b.* [0-9]|(?:pagina|page|pag) ?[0-9]|"
    r"[0-9 ]+ (?:clientes?|registros?|cadastros?|linhas?|itens|rows?)\b|"
    r"(?:registros?|clientes?|cadastros?) [0-9]+$|registros?$|"
    r"(?:emitido|gerado|impresso|exportado) (?:em|por)\b|fim d[oe] relatorio|relatorio\b"
)
_MAIL: Final = re.compile(r"^\s*(?:mailto:\s*)?<?(?:mailto:)?|\?.*$|>?[\s,;]*$", re.IGNORECASE)


# Not frozen, because creating a frozen one takes longer, as with `Candidate`.
@dataclass(slots=True)
class Row:
    """The content of a row."""

    candidate: Candidate
    repaired: bool = False
    """True if the lost leading zeros of its tax id were restored."""
    password: SecretStr | None = None
    """The password in plain text: hashing is slow, and may not be needed."""
    accepted: tuple[CellProblem, ...] = ()
    """The cells that could not be read, and without which the row enters."""


@dataclass(frozen=True, slots=True)
class _Wrong:
    """A cell that is not a valid value of its field."""

    reason: CellReason
    detail: str = ""


_NO_NAME: Final = {
    "name": _Wrong(CellReason.NAME),
    "trade_name": _Wrong(CellReason.TRADE_NAME),
}


class RowReader:
    """Reads the rows of one file.

    fields: the path of each column's field; None for a column that is not imported. decimals:
    the columns in which every number has decimals. accepted: problems with which a row enters
    without the field.
    """

    def __init__(
        self,
        fields: Sequence[str | None],
        *,
        tags: Iterable[Label] = (),
        departments: Iterable[Label] = (),
        decimals: Iterable[int] = (),
        accepted: Iterable[CellReason] = (),
        requires_tax_id: bool = True,
    ) -> None:
        self._width = len(fields)
        self._places = {path: place for place, path in enumerate(fields) if path is not None}
        self._has_country = "country" in self._places
        self._has_password = PASSWORD in self._places
        self._decimals = self._places.get("tax_id") in set(decimals)
        self._accepted = frozenset(accepted)
        self._requires_tax_id = requires_tax_id
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
            (place, path, read, BLANKS if SHAPES[path] in _WORDED else NOTHINGS)
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
        if odd := is_odd(" ".join(cells)):
            cells = self._without_unreadable(cells, problems)
        values: dict[str, Any] = {}
        for place, path, read, blanks in self._readers:
            # Most cells of most files are empty.
            if (cell := cells[place]) and (cell := cell.strip()):
                meaning = meant(cell, blanks) if odd else "" if cell in blanks else cell
                if not meaning:
                    continue
                if path in _NO_NAME:
                    name = named(cell, meaning)
                    value = _NO_NAME[path] if name is None else read(name)
                else:
                    value = read(meaning)
                if isinstance(value, _Wrong):
                    problems.append(CellProblem(path, value.reason, value.detail))
                else:
                    values[path] = value
        if values.get("status") is _INTERESTED:
            values["status"] = Status.ACTIVE
            values.setdefault("kinds", frozenset((Kind.PROSPECT,)))
        country = self._country(cells, problems, odd=odd) if self._has_country else "BR"
        tax_id = self._tax_id(cells, country, problems, odd=odd)
        phones = self._read_phones(cells, country, problems, odd=odd)
        username = values.pop("portal.username", None)
        password = None
        if self._has_password:
            password = self._password(cells, username, tax_id, problems)
        if not (self._requires_tax_id or tax_id or phones or values.get("email")):
            problems += _alone(values.get("name"))
        accepted: tuple[CellProblem, ...] = ()
        if problems and self._accepted:
            accepted = tuple(one for one in problems if one.reason in self._accepted)
            problems = [one for one in problems if one.reason not in self._accepted]
        candidate = Candidate(
            tax_id=tax_id.tax_id if tax_id else None,
            country=country,
            phones=Phones(**phones) if phones else NO_PHONES,
            portal=Portal(username=username) if username else NO_PORTAL,
            line=line,
            problems=tuple(problems),
            **values,
        )
        return Row(candidate, tax_id is not None and tax_id.repaired, password, accepted)

    def tags_in(self, cells: Sequence[str]) -> list[str]:
        """Return the texts of the tags of a row."""
        cells = self._fitted(cells, [])
        return _parts(meant(cells[self._places["tags"]], BLANKS)) if "tags" in self._places else []

    def _fitted(self, cells: Sequence[str], problems: list[CellProblem]) -> Sequence[str]:
        surplus = cells[self._width :]
        if any(cell.strip() for cell in surplus):
            problems.append(CellProblem("", CellReason.TOO_MANY_CELLS))
        return [*cells[: self._width], *[""] * (self._width - len(cells))]

    @staticmethod
    def _without_unreadable(cells: Sequence[str], problems: list[CellProblem]) -> Sequence[str]:
        # U+FFFD stands where a letter was lost before the file came here.
        if not any("\0" in cell or "\ufffd" in cell for cell in cells):
            return cells
        problems.append(CellProblem("", CellReason.UNREADABLE))
        return [cell.replace("\0", "") for cell in cells]

    def _cell(self, path: str, cells: Sequence[str], *, odd: bool) -> str:
        place = self._places.get(path)
        if place is None:
            return ""
        cell = cells[place].strip()
        if odd:
            return meant(cell)
        return "" if cell in NOTHINGS else cell

    def _country(self, cells: Sequence[str], problems: list[CellProblem], *, odd: bool) -> str:
        cell = self._cell("country", cells, odd=odd)
        if not cell or cell == "BR":
            return "BR"
        code = country_code(without_decimals(cell))
        if code is None:
            problems.append(CellProblem("country", CellReason.COUNTRY, cell[:_DETAIL]))
        return code or "BR"

    def _tax_id(
        self, cells: Sequence[str], country: str, problems: list[CellProblem], *, odd: bool
    ) -> CellTaxId | None:
        cell = self._cell("tax_id", cells, odd=odd)
        if not cell:
            return None
        if country == "BR":
            read = read_tax_id_cell(cell, decimals=self._decimals)
        else:
            foreign = read_foreign_tax_id(country, without_decimals(cell))
            read = foreign if isinstance(foreign, NotATaxId) else CellTaxId(foreign)
        if isinstance(read, NotATaxId):
            if read.reason is Reason.NOTHING and not any(map(str.isalnum, cell)):
                return None
            detail = str(read.length) if read.reason is Reason.LENGTH else ""
            problems.append(CellProblem("tax_id", TAX_ID_REASONS[read.reason], detail))
            return None
        return read

    def _read_phones(
        self, cells: Sequence[str], country: str, problems: list[CellProblem], *, odd: bool
    ) -> dict[str, str]:
        phones: dict[str, str] = {}
        others: list[tuple[str, str, str]] = []
        for place, path, name in self._phones:
            if not (cell := cells[place]) or not (cell := cell.strip()):
                continue
            if odd:
                cell = meant(cell)
            if phone := read_phone(cell, country=country):
                phones[name] = phone
            elif found := read_phones(cell, country=country):
                phones[name], *more = found
                others += [(path, name, phone) for phone in more]
            elif cell not in NOTHINGS and _NOT_EMPTY.search(cell):
                problems.append(CellProblem(path, CellReason.PHONE))
        for path, name, phone in others:
            free = name
            for _ in _NEXT_PHONE:
                if free not in phones:
                    break
                free = _NEXT_PHONE[free]
            if phone not in phones.values():
                if free in phones:
                    problems.append(CellProblem(path, CellReason.PHONES))
                else:
                    phones[free] = phone
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


def _alone(name: str | None) -> list[CellProblem]:
    if not name:
        return []
    return [CellProblem("", CellReason.TOTALS if is_total(name) else CellReason.NAME_ALONE)]


def is_total(name: str) -> bool:
    """Return True if a name is that of a totals row or a footer."""
    return _TOTAL.match(fold(name)) is not None


def _name(cell: str) -> str | None:
    return read_line(cell) or None


def _email(cell: str) -> str | _Wrong:
    if ":" in cell or cell[0] == "<" or cell[-1] in ">;,":
        cell = _MAIL.sub("", cell)
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


def _status(cell: str) -> Status | object:
    """Return the status, or `_INTERESTED` for the status of a prospect."""
    key = kind_key(without_decimals(cell))
    if key in STATUSES:
        return STATUSES[key]
    if KINDS.get(key) == KINDS["prospect"]:
        return _INTERESTED
    # A letter or number with its meaning: "A - Ativo", "0 - Inativo".
    short, _, long = key.partition(" ")
    status = STATUSES.get(long)
    if status is not None and (short.isdecimal() or STATUSES.get(short) is status):
        return status
    return _Wrong(CellReason.STATUS, cell[:_DETAIL])


def kind_key(text: str) -> str:
    """Return the key by which kinds and statuses are compared: folded words without marks."""
    return " ".join(re.findall(r"[^\W_]+", fold(text)))


def kinds_of(cell: str) -> frozenset[Kind] | None:
    """Return the kinds that a cell names, alone or joined; None if any part is no kind."""
    if kinds := KINDS.get(kind_key(cell)):
        return kinds
    parts = [part for part in _JOINED_KINDS.split(cell) if part.strip()]
    found = [KINDS.get(kind_key(part)) for part in parts]
    return (
        frozenset().union(*(kinds for kinds in found if kinds)) if found and all(found) else None
    )


def _yes_or_no(cell: str) -> bool | _Wrong:
    folded = fold(without_decimals(cell))
    if folded in _YES or folded in _NO:
        return folded in _YES
    return _Wrong(CellReason.YES_OR_NO, cell[:_DETAIL])


def _kinds(cell: str) -> frozenset[Kind] | _Wrong:
    if kinds := kinds_of(cell):
        return kinds
    wrong = (part.strip() for part in _JOINED_KINDS.split(cell) if part.strip())
    return _Wrong(
        CellReason.KIND, next((p for p in wrong if kind_key(p) not in KINDS), cell)[:_DETAIL]
    )


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
