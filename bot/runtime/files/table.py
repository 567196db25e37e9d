"""A file that a person sent, as a table: inspected once, then read by what was found."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePath

from bot.domain.columns import doubts_of_values, map_header
from bot.domain.file_shape import FileShape, Inspected, Reading
from bot.runtime.files.shape import PROBE, Batch, Read
from bot.runtime.files.text import inspect_text, read_text
from bot.runtime.files.unpacking import unpacked
from bot.runtime.files.workbook import inspect_workbook, read_workbook


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of a file under its header, read anew each time.

    Line numbers are those a person sees: in a text file the line on which the row begins (a cell
    can hold line breaks), in a workbook the number of the row. Cells are as they are in the file.
    A row can have fewer cells than the header; the missing ones are blank. It can have more; they
    are a fault of that row if they hold anything. Any cell can hold NUL. Blank rows are left out.

    Reading raises FileRefused for faults that are only seen further on: an archive that is damaged
    there, a quotation mark that is never closed.
    """

    shape: FileShape
    batches: Read

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yield the line and the cells of each row."""
        for lines, rows in self.batches(PROBE):
            yield from zip(lines, rows, strict=True)


@contextmanager
def open_table(path: Path, shape: FileShape) -> Iterator[Table]:
    """Yield the table of a file that was inspected; blocks, so use a thread.

    Raises FileRefused.
    """
    with unpacked(path) as source:
        read = read_workbook if source.is_workbook else read_text
        yield Table(shape, read(source, shape))


async def inspect(
    path: Path,
    *,
    name: str,
    shape: FileShape | None = None,
    reading: Reading | None = None,
    report: Callable[[int], None] = lambda rows: None,
) -> Inspected:
    """Return the shape, the columns and the first rows of a text, an .xlsx, or either in a .zip
    or .gz.

    The file is read to its end, so that a fault which stops the reading is known before anything
    is written; with its known shape, only the first rows are read.

    name: the file's name as the person gave it. The bytes decide what the file is; the name's
    ending only decides between delimiters where the bytes leave a doubt. reading: a person's
    answers on how to read it. report: called in a thread with the number of rows so far; an
    exception that it raises ends the reading. Raises FileRefused.
    """
    return await asyncio.to_thread(_inspect, path, name, shape, reading or Reading(), report)


def _inspect(
    path: Path,
    name: str,
    shape: FileShape | None,
    reading: Reading,
    report: Callable[[int], None],
) -> Inspected:
    if shape is not None:
        with open_table(path, shape) as table:
            first = list(islice(table.rows(), PROBE))
    else:
        shape, (lines, rows) = _read_to_its_end(path, name, reading, report)
        first = [row for row in zip(lines, rows, strict=True) if row[0] > shape.header_line]
    return Inspected(
        shape=shape,
        columns=doubts_of_values(map_header(shape.header), [cells for _, cells in first]),
        samples=tuple((line, tuple(cells)) for line, cells in first),
    )


def _read_to_its_end(
    path: Path, name: str, reading: Reading, report: Callable[[int], None]
) -> tuple[FileShape, Batch]:
    ending = PurePath(name.lower().removesuffix(".gz").removesuffix(".zip")).suffix
    delimiters = "\t;,|" if ending in (".tsv", ".tab") else ";,\t|"
    with unpacked(path) as source:
        if source.is_workbook:
            return inspect_workbook(source, reading=reading, report=report)
        return inspect_text(source, delimiters=delimiters, reading=reading, report=report)
