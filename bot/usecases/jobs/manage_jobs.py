"""Use case: start, confirm, cancel and undo jobs. `bot.runtime.jobs.worker` runs them."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from pathlib import Path

from bot.domain.export import ExportOptions
from bot.domain.fields import UPDATABLE, stored_path
from bot.domain.file_shape import FileShape
from bot.domain.job import (
    COMMAND_LINE,
    OVER,
    ImportOptions,
    Job,
    JobKind,
    JobState,
    Progress,
    Source,
)
from bot.domain.job_change import JobChange, without_file
from bot.usecases.jobs.begin_change import Ids, stored_ids
from bot.usecases.ports import Choices, JobFiles, JobStore


class CannotUndo(Enum):
    """Reasons for which a job cannot be undone."""

    UNKNOWN = auto()
    NOT_OVER = auto()
    NOTHING_WRITTEN = auto()
    UNDONE_ALREADY = auto()
    TOO_OLD = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class ManageJobs:
    """Begins, changes, confirms, cancels and undoes jobs."""

    store: JobStore
    files: JobFiles
    choices: Choices
    wake: Callable[[int], Awaitable[None]]
    """Notifies a worker that the job with this id is ready to run."""
    clock: Callable[[], datetime]

    async def get(self, job_id: int) -> Job | None:
        return await self.store.get(job_id)

    async def latest(self, count: int, *, before: int | None = None) -> list[Job]:
        """Return the latest jobs, newest first; only those before the id `before` if given."""
        return await self.store.latest(count, before=before)

    async def above(self, job_id: int, count: int) -> list[Job]:
        """Return the jobs that follow this one in time, newest first."""
        return await self.store.above(job_id, count)

    async def options_for(self, by: str, columns: tuple[str | None, ...]) -> ImportOptions:
        """Return the options with which a file with these columns begins: nothing is updated.

        The fields that this admin ticked last are ticked, if updates are chosen.
        """
        last = await self.choices.of_import(by)
        return ImportOptions(columns=columns, fields=_fields_of(last, columns))

    async def last_choice(self, job: Job) -> ImportOptions | None:
        """Return the options of the import as its author chose them last, to be offered; None if
        nothing was chosen, or the same."""
        last, now = await self.choices.of_import(job.by), job.import_options
        if last is None or now is None or not (last.update or last.default_kind):
            return None
        fields = _fields_of(last, now.columns) if last.update else now.fields
        again = now.model_copy(
            update={"update": last.update, "fields": fields, "default_kind": last.default_kind}
        )
        return again if again != now else None

    async def begin_import(
        self,
        path: Path,
        *,
        name: str,
        by: str,
        options: ImportOptions,
        shape: FileShape | None = None,
        state: JobState = JobState.DRAFT,
        progress: Progress | None = None,
        report: Callable[[int], None] = lambda _: None,
        file_id: str | None = None,
    ) -> Job:
        """Store the file and create its import job; return the job.

        shape: as the file was inspected; without it, each step of the job inspects the file.
        report: is called with the number of bytes stored so far. file_id: of the file if it is
            stored already.
        """
        size = (await asyncio.to_thread(path.stat)).st_size
        file_id = file_id or await self.files.put(path, name=name, report=report)
        job = await self.store.add(
            Job(
                kind=JobKind.IMPORT,
                state=state,
                by=by,
                created_at=self.clock(),
                began_at=self.clock() if state is JobState.RUNNING else None,
                source=Source(file_id=file_id, name=name, size_bytes=size),
                shape=shape,
                total=shape and shape.rows,
                import_options=options,
                progress=progress,
            )
        )
        if job.is_active:
            await self.wake(job.id)
        return job

    async def choose(
        self, job_id: int, options: ImportOptions, *, shape: FileShape | None = None
    ) -> Job | None:
        """Change the options of an import, which has to be checked again then.

        shape: the file as it is read by new answers; None if it stays as it is. Returns the job,
        or None when it is not a draft or checked import any more.
        """
        before = await self.store.get(job_id)
        chosen = await self._change_in(
            job_id,
            (JobState.DRAFT, JobState.CHECKED),
            lambda now: {
                "state": JobState.DRAFT,
                "shape": shape or now.shape,
                "total": shape.rows if shape else now.total,
                "import_options": options,
                "preview": None,
                "samples": (),
                "to_refuse": (),
                "shown_rows": (),
                "unknown_tags": (),
                "plan_file_id": None,
            },
        )
        if chosen is not None and before is not None and before.plan_file_id:
            await self.files.delete(before.plan_file_id)
        return chosen

    async def check(self, job_id: int, progress: Progress | None = None) -> Job | None:
        """Start the dry run of an import; return the job, or None if it is no draft.

        A draft whose file raises a question that nobody has answered does not start.
        """
        job = await self.store.get(job_id)
        if job is not None and job.shape is not None and job.shape.questions:
            return None
        begun = await self._begin(job_id, JobState.DRAFT, JobState.CHECKING, progress)
        if begun is not None and begun.import_options is not None and begun.by != COMMAND_LINE:
            await self._remember(begun.by, begun.import_options)
        return begun

    async def confirm(self, job_id: int, progress: Progress | None = None) -> Job | None:
        """Start the run of a checked import or change; return the job, or None if it is none."""
        return await self._begin(job_id, JobState.CHECKED, JobState.RUNNING, progress)

    async def apply_losses(self, job_id: int, progress: Progress | None = None) -> Job | None:
        """Let a sync take away what it has asked about; return it, or None if it does not ask any
        more."""
        begun = await self._change_in(
            job_id,
            (JobState.CHECKED,),
            lambda now: (
                {
                    "state": JobState.RUNNING,
                    "progress": progress or now.progress,
                    "is_cancelled": False,
                    "tries": 0,
                }
                if now.asks_about_losses
                else None
            ),
        )
        if begun is not None:
            await self.wake(job_id)
        return begun

    async def leave_losses(self, job_id: int) -> Job | None:
        """End a sync without taking away what it has asked about; return it, or None if it does
        not ask any more."""
        return await self._change_in(
            job_id,
            (JobState.CHECKED,),
            lambda now: (
                {"state": JobState.DONE, "ended_at": self.clock()}
                if now.asks_about_losses
                else None
            ),
        )

    async def cancel(self, job_id: int) -> Job | None:
        """Cancel the job; return it, or None if there is none or it was over.

        A running job ends after its current batch; a draft ends now.
        """
        job = await self.store.get(job_id)
        if job is None:
            return None
        if job.is_active:
            return await self.store.force_update(job_id, is_cancelled=True)
        ended = await self._change_in(
            job_id,
            (JobState.DRAFT, JobState.CHECKED),
            lambda now: {
                "state": JobState.CANCELLED,
                "ended_at": self.clock(),
                **without_file(now),
            },
        )
        if ended is not None:
            for file_id in (job.source and job.source.file_id, job.plan_file_id):
                if file_id:
                    await self.files.delete(file_id)
        return ended

    async def forget(self, job_id: int) -> None:
        """Remove an import or change that was only looked at; one that has run stays."""
        cancelled = await self.cancel(job_id)
        if cancelled is not None and cancelled.state is JobState.CANCELLED:
            await self.store.remove(cancelled)

    async def go_on(self, job_id: int) -> Job | None:
        """Start a cancelled import again, behind its last batch; return it, or None where that is
        not possible."""
        before = await self.store.get(job_id)
        begun = await self._change_in(
            job_id,
            (JobState.CANCELLED,),
            lambda now: (
                {
                    "state": JobState.RUNNING,
                    "ended_at": None,
                    "results": (),
                    "is_cancelled": False,
                    "tries": 0,
                }
                if now.can_go_on
                else None
            ),
        )
        if begun is not None:
            for result in before.results if before else ():
                await self.files.delete(result.file_id)
            await self.wake(job_id)
        return begun

    async def undo(
        self, job_id: int, *, by: str, progress: Progress | None = None
    ) -> Job | CannotUndo:
        """Start the job that undoes this one; return it, or the reason against it."""
        target = await self.store.get(job_id)
        if target is None:
            return CannotUndo.UNKNOWN
        if refusal := _cannot_undo(target):
            return refusal
        now = self.clock()
        undo = await self.store.add(
            Job(
                kind=JobKind.UNDO,
                state=JobState.RUNNING,
                by=by,
                created_at=now,
                began_at=now,
                undoes=target.id,
                undoes_kind=target.kind,
                total=target.counts.created
                + target.counts.updated
                + target.counts.removed
                + target.counts.restored,
                progress=progress,
            )
        )
        # If two presses race, the undo that the job names runs and the other one is cancelled.
        claimed = await self._change_in(
            job_id,
            tuple(OVER),
            lambda now: {"undone_by": undo.id} if now.undone_by is None else None,
        )
        if claimed is None:
            await self.store.force_update(
                undo.id, state=JobState.CANCELLED, ended_at=now, told=True
            )
            return CannotUndo.UNDONE_ALREADY
        await self.wake(undo.id)
        return undo

    async def begin_export(
        self,
        options: ExportOptions,
        *,
        by: str,
        ids: Ids | None = None,
        progress: Progress | None = None,
    ) -> Job:
        """Start an export of what the search of the options finds, or of the chosen ids."""
        await self.choices.remember_export(by, options)
        now = self.clock()
        job = await self.store.add(
            Job(
                kind=JobKind.EXPORT,
                state=JobState.RUNNING,
                by=by,
                created_at=now,
                began_at=now,
                export_options=options,
                plan_file_id=await stored_ids(self.files, ids) if ids is not None else None,
                progress=progress,
            )
        )
        await self.wake(job.id)
        return job

    async def running_search(self) -> Job | None:
        """Return the search for double entries that is not over."""
        active = await self.store.active()
        return next((job for job in active if job.kind is JobKind.PAIRS), None)

    async def begin_search(self, *, by: str, progress: Progress | None = None) -> Job:
        """Start a search for double entries; return it, or the one that has begun before it."""
        now = self.clock()
        job = await self.store.add(
            Job(
                kind=JobKind.PAIRS,
                state=JobState.RUNNING,
                by=by,
                created_at=now,
                began_at=now,
                progress=progress,
            )
        )
        # Of two that begin at once, the later one ends at its first report.
        first = await self.running_search()
        if first is not None and first.id < job.id:
            await self.store.force_update(job.id, is_cancelled=True)
        else:
            first = job
        await self.wake(job.id)
        return first

    async def _remember(self, by: str, options: ImportOptions) -> None:
        if not options.update:
            # Without `update` no fields were chosen: keep the last choice.
            last = await self.choices.of_import(by)
            options = options.model_copy(update={"fields": last.fields if last else frozenset()})
        await self.choices.remember_import(by, options)

    async def _begin(
        self, job_id: int, before: JobState, after: JobState, progress: Progress | None
    ) -> Job | None:
        begun = await self._change_in(
            job_id,
            (before,),
            lambda now: {
                "state": after,
                "began_at": self.clock() if after is JobState.RUNNING else None,
                "progress": progress or now.progress,
                "total": now.preview.rows if now.preview else now.total,
                "is_cancelled": False,
                "tries": 0,
            },
        )
        if begun is not None:
            await self.wake(job_id)
        return begun

    async def _change_in(
        self,
        job_id: int,
        states: Collection[JobState],
        values: Callable[[Job], JobChange | None],
    ) -> Job | None:
        """Change the job if it is in one of these states; return it, or None if unchanged.

        values: returns the new values from the stored job, or None to change nothing. The change
        is a compare-and-set: when the worker writes the job meanwhile, it is read again.
        """
        while (job := await self.store.get(job_id)) is not None and job.state in states:
            wanted = values(job)
            if wanted is None:
                return None
            if changed := await self.store.change(job, **wanted):
                return changed
        return None


def _fields_of(last: ImportOptions | None, columns: tuple[str | None, ...]) -> frozenset[str]:
    """Return the fields to update that were chosen last, of those that the file has; else all."""
    has = frozenset(stored_path(path) for path in columns if path is not None)
    chosen = last.fields if last is not None and last.fields else frozenset(UPDATABLE)
    return chosen & has or has


def _cannot_undo(job: Job) -> CannotUndo | None:
    if job.undone_by is not None:
        return CannotUndo.UNDONE_ALREADY
    if job.is_active or job.state in (JobState.DRAFT, JobState.CHECKED):
        return CannotUndo.NOT_OVER
    if job.is_summary:
        return CannotUndo.TOO_OLD
    return None if job.can_be_undone else CannotUndo.NOTHING_WRITTEN
