"""The plan for the rows of a file, and the report about it; pure, no I/O.

Most rows of a file that is sent again change nothing. `ExistingRegistration.has` recognises them
without decoding the whole registration; `bot.domain.candidate.decide` decides all others.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from bot.domain.candidate import (
    Candidate,
    CellProblem,
    CellReason,
    Change,
    Create,
    Decision,
    Policy,
    Refusal,
    Refused,
    Several,
    Unchanged,
    Update,
    decide,
    is_by_other_document,
    keys_to_repeat,
)
from bot.domain.fields import PASSWORD_HASH, UPDATABLE
from bot.domain.job import SAMPLES, Batch, Counts, RowReport, Sample
from bot.domain.registration import Provenance, Registration
from bot.domain.row import ACCEPTED, Row
from bot.domain.seen_keys import SeenKeys, key_of

# The codes of plans. The preview stores one number per row; the run computes it again, and a row
# with a different number is reported as replanned. For an existing registration the number holds
# its version and one bit: changed or not.
CREATE: Final = 0
REFUSE: Final = 1
UNCHANGED: Final = 2
"""Used without a preview, when the version does not matter."""


class ExistingRegistration(Protocol):
    """One registration as it was read from the database."""

    @property
    def id(self) -> str: ...

    @property
    def version(self) -> int: ...

    @property
    def registration(self) -> Registration: ...

    def has(self, candidate: Candidate, policy: Policy) -> bool:
        """Return True if the registration already has every value that an update would write.

        These are the candidate's values in the policy's fields. Return False when it is not
        certain.
        """
        ...


@dataclass(slots=True)
class PlannedRow:
    """One row with its decision and its plan code."""

    row: Row
    known: ExistingRegistration | Several | None
    decision: Decision | None
    """None when nothing changes; this saves decoding the registration."""
    code: int


def creates_of(planned: Sequence[PlannedRow]) -> list[Registration]:
    """Return the registrations that the rows create."""
    return [p.decision.registration for p in planned if isinstance(p.decision, Create)]


def updates_of(planned: Sequence[PlannedRow]) -> list[tuple[ExistingRegistration, Update]]:
    """Return the updates of the rows, each with the registration that it changes."""
    return [
        (p.known, p.decision)
        for p in planned
        if isinstance(p.decision, Update) and not isinstance(p.known, Several | None)
    ]


class Samples:
    """A collector of the first changes of each field."""

    def __init__(self) -> None:
        self._found: dict[str, list[Sample]] = {}

    def take(self, planned: Sequence[PlannedRow]) -> None:
        """Add the changes of these rows, up to `SAMPLES` for each field."""
        for one in planned:
            if isinstance(one.decision, Update):
                for change in one.decision.changes:
                    self._add(change, one.decision.before, one.row.candidate.line or 0)

    def _add(self, change: Change, registration: Registration, line: int) -> None:
        samples = self._found.setdefault(change.path, [])
        if len(samples) < SAMPLES:
            samples.append(
                Sample(
                    path=change.path,
                    line=line,
                    name=registration.name,
                    before=change.before,
                    after=change.after,
                )
            )

    def result(self) -> tuple[Sample, ...]:
        return tuple(sample for path in UPDATABLE for sample in self._found.get(path, ()))


def plan_row(
    row: Row,
    known: ExistingRegistration | Several | None,
    policy: Policy,
    provenance: Provenance,
    ids: Iterator[str],
) -> PlannedRow:
    """Return the plan of one row that does not repeat an earlier one."""
    candidate = row.candidate
    if known is None or isinstance(known, Several):
        decision = decide(candidate, known, policy, provenance=provenance, new_ids=ids)
        code = CREATE if isinstance(decision, Create) else REFUSE
        return PlannedRow(row, known, decision, code)
    unchanged = (known.version + 1) << 1
    changed = unchanged | 1
    if not candidate.problems and (not policy.may_update or known.has(candidate, policy)):
        return PlannedRow(row, known, None, changed if row.password else unchanged)
    decision = decide(candidate, known.registration, policy, provenance=provenance, new_ids=ids)
    if isinstance(decision, Refused):
        return PlannedRow(row, known, decision, REFUSE)
    if isinstance(decision, Unchanged):
        return PlannedRow(row, known, None, changed if row.password else unchanged)
    return PlannedRow(row, known, decision, changed)


def keep_one_update_each(planned: Iterable[PlannedRow], *, refuses: bool) -> None:
    """Leave one update of each registration, as a batch writes none twice.

    Two rows have one registration where two were united: the row with its own document stays.
    refuses: True if the other row is reported as a repetition, False if it is passed over.
    """
    kept: dict[str, PlannedRow] = {}
    for one in planned:
        if not isinstance(one.decision, Update):
            continue
        before = one.decision.before
        there = kept.get(before.id)
        if there is None:
            kept[before.id] = one
            continue
        is_other = is_by_other_document(one.row.candidate, before)
        stays, goes = (there, one) if is_other else (one, there)
        kept[before.id] = stays
        goes.decision, goes.code = None, UNCHANGED
        if refuses:
            line = stays.row.candidate.line
            goes.decision = Refused(goes.row.candidate, (Refusal.REPEATED,), line)
            goes.code = REFUSE


def first_line(candidate: Candidate, policy: Policy, repeats: SeenKeys) -> int | None:
    """Return the line of the earlier candidate that this one repeats, or None.

    If there is none, remember the candidate's keys with its own line.
    """
    line = candidate.line or 0
    if candidate.tax_id is None:
        lines = [repeats.first_line(key, line) for key in keys_to_repeat(candidate)]
        return next((line for line in lines if line is not None), None)
    if not policy.requires_tax_id:
        # A later row without a tax id but with the same name and telephone repeats this one.
        for key in keys_to_repeat(replace(candidate, tax_id=None)):
            repeats.first_line(key, line)
    return repeats.first_line(key_of(candidate.tax_id), line)


def remember(rows: Sequence[Row], policy: Policy, repeats: SeenKeys) -> None:
    """Mark the rows as seen, without planning them."""
    for row in rows:
        first_line(row.candidate, policy, repeats)


def is_repeat(planned: PlannedRow) -> bool:
    """Return True if the row was refused because it repeats an earlier line."""
    decision = planned.decision
    return isinstance(decision, Refused) and Refusal.REPEATED in decision.reasons


def may_set_password(planned: PlannedRow, policy: Policy) -> bool:
    """Return True if the row's password must be hashed or compared with the stored hash."""
    if planned.row.password is None or isinstance(planned.decision, Refused):
        return False
    if isinstance(planned.decision, Create):
        return True
    return policy.may_update and PASSWORD_HASH in policy.fields


