"""IXC's listing request: filters, order and pages over rows in memory."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bot.demo.ixc.records import COLUMNS, UNUSED, Row

_BRAZILIAN_DATE: Final = re.compile(r"\d{2}/\d{2}/\d{4}(?: \d{2}:\d{2}(?::\d{2})?)?")
_ZERO_DATE: Final = "0000-00-00"
_DEFAULT_ROWS: Final = 20
_Key = tuple[int, int, str]


class BadQueryError(Exception):
    """A request on which IXC's route fails: a wrong prefix, an unknown column or operator."""


@dataclass(frozen=True, slots=True)
class Page:
    """The rows of one page; `total` counts the rows of all pages."""

    number: str
    total: int
    rows: list[Row]


def list_rows(
    table: str, rows: Sequence[Row], body: Mapping[str, Any], *, zero_dates_match: bool = True
) -> Page:
    """Answer one listing request; raises BadQueryError where IXC's route fails.

    zero_dates_match: True if `BE` on a date also finds rows without a date.
    """
    filters = [
        _read_filter(table, part, zero_dates_match=zero_dates_match)
        for part in (*_read_main(table, body), *_read_grid(body.get("grid_param")))
    ]
    order_by = _column(table, body.get("sortname") or "id")
    unused = UNUSED.get(table, {})
    default = unused.get(order_by, "")
    found = [row for row in rows if all(matches(row) for matches in filters)]
    found.sort(
        key=lambda row: _key(order_by, row.get(order_by, default)),
        reverse=str(body.get("sortorder", "asc")).strip().lower() == "desc",
    )
    number, size = _positive(body.get("page"), 1), _positive(body.get("rp"), _DEFAULT_ROWS)
    shown = found[(number - 1) * size : number * size]
    return Page(str(number), len(found), [{**unused, **row} for row in shown])


def _read_main(table: str, body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the filter beside `grid_param`; none where the client leaves it empty."""
    column, text = (str(body.get(key, "")).strip() for key in ("qtype", "query"))
    if text == "":
        if column in ("", table):
            return []
        _column(table, column)
        if not body.get("oper"):
            return []
    return [{"TB": column, "OP": body.get("oper", "="), "P": text}]


def _read_filter(
    table: str, part: Mapping[str, Any], *, zero_dates_match: bool
) -> Callable[[Row], bool]:
    """Return the filter as a function of a row. part: keys TB, OP, P and P2, as in grid_param."""
    name = _column(table, part.get("TB"))
    default = UNUSED.get(table, {}).get(name, "")
    oper = str(part.get("OP", "=")).strip().upper()
    text, last = (str(part.get(key, "")).strip() for key in ("P", "P2"))
    if oper in ("BE", "NBE") and not last:
        # The main filter has no second value; it takes two values in one text, as for lists.
        text, _, last = text.partition(",")
    if _BRAZILIAN_DATE.fullmatch(text):
        if name == "ultima_atualizacao":
            return lambda row: True
        text, last = _iso(text), _iso(last)
    low, high = _key(name, text), _key(name, last)
    listed = {_key(name, part.strip()) for part in text.split(",")}
    contained = text.casefold()
    # Clients send LIKE with the text alone and mean what contains it.
    pattern = contained if "%" in text else f"%{contained}%"
    like = re.compile(".*".join(map(re.escape, pattern.split("%"))), re.DOTALL)

    def between(key: _Key, own: str) -> bool:
        return low <= key <= high or (zero_dates_match and own.startswith(_ZERO_DATE))

    tests: dict[str, Callable[[_Key, str], bool]] = {
        "=": lambda key, own: key == low,
        "!=": lambda key, own: key != low,
        ">": lambda key, own: key > low,
        "<": lambda key, own: key < low,
        ">=": lambda key, own: key >= low,
        "<=": lambda key, own: key <= low,
        "L": lambda key, own: contained in own.casefold(),
        "NL": lambda key, own: contained not in own.casefold(),
        "LIKE": lambda key, own: like.fullmatch(own.casefold()) is not None,
        "IN": lambda key, own: key in listed,
        "NI": lambda key, own: key not in listed,
        "BE": between,
        "NBE": lambda key, own: not between(key, own),
    }
    if oper not in tests:
        raise BadQueryError("unknown operator")
    test = tests[oper]
    return lambda row: test(_key(name, own := row.get(name, default)), own)


def _read_grid(text: object) -> list[dict[str, Any]]:
    if text in (None, ""):
        return []
    try:
        grid = json.loads(text) if isinstance(text, str) else None
    except ValueError as error:
        raise BadQueryError("grid_param is not JSON") from error
    if not isinstance(grid, list) or not all(isinstance(part, dict) for part in grid):
        raise BadQueryError("grid_param is not an array in a text")
    return [{key.strip(): value for key, value in part.items()} for part in grid]


def _column(table: str, name: object) -> str:
    """Return the column's name; clients give it with or without its table."""
    prefix, _, column = str(name).strip().rpartition(".")
    if prefix not in ("", table) or column not in COLUMNS[table]:
        raise BadQueryError("no such column, or the prefix of another table")
    return column


def _key(column: str, text: str) -> _Key:
    """Return a sort key that compares as MySQL does: ids as numbers, texts without case."""
    if column == "id" or column.startswith("id_"):
        return (0, int(text) if text.isdecimal() else 0, "")
    return (1, 0, text.casefold())


def _iso(text: str) -> str:
    day, _, time = text.partition(" ")
    return f"{day[6:10]}-{day[3:5]}-{day[:2]} {time}".strip() if text else text


def _positive(value: object, default: int) -> int:
    text = str(value).strip()
    return int(text) if text.isdecimal() and int(text) > 0 else default
