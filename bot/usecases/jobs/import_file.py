"""Use case: import the rows of a file into the register in batches, planned like all candidates.

A batch is planned while the one before it is written, so neither our process nor the server waits
for the other. Each batch is one transaction with its own record, which is the checkpoint.
"""

import asyncio
from array import array
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Final

from bot.domain.candidate import (
    Create,
    Policy,
    Refusal,
    Refused,
    Several,
    Update,
)
from bot.domain.errors import RefusedError, TryLaterError
from bot.domain.job import LINES, Batch, Counts, Job, RowReport, Sample
from bot.domain.portal import PasswordHasher
from bot.domain.registration import ChangeSource, Portal, Provenance
from bot.domain.row import Row, RowReader
from bot.domain.row_plan import (
    REFUSE,
    PlannedRow,
    Samples,
    batch_of,
    counted,
    creates_of,
    first_line,
    is_repeat,
    keep_one_update_each,
    may_set_password,
    plan_row,
    refusals_of,
    remember,
    unknown_tags_of,
    updates_of,
)
from bot.domain.seen_keys import SeenKeys
from bot.usecases.jobs.look_up_rows import Existing, LookUpRows, RowBatch, Rows
from bot.usecases.jobs.writing import Writing
from bot.usecases.ports import BulkRegister

BATCH: Final = 500
"""Rows in a batch: of the sizes 100 to 500, the one that keeps answers in chat quick."""
_ROUNDS: Final = 10
# Rows without changes share one batch record until it has this many: it is all they write.
_IDLE_ROWS: Final = 5_000
_TAGS: Final = 50


