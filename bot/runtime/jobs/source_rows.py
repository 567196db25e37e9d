"""The rows of the file of a job, read in threads."""

import asyncio
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Collection,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from bot.domain.fields import PASSWORD
from bot.domain.file_refusal import FileReason, FileRefused
from bot.domain.job import Job, MendedCell, ShownRow
from bot.runtime.files.table import Table, inspect, open_table

_FIRST: Final = 3
# Longer than any field may be.
_CELL: Final = 2_500


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


Mended = Mapping[int, Sequence[MendedCell]]
"""The cells that were written anew in the preview, by line."""


def mended_of(job: Job) -> Mended:
    mended: dict[int, list[MendedCell]] = {}
    for cell in job.import_options.mended if job.import_options else ():
        mended.setdefault(cell.line, []).append(cell)
    return mended


async def rows(
    table: Table, at_once: int, mended: Mended
) -> AsyncGenerator[list[tuple[int, list[str]]], None]:
    """Yield all rows as (line, cells), read in a thread, a batch of so many at a time."""
    batches = table.batches(at_once)
    try:
        while (some := await asyncio.to_thread(next, batches, None)) is not None:
            lines, read = some
            if not mended.keys().isdisjoint(lines):
                read = [_with(cells, mended.get(line)) for line, cells in zip(*some, strict=True)]
            yield list(zip(lines, read, strict=True))
    finally:
        await asyncio.to_thread(_close, batches)


async def shown_rows(
    table: Table, lines: Collection[int], fields: Sequence[str | None], mended: Mended
) -> tuple[ShownRow, ...]:
    """Return the first rows of the file, and those of these lines, as a preview shows them."""
    return await asyncio.to_thread(_shown_rows, table, lines, fields, mended)


def _shown_rows(
    table: Table, lines: Collection[int], fields: Sequence[str | None], mended: Mended
) -> tuple[ShownRow, ...]:
    last = max(lines, default=0)
    shown = []
    for place, (line, cells) in enumerate(table.rows()):
        if place >= _FIRST and line > last:
            break
        if place < _FIRST or line in lines:
            told = (
                cell[:_CELL] if field not in (None, PASSWORD) else ""
                for cell, field in zip(_with(cells, mended.get(line)), fields, strict=False)
            )
            shown.append(ShownRow(line=line, cells=tuple(told)))
    return tuple(shown)


def _with(cells: list[str], mended: Sequence[MendedCell] | None) -> list[str]:
    """Return the row with these cells written anew."""
    if not mended:
        return cells
    width = max(cell.column for cell in mended) + 1
    row = [*cells, *[""] * (width - len(cells))]
    for cell in mended:
        row[cell.column] = cell.text
    return row


def _close(iterator: Iterator[object]) -> None:
    close = getattr(iterator, "close", None)
    if close is not None:
        close()
