"""Migration 1: from what programs stored before the data had a version."""

from collections.abc import AsyncIterator
from typing import Final

from storage.engine.connection import Database, translated
from storage.engine.indexes import drop_index
from storage.engine.scan import unset_all
from storage.schema.old_backups import convert_old_backups
from storage.schema.progress import Progress, within
from storage.schema.search_fields import renew_search_fields

# The skip list of lists that were sorted without an index.
_MARKS: Final = "marks"
# The version of the search fields that was stored last.
_SEARCH: Final = "search"


async def migrate_unversioned(database: Database) -> AsyncIterator[Progress]:
    """Turn stored backups into jobs, renew the search fields, and remove the skip list."""
    await convert_old_backups(database)
    # First, because every index makes the writes that follow slower.
    for name in ("registrations", "audit"):
        await drop_index(database, name, _MARKS)
    for name, steps in (
        ("registrations", renew_search_fields(database)),
        ("audit", unset_all(database, "audit", _MARKS)),
    ):
        async for progress in within(database, name, steps):
            yield progress
    with translated():
        await database["meta"].delete_one({"_id": _SEARCH})
