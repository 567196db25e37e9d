"""Candidates and plans: the one way into the register.

A chat identification, an ERP record, the admins' wizard and a file row all become candidates.

    candidates -> plan (pure) -> apply (bot.usecases.register.apply_candidate)

The plan decides for each candidate: create, update field by field, unchanged or refused. Planning
reads and writes nothing.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum, StrEnum
from operator import attrgetter
from typing import Final

from bot.domain.fields import FIELDS, SHAPES, UPDATABLE, Owner, Shape
from bot.domain.phone import phone_key
from bot.domain.registration import (
    NAME_LENGTH,
    NOTE_LENGTH,
    ChangeSource,
    ErpRef,
    Kind,
    Phones,
    Portal,
    Provenance,
    Registration,
    Status,
)
from bot.domain.search import fold
from bot.domain.seen_keys import key_of, key_of_text
from bot.domain.tax_id import TaxId

NO_PHONES: Final = Phones()
NO_PORTAL: Final = Portal()


class CellReason(StrEnum):
    """The reasons why the content of a cell is not a valid value of its field."""

    TAX_ID_NOTHING = "tax_id_nothing_like_a_number"
    TAX_ID_LENGTH = "tax_id_wrong_length"
    TAX_ID_CHECK_DIGITS = "tax_id_check_digits"
    TAX_ID_REPEATED = "tax_id_repeated_digits"
    TAX_ID_AMBIGUOUS = "tax_id_ambiguous"
    TAX_ID_SCIENTIFIC = "tax_id_scientific_notation"
    TAX_ID_DECIMALS = "tax_id_decimals"
    TAX_ID_COUNTRY = "tax_id_country_rule"
    PHONE = "phone"
    PHONES = "phones"
    EMAIL = "email"
    STATUS = "status"
    KIND = "kind"
    TAG = "tag"
    DEPARTMENT = "department"
    COUNTRY = "country"
    YES_OR_NO = "yes_or_no"
    USERNAME = "username"
    PASSWORD = "password"  # noqa: S105 - the name of a reason
    TRAITS = "traits"
    UNREADABLE = "unreadable_characters"
    TOO_MANY_CELLS = "too_many_cells"
    NAME_ALONE = "name_alone"
    """Neither document, telephone nor e-mail: nothing could find this registration again."""
    TOTALS = "totals"
    """The row counts the others."""
    NAME = "name"
    """Not a name: a formula, a number, letters of another encoding."""
    TRADE_NAME = "trade_name"
    """The same of a trade name, without which the row may enter."""


@dataclass(frozen=True, slots=True)
class CellProblem:
    """One unreadable cell; `path` is empty when the problem concerns the whole row."""

    path: str
    reason: CellReason
    detail: str = ""
    """The unknown value, such as the name of a tag; never a secret."""


# Not frozen, because that would triple the cost of creating one. Never modified after creation.
@dataclass(slots=True, kw_only=True)
class Candidate:
    """The values that one source gives for one person or company.

    A None or empty value is blank: it never erases a stored value.
    """

    tax_id: TaxId | None
    country: str = "BR"
    """Used only for a candidate without a tax id."""
    name: str | None = None
    trade_name: str | None = None
    phones: Phones = NO_PHONES
    email: str | None = None
    portal: Portal = NO_PORTAL
    status: Status | None = None
    kinds: frozenset[Kind] = frozenset()
    tags: frozenset[str] = frozenset()
    traits: tuple[str, ...] = ()
    alert_traits: bool | None = None
    priority_departments: frozenset[str] = frozenset()
    fixed_note: str | None = None
    erp_refs: frozenset[ErpRef] = frozenset()
    line: int | None = None
    """Line number in the source file, shown to the admin who sent the file."""
    unread: frozenset[str] = frozenset()
    """Paths that the source has filled with what cannot be read: they are blank, but not empty."""
    problems: tuple[CellProblem, ...] = ()
    """The cells of the row that could not be read; if there are any, the row is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The changes that a source may make to the register."""

    may_create: bool
    may_update: bool
    fields: frozenset[str] = frozenset(UPDATABLE)
    """Paths that an update may change."""
    adds_to: frozenset[str] = frozenset()
    """Paths of sets from which an update never removes an element."""
    requires_tax_id: bool = True
    default_kinds: frozenset[Kind] = frozenset()
    """Kinds of a new registration whose candidate has none."""
    confirms_phones: bool = True
    """True if this source proves a telephone that only a chat or an attendant has given so far.

    Files do not prove one: a file may be an export of what the customer said in the chat.
    """
    is_of_erp: bool = False
    """True for the ERP's own values: those it has given before leave a correction as it is."""
    empties: frozenset[str] = frozenset()
    """Paths whose blank value may mean that the source has emptied them: no update is planned for
    them, but such a registration does not count as equal."""


