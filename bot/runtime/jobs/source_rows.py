"""The rows of the file of a job, read in threads."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.domain.file_refusal import FileReason, FileRefused
from bot.domain.job import Job
from bot.runtime.files.table import Table, inspect, open_table


@asynccontextmanager
async def opened(path: Path, job: Job) -> AsyncIterator[Table]:
    """Open the file of a job in a thread."""
    shape = job.shape
    if shape is None:
        # A job of a version that did not keep it.
        shape = (await inspect(path, name=job.source.name if job.source else path.name)).shape
    if shape.questions:
        raise FileRefused(FileReason.UNANSWERED)
    table_of = open_table(path, shape)
    table = await asyncio.to_thread(table_of.__enter__)
    try:
        yield table
    finally:
        await asyncio.to_thread(table_of.__exit__, None, None, None)


async def rows(table: Table, at_once: int) -> AsyncGenerator[list[tuple[int, list[str]]], None]:
    """Yield all rows as (line, cells), read in a thread, a batch of so many at a time."""
    batches = table.batches(at_once)
    try:
        while (some := await asyncio.to_thread(next, batches, None)) is not None:
            yield list(zip(*some, strict=True))
    finally:
        await asyncio.to_thread(_close, batches)


def _close(iterator: Iterator[object]) -> None:
    close = getattr(iterator, "close", None)
    if close is not None:
        close()
