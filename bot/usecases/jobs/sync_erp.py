"""Use case: sync the records of the ERP into the register in batches, planned like all candidates.

A page is read while the one before it is planned and written. Each batch is one transaction with
its own record, which keeps the cursor of the next page: it is the checkpoint.

Several records with one document are one registration. They can be pages apart, and a list of
changed records may leave the others out. Where the register knows records that are not on the
page, the ERP is asked for all records with the document. So the result is the same wherever a run
begins and however often it is killed.
"""

import asyncio
from array import array
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from bot.domain.candidate import (
    FROM_ERP,
    Candidate,
    CellProblem,
    CellReason,
    Policy,
    Several,
)
from bot.domain.erp_loss import EMPTIED, blanked, came_from_erp
from bot.domain.erp_record import ErpPage, ErpRecord, first, merge, read_document
from bot.domain.errors import TryLaterError, UnreadableError
from bot.domain.job import (
    Batch,
    Counts,
    Job,
    JobTrouble,
    RowReport,
    Suspect,
    SyncMode,
    SyncOptions,
)
from bot.domain.registration import ChangeSource, ErpRef, Provenance
from bot.domain.row import TAX_ID_REASONS, Row
from bot.domain.row_plan import (
    UNCHANGED,
    ExistingRegistration,
    PlannedRow,
    batch_of,
    creates_of,
    keep_one_update_each,
    plan_row,
    updates_of,
)
from bot.domain.tax_id import NotATaxId, Reason, TaxId
from bot.usecases.jobs.ask_erp import AskErp, ErpFailedError
from bot.usecases.jobs.endless import Endless
from bot.usecases.jobs.take_away import audit_of, record_key
from bot.usecases.ports import BulkRegister, ErpRecords

_ROUNDS: Final = 10
# Pages without changes share one batch record until it has this many rows: it is all they write.
_IDLE_ROWS: Final = 5_000
_NAME_LENGTH: Final = 80
# The ERP's clock may be in any time zone of Brazil and some minutes wrong.
_UNSURE: Final = timedelta(hours=6)
_FULL: Final = replace(FROM_ERP, empties=EMPTIED)
_QUICK: Final = replace(_FULL, may_create=False)


