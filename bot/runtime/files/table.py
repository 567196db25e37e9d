"""A file that somebody sent, opened as a table; everything here blocks, so use a thread."""

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

    Lines are what a person sees: in a text the line on which the row begins (a cell can hold line
    breaks), in a workbook the number of the row. Cells are as they are: a row can have fewer than
    the header, which are blank, or more, which are a fault of that row if they hold anything; and
    any can hold NUL. Blank rows are left out.

    Reading raises FileRefused for what is only seen further on: an archive that is damaged there,
    a quotation mark that is never closed.
    """

    shape: Shape
    _read: Read

    def rows(self, after: int = 0) -> Iterator[tuple[int, list[str]]]:
        """Line and cells of each row on the lines after one."""
        for lines, rows in self._read(_ROWS, after):
            yield from zip(lines, rows, strict=True)

    def batches(self, size: int, after: int = 0) -> Iterator[Batch]:
        """The same, `size` rows at a time: their lines and, as many, their cells."""
        return self._read(size, after)


@contextmanager
def open_table(path: Path, *, name: str) -> Iterator[Table]:
    """The table that a file is: text, .xlsx, or either in a .zip or .gz; raises FileRefused.

    name: as the person called it. What the file is, its bytes tell; of the name only the ending
    counts, where the bytes leave a doubt between delimiters.
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
