"""Use case: after a sync has read everything, take away what the ERP does not have any more.

While it reads, a sync only notes suspects with its batches. Here the register is compared with
what came, if all was to come. Then the run stops if there are many suspects, because one bad
answer looks like that. Each of the others is asked for by document, and only what both answers say
is written. Batches are checkpoints here, too, so all of this can be killed and resumed.
"""

from array import array
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from bot.domain.audit import AuditEntry
from bot.domain.candidate import Candidate, Update
from bot.domain.erp_loss import is_alarming, is_emptying, is_loss, taken_away
from bot.domain.errors import TryLaterError
from bot.domain.job import SAMPLES, Batch, Counts, Job, Sample, Suspect, SyncOptions
from bot.domain.registration import ErpRef, Provenance
from bot.domain.row_plan import ExistingRegistration
from bot.domain.seen_keys import SeenKeys, key_of_text
from bot.usecases.jobs.ask_erp import AskErp
from bot.usecases.ports import BulkRegister, CustomerLookup

_ROUNDS: Final = 10
_AT_ONCE: Final = 50
# A batch record must not grow without end when the ERP has lost everybody.
_SUSPECTS: Final = 1_000

Batches = Callable[[], AsyncIterator[Batch]]
Report = Callable[[Batch], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Alarm:
    """So many would lose something that an admin has to say whether it is right."""

    counts: Counts
    """The rows read, and how many registrations would be emptied or lost."""
    samples: tuple[Sample, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeAway:
    erp: CustomerLookup
    register: BulkRegister
    ask: AskErp

    async def __call__(
        self,
        job: Job,
        last: Batch,
        *,
        provenance: Provenance,
        batches: Batches,
        report: Report,
    ) -> Batch | Alarm | None:
        """Write what is gone; return the last batch, or None if cancelled.

        Returns an Alarm, and has written nothing, if many are suspected and nobody has confirmed
        that; the preview of the job is set when somebody has.

        last: the last batch that is written; the sync has read everything.
        batches: returns the batches of the job in order.
        Raises ErpFailedError.
        """
        options = job.sync_options
        if options is None:
            raise ValueError("this job is no sync")
        if last.is_whole and not last.is_compared:
            compared = await self._compare(last, options.system, provenance, batches, report)
            if compared is None:
                return None
            last = compared
        if not last.suspected:
            return last
        if job.preview is None and is_alarming(last.suspected, last.last_line):
            return await self._alarm(last, batches)
        begun, place = last.settled or (0, 0)
        async for batch in batches():
            skip = place if batch.number == begun else 0
            if batch.number < begun:
                continue
            for start in range(skip, len(batch.suspects), _AT_ONCE):
                some = batch.suspects[start : start + _AT_ONCE]
                following = _after(last, settled=(batch.number, start + len(some)))
                last = await self._settle(some, following, options, provenance)
                if not await report(last):
                    return None
        return last

    async def _compare(
        self,
        last: Batch,
        system: str,
        provenance: Provenance,
        batches: Batches,
        report: Report,
    ) -> Batch | None:
        """Note the registrations whose records did not come; return the last batch."""
        seen = SeenKeys()
        # A worker that was killed here has compared some already.
        noted: set[str] = set()
        async for batch in batches():
            for key in array("Q", batch.seen):
                seen.first_line(key, 1)
            noted.update(one.registration_id for one in batch.suspects if one.refs)
        missing: list[Suspect] = []
        async for linked in self.register.linked_to(system):
            for one, refs in linked:
                gone = tuple(ref for ref in refs if not _has_come(seen, ref, one.tax_key))
                if gone and one.id not in noted:
                    missing.append(Suspect(registration_id=one.id, refs=gone))
            while len(missing) >= _SUSPECTS:
                some, missing = missing[:_SUSPECTS], missing[_SUSPECTS:]
                last = _after(last, suspects=some)
                await self.register.write(last, provenance=provenance)
                if not await report(last):
                    return None
        last = _after(last, suspects=missing, is_compared=True)
        await self.register.write(last, provenance=provenance)
        return last if await report(last) else None

    async def _alarm(self, last: Batch, batches: Batches) -> Alarm:
        lost = emptied = 0
        first: list[Suspect] = []
        async for batch in batches():
            for suspect in batch.suspects:
                lost += bool(suspect.refs)
                emptied += bool(suspect.paths)
                if len(first) < SAMPLES:
                    first.append(suspect)
        found = await self.register.by_ids([one.registration_id for one in first])
        samples = tuple(
            Sample(
                path="lost_refs" if one.refs else one.paths[0],
                line=0,
                name=found[one.registration_id].registration.name,
                before=None,
                after=None,
            )
            for one in first
            if one.registration_id in found
        )
        return Alarm(Counts(rows=last.last_line, lost=lost, emptied=emptied), samples)

    async def _settle(
        self,
        suspects: Sequence[Suspect],
        batch: Batch,
        options: SyncOptions,
        provenance: Provenance,
    ) -> Batch:
        """Write what is gone of these suspects; return the batch that says so."""
        answers: dict[str, Candidate | None] = {}
        for one in (await self._known(suspects)).values():
            if (tax_id := one.registration.tax_id) is not None:
                answers[one.id] = await self.ask(partial(self.erp.by_tax_id, tax_id))
        for _ in range(_ROUNDS):
            found = await self._known(suspects)
            histories = await audit_of(self.register, found.values())
            updates: list[tuple[ExistingRegistration, Update]] = []
            for suspect in suspects:
                known = found.get(suspect.registration_id)
                if known is None or known.id not in answers:
                    continue
                update = taken_away(
                    known.registration,
                    suspect,
                    answers[known.id],
                    histories[known.id],
                    system=options.system,
                    provenance=provenance,
                )
                if update is not None:
                    updates.append((known, update))
            done = batch.model_copy(update={"counts": _counts([u for _, u in updates])})
            changes = self.register.encoded_changes(updates, provenance=provenance)
            if await self.register.write(done, provenance=provenance, changes=changes):
                return done
        raise TryLaterError("registrations change too quickly to be written")

    async def _known(self, suspects: Sequence[Suspect]) -> dict[str, ExistingRegistration]:
        return dict(await self.register.by_ids([one.registration_id for one in suspects]))


async def audit_of(
    register: BulkRegister, all_known: Iterable[ExistingRegistration]
) -> dict[str, list[AuditEntry]]:
    """Return the audit entries of each of these registrations, by its id."""
    versions = {known.id: known.version for known in all_known}
    ids = [f"{id_}:{n}" for id_, last in versions.items() for n in range(2, last + 1)]
    histories: dict[str, list[AuditEntry]] = {id_: [] for id_ in versions}
    for entry in await register.entries(ids):
        histories[entry.registration_id].append(entry)
    return histories


def record_key(ref: ErpRef, tax_key: str) -> int:
    """Return the key of a record with this document; `tax_key` is empty for an unusable one."""
    return key_of_text(f"{ref.table}\0{ref.id}\0{tax_key}")


def _has_come(seen: SeenKeys, ref: ErpRef, tax_key: str) -> bool:
    """Return True if the ERP gave the record with this document, or with one that is unusable."""
    return record_key(ref, tax_key) in seen or record_key(ref, "") in seen


def _after(
    last: Batch,
    *,
    suspects: Sequence[Suspect] = (),
    is_compared: bool = False,
    settled: tuple[int, int] | None = None,
) -> Batch:
    """Return the batch after `last`: nothing is read in it."""
    return last.model_copy(
        update={
            "number": last.number + 1,
            "counts": Counts(),
            "created": (),
            "entries": (),
            "refused": (),
            "seen": b"",
            "suspects": tuple(suspects),
            "suspected": last.suspected + len(suspects),
            "is_compared": last.is_compared or is_compared,
            "settled": settled,
        }
    )


def _counts(updates: Sequence[Update]) -> Counts:
    fields: dict[str, int] = {}
    for update in updates:
        for change in update.changes:
            fields[change.path] = fields.get(change.path, 0) + 1
    return Counts(
        updated=len(updates),
        emptied=sum(map(is_emptying, updates)),
        lost=sum(map(is_loss, updates)),
        fields=fields,
    )
