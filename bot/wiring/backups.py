"""The wiring of backups that admins ask for in chat."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import datetime
from pathlib import Path

from bot.domain.backup import Copied
from bot.runtime.jobs.backups import BackUp, MakeBackups
from bot.wiring.shared import Shared
from handlers.admin.company.backup import TelegramBackupNotifier, file_name
from storage.backup.backup import back_up
from storage.backup.runs import BackupRuns
from storage.engine.connection import Database


def build_backups(
    shared: Shared, *, admin_ids: Callable[[], Awaitable[Collection[int]]]
) -> MakeBackups:
    """Build it; nothing is started."""
    return MakeBackups(
        runs=BackupRuns(shared.database),
        back_up=backing_up(shared.database),
        notifier=TelegramBackupNotifier(bot=shared.bot),
        data_dir=shared.settings.data_dir,
        name=lambda at: file_name(at, timezone=shared.timezone),
        admin_ids=admin_ids,
        clock=shared.clock,
    )


def backing_up(database: Database) -> BackUp:
    """Return a function that writes a backup of this database into a file."""

    async def write(
        out: Path, *, at: datetime, report: Callable[[str, Copied], None]
    ) -> Mapping[str, int]:
        tallies = await back_up(
            database,
            out,
            at=at,
            report=lambda now: report(now.collection, Copied(now.documents, now.of)),
        )
        return {name: tally.count for name, tally in tallies.items()}

    return write
