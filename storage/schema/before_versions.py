"""Migration 1: from what programs stored before the data had a version."""

from collections.abc import AsyncIterator
from typing import Final

from storage.engine.connection import Database, translated
from storage.engine.indexes import drop_other_indexes
from storage.engine.scan import unset_all
from storage.register.search import complete
from storage.schema.old_backups import convert_old_backups
from storage.schema.progress import Progress

# The skip list of lists that were sorted without an index.
_MARKS: Final = "marks"


async def migrate_unversioned(database: Database) -> AsyncIterator[Progress]:
    """Turn stored backups into jobs, complete the search fields, and remove the skip list and the
    indexes that no query uses any more."""
    await convert_old_backups(database)
    # First, because every index makes the writes that follow slower.
    await drop_other_indexes(database)
    await complete(database)
    for name in ("registrations", "audit"):
        with translated():
            of = int(await database[name].estimated_document_count())
        documents = 0
        async for count in unset_all(database, name, _MARKS):
            documents += count
            yield Progress(name, documents, of)
