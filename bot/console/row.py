"""A registration as a row of the table: plain texts, which the template escapes."""

from dataclasses import dataclass

from bot.domain.registration import Registration, Status
from bot.wording.values import EMPTY, Names, value_of, when

_PHONES = ("phones.mobile", "phones.commercial", "phones.home")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    id: str
    name: str
    trade_name: str
    is_inactive: bool
    has_priority: bool
    cells: dict[str, str]
    """The text of each column."""


def row_of(registration: Registration, names: Names) -> Row:
    phones = [value_of(registration, path, names) for path in _PHONES]
    return Row(
        id=registration.id,
        name=registration.name,
        trade_name=registration.trade_name or "",
        is_inactive=registration.status is Status.INACTIVE,
        has_priority=bool(registration.priority_departments),
        cells={
            "document": registration.tax_id.masked if registration.tax_id else "",
            "phones": ", ".join(one for one in phones if one != EMPTY),
            "kinds": _text(registration, "kinds", names),
            "status": _text(registration, "status", names),
            "tags": _text(registration, "tags", names),
            "priority": _text(registration, "priority_departments", names),
            "updated": when(registration.updated.at, names),
        },
    )


def _text(registration: Registration, path: str, names: Names) -> str:
    text = value_of(registration, path, names)
    return "" if text == EMPTY else text
