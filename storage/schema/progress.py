"""The progress of a migration."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from storage.engine.connection import Database, translated


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress within one collection; `of` is about how many documents there are."""

    collection: str
    documents: int
    of: int


Report = Callable[[Progress], None]


async def within(
    database: Database, collection: str, steps: AsyncIterator[int]
) -> AsyncIterator[Progress]:
    """Yield the progress within the collection, from the number of documents of each step."""
    with translated():
        of = int(await database[collection].estimated_document_count())
    documents = 0
    async for count in steps:
        documents += count
        yield Progress(collection, documents, of)