@dataclass(frozen=True, slots=True)
class Checked:
    """The result of a dry run."""

    counts: Counts
    samples: tuple[Sample, ...]
    refused: tuple[RowReport, ...]
    """The first refused rows, at most `LINES`."""
    unknown_tags: tuple[str, ...]
    """Tags that do not exist, at most `_TAGS`."""
    plan: "array[int]"
    """The planned outcome of each row as a number (see `row_plan`), in the order of the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportFile:
    """Plans and writes the rows of one file."""

    register: BulkRegister
    passwords: PasswordHasher
    new_ids: Callable[[], Iterator[str]]
    """Returns an endless iterator of unused ids, for one batch."""
    requires_tax_id: bool

    @property
    def look_up(self) -> LookUpRows:
        return LookUpRows(register=self.register, requires_tax_id=self.requires_tax_id)

    async def check(
        self,
        job: Job,
        reader: RowReader,
        rows: Rows,
        *,
        provenance: Provenance,
        report: Callable[[Counts], Awaitable[bool]],
        refused: Callable[[Sequence[RowReport]], None] = lambda _: None,
    ) -> Checked | None:
        """Plan all rows and write nothing; return the result, or None if cancelled.

        report: is called after each batch with the counts so far; False cancels. refused: is
            called with the first refused rows of each batch, until there are `LINES`.
        """
        policy, repeats = self._policy(job), SeenKeys()
        total, samples, plan = Counts(), Samples(), array("I")
        first_refused: list[RowReport] = []
        tags: dict[str, None] = {}
        async with aclosing(self.look_up.batches(reader, rows)) as batches:
            async for some in batches:
                planned = self._plan(some.rows, some.existing, policy, provenance, repeats)
                plan.extend(one.code for one in planned)
                samples.take(planned)
                if len(tags) < _TAGS:
                    tags |= dict.fromkeys(unknown_tags_of(planned))
                some_refused = refusals_of(planned)[: LINES - len(first_refused)]
                first_refused += some_refused
                refused(some_refused)
                total = total.plus(counted(planned, policy, is_preview=True))
                if not await report(total):
                    return None
        return Checked(total, samples.result(), tuple(first_refused), tuple(tags)[:_TAGS], plan)

    async def run(
        self,
        job: Job,
        reader: RowReader,
        rows: Rows,
        *,
        provenance: Provenance,
        plan: "array[int] | None",
        after: Batch | None,
        report: Callable[[Batch], Awaitable[bool]],
    ) -> bool:
        """Write the rows that follow the batch `after`; return False if cancelled.

        plan: the confirmed plan of the dry run; rows with another outcome are counted as
            replanned.
        after: the last batch that an earlier run has written; None to start from the first row.
        report: is called with each batch that was written; False cancels.
        Raises RefusedError where the file breaks off; all rows before that are written.
        """
        policy = self._policy(job)
        number, after_line = (after.number, after.last_line) if after else (0, 0)
        writing = Writing(report)
        broken: RefusedError | None = None
        try:
            batches = self.look_up.batches(reader, rows, after_line)
            async with aclosing(self._writes(job, batches, policy, provenance, plan)) as writes:
                async for write in writes:
                    # Encode while the batch before is written: else the server would wait.
                    encoded = self._encoded(write.planned, provenance)
                    if not await writing.reported():
                        return False
                    number += 1
                    writing.begin(
                        self._written(job.id, number, write, encoded, policy, provenance)
                    )
        except RefusedError as error:
            broken = error
        finally:
            await writing.ended()
        await writing.reported()
        if broken is not None:
            raise broken
        return True

    async def _writes(
        self,
        job: Job,
        batches: AsyncGenerator[RowBatch, None],
        policy: Policy,
        provenance: Provenance,
        plan: "array[int] | None",
    ) -> AsyncGenerator["_Write", None]:
        """Yield the planned rows that change something, with the idle ones before them.

        Raises RefusedError where the file breaks off, after all rows before that point.
        """
        repeats = SeenKeys()
        held: Batch | None = None
        broken: RefusedError | None = None
        try:
            async with aclosing(batches):
                async for some in batches:
                    remember(some.before, policy, repeats)
                    if not some.rows:
                        continue
                    planned = self._plan(some.rows, some.existing, policy, provenance, repeats)
                    write = _Write(planned, None if plan is None else some.part_of(plan), held)
                    held = write.idle(job.id, policy)
                    if held is None or held.counts.rows >= _IDLE_ROWS:
                        held = None
                        yield write
        except RefusedError as error:
            broken = error
        if held is not None:
            yield _Write([], None, held)
        if broken is not None:
            raise broken

    def _policy(self, job: Job) -> Policy:
        options = job.import_options
        if options is None:
            raise ValueError("this job is no import")
        kind = options.default_kind
        return Policy(
            may_create=True,
            may_update=options.update,
            fields=options.fields,
            requires_tax_id=self.requires_tax_id,
            default_kinds=frozenset((kind,)) if kind else frozenset(),
            confirms_phones=False,
        )

    def _plan(
        self,
        rows: Sequence[Row],
        existing: Sequence[Existing],
        policy: Policy,
        provenance: Provenance,
        repeats: SeenKeys,
    ) -> list[PlannedRow]:
        ids = self.new_ids()
        planned = []
        for row, known in zip(rows, existing, strict=True):
            first = first_line(row.candidate, policy, repeats)
            if first is not None:
                refused = Refused(row.candidate, (Refusal.REPEATED,), first)
                planned.append(PlannedRow(row, known, refused, REFUSE))
            else:
                planned.append(plan_row(row, known, policy, provenance, ids))
        keep_one_update_each(planned, refuses=True)
        return planned

    def _encoded(self, planned: Sequence[PlannedRow], provenance: Provenance) -> "_Encoded":
        return _Encoded(
            self.register.encoded(creates_of(planned)),
            self.register.encoded_changes(updates_of(planned), provenance=provenance),
        )

    async def _written(
        self,
        job_id: int,
        number: int,
        write: "_Write",
        encoded: "_Encoded",
        policy: Policy,
        provenance: Provenance,
    ) -> Batch:
        """Write the batch; plan it again when a registration was changed meanwhile."""
        planned = write.planned
        for _ in range(_ROUNDS):
            if await self._set_passwords(planned, policy, provenance):
                keep_one_update_each(planned, refuses=True)
                encoded = self._encoded(planned, provenance)
            batch = write.batch(job_id, number, planned, policy)
            if await self.register.write(
                batch, provenance=provenance, creates=encoded.creates, changes=encoded.changes
            ):
                return batch
            planned = await self._again(planned, policy, provenance)
            keep_one_update_each(planned, refuses=True)
            encoded = self._encoded(planned, provenance)
        raise TryLaterError("registrations change too quickly to be written")

    async def _again(
        self, planned: Sequence[PlannedRow], policy: Policy, provenance: Provenance
    ) -> list[PlannedRow]:
        existing = await self.look_up.existing([one.row.candidate for one in planned])
        ids = self.new_ids()
        return [
            one if is_repeat(one) else plan_row(one.row, known, policy, provenance, ids)
            for one, known in zip(planned, existing, strict=True)
        ]

    async def _set_passwords(
        self, planned: list[PlannedRow], policy: Policy, provenance: Provenance
    ) -> bool:
        """Hash the new passwords, in threads; each takes a tenth of a second.

        Returns True if there was a new password.
        """
        asked = [p for p in planned if may_set_password(p, policy)]
        hashes = await asyncio.gather(*(self._hash(p) for p in asked))
        ids = self.new_ids()
        for one, password_hash in zip(asked, hashes, strict=True):
            if password_hash is not None:
                portal = one.row.candidate.portal
                changed = Portal(username=portal.username, password_hash=password_hash)
                row = Row(replace(one.row.candidate, portal=changed), repaired=one.row.repaired)
                again = plan_row(row, one.known, policy, provenance, ids)
                one.decision = again.decision
        return any(hashes)

    async def _hash(self, planned: PlannedRow) -> str | None:
        password, known = planned.row.password, planned.known
        if password is None:
            return None
        if known is not None and not isinstance(known, Several):
            old = known.registration.portal.password_hash
            if old and await self.passwords.verify(old, password):
                return None
        return await self.passwords.hash_password(password)


@dataclass(frozen=True, slots=True)
class _Encoded:
    """What a batch writes, as `BulkRegister.write` takes it."""

    creates: Sequence[object]
    changes: Sequence[object]


@dataclass(frozen=True, slots=True)
class _Write:
    """Rows to write, with their confirmed plan and the held record of idle rows before them."""

    planned: list[PlannedRow]
    promised: Sequence[int] | None
    held: Batch | None

    def batch(
        self, job_id: int, number: int, planned: Sequence[PlannedRow], policy: Policy
    ) -> Batch:
        if self.held is not None and not planned:
            return self.held.model_copy(update={"number": number})
        batch = batch_of(job_id, number, planned, self.promised, policy)
        return batch if self.held is None else _together(self.held, batch)

    def idle(self, job_id: int, policy: Policy) -> Batch | None:
        """Return the batch record if none of the rows writes anything, else None."""
        writes = any(
            isinstance(one.decision, (Create, Update)) or may_set_password(one, policy)
            for one in self.planned
        )
        return None if writes else self.batch(job_id, 0, self.planned, policy)


def _together(first: Batch, second: Batch) -> Batch:
    return second.model_copy(
        update={
            "counts": first.counts.plus(second.counts),
            "refused": first.refused + second.refused,
            "repaired": first.repaired + second.repaired,
            "accepted": first.accepted + second.accepted,
            "replanned": first.replanned + second.replanned,
        }
    )


def provenance_of(job: Job) -> Provenance:
    """Return the provenance of everything that this import writes."""
    if job.began_at is None:
        raise ValueError("this job has not begun")
    return Provenance(at=job.began_at, by=job.by, way=ChangeSource.IMPORT, job=job.key)
