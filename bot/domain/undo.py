"""The rules that undo a job, registration by registration; pure."""

from dataclasses import dataclass
from typing import Final

from bot.domain.audit import AuditEntry, Event
from bot.domain.candidate import Change, Update
from bot.domain.job import Kept
from bot.domain.registration import Provenance, Registration, read_value

_WHOLE: Final = ()


@dataclass(frozen=True, slots=True)
class Remove:
    """Removal of a registration that the job created and that has not changed since."""

    registration: Registration


@dataclass(frozen=True, slots=True)
class BringBack:
    """Restoration of a registration that the job deleted."""

    deletion: AuditEntry
    registration: Registration


@dataclass(frozen=True, slots=True)
class Reverted:
    """An update that sets fields back; `kept` lists the fields that changed since the job."""

    update: Update
    kept: Kept | None


Undoing = Remove | BringBack | Reverted | Kept
"""The action for one registration; functions return None when nothing is left to undo."""


def undo_creation(now: Registration | None, *, only_by_jobs: bool = False) -> Remove | Kept | None:
    """Return the action for a registration that the job created, or None if it is gone.

    only_by_jobs: True if all later changes are the job's own, and the undo has reverted them.
    """
    if now is None:
        return None
    return Remove(now) if now.version == 1 or only_by_jobs else _kept(now, _WHOLE)


def undo_entry(
    entry: AuditEntry, now: Registration | None, provenance: Provenance
) -> Undoing | None:
    """Return the action that undoes the job's audit entry, or None if nothing is left to undo."""
    if entry.is_redacted:
        # The earlier values were removed by an anonymisation.
        return _kept(now, _WHOLE) if now else None
    match entry.event:
        case Event.CHANGED:
            return _undo_change(entry, now, provenance)
        case Event.DELETED:
            if now is not None or entry.deleted is None:
                return None
            version = entry.version + 1
            restored = entry.deleted.with_values({}, updated=provenance, version=version)
            return BringBack(entry, restored)
        case Event.CREATED | Event.RESTORED:
            if now is None:
                return None
            return Remove(now) if now.version == entry.version else _kept(now, _WHOLE)
        case Event.ANONYMISED | Event.UNITED:
            return None


def _undo_change(
    entry: AuditEntry, now: Registration | None, provenance: Provenance
) -> Reverted | Kept | None:
    if now is None:
        return Kept(registration_id=entry.registration_id, name=entry.name, paths=_WHOLE)
    changes, kept = [], []
    for change in entry.changes:
        before, after = (read_value(change.path, v) for v in (change.before, change.after))
        value = now.value(change.path)
        if value == after:
            changes.append(Change(change.path, value, before))
        elif value != before:
            kept.append(change.path)
    left = _kept(now, tuple(kept)) if kept else None
    if not changes:
        return left
    values = {change.path: change.after for change in changes}
    update = Update(now, now.with_values(values, updated=provenance), tuple(changes))
    return Reverted(update, left)


def _kept(registration: Registration, paths: tuple[str, ...]) -> Kept:
    return Kept(registration_id=registration.id, name=registration.name, paths=paths)
