"""Migrations 2 and 7: registrations are found by their telephones too, and listed by time."""

from collections.abc import AsyncIterator

from storage.engine.connection import Database
from storage.schema.progress import Progress, within
from storage.schema.search_fields import renew_search_fields


async def renew_words(database: Database) -> AsyncIterator[Progress]:
    """Add the new keys to each registration; an older program ignores them."""
    async for progress in within(database, "registrations", renew_search_fields(database)):
        yield progress
