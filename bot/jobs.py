"""The wiring of jobs: what works on them, and what people do with them."""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog
from handlers.admin.files.reasons import describe

from bot.domain.errors import TryLaterError
from bot.domain.job import Job, JobKind
from bot.runtime.carrier import open_carrier
from bot.runtime.job_runs import JobRuns
from bot.runtime.jobs import Desk, WorkJobs
from bot.runtime.passwords import Argon2Passwords
from bot.settings import Settings
from bot.usecases.departments import Departments
from bot.usecases.import_file import ImportFile
from bot.usecases.labels import Tags
from bot.usecases.manage_jobs import ManageJobs
from bot.usecases.undo_job import UndoJob
from storage.bulk import Bulk
from storage.choices import Choices
from storage.connection import Database
from storage.files import Files
from storage.jobs import Jobs as StoredJobs
from storage.search import Search

_WITHOUT_BROKER_S: Final = 5.0

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Jobs:
    """Everything about jobs, put together."""

    manage: ManageJobs
    work: WorkJobs
    store: StoredJobs
    files: Files


def build_jobs(
    settings: Settings,
    database: Database,
    *,
    desk: Desk,
    tags: Tags,
    departments: Departments,
    clock: Callable[[], datetime],
) -> Jobs:
    """Jobs on this database; `desk` is told of them."""
    store, files, bulk = StoredJobs(database), Files(database), Bulk(database)
    runs = JobRuns(
        store=store,
        files=files,
        import_file=ImportFile(
            register=bulk,
            passwords=Argon2Passwords(),
            new_id=lambda: secrets.token_hex(16),
            requires_tax_id=settings.require_tax_id,
        ),
        undo_job=UndoJob(register=bulk),
        each=Search(database).each,
        tags=tags.latest,
        departments=departments.latest,
        describe=describe,
        name_of=lambda job, at: file_name(job, at.astimezone(settings.zone)),
        clock=clock,
    )
    work = WorkJobs(
        store=store, files=files, run=runs, desk=desk, data_dir=settings.data_dir, clock=clock
    )
    manage = ManageJobs(
        store=store, files=files, choices=Choices(database), wake=work.wake, clock=clock
    )
    return Jobs(manage=manage, work=work, store=store, files=files)


def file_name(job: Job, at: datetime) -> str:
    """What a file that the job makes is called, without its ending; `at` is local."""
    if job.kind is JobKind.EXPORT:
        return f"cadastros-{at:%Y-%m-%d-%H%M}"
    return f"recusados-tarefa-{job.id}"


async def carry_for_ever(jobs: WorkJobs, settings: Settings) -> None:
    """Work on jobs, those too that others begin; a broker that is away is waited for."""
    while True:
        try:
            async with open_carrier(
                settings.broker_url.get_secret_value(),
                jobs.work,
                queue=settings.mongodb_database,
            ) as carrier:
                await jobs.keep_for_ever(carrier.send)
        except TryLaterError as error:
            logger.warning("no broker", error=str(error))
        await asyncio.sleep(_WITHOUT_BROKER_S)
