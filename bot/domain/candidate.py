"""One way in: a chat identification, an ERP record, a wizard and a file row are all candidates.

    candidates -> plan (pure) -> apply (bot.usecases.apply_plan)

Planning decides create, update field by field, unchanged or refused; it reads and writes nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from bot.domain.registration import (
    ERP_FIELDS,
    FIELDS,
    NAME_LENGTH,
    NOTE_LENGTH,
    ErpRef,
    Kind,
    Phones,
    Portal,
    Registration,
    Stamp,
    Status,
    Way,
)
from bot.domain.tax_id import TaxId


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """What one source says of one person or company; None or empty is blank: it erases nothing."""

    tax_id: TaxId | None
    name: str | None = None
    trade_name: str | None = None
    phones: Phones = field(default_factory=Phones)
    email: str | None = None
    portal: Portal = field(default_factory=Portal)
    status: Status | None = None
    kinds: frozenset[Kind] = frozenset()
    tags: frozenset[str] = frozenset()
    traits: tuple[str, ...] = ()
    alert_traits: bool | None = None
    priority_departments: frozenset[str] = frozenset()
    fixed_note: str | None = None
    erp_refs: frozenset[ErpRef] = frozenset()
    line: int | None = None
    """Where it stands in its source, to name it to the person who sent the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a source may do to the register."""

    may_create: bool
    may_update: bool
    fields: frozenset[str] = frozenset(FIELDS)
    """Paths that an update may touch."""
    adds_to: frozenset[str] = frozenset()
    """Paths of sets to which an update only adds."""
    requires_tax_id: bool = True


# The ERP's fields win, local fields stay, kinds and references are added and never removed.
FROM_ERP: Final = Policy(
    may_create=True,
    may_update=True,
    fields=ERP_FIELDS,
    adds_to=frozenset(("kinds", "erp_refs")),
)
# What a customer says of himself must not overwrite what the company knows.
FROM_CHAT: Final = Policy(may_create=True, may_update=False)


class Refusal(StrEnum):
    """Why a candidate does not enter the register."""

    NO_NAME = "no_name"
    NO_TAX_ID = "no_tax_id"
    NO_KIND = "no_kind"
    NAME_TOO_LONG = "name_too_long"
    NOTE_TOO_LONG = "note_too_long"
    REPEATED = "repeated"
    NOT_IN_REGISTER = "not_in_register"


@dataclass(frozen=True, slots=True)
class Change:
    """One field from one value to another."""

    path: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Create:
    registration: Registration


@dataclass(frozen=True, slots=True)
class Update:
    before: Registration
    after: Registration
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Unchanged:
    registration: Registration


@dataclass(frozen=True, slots=True)
class Refused:
    candidate: Candidate
    reasons: tuple[Refusal, ...]
    repeats_line: int | None = None


Decision = Create | Update | Unchanged | Refused


def plan(
    candidates: Sequence[Candidate],
    existing: Mapping[str, Registration],
    policy: Policy,
    *,
    stamp: Stamp,
    new_ids: Iterable[str],
) -> list[Decision]:
    """Decide for each candidate, in order; writes nothing.

    existing: registrations by `TaxId.key`, for at least those of the candidates that have one.
    new_ids: as many unused ids as may be needed.
    Of candidates with one tax id the first wins; the others are refused and name its line.
    """
    ids = iter(new_ids)
    first_lines: dict[str, int | None] = {}
    decisions: list[Decision] = []
    for candidate in candidates:
        key = candidate.tax_id.key if candidate.tax_id else None
        if key is not None and key in first_lines:
            decisions.append(Refused(candidate, (Refusal.REPEATED,), first_lines[key]))
            continue
        if key is not None:
            first_lines[key] = candidate.line
        known = existing.get(key) if key is not None else None
        if known is None:
            decisions.append(_create(candidate, policy, stamp, ids))
        elif policy.may_update and (too_long := _too_long(candidate)):
            decisions.append(Refused(candidate, tuple(too_long)))
        elif policy.may_update:
            decisions.append(_update(candidate, known, policy, stamp))
        else:
            decisions.append(Unchanged(known))
    return decisions


def _create(
    candidate: Candidate, policy: Policy, stamp: Stamp, ids: Iterable[str]
) -> Create | Refused:
    reasons = []
    if not policy.may_create:
        reasons.append(Refusal.NOT_IN_REGISTER)
    if not candidate.name:
        reasons.append(Refusal.NO_NAME)
    if candidate.tax_id is None and policy.requires_tax_id:
        reasons.append(Refusal.NO_TAX_ID)
    if not candidate.kinds:
        reasons.append(Refusal.NO_KIND)
    reasons += _too_long(candidate)
    if reasons or candidate.name is None:
        return Refused(candidate, tuple(reasons))
    from_chat = stamp.way is Way.IDENTIFICATION and not candidate.erp_refs
    return Create(
        Registration(
            id=next(iter(ids)),
            country=candidate.tax_id.country if candidate.tax_id else "BR",
            tax_id=candidate.tax_id,
            name=candidate.name,
            trade_name=candidate.trade_name,
            phones=candidate.phones,
            email=candidate.email,
            portal=candidate.portal,
            status=candidate.status or Status.ACTIVE,
            kinds=candidate.kinds,
            tags=candidate.tags,
            traits=candidate.traits,
            alert_traits=bool(candidate.alert_traits),
            priority_departments=candidate.priority_departments,
            fixed_note=candidate.fixed_note,
            erp_refs=candidate.erp_refs,
            chat_phones=frozenset(candidate.phones.all()) if from_chat else frozenset(),
            created=stamp,
            updated=stamp,
        )
    )


def _too_long(candidate: Candidate) -> list[Refusal]:
    reasons = []
    if len(candidate.name or "") > NAME_LENGTH:
        reasons.append(Refusal.NAME_TOO_LONG)
    if len(candidate.fixed_note or "") > NOTE_LENGTH:
        reasons.append(Refusal.NOTE_TOO_LONG)
    return reasons


def _update(
    candidate: Candidate, known: Registration, policy: Policy, stamp: Stamp
) -> Update | Unchanged:
    old, new = _values(known), _values(candidate)
    changes = []
    for path in FIELDS:
        before, after = old[path], new[path]
        if path not in policy.fields or after in (None, "", (), frozenset()):
            continue
        if path in policy.adds_to:
            after = before | after
        if before != after:
            changes.append(Change(path, before, after))
    # A telephone that the ERP or an admin gives is no longer the word of a chat alone.
    confirmed = known.chat_phones.intersection(candidate.phones.all())
    if confirmed:
        rest = known.chat_phones - confirmed
        changes.append(Change("chat_phones", known.chat_phones, rest))
    if not changes:
        return Unchanged(known)
    after_values = {change.path: change.after for change in changes}
    return Update(known, known.with_values(after_values, updated=stamp), tuple(changes))


def _values(of: Registration | Candidate) -> dict[str, Any]:
    values = {path: getattr(of, path) for path in FIELDS if "." not in path}
    values["portal.username"] = of.portal.username
    values["portal.password_hash"] = of.portal.password_hash
    values["phones.commercial"] = of.phones.commercial
    values["phones.home"] = of.phones.home
    values["phones.mobile"] = of.phones.mobile
    return values
