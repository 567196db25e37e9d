"""The command `balcao backup`."""

import asyncio
import os
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from bot.cli.terminal.backup_progress import counts, listed, progress
from bot.cli.terminal.console import finish, out, read_settings
from bot.domain.backup import COMMAND_LINE, BackupMade
from bot.domain.errors import AppError
from bot.runtime.logs import configure_logs
from bot.settings import Settings
from bot.wiring import clients
from storage.backup.backup import back_up
from storage.backup.runs import BackupRuns
from storage.engine.connection import Database


def backup(
    out_file: Annotated[Path, typer.Argument(metavar="SAÍDA", help="O arquivo a criar.")],
) -> None:
    """Copia cadastros, auditoria, etiquetas, departamentos, chats e atendimentos; o bot pode estar
    no ar."""
    settings = read_settings()
    configure_logs(level="ERROR", log_format="console")
    finish(_backup(settings, out_file))


async def _backup(settings: Settings, path: Path) -> None:
    with progress() as report:
        async with clients.open_database(settings) as database:
            tallies = await back_up(database, path, at=clients.utc_now(), report=report)
            await _remember_backup(database, await asyncio.to_thread(os.path.getsize, path))
    out.print(
        f"[green]✓[/green] {escape(str(path))}: {listed(counts(tallies))}",
        soft_wrap=True,
        highlight=False,
    )


async def _remember_backup(database: Database, size_bytes: int) -> None:
    """Store for /status that a backup was made. An error is ignored: the backup itself is
    there."""
    made = BackupMade(run_id="", by=COMMAND_LINE, at=clients.utc_now(), size_bytes=size_bytes)
    with suppress(AppError):
        await BackupRuns(database).remember(made)
