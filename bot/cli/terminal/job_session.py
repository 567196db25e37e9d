"""The session of the commands for files and jobs, with their questions and saved files."""

import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer

from bot.cli.terminal.console import out, read_settings, say
from bot.cli.terminal.database import open_database
from bot.cli.terminal.files import save
from bot.cli.terminal.reports import is_left, job_lines, no_such_job
from bot.cli.terminal.running import Stop, TerminalProgress
from bot.domain.errors import Problem, RefusedError, TryLaterError
from bot.domain.job import Job, JobKind, JobState
from bot.domain.registration import Kind
from bot.domain.row import KINDS, kind_key
from bot.domain.search import fold
from bot.runtime.logs import configure_logs
from bot.runtime.memory import freeze_gc
from bot.settings import Settings
from bot.usecases.register.labels import Tags
from bot.wiring.clients import Opened, departments_of, open_erp_if_set, utc_now
from bot.wiring.jobs import Jobs, build_jobs
from bot.wording.jobs import doing
from bot.wording.values import Names
from storage.engine.connection import Database, server_time
from storage.register.labels import Tags as StoredTags

NOT_ALL: Final = 2
"""Exit code of a command that ended well but left something out."""
# Shorter than in chat: a terminal can be updated more often.
_PROGRESS_INTERVAL_S: Final = 0.3
_LOOK_S: Final = 0.5
# So long a command waits for a database that is gone; then it ends, and the job can go on later.
_GONE_S: Final = 60.0
Yes = Annotated[bool, typer.Option("--yes", help="Não pergunta.")]
KindName = Annotated[
    str | None,
    typer.Option(help="cliente, fornecedor, prestador de serviço ou prospect."),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSession:
    """The objects that a command on files or jobs works with."""

    database: Database
    jobs: Jobs
    tags: Tags
    names: Names
    notifier: TerminalProgress
    stop: Stop

    async def job(self, job_id: int) -> Job:
        """Return the job. Raises RefusedError when there is none."""
        job = await self.jobs.manage.get(job_id)
        if job is None:
            raise RefusedError(no_such_job(job_id))
        return job

    async def worked(self, job: Job, *, total: int | None = None) -> Job:
        """Return the job once it needs no more work, done by this process or by another.

        total: the number of rows, if the job does not know it.
        """
        with (
            self.notifier.showing(doing(job), job.total or total),
            self.stop.cancels(lambda: self.jobs.manage.cancel(job.id)),
        ):
            gone_since: float | None = None
            while True:
                await self.jobs.work.work(job.id)
                try:
                    now = await self.jobs.manage.get(job.id)
                except TryLaterError:
                    # An election of MongoDB. It is over in half a minute, and the job goes on.
                    gone_since = gone_since or time.monotonic()
                    if time.monotonic() > gone_since + _GONE_S:
                        raise
                    await asyncio.sleep(_LOOK_S)
                    continue
                gone_since = None
                if now is None:
                    raise RefusedError(f"A tarefa {job.id} foi apagada enquanto andava.")
                if not now.is_active:
                    return now
                # A bot that runs beside this command has claimed the job, or the database has a
                # problem.
                await self.notifier.progress(now, now.counts, rows_a_second=0, left_s=None)
                await asyncio.sleep(_LOOK_S)

    async def report(self, job: Job) -> None:
        """Print what the job did."""
        style = {JobState.DONE: "green", JobState.FAILED: "red"}.get(job.state, "yellow")
        found = await self.jobs.work.report(job)
        left = is_left(job, utc_now())
        first, *others = job_lines(job, found, self.names, is_left=left)
        say(first, style=style)
        for line in others:
            say(line)


def begin() -> Settings:
    settings = read_settings()
    configure_logs(level="ERROR", log_format="console")
    freeze_gc()
    return settings


@asynccontextmanager
async def open_job_session(settings: Settings, stop: Stop) -> AsyncIterator[JobSession]:
    notifier = TerminalProgress()
    async with open_database(settings) as database, open_erp_if_set(settings, database) as erp:
        await asyncio.to_thread(_refuse_data_dir, settings.data_dir)
        tags = Tags(store=StoredTags(database, utc_now))
        departments = departments_of(settings, database)
        opened = Opened(
            settings=settings,
            database=database,
            erp=erp,
            clock=utc_now,
            lease_clock=server_time(database),
            tags=tags,
            departments=departments,
        )
        yield JobSession(
            database=database,
            jobs=build_jobs(opened, notifier=notifier, progress_interval_s=_PROGRESS_INTERVAL_S),
            tags=tags,
            names=Names(
                tags={tag.id: tag.shown for tag in await tags.latest()},
                departments={one.id: one.name for one in await departments.latest()},
                timezone=settings.zone,
            ),
            notifier=notifier,
            stop=stop,
        )


def _refuse_data_dir(data_dir: Path) -> None:
    """Raise RefusedError when no file can be written to the folder.

    With a MongoDB server of the admin's own, nothing else has tried that yet.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=data_dir).close()
    except (FileExistsError, NotADirectoryError) as error:
        raise RefusedError(
            f"{data_dir} is not a folder", problem=Problem.DATA_DIR_NOT_A_FOLDER
        ) from error
    except OSError as error:
        raise RefusedError(
            f"{data_dir} cannot be written ({error.strerror})", problem=Problem.DATA_DIR_READ_ONLY
        ) from error


async def save_results(session: JobSession, job: Job, path: Path, kind: JobKind) -> int:
    if job.kind is not kind and not (kind is JobKind.IMPORT and job.kind is JobKind.SYNC):
        what = "importação nem sincronização" if kind is JobKind.IMPORT else "exportação"
        raise RefusedError(f"A tarefa {job.id} não é uma {what}.")
    if not job.results:
        raise RefusedError(f"A tarefa {job.id} não tem arquivo a gravar.")
    if not all(result.file_id for result in job.results):
        raise RefusedError("the file is not kept any more", problem=Problem.FILE_GONE)
    await save_result(session, job, path, force=False)
    return 0


async def save_result(session: JobSession, job: Job, path: Path, *, force: bool) -> None:
    try:
        written = await save(session.jobs.files, job.results, path, force=force)
    except OSError as error:
        option = "--file" if job.kind is JobKind.EXPORT else "--errors"
        raise RefusedError(
            f"Não consegui gravar {path}: veja se há espaço no disco. O arquivo fica guardado 7 "
            f"dias: balcao jobs {job.id} {option} SAÍDA"
        ) from error
    for one in written:
        say(f"  Gravado: {one}")


def confirm(question: str, stop: Stop, *, yes: bool) -> None:
    """Ask the question, unless `yes` is set. Raises RefusedError when the person does not
    agree."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise RefusedError("Nada foi mudado. Fora de um terminal, confirme com --yes.")
    with stop.asking():
        try:
            answer = out.input(f"{question} (s/N) ", markup=False)
        except (EOFError, KeyboardInterrupt):
            answer = ""
    if fold(answer) not in ("s", "sim"):
        raise RefusedError("Nada foi mudado.")


def read_kind(text: str | None) -> Kind | None:
    if text is None:
        return None
    kinds = KINDS.get(kind_key(text), frozenset())
    if len(kinds) != 1:
        raise RefusedError(
            f"--kind: “{text}” não é um tipo; use cliente, fornecedor, prestador de serviço ou "
            "prospect."
        )
    return next(iter(kinds))
