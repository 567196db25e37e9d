"""Use case: make one change to many registrations in batches, each looked at again.

Each batch is one transaction with its audit and its own record, like those of an import. So a run
can be killed and resumed, and undone. A batch that others keep changing is halved, until only the
registration that they change is left out.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

from bot.domain.bulk_change import BulkOptions, Deletion, Planned, Skip, plan_change
from bot.domain.candidate import Update
from bot.domain.job import LINES, SAMPLES, Batch, Counts, Job, RowReport, Sample
from bot.domain.registration import ChangeSource, Provenance, Registration
from bot.usecases.jobs.writing import Writing
from bot.usecases.ports import BulkRegister, SearchAll

BATCH: Final = 500
_ROUNDS: Final = 8
_OTHERS_TAKE_S: Final = 0.02


@dataclass(slots=True)
class CheckedChange:
    """What a change of many would do."""

    counts: Counts = field(default_factory=Counts)
    samples: tuple[Sample, ...] = ()
    skipped: tuple[RowReport, ...] = ()
    """The first registrations that are left out, at most `LINES`."""

    def take(self, plans: Sequence[tuple[str, Planned]]) -> None:
        self.counts = self.counts.plus(_counted(plans))
        for _, plan in plans:
            if len(self.samples) == SAMPLES:
                break
            if (sample := _sample(plan)) is not None:
                self.samples += (sample,)
        self.skipped += _skipped(plans)[: LINES - len(self.skipped)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeMany:
    register: BulkRegister
    search: SearchAll
    batch_rows: int = BATCH

    async def check(
        self,
        job: Job,
        chosen: AsyncIterator[Sequence[str]] | None,
        *,
        keep: Callable[[Sequence[str]], Awaitable[None]],
        provenance: Provenance,
        report: Callable[[Counts], Awaitable[bool]],
    ) -> CheckedChange | None:
        """Plan the change of each and write nothing; return the result, or None if cancelled.

        chosen: the ids, some at a time; None for all that the search of the job finds.
        keep: is called with the ids that were planned.
        report: is called after each batch with the counts so far; False cancels.
        """
        options, checked = options_of(job), CheckedChange()
        found = self._found(options) if chosen is None else self._of_ids(chosen)
        async for some in found:
            checked.take(
                [(one, plan_change(now, options, provenance, is_found=True)) for one, now in some]
            )
            await keep([one for one, _ in some])
            if not await report(checked.counts):
                return None
        return checked

    async def run(
        self,
        job: Job,
        ids: AsyncIterator[Sequence[str]],
        *,
        provenance: Provenance,
        after: Batch | None,
        report: Callable[[Batch], Awaitable[bool]],
    ) -> bool:
        """Change the registrations behind the batch `after`; return False if cancelled.

        ids: those of the preview, at most a batch at a time.
        after: the last batch that an earlier run has written; its `last_line` is the number of
            ids that were done by then.
        report: is called with each batch that was written; False cancels.
        """
        number, done = (after.number, after.last_line) if after else (0, 0)
        place, writing = 0, Writing(report)
        try:
            async for some in ids:
                part = some[max(0, done - place) :]
                place += len(some)
                if not part:
                    continue
                plan = await self._planned(options_of(job), part, provenance)
                if not await writing.reported():
                    return False
                if writing.last is not None:
                    number, done = writing.last.number, writing.last.last_line
                writing.begin(self._written(job, number, done, plan, provenance, report))
        finally:
            await writing.ended()
        return await writing.reported()

    async def _found(
        self, options: BulkOptions
    ) -> AsyncIterator[list[tuple[str, Registration | None]]]:
        if options.query is None:
            raise ValueError("neither a search nor ids were chosen")
        async for page in self.search.each(options.query, count=self.batch_rows):
            yield [(one.id, one) for one in page]

    async def _of_ids(
        self, chosen: AsyncIterator[Sequence[str]]
    ) -> AsyncIterator[list[tuple[str, Registration | None]]]:
        async for some in chosen:
            known = await self.register.by_ids(some)
            yield [(one, known[one].registration if one in known else None) for one in some]

    async def _written(
        self,
        job: Job,
        number: int,
        done: int,
        plan: "_Plan",
        provenance: Provenance,
        report: Callable[[Batch], Awaitable[bool]],
    ) -> Batch:
        """Write what was planned and return its last batch; report the others.

        They are several if others keep changing the same registrations. A single one that they
        keep changing is left out.
        """
        todo = [plan]
        while True:
            part = todo.pop()
            batch = await self._tried(job, number + 1, done, part, provenance)
            if batch is None:
                half = len(part.ids) // 2
                todo += [_Plan(part.ids[half:]), _Plan(part.ids[:half])]
                continue
            if not todo:
                return batch
            number, done = batch.number, batch.last_line
            await report(batch)

    async def _tried(
        self, job: Job, number: int, done: int, plan: "_Plan", provenance: Provenance
    ) -> Batch | None:
        """Return the batch that was written; None when its registrations change too quickly."""
        ids = plan.ids
        for _ in range(_ROUNDS):
            if not plan.of_each:
                plan = await self._planned(options_of(job), ids, provenance)
            batch = _batch(job, number, done + len(ids), plan.of_each)
            if await self.register.write(batch, provenance=provenance, changes=plan.changes):
                return batch
            plan = _Plan(ids)
            await asyncio.sleep(_OTHERS_TAKE_S)
        if len(ids) > 1:
            return None
        batch = _batch(job, number, done + 1, [(ids[0], Skip.BUSY)])
        await self.register.write(batch, provenance=provenance)
        return batch

    async def _planned(
        self, options: BulkOptions, ids: Sequence[str], provenance: Provenance
    ) -> "_Plan":
        # Each once: a list that was made by hand may name somebody twice.
        once = list(dict.fromkeys(ids))
        known = await self.register.by_ids(once)
        found: Collection[str] = known.keys()
        if options.query is not None:
            found = await self.search.still_found(options.query, [*known.values()])
        plans = []
        for one in once:
            now = known[one].registration if one in known else None
            plans.append((one, plan_change(now, options, provenance, is_found=one in found)))
        updates = [(known[one], plan) for one, plan in plans if isinstance(plan, Update)]
        removes = [known[one] for one, plan in plans if isinstance(plan, Deletion)]
        # While the batch before is written: else the server would wait.
        changes = self.register.encoded_changes(updates, removes, provenance=provenance)
        return _Plan(ids, plans, changes)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a batch does to the registrations as they were read."""

    ids: Sequence[str]
    of_each: Sequence[tuple[str, Planned]] = ()
    """Empty if nothing is planned yet."""
    changes: Sequence[object] = ()
    """As `BulkRegister.write` takes them."""


