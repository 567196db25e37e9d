"""Migration 3: registrations may hold what the ERP still says of a corrected field."""

from collections.abc import AsyncIterator

from storage.engine.connection import Database
from storage.schema.progress import Progress


async def nothing_to_write(database: Database) -> AsyncIterator[Progress]:
    """Change nothing: older data has no corrections.

    The version rises because an older program would drop the field with its next write, and the
    audit's chain would then look broken.
    """
    del database
    return
    yield
