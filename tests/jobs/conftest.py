"""Jobs on a database of the test's own, without a chat."""

import asyncio
import csv
import io
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bot.domain.bulk_change import BulkAction, BulkOptions
from bot.domain.columns import fields_of, map_header
from bot.domain.export import ExportOptions
from bot.domain.fields import UPDATABLE
from bot.domain.file_shape import FileShape
from bot.domain.guard import unguarded
from bot.domain.job import Counts, ImportOptions, Job, JobState, Report
from bot.domain.label import Tag
from bot.domain.search import Query
from bot.runtime.files.table import inspect
from bot.runtime.jobs.runs import JobRuns
from bot.runtime.jobs.taking import TakeJobs
from bot.runtime.jobs.worker import Run, WorkJobs
from bot.runtime.passwords import Argon2Passwords
from bot.usecases.jobs.ask_erp import AskErp
from bot.usecases.jobs.begin_change import BeginChange
from bot.usecases.jobs.change_many import ChangeMany
from bot.usecases.jobs.import_file import BATCH, ImportFile
from bot.usecases.jobs.manage_jobs import ManageJobs
from bot.usecases.jobs.search_pairs import SearchPairs
from bot.usecases.jobs.sync_erp import SyncErp
from bot.usecases.jobs.take_away import TakeAway
from bot.usecases.jobs.undo_job import UndoJob
from storage.jobs.choices import Choices
from storage.jobs.files import Files
from storage.jobs.jobs import Jobs
from storage.jobs.syncs import Syncs
from storage.register.bulk import Bulk
from storage.register.ids import new_ids
from storage.register.pairs import Outlines, Pairs
from storage.register.search import Search
from storage.register.search_fields import CHANGED

VIP = Tag(id="t1", name="VIP")
HEADER = ("Nome", "cpfCnpj", "celular", "email", "tipoRegistro", "etiqueta", "observacao")


class RecordingNotifier:
    """A job notifier that records progress and reports."""

    def __init__(self) -> None:
        self.progress_of: list[Counts] = []
        self.ends: list[tuple[Job, Report, list[bytes]]] = []

    async def progress(
        self, job: Job, done: Counts, *, rows_a_second: float, left_s: float | None
    ) -> None:
        self.progress_of.append(done)

    async def notify(self, job: Job, report: Report, files: Sequence[Path]) -> None:
        self.ends.append((job, report, [path.read_bytes() for path in files]))

    async def show_end(self, job: Job, report: Report) -> None:
        raise AssertionError("every end is confirmed here")


