"""Migration 4: half telephones, e-mails, ERP ids and labels among the words of a search."""

from collections.abc import AsyncIterator
from typing import Final

from storage.engine.connection import Database
from storage.engine.indexes import drop_index
from storage.schema.progress import Progress, within
from storage.schema.search_fields import renew_search_fields

# The index on the field that programs of version 3 still read; for them it is a scan then.
_LABELS: Final = "labels"


async def gather_keys(database: Database) -> AsyncIterator[Progress]:
    """Drop the index on labels, and write the keys of each registration anew."""
    # First, because every index makes the writes that follow slower.
    await drop_index(database, "registrations", _LABELS)
    async for progress in within(database, "registrations", renew_search_fields(database)):
        yield progress
