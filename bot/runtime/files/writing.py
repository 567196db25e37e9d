"""Tables as CSV or XLSX files, none of them larger than what can be sent.

Rows are first written to the disk as CSV, in chunks. If the result is small enough, it is the file
itself. Otherwise each part is made of as many chunks as fit. The packed size is only known
afterwards, so a part that came out too large is made again from fewer chunks.
"""

import csv
import errno
import io
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from itertools import zip_longest
from pathlib import Path
from typing import Final, NamedTuple, Self
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from xlsxwriter import Workbook  # type: ignore[import-untyped]
from xlsxwriter.exceptions import XlsxFileError  # type: ignore[import-untyped]

from bot.domain.errors import Problem, RefusedError
from bot.domain.export import Format
from bot.domain.guard import guarded

LARGEST_BYTES: Final = 45_000_000
"""The largest file that is written; Telegram takes 50 MB from a bot."""
ROWS_OF_A_SHEET: Final = 1_048_575
"""The number of rows that fit under the header. Further rows go into a second file, not into a
second sheet: each part is imported by itself, and an import reads one sheet."""
_CELL_LENGTH: Final = 32_767
"""What a cell of Excel holds, in units of UTF-16. No value in the register comes near; a cell of a
refused row can be longer, and in a CSV the rest of it would spill over the next rows."""
_CHUNK_LENGTH: Final = 1 << 18
# So many that a part can be filled to within a few hundredths of its limit.
_CHUNKS_OF_A_PART: Final = 64
# The share of the limit to fill when a part is made again: not all chunks pack equally well.
_FILLED: Final = 0.95
# A fixed time, so that the same rows give the same bytes whenever they are written; zip knows no
# time before 1980.
_WRITTEN_AT: Final = datetime(1980, 1, 1)  # noqa: DTZ001 - neither format holds a zone
_TEXT: Final = 49
"""Excel's own format for text: a tax id typed into such a cell keeps its leading zeros."""
_NARROWEST: Final = 8
_WIDEST: Final = 40


class _Chunk(NamedTuple):
    start: int
    size: int
    rows: int


# Writes a file and returns how many of the chunks went into it: it may stop once the file is too
# large.
_Pack = Callable[[Path, Sequence[_Chunk], Iterator[bytes]], int]


