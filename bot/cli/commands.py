"""The list of commands, as `balcao --help` shows it."""

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

cli = typer.Typer(
    name="balcao",
    help="Atendimento por Telegram que sabe com quem está falando.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
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
