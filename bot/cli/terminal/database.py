"""The database as the commands open it: a migration shows its progress on a terminal."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

import rich.progress

from bot.cli.terminal.console import err
from bot.settings import Settings
from bot.wiring import clients
from bot.wiring.schema import Report
from bot.wording.words import COLLECTIONS, number
from storage.engine.connection import Database
from storage.schema.progress import Progress


@asynccontextmanager
async def open_database(
    settings: Settings, *, to_restore: bool = False
) -> AsyncIterator[Database]:
    """Open the database as `clients.open_database` does."""
    async with AsyncExitStack() as stack:
        # Ends when the database is open: the command has a progress of its own.
        with migration_progress() as report:
            database = await stack.enter_async_context(
                clients.open_database(settings, to_restore=to_restore, report=report)
            )
        yield database


@contextmanager
def migration_progress() -> Iterator[Report]:
    """Yield a function that shows a bar from its first call on, removed at the end."""
    bars = rich.progress.Progress(
        *("Atualizando o banco de dados:", "{task.description}", rich.progress.BarColumn()),
        *("{task.fields[done]}", rich.progress.TimeElapsedColumn()),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    )
    bar = bars.add_task("", total=None, done="")

    def report(now: Progress | None) -> None:
        if now is None:
            bars.update(bar, description="espera outro processo", total=None)
        else:
            bars.update(
                bar,
                description=COLLECTIONS.get(now.collection, (now.collection,))[-1],
                completed=now.documents,
                total=now.of,
                done=f"{number(now.documents)} de {number(now.of)}",
            )
        bars.start()

    try:
        yield report
    finally:
        bars.stop()
