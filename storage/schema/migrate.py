"""The migrations, in order, and the loop that runs those that the data still needs.

A migration may be killed at any moment, and is then run again from its beginning. So each of its
writes must be repeatable, and it skips what is done. It reads a collection in the windows of
`storage.engine.scan`, never as a whole. Programs of the version before may run until they notice
(`docs/decisions/versions.md`): a migration that removes something must leave data that they can
still read.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from storage.engine.connection import Database
from storage.engine.schema import begin_migration, store_version, stored_version
from storage.schema.before_versions import migrate_unversioned
from storage.schema.corrections import nothing_to_write
from storage.schema.labels_index import drop_labels_index
from storage.schema.progress import Progress, Report
from storage.schema.renewed_words import renew_words


@dataclass(frozen=True, slots=True)
class Migration:
    """One step from the version before."""

    version: int
    """The version that the data has afterwards."""
    name: str
    run: Callable[[Database], AsyncIterator[Progress]]


# One that renews the search fields writes what all before it would have written.
MIGRATIONS: Final[Sequence[Migration]] = (
    Migration(1, "from before there was a version", migrate_unversioned),
    Migration(2, "telephones among the words of a search", nothing_to_write),
    Migration(3, "corrections that the ERP does not have", nothing_to_write),
    Migration(4, "registrations that are not in the ERP any more", nothing_to_write),
    Migration(5, "all keys of a search in one list", drop_labels_index),
    Migration(6, "registrations that were united into one", nothing_to_write),
    Migration(7, "the time of the last change among the keys of a search", nothing_to_write),
    Migration(8, "first words of names only in the list by name", renew_words),
)


async def migrate(database: Database, report: Report) -> None:
    """Bring the data to this program's version; only one process may do so at a time.

    Raises RefusedError when the data is newer.
    """
    stored = await stored_version(database)
    needed = [one for one in MIGRATIONS if one.version > stored]
    if needed:
        await begin_migration(database)
    for migration in needed:
        async for progress in migration.run(database):
            report(progress)
        await store_version(database, migration.version)
