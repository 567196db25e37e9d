"""The union of two registrations of one person, and what undoes it; pure.

One registration stays and gets what the other has. The other one goes: the audit keeps it whole.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bot.domain.audit import AuditEntry
from bot.domain.candidate import Change, Update, is_same
from bot.domain.fields import FIELDS, PASSWORD_HASH, Shape
from bot.domain.phone import phone_key, show_phone
from bot.domain.registration import (
    NOTE_LENGTH,
    TRAITS,
    Provenance,
    Registration,
    Status,
    Value,
    read_value,
)
from bot.domain.tax_id import TaxId

USERNAME: Final = "portal.username"
_PHONES: Final = ("phones.mobile", "phones.home", "phones.commercial")
_ONE_OF_TWO: Final = ("name", "trade_name", "status", *_PHONES, "email", USERNAME)
"""Fields that hold one value. The portal's password goes with its user name."""
_UNITED: Final = ("kinds", "tags", "priority_departments", "erp_refs")
_PATHS: Final = tuple(field.path for field in FIELDS if field.shape is not Shape.PASSWORD)


@dataclass(frozen=True, slots=True)
class Choice:
    """A field in which both have a value, and the united one has room for one."""

    path: str
    stays: Value
    """The value of the registration that stays."""
    goes: Value
    takes_other: bool
    """True if the united one gets the value of the registration that goes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnionPlan:
    """What a union would do."""

    stays: Registration
    goes: Registration
    changes: tuple[Change, ...]
    """The changes of the registration that stays."""
    choices: tuple[Choice, ...]
    documents: tuple[TaxId, TaxId] | None
    """Both documents where they differ: somebody has to say which one stays."""
    lost: tuple[str, ...]
    """Fields of which a part has no room, and stays in the audit only."""

    def update(self, provenance: Provenance) -> Update:
        """Return the change of the registration that stays."""
        values = {change.path: change.after for change in self.changes}
        after = self.stays.with_values(values, updated=provenance)
        return Update(self.stays, after, self.changes)


def first_to_stay(one: Registration, other: Registration) -> tuple[Registration, Registration]:
    """Return the one that stays unless an admin says otherwise, and the other one.

    It is the one that the ERP knows, that has a document, that is active, that is older.
    """

    def rank(registration: Registration) -> tuple[bool, bool, bool, object]:
        return (
            not registration.erp_refs,
            registration.tax_id is None,
            registration.status is not Status.ACTIVE,
            registration.created.at,
        )

    first, second = sorted((one, other), key=rank)
    return first, second


def plan_union(
    stays: Registration,
    goes: Registration,
    *,
    taken: frozenset[str] = frozenset(),
    document: str | None = None,
) -> UnionPlan:
    """Return the plan.

    taken: paths of the choices in which the united one gets the value of the one that goes.
    document: the `TaxId.key` of the document that stays, where both have one.
    """
    values, choices = _one_of_two(stays, goes, taken)
    has_other_login = values[USERNAME] != stays.portal.username or not stays.portal.password_hash
    portal = goes.portal if has_other_login else stays.portal
    values[PASSWORD_HASH] = portal.password_hash
    values |= {path: _set(stays, path) | _set(goes, path) for path in _UNITED}
    values["alert_traits"] = stays.alert_traits or goes.alert_traits
    names = {trait.casefold() for trait in stays.traits}
    traits = (*stays.traits, *(one for one in goes.traits if one.casefold() not in names))
    values["traits"] = traits[:TRAITS]
    lines = _place_phones(values, stays, goes) + _other_emails(values, stays, goes)
    values["fixed_note"], is_cut = _note(stays, goes, lines)
    values |= _documents(stays, goes, document)
    values["united"] = stays.united | {goes.id}
    values["chat_phones"] = _chat_phones(values, stays, goes)
    values["erp_values"] = _erp_values(values, stays, goes)
    differ = None
    if stays.tax_id and goes.tax_id and stays.tax_id != goes.tax_id:
        differ = stays.tax_id, goes.tax_id
    lost = [*(["traits"] if len(traits) > TRAITS else []), *(["fixed_note"] if is_cut else [])]
    # Names, a trade name and a login have no second place; telephones and e-mails have the note.
    lost += [c.path for c in choices if c.path in ("name", "trade_name", USERNAME)]
    return UnionPlan(
        stays=stays,
        goes=goes,
        changes=tuple(
            Change(path, before, values[path])
            for path in _PATHS
            if path in values and (before := stays.value(path)) != values[path]
        ),
        choices=tuple(choices),
        documents=differ,
        lost=tuple(lost),
    )


@dataclass(frozen=True, slots=True)
class Separation:
    """What undoes a union."""

    update: Update
    """Of the registration that stayed."""
    restored: Registration
    """The registration that had gone, as it was."""
    kept: tuple[str, ...]
    """Fields that were changed since, and stay as they are now."""


def plan_separation(
    now: Registration, united: AuditEntry, gone: AuditEntry, provenance: Provenance
) -> Separation | None:
    """Return what undoes the union, or None if the audit has no copy any more.

    united: the entry of the registration that stayed; gone: that of the one that went.
    """
    if gone.deleted is None or united.is_redacted:
        return None
    changes, kept = [], []
    for change in united.changes:
        before, after = (read_value(change.path, one) for one in (change.before, change.after))
        value = now.value(change.path)
        back: Any
        if isinstance(before, frozenset) and isinstance(after, frozenset):
            # What has come and gone since stays so.
            back = (_set(now, change.path) - (after - before)) | (before - after)
            if change.path == "kinds" and not back:
                back = value
        elif value == after:
            back = before
        else:
            back = value
            if value != before:
                kept.append(change.path)
        if back != value:
            changes.append(Change(change.path, value, back))
    own = gone.deleted.tax_id
    if own is not None and own == now.tax_id and all(c.path != "tax_id" for c in changes):
        # Somebody has given it the other one's document since: that one gets it back.
        changes.append(Change("tax_id", own, None))
    values = {change.path: change.after for change in changes}
    return Separation(
        Update(now, now.with_values(values, updated=provenance), tuple(changes)),
        gone.deleted.with_values({}, updated=provenance, version=gone.version + 1),
        tuple(kept),
    )


def _set(registration: Registration, path: str) -> frozenset[Any]:
    value = registration.value(path)
    return frozenset(value) if isinstance(value, frozenset) else frozenset()


def _one_of_two(
    stays: Registration, goes: Registration, taken: frozenset[str]
) -> tuple[dict[str, Value], list[Choice]]:
    """Return the values of the fields that hold one, and the choices in them."""
    values: dict[str, Value] = {}
    choices = []
    for path in _ONE_OF_TWO:
        mine, other = stays.value(path), goes.value(path)
        # A telephone for a free place may be there already in another one.
        is_free = not mine and path not in _PHONES
        is_other = bool(other) and (is_free or (path in taken and bool(mine)))
        if mine and other and not is_same(path, mine, other):
            choices.append(Choice(path, mine, other, path in taken))
        values[path] = other if is_other else mine
    return values, choices


def _place_phones(values: dict[str, Value], stays: Registration, goes: Registration) -> list[str]:
    """Put telephones that have lost their place into free ones; return the others, as lines."""
    lines = []
    own = [(path, one.value(path)) for one in (stays, goes) for path in _PHONES]
    for place, phone in own:
        there = {phone_key(str(values[path])) for path in _PHONES if values[path]}
        if not isinstance(phone, str) or phone_key(phone) in there:
            continue
        free = [path for path in (place, *_PHONES) if not values[path]]
        if free:
            values[free[0]] = phone
        else:
            lines.append(f"Outro telefone: {show_phone(phone)}")
    return list(dict.fromkeys(lines))


def _other_emails(values: Mapping[str, Value], *both: Registration) -> list[str]:
    emails = dict.fromkeys(one.email for one in both if one.email)
    return [f"Outro e-mail: {email}" for email in emails if email != values["email"]]


def _note(
    stays: Registration, goes: Registration, lines: Iterable[str]
) -> tuple[str | None, bool]:
    """Return the notes of both with the lines, and True if a part had no room."""
    note, is_cut = stays.fixed_note or "", False
    for part in (goes.fixed_note or "", *lines):
        if not part or part in note:
            continue
        joined = f"{note}\n{part}" if note else part
        if len(joined) > NOTE_LENGTH:
            is_cut = True
        else:
            note = joined
    return note or None, is_cut


def _documents(stays: Registration, goes: Registration, document: str | None) -> dict[str, Value]:
    own = stays.tax_id or goes.tax_id
    if goes.tax_id and goes.tax_id.key == document:
        own = goes.tax_id
    others = {*stays.tax_keys, *goes.tax_keys} - {own.key if own else ""}
    return {
        "tax_id": own,
        "country": own.country if own else stays.country,
        "other_tax_ids": frozenset(others),
    }


def _chat_phones(values: Mapping[str, Value], *both: Registration) -> frozenset[str]:
    proving = {phone_key(phone) for one in both for phone in one.proving_phones()}
    phones = [str(values[path]) for path in _PHONES if values[path]]
    return frozenset(phone for phone in phones if phone_key(phone) not in proving)


def _erp_values(values: Mapping[str, Value], *both: Registration) -> frozenset[Any]:
    """Return the ERP's own values of the corrections that the united one has."""
    found = {}
    for registration in reversed(both):
        for one in registration.erp_values:
            if values.get(one.path) == registration.value(one.path):
                found[one.path] = one
    return frozenset(found.values())
