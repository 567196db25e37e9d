"""Migration 2: registrations are found by their telephones, too."""

from collections.abc import AsyncIterator

from storage.engine.connection import Database
from storage.schema.progress import Progress, within
from storage.schema.search_fields import renew_search_fields


async def add_phone_words(database: Database) -> AsyncIterator[Progress]:
    """Add the telephones to the words of each registration; an older program ignores them."""
    async for progress in within(database, "registrations", renew_search_fields(database)):
        yield progress
