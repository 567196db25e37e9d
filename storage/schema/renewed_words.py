"""Migration 8: the keys of this program, by which registrations are found and listed."""

from collections.abc import AsyncIterator

from storage.engine.connection import Database
from storage.schema.progress import Progress, within
from storage.schema.search_fields import renew_search_fields


async def renew_words(database: Database) -> AsyncIterator[Progress]:
    """Give each registration the keys of this program."""
    async for progress in within(database, "registrations", renew_search_fields(database)):
        yield progress