def counted(
    planned: Sequence[PlannedRow],
    policy: Policy,
    *,
    replanned: int = 0,
    is_preview: bool = False,
) -> Counts:
    """Return the numbers of rows by result; for a preview, by kind of problem too."""
    found: Counter[str] = Counter()
    fields: Counter[str] = Counter()
    problems: Counter[str] = Counter()
    for one in planned:
        match one.decision:
            case Create():
                found["created"] += 1
            case Update(changes=changes):
                found["updated"] += 1
                fields.update(change.path for change in changes)
            case Refused():
                found["refused"] += 1
            case _:
                found["unchanged"] += 1
        found["repaired"] += one.row.repaired and not isinstance(one.decision, Refused)
        if is_preview and isinstance(one.decision, Refused):
            reasons = {problem.reason for problem in one.row.candidate.problems}
            problems.update(name for name, some in ACCEPTED.items() if some & reasons)
            found["kindless"] += Refusal.NO_KIND in one.decision.reasons
        found["accepted"] += bool(one.row.accepted) and not isinstance(one.decision, Refused)
        found["passwords"] += may_set_password(one, policy)
    return Counts(
        rows=len(planned),
        replanned=replanned,
        **found,
        fields=dict(fields),
        problems=dict(problems),
    )


def unknown_tags_of(planned: Sequence[PlannedRow]) -> Iterator[str]:
    """Yield the tags that do not exist, of each refused row the first."""
    for one in planned:
        for problem in one.row.candidate.problems:
            if problem.reason is CellReason.TAG and isinstance(one.decision, Refused):
                yield problem.detail


def batch_of(
    job_id: int,
    number: int,
    planned: Sequence[PlannedRow],
    promised: Sequence[int] | None,
    policy: Policy,
) -> Batch:
    """Return the record of a batch that is written as planned.

    promised: the plan codes of the preview, one per row; None without a preview.
    """
    replanned: tuple[int, ...] = ()
    if promised is not None:
        replanned = tuple(
            one.row.candidate.line or 0
            for one, code in zip(planned, promised, strict=True)
            if one.code != code
        )
    return Batch(
        job=job_id,
        number=number,
        last_line=planned[-1].row.candidate.line or 0,
        counts=counted(planned, policy, replanned=len(replanned)),
        created=tuple(registration.id for registration in creates_of(planned)),
        refused=refusals_of(planned),
        repaired=tuple(
            p.row.candidate.line or 0
            for p in planned
            if p.row.repaired and not isinstance(p.decision, Refused)
        ),
        replanned=replanned,
        accepted=accepted_of(planned),
    )


def accepted_of(planned: Sequence[PlannedRow]) -> tuple[RowReport, ...]:
    """Return a report for each row that enters without a field that could not be read."""
    return tuple(
        RowReport(line=p.row.candidate.line or 0, reasons=_cells(p.row.accepted))
        for p in planned
        if p.row.accepted and not isinstance(p.decision, Refused)
    )


def _cells(problems: Iterable[CellProblem]) -> tuple[tuple[str, str, str], ...]:
    return tuple((problem.path, problem.reason.value, problem.detail) for problem in problems)


def refusals_of(planned: Sequence[PlannedRow]) -> tuple[RowReport, ...]:
    """Return a report for each refused row."""
    return tuple(_report(p.decision) for p in planned if isinstance(p.decision, Refused))


def _report(refused: Refused) -> RowReport:
    """Return all reasons of the refusal, those of the row's cells first."""
    reasons = list(_cells(refused.candidate.problems))
    for reason in refused.reasons:
        repeats = reason is Refusal.REPEATED and refused.repeats_line
        reasons.append(("", reason.value, str(refused.repeats_line) if repeats else ""))
    return RowReport(line=refused.candidate.line or 0, reasons=tuple(reasons))
