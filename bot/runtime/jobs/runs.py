"""The work of each kind of job: its files, and the use case that works on them."""

import asyncio
from array import array
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Final, TextIO

import structlog

from bot.domain.bulk_change import is_valid
from bot.domain.effort import Effort
from bot.domain.errors import Problem, RefusedError
from bot.domain.export import ExportOptions, cells, headers, written_names
from bot.domain.job import (
    OVER,
    Batch,
    Counts,
    Job,
    JobKind,
    JobState,
    JobTrouble,
    RowReport,
    Source,
)
from bot.domain.job_change import JobChange, failed
from bot.domain.label import Label
from bot.domain.registration import ChangeSource, Provenance, Registration
from bot.domain.row import RowReader, accepted_reasons
from bot.domain.sync import moved
from bot.runtime.files.refused_rows import RefusedRows
from bot.runtime.files.writing import TableWriter
from bot.runtime.jobs.backups import MakeBackup
from bot.runtime.jobs.job_progress import JobProgress
from bot.runtime.jobs.ports import Files, Store
from bot.runtime.jobs.source_rows import ShownRows, mended_of, opened, rows
from bot.usecases.jobs import change_many, sync_erp
from bot.usecases.jobs.ask_erp import ErpFailedError
from bot.usecases.jobs.begin_change import lines_of
from bot.usecases.jobs.change_many import ChangeMany
from bot.usecases.jobs.import_file import BATCH, ImportFile, provenance_of
from bot.usecases.jobs.search_pairs import SearchPairs
from bot.usecases.jobs.sync_erp import SyncErp
from bot.usecases.jobs.take_away import Alarm, TakeAway
from bot.usecases.jobs.undo_job import UndoJob
from bot.usecases.ports import SearchAll, Syncs

_EXPORTED_AT_ONCE: Final = 500
# Columns of our own, not those of a template: an ERP's records are corrected in the ERP.
_REFUSED_RECORDS: Final = ("registro", "nome", "erro")

logger = structlog.get_logger()

