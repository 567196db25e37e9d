"""The list of commands, as `balcao --help` shows it."""

from importlib.metadata import version
from typing import Annotated

import typer

from bot.cli import (
    backup,
    check,
    demo,
    export,
    import_,
    jobs,
    panel,
    restore,
    run,
    sync,
    undo,
    worker,
)
from bot.cli.terminal.console import say
from storage.engine.schema import VERSION

cli = typer.Typer(
    name="balcao",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _say_version(is_asked: bool) -> None:
    if is_asked:
        say(f"balcao {version('balcao')}, versão dos dados {VERSION}")
        raise typer.Exit


@cli.callback()
def common(
    _: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_say_version,
            is_eager=True,
            help="Diz a versão do programa e a dos dados que ele lê e grava.",
        ),
    ] = False,
) -> None:
    """Atendimento por Telegram que sabe com quem está falando."""


cli.command("import")(import_.import_)
cli.command()(export.export)
cli.command()(jobs.jobs)
cli.command()(undo.undo)
cli.command()(worker.worker)
cli.command()(sync.sync)
cli.command()(panel.panel)
cli.command()(run.run)
cli.command()(check.check)
cli.command()(demo.demo)
cli.command()(backup.backup)
cli.command()(restore.restore)
