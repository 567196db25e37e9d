"""Migrations 3, 4 and 6: registrations may hold what the ERP still says of a corrected field, the
records that it has lost, and the documents of those that were united into them. And 2 and 7, whose
keys of a search migration 8 writes."""

from collections.abc import AsyncIterator

from storage.engine.connection import Database
from storage.schema.progress import Progress


async def nothing_to_write(database: Database) -> AsyncIterator[Progress]:
    """Change nothing: older data has neither.

    The version rises because an older program would drop the new field with its next write, and
    the audit's chain would then look broken.
    """
    del database
    return
    yield