def options_of(job: Job) -> BulkOptions:
    if job.bulk_options is None:
        raise ValueError("this job changes nothing in bulk")
    return job.bulk_options


def provenance_of(job: Job) -> Provenance:
    """Return the provenance of everything that this change writes."""
    if job.began_at is None:
        raise ValueError("this job has not begun")
    return Provenance(at=job.began_at, by=job.by, way=ChangeSource.BULK, job=job.key)


def _batch(job: Job, number: int, done: int, plans: Sequence[tuple[str, Planned]]) -> Batch:
    return Batch(
        job=job.id,
        number=number,
        last_line=done,
        counts=_counted(plans),
        refused=_skipped(plans),
    )


def _counted(plans: Sequence[tuple[str, Planned]]) -> Counts:
    found: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for _, plan in plans:
        match plan:
            case Update():
                found["updated"] += 1
            case Deletion():
                found["removed"] += 1
            case Skip():
                found["refused"] += 1
                reasons[plan.value] += 1
            case _:
                found["unchanged"] += 1
    return Counts(rows=len(plans), **found, problems=dict(reasons))


def _skipped(plans: Sequence[tuple[str, Planned]]) -> tuple[RowReport, ...]:
    """Return the registrations that are left out, without their names.

    A person who is anonymised later is not found by a job that has changed nothing of theirs.
    """
    return tuple(
        RowReport(line=0, ref=one, reasons=(("", plan.value, ""),))
        for one, plan in plans
        if isinstance(plan, Skip)
    )


def _sample(plan: Planned) -> Sample | None:
    match plan:
        case Update(before=before, changes=(change, *_)):
            return Sample(
                path=change.path,
                line=0,
                name=before.name,
                before=change.before,
                after=change.after,
            )
        case Deletion(registration):
            key = registration.tax_id.key if registration.tax_id else None
            return Sample(path="tax_id", line=0, name=registration.name, before=key, after=None)
    return None
