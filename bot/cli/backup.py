"""The command `balcao backup`."""

import asyncio
import sys
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.markup import escape

from bot.cli.terminal.backup_progress import counts, listed, progress
from bot.cli.terminal.console import err, finish, out, read_settings
from bot.cli.terminal.database import open_database
from bot.domain.errors import AppError, RefusedError
from bot.domain.job import COMMAND_LINE, Counts, Job, JobKind, JobState, Source
from bot.runtime.logs import configure_logs
from bot.settings import Settings
from bot.wiring import clients
from storage.backup.backup import back_up
from storage.jobs.jobs import Jobs

_PIPED: Final = Path("-")


def backup(
    out_file: Annotated[
        Path,
        typer.Argument(metavar="SAÍDA", help="O arquivo a criar; com -, a saída padrão."),
    ],
) -> None:
    """Copia cadastros, auditoria, etiquetas, departamentos, chats e atendimentos; o bot pode estar
    no ar."""
    settings = read_settings()
    configure_logs(level="ERROR", log_format="console")
    finish(_backup(settings, out_file))


async def _backup(settings: Settings, path: Path) -> None:
    is_piped = path == _PIPED
    if is_piped and sys.stdout.isatty():
        raise RefusedError(
            "Um backup não se lê num terminal. Mande a saída para outro programa, como em "
            "balcao backup - | age -r CHAVE > ARQUIVO"
        )
    began_at = clients.utc_now()
    async with open_database(settings) as database:
        with progress() as report:
            to = sys.stdout.buffer if is_piped else path
            tallies = await back_up(database, to, at=began_at, report=report)
        file = None if is_piped else await asyncio.to_thread(_source, path)
        # An error is ignored: the backup itself is there.
        with suppress(AppError):
            await Jobs(database).add(_job(file, began_at, counts(tallies)))
    name = "saída padrão" if is_piped else str(path)
    (err if is_piped else out).print(
        f"[green]✓[/green] {escape(name)}: {listed(counts(tallies))}",
        soft_wrap=True,
        highlight=False,
    )


def _source(path: Path) -> Source:
    return Source(file_id="", name=path.name, size_bytes=path.stat().st_size)


def _job(file: Source | None, began_at: datetime, documents: dict[str, int]) -> Job:
    """Return the job of a backup that is made, for /status and the list of jobs.

    file: None when another program got it.
    """
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
        results=(file,) if file else (),
    )
