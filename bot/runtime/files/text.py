"""Text files as rows: delimiter, and records with the lines they begin on.

The file is read as a stream each time, so memory does not grow with it.
"""

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Final

from bot.domain.file_refusal import MAX_RECORD, FileReason, FileRefused
from bot.domain.file_shape import FileShape, Question, Reading
from bot.domain.job import LINES
from bot.runtime.files.decoding import OtherError, TextLines
from bot.runtime.files.shape import (
    PROBE,
    Batch,
    Read,
    TableScan,
    header_of,
    header_place,
    known_names,
)
from bot.runtime.files.swallowing import Swallowing
from bot.runtime.files.unpacking import Unpacked

_SAMPLE: Final = 1 << 18
"""The number of characters from which the delimiter is detected."""
_DELIMITERS: Final = ";,\t|"
_SEP: Final = re.compile(r'"?sep=([;,\t|])"?\s*', re.IGNORECASE)
"""A first line that Excel takes for an instruction."""
# Comes after the file: a record of its own, unless a quotation mark before it was never closed.
_END: Final = "\0\0"

# The limit holds for the whole process, and is larger than any other reader in it needs.
csv.field_size_limit(MAX_RECORD)


def inspect_text(
    source: Unpacked,
    *,
    delimiters: str = _DELIMITERS,
    reading: Reading | None = None,
    report: Callable[[int], None] = lambda rows: None,
) -> tuple[FileShape, Batch]:
    """Return the shape of a text file, read once to its end, and its first rows with the header.

    delimiters: in the order in which they are tried. reading: a person's answers. report: called
    with the number of rows so far. Raises FileRefused.
    """
    reading = reading or Reading()
    known = OtherError(reading.encoding)
    while True:
        try:
            return _inspected(source, known, delimiters, reading, report)
        except OtherError as other:
            # Each can come once: some accents happened to be UTF-8, other words told the
            # encoding, or a mark was escaped.
            known.encoding = other.encoding or known.encoding
            known.in_doubt = known.in_doubt or other.in_doubt
            known.has_escapes = known.has_escapes or other.has_escapes


def read_text(source: Unpacked, shape: FileShape) -> Read:
    """Return a function that reads the rows of a text file of this shape."""

    def read(size: int) -> Iterator[Batch]:
        with source.open() as stream:
            blocks = TextLines(stream, shape.encoding, has_escapes=shape.has_escapes).blocks()
            first = next(blocks, [])
            skipped = 1 if first and _SEP.fullmatch(first[0]) else 0
            after = max(skipped, shape.header_line)
            delimiter = shape.delimiter or ";"
            splits = Swallowing(shape.header, delimiter) if shape.quotes == "text" else None
            yield from _Records(delimiter, splits).batches(chain((first,), blocks), size, after)

    return read


def _inspected(
    source: Unpacked,
    known: OtherError,
    delimiters: str,
    reading: Reading,
    report: Callable[[int], None],
) -> tuple[FileShape, Batch]:
    with source.open() as stream:
        text = TextLines(
            stream, known.encoding, has_escapes=known.has_escapes, asks=reading.encoding is None
        )
        blocks = text.blocks()
        sample = _sample(blocks)
        delimiter, skipped = _delimiter(sample, delimiters)
        text.seek_escapes(delimiter, sample)
        splits = _splits(sample[skipped:], delimiter) if reading.quotes == "text" else None
        records = _Records(delimiter, splits)
        batches = records.batches(chain((sample,), blocks), PROBE, skipped)
        head = next(batches, ([], []))
        scan = TableScan(head)
        scan.take(*head)
        for batch in batches:
            scan.take(*batch)
            report(scan.rows)
    encoding, questions = text.verdict(in_doubt=known.in_doubt)
    swallowing = Swallowing(scan.header, delimiter)
    broken = [one for one in records.broken if one[0] > scan.header_line]
    found = [(first, last) for first, last, cells in broken if swallowing.has_rows_in(cells)]
    if found and reading.quotes is None:
        questions = (Question.QUOTES, *questions)
    shape = FileShape(
        format="csv",
        encoding=encoding,
        delimiter=delimiter,
        member=source.member,
        header_line=scan.header_line,
        header=scan.header,
        rows=scan.rows,
        other_lines=records.lines - scan.header_line - scan.rows,
        broken_rows=len(broken),
        quotes=reading.quotes,
        swallowing=tuple(found[:LINES]),
        has_escapes=known.has_escapes,
        questions=questions,
        decimals=scan.decimals.found(),
        marks=scan.beyond.marks(),
    )
    return shape, head


def _sample(blocks: Iterator[list[str]]) -> list[str]:
    """Return the first lines, enough to detect the delimiter. Raises FileRefused if there are
    none."""
    sample: list[str] = []
    length = 0
    for block in blocks:
        sample += block
        length += sum(map(len, block))
        if length >= _SAMPLE:
            break
    if not sample:
        raise FileRefused(FileReason.EMPTY)
    return sample


def _splits(sample: Sequence[str], delimiter: str) -> Swallowing:
    """Return what splits the quoted cells in which whole rows stand, by the header alone.

    sample: the first lines, each of which is a row here.
    """
    rows = [cells_of(line, delimiter) for line in sample[:PROBE]]
    return Swallowing(header_of(range(1, len(rows) + 1), rows)[1], delimiter)


