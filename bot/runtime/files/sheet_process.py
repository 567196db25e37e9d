"""Reads one sheet of an .xlsx in a process of its own: started by `workbook.py`, never imported.

A workbook of a few bytes can make its reader ask for any amount of memory, by a cell far down on
the right or by a false count, and the reader then aborts its process. So the reader runs in this
process, which has a memory limit and nothing else to lose, and sends its results through a pipe.

stdin: the workbook. argv: the index of the sheet among the visible ones, or -1 to survey all
sheets; the memory limit in bytes; the limit of characters in a row; 1 to look for marks. stdout:
marshalled values, each after its length in four bytes. First comes the list of the names of
worksheets, each with True if it is visible, then batches (lines, rows), then the marks, a
dictionary, if they were asked for, then None. In a survey, the first rows of each sheet come as a
batch, then the number of its rows. At any time a string may come instead: the reason for which the
workbook is not read.
"""

import datetime
import io
import marshal
import posixpath
import re
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from typing import IO
from xml.parsers import expat

from python_calamine import (
    CalamineError,
    CalamineSheet,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
    load_workbook,
)

_ROWS = 200
_SURVEYED = 20
_PLACES = 20
_CHUNK = 1 << 20
_SMALL_PART = 10_000_000
_BROKEN = (
    EOFError,
    LookupError,
    NotImplementedError,
    OSError,
    RuntimeError,
    StopIteration,
    ValueError,
    expat.ExpatError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)
# What only a sheet with marks has; a scan for it costs far less than a parser.
_MAY_HAVE_MARKS = re.compile(rb"hidden=|<(?:\w+:)?f[\s/>]|t=[\"']e[\"']|mergeCell ")


def _bound(memory_bytes: int) -> None:
    # Systems without `resource` have no such limits.
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))


def _number(value: float) -> str:
    # A spreadsheet keeps 15 digits; a longer tax id has lost its last ones.
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    text = f"{value:.15g}".upper() if abs(value) >= 1e15 else repr(value)
    return text.replace(".", ",")


def _text(cell: object) -> str:
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "VERDADEIRO" if cell else "FALSO"
    if isinstance(cell, int | float):
        return _number(cell)
    if isinstance(cell, datetime.datetime):
        return cell.isoformat(" ", "seconds")
    if isinstance(cell, datetime.date | datetime.time):
        return cell.isoformat()
    return str(cell)


_Message = (
    list[tuple[str, bool]]
    | tuple[list[int], list[list[str]]]
    | dict[str, list[object]]
    | str
    | int
)


def _send(value: "_Message | None") -> None:
    data = marshal.dumps(value)
    sys.stdout.buffer.write(len(data).to_bytes(4, "big") + data)
    sys.stdout.buffer.flush()


def _send_sheet(place: int, longest_row: int, *, marks: bool) -> None:
    data = sys.stdin.buffer.read()
    with load_workbook(io.BytesIO(data)) as workbook:
        sheets = [
            (sheet.name, sheet.visible == SheetVisibleEnum.Visible)
            for sheet in workbook.sheets_metadata
            if sheet.typ == SheetTypeEnum.WorkSheet
        ]
        _send(sheets)
        if place < 0:
            for name, _ in sheets[:_SURVEYED]:
                _send_survey(workbook.get_sheet_by_name(name), longest_row)
            return
        visible = [name for name, is_visible in sheets if is_visible]
        if place >= len(visible):
            return
        sheet = workbook.get_sheet_by_name(visible[place])
    lines: list[int] = []
    rows: list[list[str]] = []
    held = 0
    for line, row in _rows(sheet):
        length = sum(map(len, row))
        if length > longest_row:
            _send((lines, rows))
            _send(f"line_too_long:{line}")
            return
        lines.append(line)
        rows.append(row)
        held += length
        if len(lines) == _ROWS or held > longest_row:
            _send((lines, rows))
            lines, rows, held = [], [], 0
    if lines:
        _send((lines, rows))
    if marks:
        _send(_marks(data, visible[place]))


def _send_survey(sheet: CalamineSheet, longest_row: int) -> None:
    lines: list[int] = []
    rows: list[list[str]] = []
    count = 0
    for line, row in _rows(sheet):
        count += 1
        if len(lines) < _ROWS and sum(map(len, row)) <= longest_row // _ROWS:
            lines.append(line)
            rows.append(row)
    _send((lines, rows))
    _send(count)


def _rows(sheet: CalamineSheet) -> Iterator[tuple[int, list[str]]]:
    """Yield the number and the cells of each row that is not blank."""
    # Line 1 is the first row of the sheet, even if that is blank.
    for line, cells in enumerate(sheet.iter_rows(), 1):
        row = [cell if cell.__class__ is str else _text(cell) for cell in cells]
        if any(map(str.strip, row)):
            yield line, row


