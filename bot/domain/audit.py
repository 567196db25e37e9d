"""Who changed what, from what, to what, when and by which way."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from bot.domain.candidate import Change
from bot.domain.registration import Provenance, Registration


class Event(StrEnum):
    """What happened to a registration."""

    CREATED = "created"
    CHANGED = "changed"
    DELETED = "deleted"
    RESTORED = "restored"
    ANONYMISED = "anonymised"
    """Who it was is told no more, in the registration and in the entries before this one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One event of one registration; a version is written once, so it has one entry."""

    id: str
    """`<registration id>:<version>`."""
    registration_id: str
    version: int
    """The version that the event made; for a deletion, one more than the last that was there."""
    event: Event
    provenance: Provenance
    name: str
    """The record's name at that time, so that the list can be read when it is gone."""
    changes: tuple[Change, ...] = ()
    """Field by field, values as they are stored: strings, lists, booleans, None."""
    deleted: Registration | None = None
    """The full copy that a deletion keeps, from which it can be restored."""
    is_redacted: bool = False
    """Its values are gone, since the person was anonymised; `changes` still name the fields."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which entries to list; what is None or empty does not limit."""

    by: str | None = None
    """A `Provenance.by`."""
    event: Event | None = None
    first_day: date | None = None
    last_day: date | None = None
    """Local days, both included; who asks says in which time zone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPage:
    """Some entries, newest first."""

    entries: tuple[AuditEntry, ...]
    older: str | None
    """Where the next page begins; None on the last one."""
