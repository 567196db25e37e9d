"""What the ERP has taken away: a record that is gone, a telephone or an e-mail that it emptied.

Pure rules. `bot.usecases.jobs.sync_erp` notes suspects while it reads, and
`bot.usecases.jobs.take_away` acts on them after everything was read.
"""

from collections.abc import Sequence
from typing import Final

from bot.domain.audit import AuditEntry, Event
from bot.domain.candidate import Candidate, Change, Update
from bot.domain.correction import KEPT
from bot.domain.job import Suspect
from bot.domain.registration import Provenance, Registration, Status

EMPTIED: Final = KEPT
"""The fields that the ERP empties."""
_ERP: Final = "erp"
_SHARE: Final = 50
"""One in so many may be taken away without a question: 2 %."""
_FEW: Final = 2
"""So many may be, however small the run is."""


def is_alarming(suspected: int, rows: int) -> bool:
    """Return True if so many suspects among so many records look like one bad answer."""
    return suspected > _FEW and suspected * _SHARE > rows


def blanked(now: Registration, candidate: Candidate, system: str) -> tuple[str, ...]:
    """Return the fields that have a value here and none in the ERP, whoever gave the value.

    There are none if the candidate may not have all that the ERP knows of this person.
    """
    refs = {ref for ref in now.erp_refs if ref.system == system}
    if now.status is Status.INACTIVE or not refs or not refs <= candidate.erp_refs:
        return ()
    corrected = {one.path for one in now.erp_values}
    return tuple(
        path
        for path in sorted(EMPTIED - candidate.unread - corrected)
        if now.value(path) and not _value(candidate, path)
    )


def came_from_erp(now: Registration, path: str, history: Sequence[AuditEntry]) -> bool:
    """Return True if the present value of the field is certainly one that the ERP gave.

    history: the audit entries of the registration.
    """
    for entry in sorted(history, key=lambda one: one.version, reverse=True):
        if entry.is_redacted:
            return False
        changed = {change.path for change in entry.changes}
        if entry.event is Event.CHANGED and path in changed:
            return entry.provenance.by == _ERP
    return len(history) >= now.version - 1 and now.created.by == _ERP


def taken_away(
    now: Registration,
    suspect: Suspect,
    found: Candidate | None,
    history: Sequence[AuditEntry],
    *,
    system: str,
    provenance: Provenance,
) -> Update | None:
    """Return the update that takes away what is certainly gone, or None.

    found: what the ERP answered when it was asked for this person alone; None for nobody. What was
        suspected is gone only if this answer says so too.
    """
    if now.status is Status.INACTIVE:
        return None
    changes = []
    gone = now.erp_refs.intersection(suspect.refs)
    if found is not None:
        gone -= found.erp_refs
    if gone:
        left = now.erp_refs - gone | (found.erp_refs if found is not None else frozenset())
        changes.append(Change("erp_refs", now.erp_refs, left))
        if all(ref.system != system for ref in left):
            changes.append(Change("lost_refs", now.lost_refs, now.lost_refs | gone))
    if found is not None:
        still = set(suspect.paths).intersection(blanked(now, found, system))
        changes += [
            Change(path, now.value(path), None)
            for path in sorted(still)
            if came_from_erp(now, path, history)
        ]
    if not changes:
        return None
    values = {change.path: change.after for change in changes}
    return Update(now, now.with_values(values, updated=provenance), tuple(changes))


def is_loss(update: Update) -> bool:
    """Return True if the registration is not in the ERP any more after the update."""
    return bool(update.after.lost_refs) and not update.before.lost_refs


def is_emptying(update: Update) -> bool:
    """Return True if the update empties a field."""
    return any(change.path in EMPTIED for change in update.changes)


def _value(candidate: Candidate, path: str) -> object:
    name, _, inner = path.partition(".")
    value = getattr(candidate, name)
    return getattr(value, inner) if inner else value
