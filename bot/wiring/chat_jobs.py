"""The wiring of jobs whose progress and end are told in chat, backups among them."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from pathlib import Path

from bot.runtime.jobs.backups import BackUp, MakeBackup
from bot.usecases.company.roles import RoleOf
from bot.wiring.jobs import Jobs, build_jobs
from bot.wiring.shared import Shared
from bot.wording.values import Names
from handlers.admin.company.backup import TelegramBackups
from handlers.admin.files.services import TelegramJobNotifier
from storage.backup.backup import back_up, held
from storage.engine.connection import Database


def build_chat_jobs(
    shared: Shared, *, role_of: RoleOf, names: Callable[[], Awaitable[Names]]
) -> Jobs:
    """Build it; nothing is started."""
    return build_jobs(
        shared,
        notifier=TelegramJobNotifier(bot=shared.bot, names=names, admin_ids=role_of.admin_ids),
        make_backup=MakeBackup(
            back_up=backing_up(shared.database),
            expected=lambda: held(shared.database),
            deliver=TelegramBackups(bot=shared.bot, admin_ids=role_of.admin_ids).deliver,
            clock=shared.clock,
        ),
        is_admin=role_of.is_admin,
    )


def backing_up(database: Database) -> BackUp:
    """Return a function that writes a backup of this database into a file."""

    async def write(
        out: Path, at: datetime, report: Callable[[str, int], None]
    ) -> Mapping[str, int]:
        tallies = await back_up(
            database, out, at=at, report=lambda now: report(now.collection, now.documents)
        )
        return {name: tally.count for name, tally in tallies.items()}

    return write
