"""Sheets of .xlsx files as rows, read in a process of their own (`sheet_process.py`)."""

import marshal
import subprocess
import sys
from bisect import bisect_right
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from bot.domain.file_refusal import MAX_RECORD, FileReason, FileRefused
from bot.domain.file_shape import FileShape
from bot.runtime.files.shape import PROBE, Batch, Read, header_of, header_place, known_names
from bot.runtime.files.unpacking import Unpacked

MAX_MEMORY: Final = 1_500_000_000
"""The memory limit, in bytes, of the process that holds a sheet: twice what 300 MB of XML need."""
_SHEETS: Final = 20
"""Sheets after this many are not searched for the table."""
_SCRIPT: Final = Path(__file__).with_name("sheet_process.py")


def inspect_workbook(
    source: Unpacked, *, report: Callable[[int], None] = lambda rows: None
) -> tuple[FileShape, Batch]:
    """Return the shape of a workbook's table, read to its end, and its first rows with the header.

    The table is the first visible sheet with a header, else the first that is not empty. report:
    called with the number of rows so far. Raises FileRefused.
    """
    sheet = _chosen(source)
    try:
        head = sheet.head()
        header_line, header = header_of(*head)
        count = 0
        for lines, _ in sheet.batches():
            count += len(lines) - bisect_right(lines, header_line)
            report(count)
    finally:
        sheet.close()
    shape = FileShape(
        format="xlsx",
        member=source.member,
        sheet=sheet.name,
        sheet_place=sheet.place,
        header_line=header_line,
        header=header,
        rows=count,
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


def _chosen(source: Unpacked) -> "_Sheet":
    first: int | None = None
    count = 1
    place = 0
    while place < count:
        sheet = _Sheet(source, place)
        try:
            _, rows = sheet.head()
            if rows and (sheet.sheets == 1 or known_names(rows[header_place(rows)])):
                return sheet
        except BaseException:
            sheet.close()
            raise
        sheet.close()
        count = min(sheet.sheets, _SHEETS)
        if rows and first is None:
            first = place
        place += 1
    if first is None:
        raise FileRefused(FileReason.EMPTY)
    return _Sheet(source, first)


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

    def __init__(self, source: Unpacked, place: int) -> None:
        self.place = place
        command = [
            sys.executable,
            "-I",
            str(_SCRIPT),
            str(place),
            str(MAX_MEMORY),
            str(MAX_RECORD),
        ]
        with source.open() as file:
            self._process = subprocess.Popen(  # noqa: S603 - our own script; the file is its input
                command, stdin=file, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        self._read_ahead: list[Batch] = []
        try:
            names = self._next()
        except BaseException:
            self.close()
            raise
        self.sheets = len(names)
        self.name = names[place] if place < len(names) else ""
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
        batch = self._next()
        if batch is None:
            self._over = True
        else:
            self._read_ahead.append(batch)

    def _next(self) -> Any:
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