class _Records:
    """The records of a text, with the lines they begin on."""

    def __init__(self, delimiter: str, splits: Swallowing | None) -> None:
        """splits: finds the quoted cells in which whole rows stand; each of their lines is a row
        then. None leaves all cells as they are."""
        self._delimiter = delimiter
        self._splits = splits
        self._end = 0  # the last line of the record before
        self.broken: list[tuple[int, int, list[str]]] = []
        """First and last line and cells of each record with line breaks."""

    @property
    def lines(self) -> int:
        return self._end

    def batches(self, blocks: Iterable[Sequence[str]], size: int, after: int) -> Iterator[Batch]:
        """Yield the records behind the line `after`, so many at a time; blank ones are left
        out."""
        if self._splits is not None:
            yield from self._split_batches(blocks, self._splits, size, after)
            return
        reader = csv.reader(chain.from_iterable(self._bounded(blocks)), delimiter=self._delimiter)
        lines: list[int] = []
        rows: list[list[str]] = []
        end = 0
        try:
            for cells in reader:
                line, end = end + 1, reader.line_num
                self._end = end
                if line <= after:
                    continue
                # The first cell is checked first, as it is filled in nearly every row.
                first = cells[0] if cells else ""
                if (not first or first.isspace()) and not "".join(cells).strip():
                    continue
                if len(lines) == size:
                    yield lines, rows
                    lines, rows = [], []
                lines.append(line)
                rows.append(cells)
                if end > line:
                    self.broken.append((line, end, cells))
        except csv.Error as error:
            raise FileRefused(FileReason.LINE_TOO_LONG, line=end + 1) from error
        self._end -= 1
        if rows:
            if rows.pop() != [_END]:
                raise FileRefused(FileReason.UNCLOSED_QUOTE, line=lines[-1])
            lines.pop()
            if rows:
                yield lines, rows

    def _bounded(self, blocks: Iterable[Sequence[str]]) -> Iterator[Sequence[str]]:
        seen, held = -1, 0
        for block in blocks:
            held = held + sum(map(len, block)) if seen == self._end else 0
            seen = self._end
            # All its cells and lines can be short, and yet the record without an end.
            if held > MAX_RECORD:
                raise FileRefused(FileReason.LINE_TOO_LONG, line=self._end + 1)
            yield block
        yield (_END,)

    def _split_batches(
        self, blocks: Iterable[Sequence[str]], splits: Swallowing, size: int, after: int
    ) -> Iterator[Batch]:
        records = (
            record
            for record in self._split_records(blocks, splits)
            if record[0] > after and "".join(record[1]).strip()
        )
        while some := list(islice(records, size)):
            yield [line for line, _ in some], [cells for _, cells in some]

    def _split_records(
        self, blocks: Iterable[Sequence[str]], splits: Swallowing
    ) -> Iterator[tuple[int, list[str]]]:
        pulled: list[str] = []

        def remembered() -> Iterator[str]:
            for line in chain.from_iterable(self._bounded(blocks)):
                pulled.append(line)
                yield line

        try:
            for cells in csv.reader(remembered(), delimiter=self._delimiter):
                first, taken = self._end + 1, [line for line in pulled if line != _END]
                self._end += len(taken)
                is_open = len(taken) < len(pulled) and bool(taken)
                pulled.clear()
                if is_open or (len(taken) > 1 and splits.has_rows_in(cells)):
                    yield from (
                        (line, cells_of(text, self._delimiter))
                        for line, text in enumerate(taken, first)
                    )
                elif taken:
                    if len(taken) > 1:
                        self.broken.append((first, self._end, cells))
                    yield first, cells
        except csv.Error as error:
            raise FileRefused(FileReason.LINE_TOO_LONG, line=self._end + 1) from error


def cells_of(line: str, delimiter: str) -> list[str]:
    """Return the cells of one line; where its quotation marks are not in pairs they are text."""
    if line.count('"') % 2:
        reader = csv.reader((line,), delimiter=delimiter, quoting=csv.QUOTE_NONE)
    else:
        reader = csv.reader((line,), delimiter=delimiter)
    return next(reader, [])


def _delimiter(sample: Sequence[str], delimiters: str) -> tuple[str, int]:
    """Return the delimiter, and how many lines before the table tell it: 1 or 0.

    Else it is the one that finds most names of fields in the header. Among several such delimiters
    it is the one that gives most rows the width of the header.
    """
    if sep := _SEP.fullmatch(sample[0]):
        return sep[1], 1

    def fitness(delimiter: str) -> tuple[int, float]:
        try:
            rows = [row for row in csv.reader(sample, delimiter=delimiter) if any(row)][:PROBE]
        except csv.Error:
            return 0, 0.0
        if not rows:
            return 0, 0.0
        place = header_place(rows)
        width, data = len(rows[place]), rows[place:]
        alike = Counter(map(len, data))[width] / len(data) if width > 1 else 0.0
        return known_names(rows[place]), alike

    return max(delimiters, key=fitness), 0
