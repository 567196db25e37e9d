"""A process that opens the database, as every command does, and halts within the migration.

argv: address of the server, name of the database, folder of the process, number of documents that
are migrated when it halts. It goes on at the end of its input. What it says is its log.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

from bot.runtime.logs import configure_logs
from bot.settings import Settings
from bot.wiring.clients import open_database
from storage.engine import scan
from storage.engine.connection import Database
from storage.schema import migrate
from storage.schema.progress import Progress
from tests.patience import be_patient

WINDOW = 10
"""Small, so that a migration of few documents has many moments for a kill."""


def halting(migration: migrate.Migration, at: int) -> migrate.Migration:
    """Return the migration, halted as soon as `at` documents are done."""

    async def run(database: Database) -> AsyncIterator[Progress]:
        done: dict[str, int] = {}
        halted = False
        async for progress in migration.run(database):
            done[progress.collection] = progress.documents
            yield progress
            if not halted and sum(done.values()) >= at:
                halted = True
                print("halted", file=sys.stderr, flush=True)  # noqa: T201
                await asyncio.to_thread(sys.stdin.read)

    return replace(migration, run=run)


async def main(uri: str, name: str, folder: str, at: int) -> None:
    migrate.MIGRATIONS = tuple(halting(one, at) for one in migrate.MIGRATIONS)  # type: ignore[misc]
    settings = Settings.model_validate(
        {"mongodb_uri": uri, "mongodb_database": name, "data_dir": Path(folder)}
    )
    async with open_database(settings):
        print("opened", file=sys.stderr, flush=True)  # noqa: T201


if __name__ == "__main__":
    scan._WANTED = WINDOW  # type: ignore[misc]
    be_patient()
    configure_logs(level="INFO", log_format="json")
    uri, name, folder, at = sys.argv[1:]
    asyncio.run(main(uri, name, folder, int(at)))
