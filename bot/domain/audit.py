"""Audit entries: who changed a registration, when, by which way, with old and new values."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from bot.domain.candidate import Change
from bot.domain.registration import Provenance, Registration


class Event(StrEnum):
    """The kinds of events of a registration."""

    CREATED = "created"
    CHANGED = "changed"
    DELETED = "deleted"
    RESTORED = "restored"
    UNITED = "united"
    """Two registrations became one: the one that stays, and the one that was united into it.

    What undoes that is a change of the one and a restoration of the other.
    """
    ANONYMISED = "anonymised"
    """Personal data was removed from the registration and from all earlier entries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One event of one registration. Each version is written once, so it has one entry."""

    id: str
    """`<registration id>:<version>`."""
    registration_id: str
    version: int
    """The version that the event created; for a deletion, the last version plus one."""
    event: Event
    provenance: Provenance
    name: str
    """The registration's name at that time, so that lists stay readable after a deletion."""
    changes: tuple[Change, ...] = ()
    """The changed fields, with values in stored form: strings, lists, booleans, None."""
    deleted: Registration | None = None
    """The full copy of a registration that was deleted, or united into another one."""
    into: str | None = None
    """The id of the entry of the registration into which this one was united."""
    is_redacted: bool = False
    """The values were removed by an anonymisation; `changes` still name the fields."""

    @property
    def gone_id(self) -> str | None:
        """Return the id of the registration that went, for either entry of a union."""
        if self.event is not Event.UNITED or self.into is not None:
            return self.registration_id if self.into is not None else None
        for change in self.changes:
            if change.path == "united" and isinstance(change.after, list):
                before = change.before if isinstance(change.before, list) else []
                return next((str(one) for one in change.after if one not in before), None)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """A filter for audit entries; a field that is None or empty does not limit."""

    by: str | None = None
    """A value of `Provenance.by`."""
    event: Event | None = None
    first_day: date | None = None
    last_day: date | None = None
    """Local days, both included; the caller gives the time zone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPage:
    """One page of entries, newest first."""

    entries: tuple[AuditEntry, ...]
    older: str | None
    """The cursor of the next page, with older entries; None on the last page."""