def _marks(data: bytes, name: str) -> dict[str, list[object]]:
    """Return how often a sheet has each kind of mark, and the first places; none if its XML is
    not as expected."""
    with (
        suppress(*_BROKEN),
        zipfile.ZipFile(io.BytesIO(data)) as archive,
    ):
        part = _part_of(archive, name)
        with archive.open(part) as stream:
            before, found = b"", False
            while not found and (chunk := stream.read(_CHUNK)):
                found = _MAY_HAVE_MARKS.search(before + chunk) is not None
                before = chunk[-20:]
        if found:
            with archive.open(part) as stream:
                return _Marks().of(stream)
    return {}


def _part_of(archive: zipfile.ZipFile, name: str) -> str:
    """Return the name of the part with the sheet of this name."""
    ids = {}
    targets = {}

    def sheet(tag: str, values: dict[str, str]) -> None:
        if tag.rpartition(":")[2] == "sheet":
            ids[values["name"]] = next(v for k, v in values.items() if k.endswith(":id"))

    def relationship(tag: str, values: dict[str, str]) -> None:
        if tag.rpartition(":")[2] == "Relationship":
            targets[values["Id"]] = values["Target"]

    for part, handler in (
        ("xl/workbook.xml", sheet),
        ("xl/_rels/workbook.xml.rels", relationship),
    ):
        if archive.getinfo(part).file_size > _SMALL_PART:
            raise ValueError("a part is too large")
        parser = _parser()
        parser.StartElementHandler = handler
        parser.Parse(archive.read(part), True)
    return posixpath.normpath(posixpath.join("/xl", targets[ids[name]])).lstrip("/")


def _parser() -> expat.XMLParserType:
    def refuse(*_: object) -> None:
        raise ValueError("a workbook declares no entities")

    parser = expat.ParserCreate()
    parser.EntityDeclHandler = refuse
    parser.buffer_text = True
    return parser


class _Marks:
    """Reads the marks of a sheet from its XML, as a stream."""

    def __init__(self) -> None:
        self._found: dict[str, list[object]] = {}
        self._row = self._cell = ""
        self._is_error = self._has_formula = self._has_value = False

    def of(self, stream: IO[bytes]) -> dict[str, list[object]]:
        parser = _parser()
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        while chunk := stream.read(_CHUNK):
            parser.Parse(chunk, False)
        parser.Parse(b"", True)
        return self._found

    def _add(self, kind: str, place: str) -> None:
        entry = self._found.setdefault(kind, [0])
        entry[0] = int(str(entry[0])) + 1
        if len(entry) <= _PLACES:
            entry.append(place)

    def _start(self, tag: str, values: dict[str, str]) -> None:
        tag = tag.rpartition(":")[2]
        if tag == "c":
            self._cell = values.get("r", "")
            self._is_error = values.get("t") == "e"
            self._has_formula = self._has_value = False
        elif tag == "f":
            self._has_formula = True
        elif tag == "v":
            self._has_value = True
        elif tag == "row":
            if values.get("hidden") in ("1", "true"):
                self._add("hidden_row", values.get("r", "?"))
        elif tag == "col":
            if values.get("hidden") in ("1", "true"):
                first, last = (_letters(values.get(end, "0")) for end in ("min", "max"))
                self._add("hidden_column", first if last in ("", first) else f"{first}:{last}")
        elif tag == "mergeCell":
            self._add("merged", values.get("ref", "?"))

    def _end(self, tag: str) -> None:
        if tag.rpartition(":")[2] != "c":
            return
        if self._is_error:
            self._add("error", self._cell)
        elif self._has_formula and not self._has_value:
            self._add("no_value", self._cell)


def _letters(number: str) -> str:
    """Return the name of a column, `AB` for 28."""
    left, name = int(number), ""
    while left > 0:
        left, place = divmod(left - 1, 26)
        name = chr(65 + place) + name
    return name


def _main() -> None:
    place, memory_bytes, longest_row, marks = map(int, sys.argv[1:])
    _bound(memory_bytes)
    try:
        _send_sheet(place, longest_row, marks=bool(marks))
    except MemoryError:
        _send("too_large")
    except PasswordError:
        _send("encrypted")
    except CalamineError:
        _send("damaged")
    except BrokenPipeError:
        # The parent process has read enough.
        sys.stderr.close()
        return
    except BaseException as error:  # a panic of the reader is not an Exception
        if type(error).__name__ != "PanicException":
            raise
        _send("damaged")
    _send(None)


if __name__ == "__main__":
    _main()
