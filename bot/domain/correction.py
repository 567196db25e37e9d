"""Corrections by hand: what an attendant or admin enters, and what the ERP still says.

An ERP repeats its old value with every sync. So the registration keeps that value beside the
corrected field (`Registration.erp_values`), and `bot.domain.candidate` lets the correction stand
until the ERP says something else.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from pydantic import TypeAdapter

from bot.domain.audit import AuditEntry, Event
from bot.domain.candidate import Change, is_same
from bot.domain.fields import CORRECTED, OF_ERP, SHAPES, Shape
from bot.domain.phone import phone_key
from bot.domain.registration import ErpValue, Registration, Value, read_value

KEPT: Final = OF_ERP.intersection(CORRECTED)
"""The fields of the ERP in which a correction stays."""
_ERP_VALUES: Final = TypeAdapter(frozenset[ErpValue])
_ERP: Final = "erp"
"""The `Provenance.by` of all that the ERP writes."""


def corrected(
    current: Registration,
    values: Mapping[str, Value],
    history: Iterable[AuditEntry],
    *,
    confirms_phones: bool,
) -> tuple[Change, ...]:
    """Return the changes that entering these values by hand makes.

    history: the audit of the registration, newest first; only read for the fields in `KEPT`.
    confirms_phones: False for a telephone that proves no identity until the ERP or an admin has
        it too.
    """
    changes = [
        Change(path, before, value)
        for path, value in values.items()
        if (before := current.value(path)) != value
    ]
    there = {one.path: one for one in current.erp_values}
    erp_values = dict(there)
    proven = [*current.proving_phones(), *_of_erp(there.values())]
    if current.erp_refs:
        entries = list(history)
        for change in changes:
            if change.path not in KEPT:
                continue
            path = change.path
            last = there[path].value if path in there else _last_of_erp(current, path, entries)
            erp_values.pop(path, None)
            if not is_same(path, last, change.after):
                erp_values[path] = ErpValue(path=path, value=last)
            elif last and SHAPES[path] is Shape.PHONE:
                proven.append(last)
    given = [value for path, value in values.items() if SHAPES[path] is Shape.PHONE]
    phones = {value for value in given if isinstance(value, str)}
    chat_phones = current.chat_phones - phones
    if not confirms_phones:
        keys = set(map(phone_key, proven))
        chat_phones = current.chat_phones | {one for one in phones if phone_key(one) not in keys}
    if chat_phones != current.chat_phones:
        changes.append(Change("chat_phones", current.chat_phones, chat_phones))
    if (after := frozenset(erp_values.values())) != current.erp_values:
        changes.append(Change("erp_values", current.erp_values, after))
    return tuple(changes)


def _of_erp(values: Iterable[ErpValue]) -> list[str]:
    """Return the telephones that the ERP still has."""
    return [one.value for one in values if one.value and SHAPES[one.path] is Shape.PHONE]


def _last_of_erp(current: Registration, path: str, history: Iterable[AuditEntry]) -> str | None:
    """Return what the ERP gave last for the field.

    The stored value may be an admin's or a file's, which the ERP does not know.
    """
    value: object = current.value(path)
    for entry in history:
        if entry.is_redacted or entry.event is not Event.CHANGED:
            continue
        changes = {change.path: change for change in entry.changes}
        # Here `value` is what the field had right after the entry.
        if entry.provenance.by == _ERP and (path in changes or _is_news(path, changes)):
            break
        if path in changes:
            value = changes[path].before
    read = read_value(path, value)
    return read if isinstance(read, str) else None


def _is_news(path: str, changes: Mapping[str, Change]) -> bool:
    """Return True if the ERP has got the value that was entered here."""
    if "erp_values" not in changes:
        return False
    before, after = (
        {one.path for one in _ERP_VALUES.validate_python(stored)}
        for stored in (changes["erp_values"].before, changes["erp_values"].after)
    )
    return path in before - after
