"""The database and the ERP of the settings; each is closed at the end of its context.

This module imports nothing of Telegram: that library takes seconds to load, and most commands do
not need it. The HTTP client of the ERPs is imported only when an ERP is opened, for the same
reason.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
)
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import structlog

from bot.domain.errors import AppError, Problem, RefusedError, TryLaterError
from bot.domain.pace import Pace
from bot.runtime.leases import keep_tokens, keep_turns
from bot.runtime.supervisor import Supervisor
from bot.runtime.tracing import NO_TRACES, Tracer
from bot.settings import Settings
from bot.usecases.company.departments import Departments
from bot.usecases.register.labels import Tags
from bot.wiring.schema import Report, ended_by_newer_data, migrate_alone
from bot.wording.errors import sentence
from storage.backup.backup import refuse_half_restored
from storage.engine.agreed import Agreed, Marks
from storage.engine.connection import (
    Database,
    connected,
    own_clock_is_ahead,
    server_time,
)
from storage.engine.embedded import embedded_server
from storage.engine.indexes import ensure_indexes
from storage.engine.schema import claim_new, stored_version
from storage.jobs.erp_tokens import ErpTokens, token_leases
from storage.jobs.erp_turns import turn_leases
from storage.register.labels import Departments as StoredDepartments

if TYPE_CHECKING:
    from erp.adapter import Erp
    from erp.watching import Watch

_CLOCK_S: Final = 3.0

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What every process that works on the register has, with or without Telegram."""

    settings: Settings
    database: Database
    erp: "Erp | None"
    clock: Callable[[], datetime]
    lease_clock: Callable[[], datetime]
    """The clock that leases end by; all processes on the database have the same."""
    tracer: Tracer = NO_TRACES
    tags: Tags
    departments: Departments


@asynccontextmanager
async def open_database(
    settings: Settings,
    *,
    to_restore: bool = False,
    report: Report = lambda _: None,
    supervisor: Supervisor | None = None,
    listeners: Sequence[object] = (),
) -> AsyncIterator[Database]:
    """Open the database of the settings, with its indexes; without a URI the embedded one.

    Data of an older program is migrated first; report gets the progress of that. supervisor: runs
    what looks for newer data. listeners: of the driver. When a newer
    program changes the data later, the block is cancelled. Raises RefusedError when the data is
    newer than this program, and after an unfinished restore, unless it is opened for a restore.
    """
    async with AsyncExitStack() as stack:
        uri = settings.mongodb_uri.get_secret_value()
        if not uri:
            stack.enter_context(named_embedded(settings))
            server = embedded_server(settings.data_dir, restarts=True)
            uri = await stack.enter_async_context(server)
        database = await stack.enter_async_context(
            connected(uri, settings.mongodb_database, listeners=listeners)
        )
        await claim_new(database)
        await stored_version(database)
        # What a restore replaces needs no migration, and what it leaves is migrated afterwards.
        if not to_restore:
            await refuse_half_restored(database)
            await migrate_alone(database, report)
            await ensure_indexes(
                database,
                inbox_days=settings.retain_inbox_days,
                transcript_days=settings.transcript_days,
            )
        await stack.enter_async_context(ended_by_newer_data(database, supervisor or Supervisor()))
        yield database


def wrong_clock_s(database: Database) -> int:
    """Return by how many seconds this machine's clock is ahead of the database's; 0 if it is
    right enough."""
    ahead_s = own_clock_is_ahead(database).total_seconds()
    return round(ahead_s) if abs(ahead_s) > _CLOCK_S else 0


def log_wrong_clock(database: Database) -> None:
    """Name a clock that is wrong; leases end by the database's, the times of records do not."""
    if ahead_s := wrong_clock_s(database):
        logger.warning("this machine's clock differs from the database's", ahead_s=ahead_s)


@contextmanager
def named_embedded(settings: Settings) -> Iterator[None]:
    """Name the embedded server in the error of a database that is gone, where it is that one."""
    try:
        yield
    except TryLaterError as error:
        is_gone = error.problem is Problem.DATABASE_GONE
        if not is_gone or settings.mongodb_uri.get_secret_value():
            raise
        raise TryLaterError(str(error), problem=Problem.EMBEDDED_GONE) from error


def open_erp_of(
    settings: Settings, database: Database | None, *, watch: "Watch | None" = None
) -> "AbstractAsyncContextManager[Erp]":
    """Open the ERP of the settings; raises RefusedError when they cannot be right.

    database: stores the tokens that some ERPs renew. Without one, their adapters refuse. It also
        keeps what limits the requests of all processes.
    watch: hears of each request.
    """
    from erp.adapter import Credentials
    from erp.registry import open_erp

    tokens = gate = pace = marks = None
    if database is not None:
        clock = server_time(database)
        keeper = keep_tokens(token_leases(database), clock)
        tokens = ErpTokens(database, settings.erp_kind, keeper.holding)
        gate = keep_turns(turn_leases(database), clock).holding
        pace = Agreed(database, f"erp:{settings.erp_kind}", Pace())
        marks = Marks(database, clock)
    return open_erp(
        settings.erp_kind,
        Credentials(
            url=settings.erp_url,
            token=settings.erp_token,
            username=settings.erp_username,
            password=settings.erp_password,
            client_id=settings.erp_client_id,
            client_secret=settings.erp_client_secret,
            database=settings.erp_database,
        ),
        timezone=settings.zone,
        tokens=tokens,
        gate=gate,
        pace=pace,
        marks=marks,
        ca_file=settings.erp_ca_file,
        watch=watch,
    )


@asynccontextmanager
async def open_erp_if_set(
    settings: Settings, database: Database, *, watch: "Watch | None" = None
) -> "AsyncIterator[Erp | None]":
    """Open the ERP with a short negative cache in front; yields None when no ERP is set.

    watch: hears of each request.
    """
    if not settings.erp_kind:
        yield None
        return
    from erp.negative_cache import NegativeCache

    async with open_erp_of(settings, database, watch=watch) as erp:
        marks = Marks(database, server_time(database))
        yield NegativeCache(erp, system=settings.erp_kind, marks=marks)


@asynccontextmanager
async def warning_of_certificate(
    erp: "Erp", warn: Callable[[str], None]
) -> AsyncIterator[asyncio.Task[None]]:
    """Ask the ERP beside the block, and call `warn` with a sentence if its certificate is not
    trusted; yields the task that asks."""

    async def look() -> None:
        try:
            await erp.probe()
        except AppError as error:
            # Anything else may pass, and /status tells of it.
            if isinstance(error, RefusedError) and error.problem is not None:
                warn(sentence(error))

    looking = asyncio.create_task(look(), name="certificate of the ERP")
    try:
        yield looking
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)


def utc_now() -> datetime:
    return datetime.now(UTC)


def departments_of(
    settings: Settings, database: Database, clock: Callable[[], datetime] = utc_now
) -> Departments:
    """Return the departments; the default one has the group of the settings."""
    return Departments(
        store=StoredDepartments(database, clock), default_group_id=settings.attendants_chat_id
    )
