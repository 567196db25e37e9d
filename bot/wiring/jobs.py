"""The wiring of jobs: the worker, and the use cases of people who start and stop them."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bot.domain.effort import Effort, effort_of
from bot.domain.job import Job, JobKind
from bot.runtime.files.table import inspect
from bot.runtime.files.work_folders import work_folder
from bot.runtime.jobs.backups import MakeBackup
from bot.runtime.jobs.job_progress import PROGRESS_INTERVAL_S
from bot.runtime.jobs.ports import JobNotifier
from bot.runtime.jobs.runs import JobRuns
from bot.runtime.jobs.sync_schedule import SyncNotifier, SyncSchedule
from bot.runtime.jobs.taking import TakeJobs
from bot.runtime.jobs.worker import WorkJobs
from bot.runtime.passwords import Argon2Passwords
from bot.settings import Settings
from bot.usecases.jobs.ask_erp import AskErp
from bot.usecases.jobs.begin_change import BeginChange
from bot.usecases.jobs.begin_sync import BeginSync
from bot.usecases.jobs.change_many import ChangeMany
from bot.usecases.jobs.import_file import ImportFile
from bot.usecases.jobs.manage_jobs import ManageJobs
from bot.usecases.jobs.read_file import ReadFile
from bot.usecases.jobs.search_pairs import SearchPairs
from bot.usecases.jobs.sync_erp import SyncErp
from bot.usecases.jobs.take_away import TakeAway
from bot.usecases.jobs.undo_job import UndoJob
from bot.wiring.clients import Opened
from bot.wording.reasons import describe
from storage.engine.connection import is_embedded
from storage.jobs.choices import Choices
from storage.jobs.files import Files
from storage.jobs.jobs import Jobs as StoredJobs
from storage.jobs.syncs import Syncs
from storage.register.bulk import Bulk
from storage.register.ids import new_ids
from storage.register.pairs import Outlines, Pairs
from storage.register.search import Search

if TYPE_CHECKING:
    from bot.runtime.jobs.carrying import Carrying

IsAdmin = Callable[[int], Awaitable[bool]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Jobs:
    """The parts of jobs that the bot, the worker and the commands use."""

    manage: ManageJobs
    begin_change: BeginChange
    read_file: ReadFile
    work: WorkJobs
    take: TakeJobs
    store: StoredJobs
    files: Files
    syncs: Syncs
    effort: Callable[[int], Effort | None]
    """Returns what importing so many rows takes, if that is much."""
    begin_sync: BeginSync | None
    """None when no ERP is set."""

    def schedule(self, notifier: SyncNotifier) -> SyncSchedule | None:
        """Return the schedule that starts syncs when they are due; None when no ERP is set."""
        if self.begin_sync is None:
            return None
        return SyncSchedule(
            begin=self.begin_sync, syncs=self.syncs, get_job=self.store.get, notifier=notifier
        )


def build_jobs(
    opened: Opened,
    *,
    notifier: JobNotifier,
    make_backup: MakeBackup | None = None,
    progress_interval_s: float = PROGRESS_INTERVAL_S,
    is_admin: IsAdmin | None = None,
) -> Jobs:
    """Build the jobs of this database; `notifier` reports on them every `progress_interval_s`.

    make_backup: None where no backup of the chat is made. is_admin: tells from a user's id; None
    where no admin's change of many is worked on.
    """
    data_dir, database, clock = opened.settings.data_dir, opened.database, opened.clock
    store = StoredJobs(database, here=opened.tracer.here)
    files, syncs = Files(database), Syncs(database)
    runs = _runs(opened, store, files, syncs, make_backup, is_admin)
    work = WorkJobs(
        store=store,
        files=files,
        run=runs,
        notifier=notifier,
        data_dir=data_dir,
        clock=clock,
        names_of=partial(_names_of, Bulk(database)),
        lease_clock=opened.lease_clock,
        progress_interval_s=progress_interval_s,
        tracer=opened.tracer,
    )
    take = TakeJobs(
        store=store, files=files, work=work, clock=clock, lease_clock=opened.lease_clock
    )
    choices = Choices(database, clock)
    manage = ManageJobs(store=store, files=files, choices=choices, wake=take.wake, clock=clock)
    return Jobs(
        manage=manage,
        read_file=ReadFile(
            manage=manage, inspect=inspect, work_folder=partial(work_folder, data_dir)
        ),
        begin_change=_begin_change(opened, store, files, take),
        work=work,
        take=take,
        store=store,
        files=files,
        syncs=syncs,
        effort=runs.effort,
        begin_sync=_begin_sync(opened, store, syncs, take) if opened.erp else None,
    )


def _runs(
    opened: Opened,
    store: StoredJobs,
    files: Files,
    syncs: Syncs,
    make_backup: MakeBackup | None,
    is_admin: IsAdmin | None,
) -> JobRuns:
    settings, database, clock, erp = opened.settings, opened.database, opened.clock, opened.erp
    bulk, search, ask = Bulk(database), Search(database), AskErp()
    return JobRuns(
        store=store,
        files=files,
        import_file=ImportFile(
            register=bulk,
            passwords=Argon2Passwords(),
            new_ids=new_ids,
            requires_tax_id=settings.require_tax_id,
        ),
        undo_job=UndoJob(register=bulk),
        sync_erp=SyncErp(erp=erp, register=bulk, new_ids=new_ids, ask=ask) if erp else None,
        take_away=TakeAway(erp=erp, register=bulk, ask=ask) if erp else None,
        change_many=ChangeMany(register=bulk, search=search),
        syncs=syncs,
        search=search,
        search_pairs=SearchPairs(
            register=bulk, outlines=Outlines(database), pairs=Pairs(database), clock=clock
        ),
        tags=opened.tags.latest,
        departments=opened.departments.latest,
        describe=describe,
        name_of=lambda job, at: file_name(job, at.astimezone(settings.zone)),
        clock=clock,
        may_change=partial(_may_change, is_admin),
        make_backup=make_backup,
        effort=partial(_effort, settings.data_dir) if is_embedded(database) else _no_effort,
    )


async def _may_change(is_admin: IsAdmin | None, by: str) -> bool:
    """Return True if `by` is no admin's, or an admin's who still is one."""
    kind, _, user_id = by.partition(":")
    return kind != "admin" or (is_admin is not None and await is_admin(int(user_id)))


async def _names_of(bulk: Bulk, ids: Sequence[str]) -> dict[str, str]:
    return {one.id: one.registration.name for one in (await bulk.by_ids(ids)).values()}


def _effort(data_dir: Path, rows: int) -> Effort | None:
    return effort_of(rows, shutil.disk_usage(data_dir).free)


def _no_effort(rows: int) -> None:
    """Return None: a MongoDB server is made for large imports, and its disk cannot be seen."""


def _begin_change(opened: Opened, store: StoredJobs, files: Files, take: TakeJobs) -> BeginChange:
    return BeginChange(
        jobs=store,
        files=files,
        tags=opened.tags,
        departments=opened.departments,
        wake=take.wake,
        clock=opened.clock,
    )


def _begin_sync(opened: Opened, store: StoredJobs, syncs: Syncs, take: TakeJobs) -> BeginSync:
    # Commands that work on files load no ERP.
    from erp.registry import find_adapter

    facts = find_adapter(opened.settings.erp_kind).facts
    minutes = opened.settings.sync_interval_minutes
    every = facts.sync_minutes if minutes is None else minutes
    return BeginSync(
        system=facts.name,
        lists_all=facts.lists_all,
        lists_changes=facts.lists_changes,
        overlap=facts.overlap,
        every=timedelta(minutes=every) if every else None,
        jobs=store,
        syncs=syncs,
        wake=take.wake,
        clock=opened.clock,
    )


def file_name(job: Job, at: datetime) -> str:
    """Return the name of a file that the job creates, without its ending for a table.

    at: local time.
    """
    if job.kind is JobKind.EXPORT:
        return f"cadastros-{at:%Y-%m-%d-%H%M}"
    if job.kind is JobKind.BACKUP:
        return f"balcao-{at:%Y-%m-%d-%H%M}.backup"
    if job.kind is JobKind.SYNC:
        return f"recusados-sincronizacao-{job.id}"
    return f"recusados-tarefa-{job.id}"


async def work_on_jobs(take: TakeJobs, carrying: "Carrying") -> None:
    """Work on jobs of all processes, with or without the broker.

    Raises RefusedError as `Carrying.run_forever` does.
    """
    both = [
        asyncio.create_task(carrying.run_forever(take.take)),
        asyncio.create_task(take.run_forever(carrying.send)),
    ]
    try:
        done, _ = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in both:
            task.cancel()
        await asyncio.gather(*both, return_exceptions=True)


def carry(
    settings: Settings,
    clock: Callable[[], datetime],
    *,
    must_be_let_in: bool = False,
) -> "Carrying":
    """Return what carries the ids of jobs between the processes on this database."""
    # Commands load no broker: they work on their own jobs themselves.
    from bot.runtime.jobs.carrying import Carrying

    return Carrying(
        settings.broker_url.get_secret_value(),
        queue=settings.mongodb_database,
        clock=clock,
        must_be_let_in=must_be_let_in,
    )