class TableWriter:
    """Writes the rows of one table into files; every method blocks, so use a thread.

    As a context manager it removes unfinished files. Each method raises RefusedError: with
    Problem.DISK_FULL when the disk is full, without a problem when nothing can be written there.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        file_format: Format,
        header: Sequence[str],
        *,
        largest_bytes: int = LARGEST_BYTES,
        rows_of_a_sheet: int = ROWS_OF_A_SHEET,
    ) -> None:
        """folder: the folder of the files; nothing is written anywhere else. name: of the files,
        without ending. header: not yet guarded. largest_bytes: of one file. A single row that is
        larger is still written, and an XLSX file has 6 kB without any row."""
        self._folder = folder
        self._name = name
        self._format = file_format
        self._largest_bytes = largest_bytes
        self._rows_of_a_sheet = rows_of_a_sheet
        self._chunk_length = min(largest_bytes // _CHUNKS_OF_A_PART, _CHUNK_LENGTH)
        self._header = self._guarded(header)
        self._buffer = io.StringIO(newline="")
        self._csv = csv.writer(self._buffer, delimiter=";", lineterminator="\r\n")
        self._csv.writerow(self._header)
        self._head = f"\ufeff{self._buffer.getvalue()}".encode()
        self._chunks: list[_Chunk] = []
        self._begin_chunk()
        with _disk():
            self._work = Path(tempfile.mkdtemp(prefix=".export-", dir=folder))
            try:
                self._spool = (self._work / "rows").open("w+b")
            except OSError:
                self._work.rmdir()
                raise
            self._size = self._spool.write(self._head)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.discard()

    def write_rows(self, rows: Iterable[Sequence[str]]) -> None:
        """Add rows, whose cells are not yet guarded."""
        with _disk():
            for row in rows:
                self._length += self._csv.writerow(self._guarded(row))
                self._rows += 1
                if self._length >= self._chunk_length:
                    self._end_chunk()

    def close(self) -> list[Path]:
        """Return the finished files, in the order of their rows; files of the same names are
        replaced.

        One `name.csv` or `name.xlsx` when it is small enough, else `name.csv.zip`, else parts
        `name-1.csv.zip` or `name-1.xlsx` and so on, each with the header. An XLSX file is a zip
        archive already and would not get smaller in another.
        """
        with _disk():
            if self._rows:
                self._end_chunk()
            self._spool.flush()
            if self._format == "csv" and self._size <= self._largest_bytes:
                files = [(self._work / "rows").rename(self._work / f"{self._name}.csv")]
            elif self._format == "csv":
                files = self._parts(".csv.zip", self._pack_csv)
            else:
                files = self._parts(".xlsx", self._pack_xlsx)
            finished = [file.replace(self._folder / file.name) for file in files]
        self.discard()
        return finished

    def discard(self) -> None:
        """Remove unfinished files; finished ones stay."""
        # Closing fails too when the disk is full: it writes what is buffered.
        with suppress(OSError):
            self._spool.close()
        shutil.rmtree(self._work, ignore_errors=True)

    def _guarded(self, row: Iterable[str]) -> list[str]:
        return [_fitted(guarded(cell)) for cell in row]

    def _begin_chunk(self) -> None:
        self._buffer.seek(0)
        self._buffer.truncate()
        self._length = self._rows = 0

    def _end_chunk(self) -> None:
        data = self._buffer.getvalue().encode()
        self._chunks.append(_Chunk(self._size, len(data), self._rows))
        self._size += self._spool.write(data)
        self._begin_chunk()

    def _parts(self, ending: str, pack: _Pack) -> list[Path]:
        files: list[Path] = []
        start, count = 0, len(self._chunks)
        while start < len(self._chunks) or not files:
            chunks = self._fitting_a_sheet(self._chunks[start : start + count])
            is_whole = len(chunks) == len(self._chunks)
            stem = self._name if is_whole else f"{self._name}-{len(files) + 1}"
            file = self._work / f"{stem}{ending}"
            packed = pack(file, chunks, map(self._read, chunks))
            size = file.stat().st_size
            if size > self._largest_bytes and len(chunks) > 1:
                count = max(1, int(packed * self._largest_bytes / size * _FILLED))
                file.unlink()
            else:
                files.append(file)
                start += len(chunks)
        return files

    def _fitting_a_sheet(self, chunks: Sequence[_Chunk]) -> Sequence[_Chunk]:
        if self._format == "csv":
            return chunks
        rows = 0
        for index, chunk in enumerate(chunks):
            rows += chunk.rows
            if rows > self._rows_of_a_sheet and index:
                return chunks[:index]
        return chunks

    def _pack_csv(self, file: Path, chunks: Sequence[_Chunk], contents: Iterator[bytes]) -> int:
        info = ZipInfo(file.name.removesuffix(".zip"), _WRITTEN_AT.timetuple()[:6])
        info.compress_type = ZIP_DEFLATED
        info.create_system = 3  # else the bytes depend on the operating system
        info.external_attr = 0o644 << 16
        info.file_size = len(self._head) + sum(chunk.size for chunk in chunks)
        count = 0
        with (
            file.open("wb") as out,
            ZipFile(out, "w") as archive,
            archive.open(info, "w") as member,
        ):
            member.write(self._head)
            for data in contents:
                member.write(data)
                count += 1
                if out.tell() > self._largest_bytes:
                    break
        return count

    def _pack_xlsx(self, file: Path, chunks: Sequence[_Chunk], contents: Iterator[bytes]) -> int:
        first = [self._header, *(row for chunk in chunks[:1] for row in _rows(self._read(chunk)))]
        widths = [
            min(max(_NARROWEST, 2 + max(map(len, cells))), _WIDEST)
            for cells in zip_longest(*first, fillvalue="")
        ]
        rows = (row for data in contents for row in _rows(data))
        _write_xlsx(file, self._header, rows, widths)
        return len(chunks)

    def _read(self, chunk: _Chunk) -> bytes:
        self._spool.seek(chunk.start)
        return self._spool.read(chunk.size)


def _fitted(cell: str) -> str:
    """Return the cell as long as Excel holds it; a cut is marked."""
    if 2 * len(cell) <= _CELL_LENGTH:
        return cell
    units = cell.encode("utf-16-le", "surrogatepass")
    if len(units) <= 2 * _CELL_LENGTH:
        return cell
    return units[: 2 * (_CELL_LENGTH - 1)].decode("utf-16-le", "ignore") + "…"


def _rows(data: bytes) -> Iterator[list[str]]:
    return csv.reader(io.StringIO(data.decode(), newline=""), delimiter=";")


def _write_xlsx(
    file: Path, header: Sequence[str], rows: Iterable[Sequence[str]], widths: Sequence[int]
) -> None:
    workbook = Workbook(
        str(file),
        {
            "constant_memory": True,
            "tmpdir": str(file.parent),
            "use_zip64": True,
            "strings_to_formulas": False,
            "strings_to_numbers": False,
            "strings_to_urls": False,
        },
    )
    sheet = workbook.add_worksheet("Planilha1")
    try:
        workbook.set_properties({"created": _WRITTEN_AT})
        text = workbook.add_format({"num_format": _TEXT})
        for column, width in enumerate(widths):
            sheet.set_column(column, column, width, text)
        bold = workbook.add_format({"num_format": _TEXT, "bold": True})
        for column, cell in enumerate(header):
            sheet.write_string(0, column, _no_markup(cell), bold)
        number = 0
        for number, row in enumerate(rows, 1):
            for column, cell in enumerate(row):
                if cell:
                    sheet.write_string(number, column, _no_markup(cell))
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, number, len(header) - 1)
        workbook.close()
    finally:
        # XlsxWriter leaves them open when it fails, and a removed file takes up disk space until
        # it is closed.
        for open_file in (sheet.row_data_fh, sheet.fh):
            with suppress(OSError):
                open_file.close()


def _no_markup(cell: str) -> str:
    # XlsxWriter takes a text between these tags for its own markup and would write it unescaped.
    if cell.startswith("<r>") and cell.endswith("</r>"):
        return f'<r><t xml:space="preserve">{escape(cell)}</t></r>'
    return cell


@contextmanager
def _disk() -> Iterator[None]:
    try:
        yield
    except (OSError, XlsxFileError) as error:
        # XlsxWriter hides the system's error behind its own.
        cause = error.__context__ if isinstance(error, XlsxFileError) else error
        number = cause.errno if isinstance(cause, OSError) else None
        full = number in (errno.ENOSPC, errno.EDQUOT)
        raise RefusedError(
            f"no file written ({os.strerror(number) if number else cause})",
            problem=Problem.DISK_FULL if full else None,
        ) from error