class JobRunner:
    """A process that begins jobs and works on them."""

    def __init__(
        self,
        database: Any,
        folder: Path,
        *,
        requires_tax_id: bool = True,
        notifier: Any = None,
        erp: Any = None,
        batch_rows: int = BATCH,
    ) -> None:
        self.database = database
        self.folder = folder
        self.store, self.files = Jobs(database), Files(database)
        self.syncs = Syncs(database)
        self.waits: list[float] = []
        self.notifier = notifier or RecordingNotifier()
        self.now: Callable[[], datetime] = lambda: datetime.now(UTC)
        bulk, search, ask = Bulk(database), Search(database), AskErp(wait=self._waited)
        self.bulk = bulk
        self.removed_admins: set[str] = set()

        async def tags() -> tuple[Tag, ...]:
            return (VIP,)

        async def departments() -> tuple[Tag, ...]:
            return ()

        self.run = JobRuns(
            store=self.store,
            files=self.files,
            import_file=ImportFile(
                register=bulk,
                passwords=Argon2Passwords(),
                new_ids=new_ids,
                requires_tax_id=requires_tax_id,
            ),
            undo_job=UndoJob(register=bulk),
            sync_erp=SyncErp(erp=erp, register=bulk, new_ids=new_ids, ask=ask),
            take_away=TakeAway(erp=erp, register=bulk, ask=ask),
            change_many=ChangeMany(register=bulk, search=search, batch_rows=batch_rows),
            search_pairs=SearchPairs(
                register=bulk, outlines=Outlines(database), pairs=Pairs(database), clock=self.now
            ),
            syncs=self.syncs,
            search=search,
            tags=tags,
            departments=departments,
            describe=lambda row: "; ".join(
                ":".join(filter(None, reason)) for reason in row.reasons
            ),
            name_of=lambda job, at: f"job-{job.id}",
            clock=self.now,
            may_change=self.may_change,
            batch_rows=batch_rows,
        )
        self.work = self.worker(self.run)
        self.manage = ManageJobs(
            store=self.store,
            files=self.files,
            choices=Choices(database),
            wake=self._work,
            clock=self.now,
        )
        self.begin_change = BeginChange(
            jobs=self.store,
            files=self.files,
            tags=SimpleNamespace(all=tags),
            departments=SimpleNamespace(all=departments),
            wake=self._work,
            clock=self.now,
        )

    def worker(self, run: Run, **more: Any) -> WorkJobs:
        """Return a worker that uses this run."""
        return WorkJobs(
            store=self.store,
            files=self.files,
            run=run,
            notifier=self.notifier,
            data_dir=self.folder / "data",
            clock=self.now,
            names_of=self._names_of,
            **more,
        )

    def taking(self, work: WorkJobs, **more: Any) -> TakeJobs:
        """Return what takes the jobs that this worker works on."""
        return TakeJobs(
            store=self.store,
            files=self.files,
            work=work,
            clock=self.now,
            lease_clock=self.now,
            **more,
        )

    async def may_change(self, by: str) -> bool:
        return by not in self.removed_admins

    async def _names_of(self, ids: Sequence[str]) -> dict[str, str]:
        return {one.id: one.registration.name for one in (await self.bulk.by_ids(ids)).values()}

    async def _waited(self, seconds: float) -> None:
        self.waits.append(seconds)

    async def _work(self, job_id: int) -> None:
        await self.work.work(job_id)

    async def imported(
        self,
        content: bytes | Sequence[Sequence[str]],
        *,
        name: str = "clientes.csv",
        update: bool = True,
        fields: Sequence[str] = UPDATABLE,
        checked: bool = False,
        by: str = "admin:1",
        **options: Any,
    ) -> Job:
        """Import a file and return the finished job; `checked` previews it first."""
        job = await self.begun(
            content,
            name=name,
            update=update,
            fields=fields,
            by=by,
            state=JobState.DRAFT if checked else JobState.RUNNING,
            **options,
        )
        if checked:
            assert await self.manage.check(job.id)
            assert await self.manage.confirm(job.id)
        return await self.job(job.id)

    async def begun(
        self,
        content: bytes | Sequence[Sequence[str]],
        *,
        state: JobState,
        name: str = "clientes.csv",
        update: bool = True,
        fields: Sequence[str] = UPDATABLE,
        by: str = "admin:1",
        shape: FileShape | None = None,
        **options: Any,
    ) -> Job:
        path = self.folder / f"sent-{secrets.token_hex(4)}"
        if not isinstance(content, bytes):
            content = table(content)
        await asyncio.to_thread(path.write_bytes, content)
        if shape is None:
            shape = (await inspect(path, name=name)).shape
        columns = tuple(fields_of(map_header(shape.header)))
        return await self.manage.begin_import(
            path,
            name=name,
            by=by,
            options=ImportOptions(
                columns=columns, update=update, fields=frozenset(fields), **options
            ),
            shape=shape,
            state=state,
        )

    async def exported(self, **options: Any) -> bytes:
        """Run an export and return its bytes."""
        job = await self.manage.begin_export(ExportOptions(**options), by="admin:1")
        return await self.result(await self.job(job.id))

    async def changing(
        self, action: BulkAction, value: str = "", *, by: str = "admin:1", **to: Any
    ) -> Job:
        """Preview a change of the whole register, unless `query` or `ids` choose; return it."""
        if ids := to.get("ids"):
            to["ids"] = _at_once(ids)
        else:
            to.setdefault("query", Query())
        options = BulkOptions(action=action, value=value, query=to.get("query"))
        job = await self.begin_change(options, by=by, ids=to.get("ids"))
        assert isinstance(job, Job), job
        return await self.job(job.id)

    async def changed(self, action: BulkAction, value: str = "", **to: Any) -> Job:
        """Preview a change and confirm it; return the finished job."""
        job = await self.changing(action, value, **to)
        assert await self.manage.confirm(job.id), job
        return await self.job(job.id)

    async def result(self, job: Job) -> bytes:
        assert job.state is JobState.DONE, job
        [file] = job.results
        path = self.folder / "result"
        await self.files.fetch(file.file_id, path)
        return await asyncio.to_thread(path.read_bytes)

    async def undone(self, job: Job, *, by: str = "admin:1") -> Job:
        undo = await self.manage.undo(job.id, by=by)
        assert isinstance(undo, Job), undo
        return await self.job(undo.id)

    async def job(self, job_id: int) -> Job:
        job = await self.store.get(job_id)
        assert job is not None
        return job

    async def register(self) -> dict[str, Any]:
        """Return every stored registration by id, without provenance, version and audit hash."""
        found = await self.database["registrations"].find({}).to_list(None)
        return {
            document["_id"]: {
                key: value
                for key, value in document.items()
                if key not in ("updated", "version", "seal")
            }
            | {"words": [word for word in document["words"] if not word.startswith(CHANGED)]}
            for document in found
        }


async def _at_once(ids: Sequence[str]) -> AsyncIterator[Sequence[str]]:
    yield ids


def table(rows: Sequence[Sequence[str]], *, encoding: str = "utf-8") -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=";", lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode(encoding)


def read_back(content: bytes) -> list[list[str]]:
    """Return the rows of a file that Balcão wrote."""
    text = io.StringIO(content.decode("utf-8-sig"), newline="")
    return [[unguarded(cell) for cell in row] for row in csv.reader(text, delimiter=";")]


@pytest.fixture
def runner(database: Any, tmp_path: Path) -> JobRunner:
    return JobRunner(database, tmp_path)
