"""The command `balcao restore`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.terminal.backup_progress import counts, listed, progress
from bot.cli.terminal.console import finish, out, read_settings
from bot.cli.terminal.database import migration_progress, open_database
from bot.domain.errors import RefusedError
from bot.runtime.logs import configure_logs
from bot.settings import Settings
from bot.wiring import clients
from bot.wiring.schema import migrate_alone
from storage.backup.backup import check_backup, held
from storage.backup.backup import restore as restore_backup


def restore(
    file: Annotated[Path, typer.Argument(metavar="ARQUIVO", help="Um backup do Balcão.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Apaga antes o que está no banco de dados.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Não pergunta antes de apagar.")] = False,
) -> None:
    """Põe um backup no banco de dados, com o bot parado, e confere tudo."""
    settings = read_settings()
    configure_logs(level="ERROR", log_format="console")
    finish(_restore(settings, file, replace=replace, yes=yes))


async def _restore(settings: Settings, path: Path, *, replace: bool, yes: bool) -> None:
    with progress() as report:
        tallies = check_backup(path, report)
    async with open_database(settings, to_restore=True) as database:
        if replace:
            _confirm(await held(database), counts(tallies), yes=yes)
        with progress() as report:
            at = clients.utc_now()
            await restore_backup(database, path, tallies, replace=replace, at=at, report=report)
        with migration_progress() as migrating:
            await migrate_alone(database, migrating)
    out.print(
        f"[green]✓[/green] Restaurado e conferido: {listed(counts(tallies))}",
        soft_wrap=True,
        highlight=False,
    )


def _confirm(there: dict[str, int], to_come: dict[str, int], *, yes: bool) -> None:
    """Show what will be deleted, and ask unless `yes` is set.

    Raises RefusedError when the person does not confirm.
    """
    if not any(there.values()):
        return
    out.print(
        f"Serão apagados: {listed(there)}, e os passos das conversas em andamento.\n"
        f"No lugar fica o backup: {listed(to_come)}.",
        soft_wrap=True,
        highlight=False,
    )
    if yes:
        return
    if not sys.stdin.isatty():
        raise RefusedError("Nada foi mudado. Fora de um terminal, confirme com --yes.")
    try:
        answer = out.input("Para continuar, escreva apagar: ")
    except EOFError:
        answer = ""
    if answer.strip().lower() != "apagar":
        raise RefusedError("Nada foi mudado.")
