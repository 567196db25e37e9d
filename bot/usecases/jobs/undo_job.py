"""Use case: undo a job, its batches from the last one to the first.

Values that were changed since are kept, and listed. Each batch is one transaction with its own
record, like those of an import, so an undo can be killed and resumed, and undone, like an import.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Final

from bot.domain.audit import AuditEntry
from bot.domain.candidate import Update
from bot.domain.errors import TryLaterError
from bot.domain.job import Batch, Counts, Kept
from bot.domain.registration import Provenance, Registration
from bot.domain.row_plan import ExistingRegistration
from bot.domain.undo import BringBack, Remove, Reverted, undo_creation, undo_entry
from bot.usecases.jobs.writing import Writing
from bot.usecases.ports import BulkRegister

_ROUNDS: Final = 10


@dataclass(slots=True)
class _Undoing:
    """The planned changes of one batch."""

    updates: list[tuple[ExistingRegistration, Update]] = field(default_factory=list)
    removes: list[ExistingRegistration] = field(default_factory=list)
    brings_back: list[tuple[AuditEntry, Registration]] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    nothing: int = 0
    changes: Sequence[object] = ()
    """The updates and removals, as `BulkRegister.write` takes them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoJob:
    register: BulkRegister

    async def __call__(
        self,
        job_id: int,
        batches: AsyncIterator[Batch],
        *,
        provenance: Provenance,
        after: Batch | None,
        report: Callable[[Batch], Awaitable[bool]],
    ) -> bool:
        """Undo the batches; return False if cancelled.

        batches: the batches of the job, the last one first.
        after: the last batch that this undo has written; its `last_line` is the number of the
            batch that it undid.
        report: is called with each batch that was written; False cancels.
        """
        number = after.number if after else 0
        before: Set[str] = frozenset()
        writing = Writing(report)
        try:
            async for undone in batches:
                if after is not None and undone.number >= after.last_line:
                    continue
                if not undone.created and not undone.entries:
                    continue
                ids = _registrations_of(undone)
                # What is being written must be seen, else it would pass for somebody's change.
                if not ids.isdisjoint(before) and not await writing.reported():
                    return False
                before = ids
                entries = await self.register.entries(undone.entries)
                undoing = await self._read(undone, entries, provenance)
                if not await writing.reported():
                    return False
                number += 1
                writing.begin(self._batch(job_id, number, undone, entries, undoing, provenance))
        finally:
            await writing.ended()
        return await writing.reported()

    async def _read(
        self, undone: Batch, entries: Sequence[AuditEntry], provenance: Provenance
    ) -> _Undoing:
        """Return the plan of a batch, from its registrations as they are now."""
        found = await self.register.by_ids([*_registrations_of(undone)])
        return await self._planned(undone.job, undone.created, entries, found, provenance)

    async def _batch(
        self,
        job_id: int,
        number: int,
        undone: Batch,
        entries: Sequence[AuditEntry],
        undoing: _Undoing,
        provenance: Provenance,
    ) -> Batch:
        for _ in range(_ROUNDS):
            batch = Batch(
                job=job_id,
                number=number,
                last_line=undone.number,
                counts=Counts(
                    rows=len(undone.created) + len(entries),
                    updated=len(undoing.updates),
                    removed=len(undoing.removes),
                    restored=len(undoing.brings_back),
                    kept=len(undoing.kept),
                    unchanged=undoing.nothing,
                ),
                kept=tuple(undoing.kept),
            )
            if await self.register.write(
                batch,
                provenance=provenance,
                changes=undoing.changes,
                brings_back=undoing.brings_back,
            ):
                return batch
            undoing = await self._read(undone, entries, provenance)
        raise TryLaterError("registrations change too quickly to be written")

    async def _planned(
        self,
        undone_job: int,
        created: Sequence[str],
        entries: Sequence[AuditEntry],
        found: Mapping[str, ExistingRegistration],
        provenance: Provenance,
    ) -> _Undoing:
        undoing = _Undoing()
        for registration_id in created:
            known = found.get(registration_id)
            now = known.registration if known else None
            untouched = now is not None and await self._is_only_by_jobs(
                now, undone_job, provenance
            )
            self._sort(undoing, undo_creation(now, only_by_jobs=untouched), known)
        for entry in entries:
            known = found.get(entry.registration_id)
            now = known.registration if known else None
            self._sort(undoing, undo_entry(entry, now, provenance), known)
        await self._check_tax_ids(undoing)
        # While the batch before is written: else the server would wait.
        undoing.changes = self.register.encoded_changes(
            undoing.updates, undoing.removes, provenance=provenance
        )
        return undoing

    async def _is_only_by_jobs(
        self, now: Registration, undone_job: int, provenance: Provenance
    ) -> bool:
        """Return True if only the undone job changed the registration, and that is reverted.

        A sync can change a registration that it created pages before, when it meets a second
        record of the same person.
        """
        if now.version == 1 or now.updated.job != provenance.job:
            return False
        ids = [f"{now.id}:{version}" for version in range(2, now.version + 1)]
        entries = await self.register.entries(ids)
        jobs = {str(undone_job), provenance.job}
        return len(entries) == len(ids) and all(entry.provenance.job in jobs for entry in entries)

    def _sort(
        self,
        undoing: _Undoing,
        what: Remove | Reverted | BringBack | Kept | None,
        known: ExistingRegistration | None,
    ) -> None:
        match what:
            case Remove() if known is not None:
                undoing.removes.append(known)
            case Reverted(update, kept) if known is not None:
                undoing.updates.append((known, update))
                if kept is not None:
                    undoing.kept.append(kept)
            case BringBack(deletion, registration):
                undoing.brings_back.append((deletion, registration))
            case Kept():
                undoing.kept.append(what)
            case _:
                undoing.nothing += 1

    async def _check_tax_ids(self, undoing: _Undoing) -> None:
        """Keep a removed registration removed if another one has its tax id by now."""
        keys = [key for _, r in undoing.brings_back for key in r.tax_keys]
        taken = await self.register.by_tax_keys(keys) if keys else {}
        for one in list(undoing.brings_back):
            registration = one[1]
            if not taken.keys().isdisjoint(registration.tax_keys):
                undoing.brings_back.remove(one)
                undoing.kept.append(
                    Kept(registration_id=registration.id, name=registration.name, paths=())
                )


def _registrations_of(undone: Batch) -> Set[str]:
    """Return the ids of all registrations that the batch has written."""
    # The id of an entry is that of its registration, and the version.
    return {*undone.created, *(entry.rpartition(":")[0] for entry in undone.entries)}