@dataclass(slots=True)
class _Group:
    """The records of one page with the same document; one record alone if it has none."""

    row: Row
    records: list[ErpRecord]


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncErp:
    """Reads the records of an ERP, plans them and writes them."""

    erp: ErpRecords
    register: BulkRegister
    new_ids: Callable[[], Iterator[str]]
    """Returns an endless iterator of unused ids, for one batch."""
    ask: AskErp

    async def run(
        self,
        job: Job,
        *,
        provenance: Provenance,
        after: Batch | None,
        report: Callable[[Batch], Awaitable[bool]],
    ) -> Batch | None:
        """Write all records; return the last batch, or None if cancelled.

        after: the last batch that an earlier run of this job has written.
        report: is called with each batch that was written; False cancels.
        Raises ErpFailedError when the ERP is unreachable for too long, refuses, or sends an answer
        that cannot be read.
        """
        options = job.sync_options
        if options is None:
            raise ValueError("this job is no sync")
        if after is not None and after.cursor is None:
            return after
        batch = after or Batch(
            job=job.id,
            number=0,
            last_line=0,
            counts=Counts(),
            cursor="",
            is_whole=options.mode is SyncMode.FULL and options.since is None,
        )
        held: Batch | None = None
        async with aclosing(self._pages(batch.cursor or "", options)) as pages:
            async for page in pages:
                batch = _following(held or batch, page, is_held=held is not None)
                is_written, batch = await self._take(page, batch, options, provenance)
                held = None if is_written else batch
                if held is not None and (page.next is None or batch.counts.rows >= _IDLE_ROWS):
                    await self.register.write(batch, provenance=provenance)
                    held = None
                if held is None and not await report(batch):
                    return None
        return batch

    async def _take(
        self, page: ErpPage, batch: Batch, options: SyncOptions, provenance: Provenance
    ) -> tuple[bool, Batch]:
        """Plan and write a page.

        Returns True if something was written, and the batch with the page's results added.
        """
        policy = _FULL if options.mode is SyncMode.FULL else _QUICK
        groups = _grouped(page.records, batch.last_line)
        if batch.is_whole:
            batch = batch.model_copy(update={"seen": batch.seen + _keys(groups)})
        for _ in range(_ROUNDS):
            planned, skipped = await self._planned(groups, policy, options, provenance)
            suspects = await self._suspects(planned, options.system)
            done = _with(batch, groups, planned, skipped, policy, suspects)
            creates = self.register.encoded(creates_of(planned))
            changes = self.register.encoded_changes(updates_of(planned), provenance=provenance)
            if not creates and not changes:
                return False, done
            if await self.register.write(
                done, provenance=provenance, creates=creates, changes=changes
            ):
                return True, done
        raise TryLaterError("registrations change too quickly to be written")

    async def _planned(
        self,
        groups: Sequence[_Group],
        policy: Policy,
        options: SyncOptions,
        provenance: Provenance,
    ) -> tuple[list[PlannedRow], int]:
        """Return the planned rows, and the number of groups skipped.

        A group is skipped when its person is new and the policy creates nobody.
        """
        tax_ids = [g.row.candidate.tax_id for g in groups]
        stored = await self.register.by_tax_keys([t.key for t in tax_ids if t is not None])
        ids = self.new_ids()
        planned, skipped = [], 0
        for group, tax_id in zip(groups, tax_ids, strict=True):
            known = stored.get(tax_id.key) if tax_id else None
            if known is None and tax_id is not None and not policy.may_create:
                skipped += 1
                continue
            row = group.row
            if known is not None and tax_id is not None:
                if _is_equal(known, row.candidate, policy, options):
                    planned.append(PlannedRow(row, known, None, UNCHANGED))
                    continue
                row = await self._with_all_records(row, tax_id, known, options)
            planned.append(plan_row(row, known, policy, provenance, ids))
        keep_one_update_each(planned, refuses=False)
        return planned, skipped

    async def _suspects(self, planned: Sequence[PlannedRow], system: str) -> tuple[Suspect, ...]:
        """Return the registrations of which the ERP may have emptied a field."""
        found: list[tuple[ExistingRegistration, tuple[str, ...]]] = []
        for one in planned:
            if one.code == UNCHANGED or one.known is None or isinstance(one.known, Several):
                continue
            paths = blanked(one.known.registration, one.row.candidate, system)
            if paths:
                found.append((one.known, paths))
        histories = await audit_of(self.register, [known for known, _ in found])
        suspects = []
        for known, paths in found:
            now, history = known.registration, histories[known.id]
            of_erp = tuple(path for path in paths if came_from_erp(now, path, history))
            if of_erp:
                suspects.append(Suspect(registration_id=known.id, paths=of_erp))
        return tuple(suspects)

    async def _with_all_records(
        self, row: Row, tax_id: TaxId, known: ExistingRegistration, options: SyncOptions
    ) -> Row:
        """Return the row, completed from the ERP's other records of this document."""
        if not _others(known, row.candidate, options):
            return row
        everything = await self.ask(lambda: self.erp.by_tax_id(tax_id))
        # None: deleted since, or the look-up finds less than the list.
        if everything is None:
            return row
        everything.line = row.candidate.line
        return Row(everything)

    async def _pages(self, cursor: str, options: SyncOptions) -> AsyncGenerator[ErpPage, None]:
        """Yield the pages from this one to the last; each is read while the one before is used.

        Raises ErpFailedError, also when the list has no end.
        """
        endless = Endless()
        reading = asyncio.create_task(self._page(cursor, options))
        try:
            while True:
                page = await reading
                try:
                    endless.check(page)
                except UnreadableError as error:
                    raise ErpFailedError(str(error), JobTrouble.ERP_UNREADABLE) from error
                if page.next is not None:
                    reading = asyncio.create_task(self._page(page.next, options))
                yield page
                if page.next is None:
                    return
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _page(self, cursor: str, options: SyncOptions) -> ErpPage:
        return await self.ask(lambda: self.erp.page(cursor, since=options.since))


def _is_equal(
    known: ExistingRegistration, candidate: Candidate, policy: Policy, options: SyncOptions
) -> bool:
    """Return True if nothing of the registration would change, nor be suspected."""
    if known.has(candidate, policy):
        return True
    # In a list of everything, a blank field of one of several records is usual, and asking for
    # the others would cost a look-up for each such person.
    return (
        options.since is None
        and known.has(candidate, replace(policy, empties=frozenset()))
        and bool(_others(known, candidate, options))
    )


def _others(
    known: ExistingRegistration, candidate: Candidate, options: SyncOptions
) -> frozenset[ErpRef]:
    """Return the known records of this ERP that are not among those of the candidate."""
    refs = known.registration.erp_refs
    return frozenset(ref for ref in refs if ref.system == options.system) - candidate.erp_refs


def provenance_of(job: Job) -> Provenance:
    """Return the provenance of everything that this sync writes."""
    if job.began_at is None:
        raise ValueError("this job has not begun")
    return Provenance(at=job.began_at, by="erp", way=ChangeSource.SYNC, job=job.key)


