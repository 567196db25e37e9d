"""Sheets of .xlsx files as rows, read in a process of their own (`sheet_process.py`)."""

import marshal
import subprocess
import sys
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from bot.domain.file_refusal import MAX_RECORD, FileReason, FileRefused
from bot.domain.file_shape import FileShape, Mark, MarkKind, Reading, Sheet
from bot.domain.search import fold
from bot.runtime.files.shape import (
    PROBE,
    Batch,
    Read,
    TableScan,
    header_place,
    known_names,
)
from bot.runtime.files.unpacking import Unpacked

MAX_MEMORY: Final = 1_500_000_000
"""The memory limit, in bytes, of the process that holds a sheet: twice what 300 MB of XML need."""
_SCRIPT: Final = Path(__file__).with_name("sheet_process.py")


def inspect_workbook(
    source: Unpacked,
    *,
    reading: Reading | None = None,
    report: Callable[[int], None] = lambda rows: None,
) -> tuple[FileShape, Batch]:
    """Return the shape of a workbook's table, read to its end, and its first rows with the header.

    The table is the sheet that was asked for, or else the visible one whose header has most names
    of fields, or else the first that is not empty. report: called with the number of rows so far.
    Raises FileRefused.
    """
    sheet, others = _chosen(source, (reading or Reading()).sheet)
    try:
        head = sheet.head()
        scan = TableScan(head)
        for batch in sheet.batches():
            scan.take(*batch)
            report(scan.rows)
    finally:
        sheet.close()
    shape = FileShape(
        format="xlsx",
        member=source.member,
        sheet=sheet.name,
        sheet_place=sheet.place,
        header_line=scan.header_line,
        header=scan.header,
        rows=scan.rows,
        decimals=scan.decimals.found(),
        other_sheets=others,
        marks=(*sheet.marks, *scan.beyond.marks()),
    )
    return shape, head


def read_workbook(source: Unpacked, shape: FileShape) -> Read:
    """Return a function that reads the rows of a workbook's table, each time in a new process."""

    def read(size: int) -> Iterator[Batch]:
        sheet = _Sheet(source, shape.sheet_place)
        try:
            yield from _in_batches(sheet, size, shape.header_line)
        finally:
            sheet.close()

    return read


def _chosen(source: Unpacked, wanted: str | None) -> tuple["_Sheet", tuple[Sheet, ...]]:
    """Return the sheet to read, and those beside it."""
    sheet = _Sheet(source, 0, seeks_marks=True)
    if len(sheet.sheets) == 1 and sheet.name and wanted in (None, "1", sheet.name):
        return sheet, ()
    sheet.close()
    surveyed = _survey(source)
    visible = [one for one in surveyed if not one.sheet.is_hidden]
    place = _place_of(wanted, visible)
    if place is None:
        names = tuple(one.sheet.name for one in visible)
        raise FileRefused(FileReason.NO_SHEET, names=names, found=len(names))
    if not visible or not visible[place].sheet.rows:
        raise FileRefused(FileReason.EMPTY)
    others = tuple(one.sheet for one in surveyed if one is not visible[place])
    return _Sheet(source, place, seeks_marks=True), others


class _Surveyed(NamedTuple):
    sheet: Sheet
    names: int
    """The number of names of fields in its header."""


def _survey(source: Unpacked) -> list[_Surveyed]:
    """Return all worksheets; those behind the twentieth without their rows."""
    survey = _Sheet(source, -1)
    try:
        found = []
        for name, is_visible in survey.sheets:
            batch = survey.next()
            _, rows = batch or ([], [])
            count = survey.next() if batch else 0
            sheet = Sheet(name=name, rows=count, is_hidden=not is_visible)
            found.append(_Surveyed(sheet, known_names(rows[header_place(rows)]) if rows else 0))
    finally:
        survey.close()
    return found


def _place_of(wanted: str | None, visible: Sequence[_Surveyed]) -> int | None:
    places = range(len(visible))
    if wanted is None:
        # The first of those with the best header; without one, the first that is not empty.
        return max(
            places,
            key=lambda place: (visible[place].names, visible[place].sheet.rows > 0),
            default=0,
        )
    for place in places:
        if visible[place].sheet.name == wanted:
            return place
    keys = [fold(one.sheet.name) for one in visible]
    if keys.count(fold(wanted)) == 1:
        return keys.index(fold(wanted))
    number = int(wanted) if wanted.isdecimal() and len(wanted) < 4 else 0
    return number - 1 if number - 1 in places else None


def _in_batches(sheet: "_Sheet", size: int, after: int) -> Iterator[Batch]:
    lines: list[int] = []
    rows: list[list[str]] = []
    for more_lines, more_rows in sheet.batches():
        skipped = bisect_right(more_lines, after)
        lines += more_lines[skipped:]
        rows += more_rows[skipped:]
        while len(lines) >= size:
            yield lines[:size], rows[:size]
            del lines[:size], rows[:size]
    if lines:
        yield lines, rows


class _Sheet:
    """One of the visible sheets, and the process that reads it."""

    def __init__(self, source: Unpacked, place: int, *, seeks_marks: bool = False) -> None:
        """place: -1 for a survey of all sheets."""
        self.place = place
        self.marks: tuple[Mark, ...] = ()
        command = [
            sys.executable,
            "-I",
            str(_SCRIPT),
            str(place),
            str(MAX_MEMORY),
            str(MAX_RECORD),
            str(int(seeks_marks)),
        ]
        with source.open() as file:
            self._process = subprocess.Popen(  # noqa: S603 - our own script; the file is its input
                command, stdin=file, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        self._read_ahead: list[Batch] = []
        try:
            self.sheets: list[tuple[str, bool]] = self.next()
        except BaseException:
            self.close()
            raise
        names = [name for name, is_visible in self.sheets if is_visible]
        self.name = names[place] if 0 <= place < len(names) else ""
        self._over = not self.name

    def head(self) -> Batch:
        """Return the first rows that are not blank."""
        while not self._over and sum(len(lines) for lines, _ in self._read_ahead) < PROBE:
            self._advance()
        lines = [line for lines, _ in self._read_ahead for line in lines]
        rows = [row for _, rows in self._read_ahead for row in rows]
        return lines[:PROBE], rows[:PROBE]

    def batches(self) -> Iterator[Batch]:
        """Yield all rows, once."""
        while self._read_ahead or not self._over:
            if not self._read_ahead:
                self._advance()
            elif batch := self._read_ahead.pop(0):
                yield batch

    def close(self) -> None:
        self._process.kill()
        if self._process.stdout:
            self._process.stdout.close()
        self._process.wait()

    def _advance(self) -> None:
        batch = self.next()
        if batch is None:
            self._over = True
        elif isinstance(batch, dict):
            self.marks = tuple(
                Mark(kind=MarkKind(kind), count=count, places=tuple(places))
                for kind, (count, *places) in batch.items()
            )
        else:
            self._read_ahead.append(batch)

    def next(self) -> Any:
        """Return the next message of the process."""
        pipe = self._process.stdout
        length = pipe.read(4) if pipe else b""
        data = pipe.read(int.from_bytes(length, "big")) if pipe and length else b""
        if not data:
            # Negative: the process aborted because it ran out of memory, or the system killed it
            # for the same reason.
            died = self._process.wait() < 0
            raise FileRefused(FileReason.TOO_LARGE if died else FileReason.DAMAGED)
        # Written by our own process.
        message = marshal.loads(data)  # noqa: S302
        if isinstance(message, str):
            reason, _, line = message.partition(":")
            raise FileRefused(FileReason(reason), line=int(line) if line else None)
        return message
