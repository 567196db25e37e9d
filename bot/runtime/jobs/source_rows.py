"""The rows of the file of a job, read in threads."""

import asyncio
from collections import deque
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Final

from bot.domain.fields import PASSWORD
from bot.domain.file_refusal import FileReason, FileRefused
from bot.domain.job import Job, MendedCell, RowReport, ShownRow
from bot.runtime.files.table import Table, inspect, open_table

_FIRST: Final = 3
# Longer than any field may be.
_CELL: Final = 2_500
# More batches than are read ahead of the one that is planned.
_RECENT: Final = 8


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


class ShownRows:
    """Takes what a preview shows from the rows on their way: the first ones, and refused ones.

    fields: the path of each column's field; None for a column that is not imported.
    """

    def __init__(self, fields: Sequence[str | None]) -> None:
        self._fields = fields
        self._shown: dict[int, ShownRow] = {}
        # Rows are read some batches before it is known which are refused.
        self._recent: deque[list[tuple[int, list[str]]]] = deque(maxlen=_RECENT)

    async def passing(
        self, rows: AsyncGenerator[list[tuple[int, list[str]]], None]
    ) -> AsyncGenerator[list[tuple[int, list[str]]], None]:
        """Yield the same rows."""
        async with aclosing(rows):
            async for some in rows:
                self._take(some[: max(0, _FIRST - len(self._shown))])
                self._recent.append(some)
                yield some

    def refused(self, reports: Sequence[RowReport]) -> None:
        lines = {report.line for report in reports}
        if lines:
            self._take([row for some in self._recent for row in some if row[0] in lines])

    def result(self) -> tuple[ShownRow, ...]:
        return tuple(self._shown[line] for line in sorted(self._shown))

    def _take(self, rows: Sequence[tuple[int, list[str]]]) -> None:
        for line, cells in rows:
            told = (
                cell[:_CELL] if field not in (None, PASSWORD) else ""
                for cell, field in zip(cells, self._fields, strict=False)
            )
            self._shown[line] = ShownRow(line=line, cells=tuple(told))


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