def mark_after(job: Job, last: Batch, before: datetime | None) -> datetime | None:
    """Return the watermark from which the next run has to read, once this one has ended.

    It is the ERP's newest time when this run began: what was edited behind the reader is later.
    Where the ERP cannot be asked for that, it is the latest time seen, and at the latest some
    hours before the run began by our clock.
    """
    if job.began_at is None:
        raise ValueError("this job has not begun")
    if last.newest is not None:
        mark = last.newest
    elif last.latest is None and last.tells_changes:
        # No record came.
        return before
    else:
        mark = min(last.latest or job.began_at, job.began_at - _UNSURE)
    if before is None or before > job.began_at:
        # A time in the future would hide all changes until then.
        return mark
    return max(before, mark)


def _grouped(records: Sequence[ErpRecord], before: int) -> list[_Group]:
    """Return the groups of a page, in the order of their first records.

    before: the number of records before this page.
    """
    groups: dict[object, _Group] = {}
    for number, record in enumerate(records, before + 1):
        tax_id = read_document(record)
        if not isinstance(tax_id, TaxId):
            candidate = _unusable(record, tax_id)
            candidate.line = number
            groups[number] = _Group(Row(candidate), [record])
        elif (group := groups.get(tax_id.key)) is not None:
            group.records.append(record)
        else:
            groups[tax_id.key] = _Group(Row(_candidate(tax_id, [record], number)), [record])
    for group in groups.values():
        tax_id = group.row.candidate.tax_id
        if len(group.records) > 1 and tax_id is not None:
            # A record listed twice, because rows moved between pages, counts as one.
            line = group.row.candidate.line or 0
            group.row = Row(_candidate(tax_id, group.records, line))
    return list(groups.values())


def _candidate(tax_id: TaxId, records: Sequence[ErpRecord], line: int) -> Candidate:
    candidate = merge(tax_id, records)
    candidate.line = line
    return candidate


def _unusable(record: ErpRecord, why: NotATaxId | None) -> Candidate:
    """Return a candidate without a tax id: no registration is created or found for it."""
    reason = TAX_ID_REASONS[why.reason] if why else CellReason.TAX_ID_COUNTRY
    length = str(why.length) if why is not None and why.reason is Reason.LENGTH else ""
    problems = (CellProblem("tax_id", reason, length),) if record.document else ()
    return Candidate(
        tax_id=None,
        name=first(record.names),
        kinds=frozenset([record.kind]),
        problems=problems,
    )


def _following(before: Batch, page: ErpPage, *, is_held: bool) -> Batch:
    """Return the batch for a page: `before` continued if it is held, else the next one.

    is_held: `before` is not written yet.
    """
    latest = max((one for one in (before.latest, page.latest) if one), default=None)
    return Batch(
        job=before.job,
        number=before.number if is_held else before.number + 1,
        last_line=before.last_line,
        counts=before.counts if is_held else Counts(),
        refused=before.refused if is_held else (),
        cursor=page.next,
        is_whole=before.is_whole and page.is_whole and all(one.ref for one in page.records),
        seen=before.seen if is_held else b"",
        suspects=before.suspects if is_held else (),
        suspected=before.suspected,
        latest=latest,
        newest=before.newest if before.cursor else page.newest,
        tells_changes=before.tells_changes and (page.latest is not None or not page.records),
    )


def _with(
    batch: Batch,
    groups: Sequence[_Group],
    planned: Sequence[PlannedRow],
    skipped: int,
    policy: Policy,
    suspects: tuple[Suspect, ...],
) -> Batch:
    """Return the batch with the results of a planned page added."""
    records = {group.row.candidate.line or 0: group.records[0] for group in groups}
    if planned:
        made = batch_of(batch.job, batch.number, planned, None, policy)
    else:
        made = Batch(job=batch.job, number=batch.number, last_line=0, counts=Counts())
    refused = tuple(_named(report, records[report.line]) for report in made.refused)
    read = sum(len(group.records) for group in groups)
    counts = made.counts.model_copy(update={"rows": read, "skipped": skipped})
    return batch.model_copy(
        update={
            "last_line": batch.last_line + read,
            "counts": batch.counts.plus(counts),
            "created": made.created,
            "refused": batch.refused + refused,
            "suspects": batch.suspects + suspects,
            "suspected": batch.suspected + len(suspects),
        }
    )


def _keys(groups: Sequence[_Group]) -> bytes:
    """Return the keys of all records, each with its document."""
    keys = array("Q")
    for group in groups:
        tax_id = group.row.candidate.tax_id
        tax_key = tax_id.key if tax_id is not None else ""
        keys.extend(record_key(one.ref, tax_key) for one in group.records if one.ref)
    return keys.tobytes()


def _named(report: RowReport, record: ErpRecord) -> RowReport:
    ref = f"{record.ref.table} {record.ref.id}".strip() if record.ref else ""
    name = first(record.names) or ""
    return report.model_copy(update={"ref": ref, "name": name[:_NAME_LENGTH]})