# The ERP's fields overwrite, local fields stay, kinds and references are only ever added.
FROM_ERP: Final = Policy(
    may_create=True,
    may_update=True,
    fields=frozenset(field.path for field in FIELDS if field.owner is not Owner.COMPANY),
    adds_to=frozenset(field.path for field in FIELDS if field.owner is Owner.BOTH),
    is_of_erp=True,
)
# What any record of a person adds to.
ADDED_BY_ALL: Final = FROM_ERP.adds_to
# The data that customers give about themselves must not overwrite the company's data.
FROM_CHAT: Final = Policy(may_create=True, may_update=False)


class Refusal(StrEnum):
    """The reasons why a candidate does not enter the register."""

    NO_NAME = "no_name"
    NO_TAX_ID = "no_tax_id"
    NO_KIND = "no_kind"
    NAME_TOO_LONG = "name_too_long"
    TRADE_NAME_TOO_LONG = "trade_name_too_long"
    NOTE_TOO_LONG = "note_too_long"
    REPEATED = "repeated"
    NOT_IN_REGISTER = "not_in_register"
    SEVERAL = "several"
    """More than one registration has this name and telephone."""


@dataclass(frozen=True, slots=True)
class Change:
    """The change of one field: its path, its old value and its new value."""

    path: str
    before: object
    after: object


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


class Several(Enum):
    """The look-up result when more than one registration may match the candidate."""

    OF_THEM = "of_them"


def decide(
    candidate: Candidate,
    known: Registration | Several | None,
    policy: Policy,
    *,
    provenance: Provenance,
    new_ids: Iterable[str],
) -> Decision:
    """Return the decision for one candidate that does not repeat an earlier one."""
    if known is Several.OF_THEM:
        return Refused(candidate, (Refusal.SEVERAL,))
    if known is None:
        return _create(candidate, policy, provenance, new_ids)
    if not policy.may_update and not candidate.problems:
        return Unchanged(known)
    if (too_long := _too_long(candidate)) or candidate.problems:
        return Refused(candidate, tuple(too_long))
    return _update(candidate, known, policy, provenance)


def keys_to_repeat(candidate: Candidate) -> list[int]:
    """Return the keys that must be unique within a run.

    This is the key of the tax id or, without a tax id, one key per telephone and e-mail,
    combined with the name; for a name alone, that name.
    """
    if candidate.tax_id is not None:
        return [key_of(candidate.tax_id)]
    if not candidate.name:
        return []
    name = fold(candidate.name)
    # One row can have the same telephone in two fields.
    phones = dict.fromkeys(map(phone_key, candidate.phones.all()))
    keys = [*phones, *([candidate.email] if candidate.email else [])]
    return [key_of_text(f"{name}/{key}") for key in keys or ("",)]


def _create(
    candidate: Candidate, policy: Policy, provenance: Provenance, ids: Iterable[str]
) -> Create | Refused:
    kinds = candidate.kinds or policy.default_kinds
    reasons = [*_missing(candidate, kinds, policy), *_too_long(candidate)]
    if reasons or candidate.problems or candidate.name is None:
        return Refused(candidate, tuple(reasons))
    from_chat = provenance.way is ChangeSource.IDENTIFICATION and not candidate.erp_refs
    tax_id, phones = candidate.tax_id, candidate.phones
    return Create(
        Registration.of_checked(
            {
                "id": next(iter(ids)),
                "country": tax_id.country if tax_id else candidate.country,
                "tax_id": tax_id,
                "name": candidate.name,
                "trade_name": candidate.trade_name,
                "phones": phones,
                "email": candidate.email,
                "portal": candidate.portal,
                "status": candidate.status or Status.ACTIVE,
                "kinds": kinds,
                "tags": candidate.tags,
                "traits": candidate.traits,
                "alert_traits": bool(candidate.alert_traits),
                "priority_departments": candidate.priority_departments,
                "fixed_note": candidate.fixed_note,
                "erp_refs": candidate.erp_refs,
                "chat_phones": frozenset(phones.all()) if from_chat else frozenset(),
                "erp_values": frozenset(),
                "lost_refs": frozenset(),
                "other_tax_ids": frozenset(),
                "united": frozenset(),
                "created": provenance,
                "updated": provenance,
                "version": 1,
            }
        )
    )


