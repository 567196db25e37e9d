"""Reads one sheet of an .xlsx in a process of its own: started by `workbook.py`, never imported.

A workbook of a few bytes can make its reader ask for any amount of memory, by a cell far down on
the right or by a false count, and the reader then aborts its process. So the reader runs in this
process, which has a memory limit and nothing else to lose, and sends its results through a pipe.

stdin: the workbook. argv: the index of the sheet among the visible ones, the memory limit in
bytes, the limit of characters in a row. stdout: marshalled values, each after its length in four
bytes. First comes the list of the names of visible sheets, then batches (lines, rows), then None.
At any time a string may come instead: the reason for which the workbook is not read.
"""

import datetime
import io
import marshal
import sys
from contextlib import suppress

from python_calamine import (
    CalamineError,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
    load_workbook,
)

_ROWS = 200


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


def _send(value: list[str] | tuple[list[int], list[list[str]]] | str | None) -> None:
    data = marshal.dumps(value)
    sys.stdout.buffer.write(len(data).to_bytes(4, "big") + data)
    sys.stdout.buffer.flush()


def _send_sheet(place: int, longest_row: int) -> None:
    with load_workbook(io.BytesIO(sys.stdin.buffer.read())) as workbook:
        names = [
            sheet.name
            for sheet in workbook.sheets_metadata
            if sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible
        ]
        _send(names)
        if place >= len(names):
            return
        sheet = workbook.get_sheet_by_name(names[place])
    lines: list[int] = []
    rows: list[list[str]] = []
    held = 0
    # Line 1 is the first row of the sheet, even if that is blank.
    for line, cells in enumerate(sheet.iter_rows(), 1):
        row = [cell if cell.__class__ is str else _text(cell) for cell in cells]
        length = sum(map(len, row))
        if not length:
            continue
        if length > longest_row:
            _send((lines, rows))
            _send(f"line_too_long:{line}")
            return
        if any(map(str.strip, row)):
            lines.append(line)
            rows.append(row)
            held += length
        if len(lines) == _ROWS or held > longest_row:
            _send((lines, rows))
            lines, rows, held = [], [], 0
    if lines:
        _send((lines, rows))


def _main() -> None:
    place, memory_bytes, longest_row = map(int, sys.argv[1:])
    _bound(memory_bytes)
    try:
        _send_sheet(place, longest_row)
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
