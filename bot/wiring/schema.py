"""The version of the stored data, over all processes: one of them migrates, the others wait.

While a process works it looks whether a newer program has changed the data, and then ends itself.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

import structlog

from bot.domain.errors import LostError, Problem, RefusedError, TakenError
from bot.runtime.leases import LeaseKeeper
from bot.runtime.supervisor import Supervisor
from storage.engine.connection import Database, server_time
from storage.engine.schema import VERSION, schema_leases, stored_version
from storage.schema.migrate import migrate
from storage.schema.progress import Progress

_LEASE: Final = "schema"
_LOOK_S: Final = 0.5
_SAY_S: Final = 5.0
_ROUND_S: Final = 60.0

Report = Callable[[Progress | None], None]
"""Gets the progress of the migration, or None while another process migrates."""

logger = structlog.get_logger()


async def migrate_alone(database: Database, report: Report) -> None:
    """Return once the data has this program's version, migrated by this process or by another.

    Raises RefusedError when the data is newer.
    """
    keeper = LeaseKeeper(schema_leases(database), server_time(database), id_of=str, patience_s=0)
    is_waiting = False
    while (stored := await stored_version(database)) < VERSION:
        try:
            async with keeper.holding(_LEASE):
                # Another process may have done it before this one got the lease.
                if await stored_version(database) == stored:
                    logger.info("migrating the database", version=stored, to=VERSION)
                    await migrate(database, _logged(report))
                    logger.info("database migrated", version=VERSION)
        except TakenError:
            if not is_waiting:
                logger.info("waiting for another process that migrates the database")
                is_waiting = True
            report(None)
            await keeper.release_the_dead()
            await asyncio.sleep(_LOOK_S)
        except LostError as error:
            logger.warning("migration broken off", error=str(error))


def _logged(report: Report) -> Callable[[Progress], None]:
    """Return a report that is also written to the log, every few seconds."""
    said_at = time.monotonic()

    def logged(now: Progress) -> None:
        nonlocal said_at
        report(now)
        if time.monotonic() - said_at >= _SAY_S:
            said_at = time.monotonic()
            logger.info(
                "migrating the database",
                collection=now.collection,
                documents=now.documents,
                of=now.of,
            )

    return logged


@asynccontextmanager
async def ended_by_newer_data(database: Database, supervisor: Supervisor) -> AsyncIterator[None]:
    """Look each minute whether the data has become newer than this program.

    The block is cancelled then, and RefusedError raised.
    """
    task = asyncio.current_task()
    found: RefusedError | None = None

    async def look() -> None:
        nonlocal found
        try:
            await stored_version(database)
        except RefusedError as error:
            if error.problem is not Problem.DATA_NEWER:
                raise
            if found is None and task is not None:
                logger.error("the data is newer than this program", error=str(error))
                task.cancel()
            found = error

    watching = supervisor.repeat("schema", look, every_s=_ROUND_S)
    try:
        try:
            yield
        finally:
            # Takes a cancellation that came with the end of the block.
            await supervisor.end(watching)
    except asyncio.CancelledError:
        if found is not None and task is not None and not task.uncancel():
            raise found from None
        raise
