"""A file that a person sent, opened as a table; everything here blocks, so use a thread."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath

from bot.runtime.files.shape import Batch, Read, Shape
from bot.runtime.files.text import text_table
from bot.runtime.files.unpacking import unpacked
from bot.runtime.files.workbook import workbook_table

_ROWS = 500


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

    shape: Shape
    _read: Read

    def rows(self, after: int = 0) -> Iterator[tuple[int, list[str]]]:
        """Yield the line and the cells of each row on the lines after `after`."""
        for lines, rows in self._read(_ROWS, after):
            yield from zip(lines, rows, strict=True)

    def batches(self, size: int, after: int = 0) -> Iterator[Batch]:
        """Return an iterator of the same rows, `size` at a time: their lines, and the cells of
        each."""
        return self._read(size, after)


@contextmanager
def open_table(path: Path, *, name: str) -> Iterator[Table]:
    """Yield the table of a file: a text, an .xlsx, or either in a .zip or .gz.

    name: the file's name as the person gave it. The bytes decide what the file is; the name's
    ending only decides between delimiters where the bytes leave a doubt. Raises FileRefused.
    """
    tabs = PurePath(name.lower().removesuffix(".gz").removesuffix(".zip")).suffix in (
        ".tsv",
        ".tab",
    )
    with unpacked(path) as source:
        if source.is_workbook:
            with workbook_table(source) as (shape, read):
                yield Table(shape, read)
        else:
            yield Table(*text_table(source, delimiters="\t;,|" if tabs else ";,\t|"))
