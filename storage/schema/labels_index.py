"""Migration 5: labels are among the keys of a search, which migration 8 writes."""

from collections.abc import AsyncIterator
from typing import Final

from storage.engine.connection import Database
from storage.engine.indexes import drop_index
from storage.schema.progress import Progress

# The index on the field that programs of version 3 still read; for them it is a scan then.
_LABELS: Final = "labels"


async def drop_labels_index(database: Database) -> AsyncIterator[Progress]:
    """Drop the index on labels; every index makes the writes that follow slower."""
    await drop_index(database, "registrations", _LABELS)
    return
    yield
