"""The wiring of jobs: what works on them, and what people do with them."""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog

from bot.domain.errors import RefusedError, TryLaterError
from bot.domain.job import Job, JobKind
from bot.runtime.carrier import open_carrier
from bot.runtime.job_runs import JobRuns
from bot.runtime.jobs import PACE_S, Desk, WorkJobs
from bot.runtime.passwords import Argon2Passwords
from bot.settings import Settings
from bot.usecases.departments import Departments
from bot.usecases.import_file import ImportFile
from bot.usecases.labels import Tags
from bot.usecases.manage_jobs import ManageJobs
from bot.usecases.undo_job import UndoJob
from handlers.admin.files.reasons import describe
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
    pace_s: float = PACE_S,
) -> Jobs:
    """Jobs on this database; `desk` is told of them, of progress every `pace_s`."""
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
        store=store,
        files=files,
        run=runs,
        desk=desk,
        data_dir=settings.data_dir,
        clock=clock,
        pace_s=pace_s,
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


async def carry_for_ever(jobs: WorkJobs, broker_url: str, *, queue: str) -> None:
    """Work on jobs, those too that others begin; a broker that is away is waited for.

    Raises RefusedError when it does not let us in.
    """
    while True:
        try:
            async with open_carrier(broker_url, jobs.work, queue=queue) as carrier:
                await jobs.keep_for_ever(carrier.send)
        except TryLaterError as error:
            logger.warning("no broker", error=str(error))
        await asyncio.sleep(_WITHOUT_BROKER_S)


async def carry_or_work_alone(jobs: WorkJobs, settings: Settings) -> None:
    """The same for a bot, which goes on serving when the broker does not let it in."""
    queue = settings.mongodb_database
    try:
        await carry_for_ever(jobs, settings.broker_url.get_secret_value(), queue=queue)
    except RefusedError as error:
        logger.error("the broker refuses us; jobs are worked on here alone", error=str(error))
    await carry_for_ever(jobs, "", queue=queue)
