"""The command `balcao backup`."""

import asyncio
import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from bot.cli.terminal.backup_progress import counts, listed, progress
from bot.cli.terminal.console import finish, out, read_settings
from bot.cli.terminal.database import open_database
from bot.domain.errors import AppError
from bot.domain.job import COMMAND_LINE, Counts, Job, JobKind, JobState, Source
from bot.runtime.logs import configure_logs
from bot.settings import Settings
from bot.wiring import clients
from storage.backup.backup import back_up
from storage.jobs.jobs import Jobs


def backup(
    out_file: Annotated[Path, typer.Argument(metavar="SAÍDA", help="O arquivo a criar.")],
) -> None:
    """Copia cadastros, auditoria, etiquetas, departamentos, chats e atendimentos; o bot pode estar
    no ar."""
    settings = read_settings()
    configure_logs(level="ERROR", log_format="console")
    finish(_backup(settings, out_file))


async def _backup(settings: Settings, path: Path) -> None:
    began_at = clients.utc_now()
    async with open_database(settings) as database:
        with progress() as report:
            tallies = await back_up(database, path, at=began_at, report=report)
        size_bytes = await asyncio.to_thread(os.path.getsize, path)
        # An error is ignored: the backup itself is there.
        with suppress(AppError):
            await Jobs(database).add(_job(path, began_at, counts(tallies), size_bytes))
    out.print(
        f"[green]✓[/green] {escape(str(path))}: {listed(counts(tallies))}",
        soft_wrap=True,
        highlight=False,
    )


def _job(path: Path, began_at: datetime, documents: dict[str, int], size_bytes: int) -> Job:
    """Return the job of a backup that is made, for /status and the list of jobs."""
    now = clients.utc_now()
    return Job(
        kind=JobKind.BACKUP,
        state=JobState.DONE,
        by=COMMAND_LINE,
        created_at=began_at,
        began_at=began_at,
        ended_at=now,
        working_s=(now - began_at).total_seconds(),
        counts=Counts(rows=sum(documents.values()), fields=documents),
        results=(Source(file_id="", name=path.name, size_bytes=size_bytes),),
    )