Labels = Callable[[], Awaitable[Sequence[Label]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRuns:
    """Does the work of a job; `bot.runtime.jobs.worker` calls it and keeps the lease."""

    store: Store
    files: Files
    import_file: ImportFile
    undo_job: UndoJob
    change_many: ChangeMany
    sync_erp: SyncErp | None
    """None when no ERP is set."""
    take_away: TakeAway | None
    syncs: Syncs
    search: SearchAll
    search_pairs: SearchPairs
    tags: Labels
    departments: Labels
    describe: Callable[[RowReport], str]
    """Returns the reason for which a row was refused, for the column `erro`."""
    name_of: Callable[[Job, datetime], str]
    """Returns the name, without its ending, of the file that a job makes."""
    clock: Callable[[], datetime]
    may_change: Callable[[str], Awaitable[bool]]
    """Returns True if who began a job, by `Job.by`, may change the register now."""
    make_backup: MakeBackup | None = None
    """None where no backup of the chat is made."""
    effort: Callable[[int], Effort | None] = lambda rows: None
    """Returns what writing so many rows takes, if that is much."""
    batch_rows: int = BATCH
    """How many rows of a file are written together."""

    async def __call__(self, job: Job, folder: Path, job_progress: JobProgress) -> JobChange:
        """Return the values to set in the job, its next state among them."""
        if job.kind is JobKind.BACKUP:
            if self.make_backup is None:
                raise ValueError("this process makes no backups")
            path = folder / self.name_of(job, self.clock())
            return await self.make_backup(job, path, job_progress)
        if job.kind is JobKind.UNDO:
            return await self._undo(job, job_progress)
        if job.kind is JobKind.SYNC:
            return await self._sync(job, folder, job_progress)
        if job.kind is JobKind.PAIRS:
            is_done = await self.search_pairs(report=job_progress.counted)
            return {"state": JobState.DONE if is_done else JobState.CANCELLED}
        if job.kind is JobKind.EXPORT:
            return await self._export(job, folder, job_progress)
        if job.kind is JobKind.CHANGE:
            return await self._change(job, folder, job_progress)
        if job.state is JobState.CHECKING:
            return await self._check(job, folder, job_progress)
        return await self._import(job, folder, job_progress)

    async def _check(self, job: Job, folder: Path, job_progress: JobProgress) -> JobChange:
        path = await self._source(job, folder)
        mended = mended_of(job)
        shown = ShownRows(job.import_options.columns if job.import_options else ())
        async with opened(path, job) as table:
            checked = await self.import_file.check(
                job,
                await self._reader(job),
                lambda: shown.passing(rows(table, self.batch_rows, mended)),
                provenance=Provenance(
                    at=self.clock(), by=job.by, way=ChangeSource.IMPORT, job=job.key
                ),
                report=job_progress.counted,
                refused=shown.refused,
            )
        if checked is None:
            return {"state": JobState.CANCELLED}
        plan = folder / "plan"
        await asyncio.to_thread(plan.write_bytes, checked.plan.tobytes())
        return {
            "state": JobState.CHECKED,
            "preview": checked.counts,
            "samples": checked.samples,
            "to_refuse": checked.refused,
            "shown_rows": shown.result(),
            "unknown_tags": checked.unknown_tags,
            "effort": self.effort(checked.counts.created + checked.counts.updated),
            "plan_file_id": await self.files.put(plan, name="plan"),
            "batches": 0,
        }

    async def _import(self, job: Job, folder: Path, job_progress: JobProgress) -> JobChange:
        path = await self._source(job, folder)
        plan, after = await self._plan(job, folder), await self._last(job)
        mended = mended_of(job)
        name = self.name_of(job, job.began_at or self.clock())
        async with opened(path, job) as table:
            with RefusedRows(
                folder,
                name,
                table.shape.header,
                describe=self.describe,
                earlier=self._refusals(job, after),
                after_line=after.last_line if after else 0,
            ) as refused:

                async def wrote(batch: Batch) -> bool:
                    await refused.decided(batch.refused, batch.last_line)
                    return await job_progress.wrote(batch)

                is_done = await self.import_file.run(
                    job,
                    await self._reader(job),
                    lambda: refused.passing(rows(table, self.batch_rows, mended)),
                    provenance=provenance_of(job),
                    plan=plan,
                    after=after,
                    report=wrote,
                )
                results = await self._kept(await refused.close())
        return {"state": JobState.DONE if is_done else JobState.CANCELLED, "results": results}

    async def _sync(self, job: Job, folder: Path, job_progress: JobProgress) -> JobChange:
        options = job.sync_options
        if options is None:
            raise ValueError("this job is no sync")
        if self.sync_erp is None or self.take_away is None:
            return failed(JobTrouble.ERP_REFUSED)
        state, before = await self.syncs.get(options.system), await self._last(job)
        is_latest = state.job == job.id
        if not is_latest and (before is None or before.cursor is not None):
            # Another sync was begun at the same moment and is running.
            return {"state": JobState.CANCELLED}
        values: JobChange = {"state": JobState.CANCELLED}
        provenance, report = sync_erp.provenance_of(job), job_progress.wrote
        try:
            last = await self.sync_erp.run(job, provenance=provenance, after=before, report=report)
            if last is not None:
                if is_latest:
                    # Everything is read: only now may the watermark move, from which the next
                    # sync begins.
                    mark = sync_erp.mark_after(job, last, state.mark(options.mode))
                    move = moved(options.mode, mark)
                    move["done_at"] = self.clock()
                    await self.syncs.force_update(options.system, **move)
                ended = await self.take_away(
                    job,
                    last,
                    provenance=provenance,
                    batches=lambda: self.store.batches(job.id),
                    report=report,
                )
                if last.is_whole and ended is not None:
                    # As much as the register is long, and of no more use.
                    await self.store.forget_seen(job.id)
                values = _ended_sync(ended, job_progress)
        except ErpFailedError as error:
            logger.warning("sync failed", job=job.id, error=str(error))
            values = failed(error.trouble)
        if job_progress.counts.refused and values["state"] in OVER:
            values["results"] = await self._refused_records(job, folder)
        return values

    async def _refused_records(self, job: Job, folder: Path) -> tuple[Source, ...]:
        """Write a file of the ERP records that did not enter the register, with the reasons."""
        name = self.name_of(job, job.began_at or self.clock())
        with TableWriter(folder, name, "csv", _REFUSED_RECORDS) as writer:
            async for batch in self.store.batches(job.id):
                refused = [[one.ref, one.name, self.describe(one)] for one in batch.refused]
                await asyncio.to_thread(writer.write_rows, refused)
            paths = await asyncio.to_thread(writer.close)
        return await self._kept(paths)

    async def _undo(self, job: Job, job_progress: JobProgress) -> JobChange:
        target = await self.store.get(job.undoes or 0)
        if target is None or target.undone_by not in (None, job.id):
            # Another undo was begun at the same moment and reverts the job.
            return {"state": JobState.CANCELLED}
        if target.undone_by is None:
            await self.store.force_update(target.id, undone_by=job.id)
        provenance = provenance_of(job).model_copy(update={"way": ChangeSource.UNDO})
        batches = self.store.batches(target.id, backwards=True)
        after = await self._last(job)
        if await self.undo_job(
            job.id, batches, provenance=provenance, after=after, report=job_progress.wrote
        ):
            return {"state": JobState.DONE}
        # Another undo can revert the rest.
        await self.store.force_update(target.id, undone_by=None)
        return {"state": JobState.CANCELLED}

    async def _change(self, job: Job, folder: Path, job_progress: JobProgress) -> JobChange:
        if not await self.may_change(job.by):
            return failed(JobTrouble.NO_RIGHT)
        labels = {"tags": await self.tags(), "departments": await self.departments()}
        if not is_valid(change_many.options_of(job), **labels):
            return failed(JobTrouble.LABEL_GONE)
        if job.state is JobState.CHECKING:
            return await self._check_change(job, folder, job_progress)
        is_done = await self.change_many.run(
            job,
            self._ids(job, folder),
            provenance=change_many.provenance_of(job),
            after=await self._last(job),
            report=job_progress.wrote,
        )
        return {"state": JobState.DONE if is_done else JobState.CANCELLED}

    async def _check_change(self, job: Job, folder: Path, job_progress: JobProgress) -> JobChange:
        path = folder / "chosen"
        with await asyncio.to_thread(path.open, "wb") as file:

            async def keep(ids: Sequence[str]) -> None:
                await asyncio.to_thread(file.write, lines_of(ids))

            checked = await self.change_many.check(
                job,
                self._ids(job, folder) if job.plan_file_id else None,
                keep=keep,
                provenance=Provenance(
                    at=self.clock(), by=job.by, way=ChangeSource.BULK, job=job.key
                ),
                report=job_progress.counted,
            )
        if checked is None:
            return {"state": JobState.CANCELLED}
        return {
            "state": JobState.CHECKED,
            "preview": checked.counts,
            "samples": checked.samples,
            "to_refuse": checked.skipped,
            "plan_file_id": job.plan_file_id or await self.files.put(path, name="ids"),
            "batches": 0,
        }

    async def _ids(self, job: Job, folder: Path) -> AsyncIterator[Sequence[str]]:
        """Yield the ids that were chosen for the job, a batch at a time."""
        path = folder / "ids"
        await self.files.fetch(job.plan_file_id or "", path)
        with await asyncio.to_thread(path.open, encoding="utf-8") as file:
            while some := await asyncio.to_thread(_lines, file, self.change_many.batch_rows):
                yield some

    async def _chosen(
        self, job: Job, options: ExportOptions, folder: Path
    ) -> AsyncIterator[Sequence[Registration]]:
        """Yield the registrations of an export: the chosen ones, or those of its search."""
        if not job.plan_file_id:
            async for page in self.search.each(options.query, count=_EXPORTED_AT_ONCE):
                yield page
            return
        async for ids in self._ids(job, folder):
            found = await self.change_many.register.by_ids(ids)
            yield [found[one].registration for one in dict.fromkeys(ids) if one in found]

    async def _export(self, job: Job, folder: Path, job_progress: JobProgress) -> JobChange:
        options = job.export_options
        if options is None:
            raise ValueError("this job is no export")
        tags, departments = await self.tags(), await self.departments()
        names = written_names(tags) | written_names(departments)
        name = self.name_of(job, job.began_at or self.clock())
        count = 0
        with TableWriter(folder, name, options.format, headers(options.paths)) as writer:
            async for some in self._chosen(job, options, folder):
                table = [cells(one, options.paths, names) for one in some]
                await asyncio.to_thread(writer.write_rows, table)
                count += len(table)
                if not await job_progress.counted(Counts(rows=count)):
                    return {"state": JobState.CANCELLED}
            paths = await asyncio.to_thread(writer.close)
        return {"state": JobState.DONE, "results": await self._kept(paths)}

    async def _source(self, job: Job, folder: Path) -> Path:
        if job.source is None or not job.source.file_id:
            raise RefusedError("the file is not kept any more", problem=Problem.FILE_GONE)
        path = folder / "source"
        await self.files.fetch(job.source.file_id, path)
        return path

    async def _plan(self, job: Job, folder: Path) -> "array[int] | None":
        if not job.plan_file_id:
            return None
        path = folder / "plan"
        await self.files.fetch(job.plan_file_id, path)
        plan = array("I")
        plan.frombytes(await asyncio.to_thread(path.read_bytes))
        return plan

    async def _last(self, job: Job) -> Batch | None:
        return await self.store.batch(job.id, await self.store.last_batch(job.id))

    async def _reader(self, job: Job) -> RowReader:
        if job.import_options is None:
            raise ValueError("this job is no import")
        return RowReader(
            job.import_options.columns,
            tags=await self.tags(),
            departments=await self.departments(),
            decimals=job.shape.decimals if job.shape else (),
            accepted=accepted_reasons(job.import_options.accepted),
            requires_tax_id=self.import_file.requires_tax_id,
        )

    async def _refusals(self, job: Job, until: Batch | None) -> AsyncIterator[RowReport]:
        """Yield the refused rows of the batches up to this one."""
        if until is None:
            return
        async for batch in self.store.batches(job.id):
            for report in batch.refused:
                yield report
            if batch.number >= until.number:
                return

    async def _kept(self, paths: Sequence[Path]) -> tuple[Source, ...]:
        return tuple(
            [
                Source(
                    file_id=await self.files.put(path, name=path.name),
                    name=path.name,
                    size_bytes=(await asyncio.to_thread(path.stat)).st_size,
                )
                for path in paths
            ]
        )


def _ended_sync(ended: Batch | Alarm | None, job_progress: JobProgress) -> JobChange:
    """Return the change of a sync that has read everything."""
    if ended is None:
        return {"state": JobState.CANCELLED}
    if not isinstance(ended, Alarm):
        return {"state": JobState.DONE}
    return {
        "state": JobState.CHECKED,
        "preview": ended.counts,
        "samples": ended.samples,
        "counts": job_progress.counts,
        "batches": job_progress.batch,
    }


def _lines(file: TextIO, count: int) -> list[str]:
    return [line.rstrip("\n") for line in islice(file, count)]