def _missing(candidate: Candidate, kinds: frozenset[Kind], policy: Policy) -> Iterator[Refusal]:
    """Yield what a new registration needs and the candidate does not have."""
    # What could not be read is reported as that.
    faulty = {problem.path for problem in candidate.problems}
    if not policy.may_create:
        yield Refusal.NOT_IN_REGISTER
    if not candidate.name:
        yield Refusal.NO_NAME
    if candidate.tax_id is None and policy.requires_tax_id and "tax_id" not in faulty:
        yield Refusal.NO_TAX_ID
    if not kinds and "kinds" not in faulty:
        yield Refusal.NO_KIND


def _too_long(candidate: Candidate) -> list[Refusal]:
    reasons = []
    if len(candidate.name or "") > NAME_LENGTH:
        reasons.append(Refusal.NAME_TOO_LONG)
    if len(candidate.trade_name or "") > NAME_LENGTH:
        reasons.append(Refusal.TRADE_NAME_TOO_LONG)
    if len(candidate.fixed_note or "") > NOTE_LENGTH:
        reasons.append(Refusal.NOTE_TOO_LONG)
    return reasons


def _update(
    candidate: Candidate, known: Registration, policy: Policy, provenance: Provenance
) -> Update | Unchanged:
    changes = []
    corrected = {one.path: one for one in known.erp_values} if policy.is_of_erp else {}
    # Of two records that are one registration here the one with its own document leads: else each
    # run would write the values of the one over those of the other, and back.
    only_adds = is_by_other_document(candidate, known)
    news = set()
    for path, before, after in zip(UPDATABLE, _VALUES(known), _VALUES(candidate), strict=True):
        if path not in policy.fields or after in (None, "", (), frozenset()):
            continue
        if only_adds and (path in corrected or before not in (None, "", (), frozenset())):
            if path not in ADDED_BY_ALL:
                continue
            after = before | after
        if path in corrected:
            if is_same(path, corrected[path].value, after):
                continue
            news.add(corrected[path])
        if path in policy.adds_to:
            after = before | after
        if before != after:
            changes.append(Change(path, before, after))
    # A telephone that the ERP or an admin also gives is no longer known only from a chat.
    confirmed = known.chat_phones.intersection(candidate.phones.all())
    if confirmed and policy.confirms_phones:
        rest = known.chat_phones - confirmed
        changes.append(Change("chat_phones", known.chat_phones, rest))
    if news:
        changes.append(Change("erp_values", known.erp_values, known.erp_values - news))
    if known.lost_refs and "erp_refs" in policy.fields:
        systems = {ref.system for ref in candidate.erp_refs}
        lost = frozenset(ref for ref in known.lost_refs if ref.system not in systems)
        if lost != known.lost_refs:
            changes.append(Change("lost_refs", known.lost_refs, lost))
    if not changes:
        return Unchanged(known)
    after_values = {change.path: change.after for change in changes}
    return Update(known, known.with_values(after_values, updated=provenance), tuple(changes))


def is_by_other_document(candidate: Candidate, known: Registration) -> bool:
    """Return True if the candidate found the registration by a document of one united into it."""
    return None not in (candidate.tax_id, known.tax_id) and candidate.tax_id != known.tax_id


def is_same(path: str, one: object, other: object) -> bool:
    """Return True if the two values of the field are equal; the ninth digit is no difference."""
    if SHAPES[path] is Shape.PHONE and isinstance(one, str) and isinstance(other, str):
        return phone_key(one) == phone_key(other)
    return one == other


_VALUES: Final = attrgetter(*UPDATABLE)
"""Returns the values of a registration or a candidate, in the order of `UPDATABLE`."""
