"""The command `balcao`. What it prints is for the person who runs it: pt-BR, and no traceback."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated

import rich.progress
import typer
from rich.markup import escape

from bot import cli_jobs, cli_panel, cli_sync, clients
from bot.console import err, finish, out, read_settings
from bot.domain.backup import COMMAND_LINE, BackupMade
from bot.domain.errors import AppError, RefusedError
from bot.runtime.logs import configure_logs
from bot.runtime.memory import share_one_heap
from bot.settings import Settings
from handlers.words import number
from storage.backup import Progress, Stage, Tallies, back_up, check_backup, held
from storage.backup import restore as restore_backup
from storage.backup_runs import BackupRuns
from storage.connection import Database

cli = typer.Typer(
    name="balcao",
    help="Atendimento por Telegram que sabe com quem está falando.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
cli_jobs.register(cli)
cli.command()(cli_sync.sync)
cli.command()(cli_panel.panel)

# As people who run a counter call the collections.
_COLLECTIONS = {
    "registrations": "cadastros",
    "audit": "auditoria",
    "chats": "chats",
    "conversations": "atendimentos",
    "relayed": "mensagens nos grupos",
    "tags": "etiquetas",
    "departments": "departamentos",
    "people": "autores na auditoria",
}
_STAGES = {
    Stage.SAVING: "Copiando",
    Stage.CHECKING: "Conferindo o arquivo:",
    Stage.DELETING: "Apagando",
    Stage.STORING: "Gravando",
    Stage.COMPARING: "Comparando",
}


@cli.command()
def run() -> None:
    """Atende: recebe mensagens até ser parado (Ctrl-C ou SIGTERM)."""
    settings = read_settings()
    configure_logs(level=settings.log_level, log_format=settings.log_format)
    # Telegram's library takes seconds to load, for which other commands need not wait.
    from bot import app

    finish(app.run(settings))


@cli.command()
def check() -> None:
    """Diz, linha por linha, o que funciona e o que falta."""
    settings = read_settings()
    configure_logs(level="ERROR", log_format="console")
    from bot.check import check_all

    if not asyncio.run(check_all(settings, out=out, err=err)):
        raise typer.Exit(1)


@cli.command()
def demo(
    port: Annotated[int, typer.Option(help="Porta da página; 0 escolhe uma livre.")] = 8090,
) -> None:
    """Mostra tudo funcionando em uma página, sem conta, sem token e sem internet."""
    configure_logs(level="WARNING", log_format="console")
    finish(_demo(port))


@cli.command()
def backup(
    out_file: Annotated[Path, typer.Argument(metavar="SAÍDA", help="O arquivo a criar.")],
) -> None:
    """Copia cadastros, auditoria, etiquetas, departamentos, chats e atendimentos; o bot pode estar
    no ar."""
    settings = read_settings()
    configure_logs(level="ERROR", log_format="console")
    finish(_backup(settings, out_file))


@cli.command()
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


def main() -> None:
    """Entry point of the command."""
    share_one_heap()
    cli()


async def _demo(port: int) -> None:
    from bot.demo.run import open_demo

    stop = asyncio.Event()
    for signal_ in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signal_, stop.set)
    out.print("Preparando a demonstração…")
    async with open_demo(port=port) as running:
        out.print(f"\n  Abra no navegador:  [bold]{running.url}[/bold]\n")
        out.print("Para terminar, tecle Ctrl-C. Nada fica gravado.")
        await stop.wait()
        out.print("Encerrando…")


async def _backup(settings: Settings, path: Path) -> None:
    with _progress() as report:
        async with clients.open_database(settings) as database:
            tallies = await back_up(database, path, at=clients.utc_now(), report=report)
            await _remember_backup(database, await asyncio.to_thread(os.path.getsize, path))
    out.print(
        f"[green]✓[/green] {escape(str(path))}: {_listed(_counts(tallies))}",
        soft_wrap=True,
        highlight=False,
    )


async def _remember_backup(database: Database, size_bytes: int) -> None:
    """For /status. The backup is there, so nothing may go wrong any more."""
    made = BackupMade(run_id="", by=COMMAND_LINE, at=clients.utc_now(), size_bytes=size_bytes)
    with suppress(AppError):
        await BackupRuns(database).remember(made)


async def _restore(settings: Settings, path: Path, *, replace: bool, yes: bool) -> None:
    with _progress() as report:
        tallies = check_backup(path, report)
    async with clients.open_database(settings, to_restore=True) as database:
        if replace:
            _confirm(await held(database), _counts(tallies), yes=yes)
        with _progress() as report:
            at = clients.utc_now()
            await restore_backup(database, path, tallies, replace=replace, at=at, report=report)
    out.print(
        f"[green]✓[/green] Restaurado e conferido: {_listed(_counts(tallies))}",
        soft_wrap=True,
        highlight=False,
    )


def _confirm(there: dict[str, int], to_come: dict[str, int], *, yes: bool) -> None:
    """Go on only when the person has read what will go."""
    if not any(there.values()):
        return
    out.print(
        f"Serão apagados: {_listed(there)}, e os passos das conversas em andamento.\n"
        f"No lugar fica o backup: {_listed(to_come)}.",
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


def _counts(tallies: Tallies) -> dict[str, int]:
    return {name: tally.count for name, tally in tallies.items()}


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{number(counts[key])} {name}" for key, name in _COLLECTIONS.items())


@contextmanager
def _progress() -> Iterator[Callable[[Progress], None]]:
    """A bar for each collection; on a terminal only, and gone when all is done."""
    with rich.progress.Progress(
        *("{task.description}", rich.progress.BarColumn(), "{task.fields[done]}"),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    ) as bars:
        tasks: dict[tuple[Stage, str], rich.progress.TaskID] = {}

        def report(now: Progress) -> None:
            key = (now.stage, now.collection)
            if key not in tasks:
                described = f"{_STAGES[now.stage]} {_COLLECTIONS[now.collection]}"
                tasks[key] = bars.add_task(described, total=now.of, done="")
            of = f" de {number(now.of)}" if now.of else ""
            size = f", {now.size_bytes / 1e6:,.0f} MB" if now.size_bytes else ""
            done = f"{number(now.documents)}{of}{size}"
            bars.update(tasks[key], completed=now.documents, done=done)

        yield report
