"""Text files as rows: encoding, delimiter, and records with the lines they begin on.

The file is read as a stream each time, so memory does not grow with it.
"""

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import IO, Final

from bot.domain.file_refusal import MAX_RECORD, FileReason, FileRefused
from bot.runtime.files.shape import PROBE, Batch, Read, Shape, header_of, header_place, known_names
from bot.runtime.files.unpacking import Opener, Unpacked

_CHUNK: Final = 1 << 18
_SAMPLE: Final = 1 << 18
"""The number of characters from which the delimiter is detected."""
_DELIMITERS: Final = ";,\t|"
_SEP: Final = re.compile(r'"?sep=([;,\t|])"?\s*', re.IGNORECASE)
"""A first line that Excel takes for an instruction."""
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CONTROLS: Final = bytes(c for c in range(1, 32) if c not in b"\t\n\v\f\r\x1a\x1b") + b"\x7f"
# Comes after the file: a record of its own, unless a quotation mark before it was never closed.
_END: Final = "\0\0"

# The limit holds for the whole process, and is larger than any other reader in it needs.
csv.field_size_limit(MAX_RECORD)


def text_table(source: Unpacked, *, delimiters: str = _DELIMITERS) -> tuple[Shape, Read]:
    """Return the shape of a text file and a function that reads its rows.

    delimiters: in the order in which they are tried. Raises FileRefused.
    """
    encoding = _encoding(source.open)
    with _text(source.open, encoding) as stream:
        sample = stream.readlines(_SAMPLE)
    if not sample:
        raise FileRefused(FileReason.EMPTY)
    sep = _SEP.fullmatch(sample[0])
    delimiter = sep[1] if sep else _delimiter(sample, delimiters)
    skipped = 1 if sep else 0

    def read(size: int, after: int) -> Iterator[Batch]:
        with _text(source.open, encoding) as stream:
            yield from _batches(stream, delimiter, size, max(after, skipped))

    lines, rows = _first(read)
    header_line, header = header_of(lines, rows)
    shape = Shape(
        format="csv",
        encoding=encoding,
        delimiter=delimiter,
        member=source.member,
        header_line=header_line,
        header=header,
    )
    return shape, lambda size, after: read(size, max(after, header_line))


def _first(read: Read) -> Batch:
    batches = read(PROBE, 0)
    try:
        return next(batches, ([], []))
    finally:
        batches.close()  # type: ignore[attr-defined]


def _text(open_it: Opener, encoding: str) -> io.TextIOWrapper:
    stream = open_it()
    text = io.TextIOWrapper(stream, encoding, newline="")
    if encoding.startswith("utf-16") and text.read(1) != "\ufeff":
        text.seek(0)
    return text


def _batches(stream: IO[str], delimiter: str, size: int, after: int) -> Iterator[Batch]:
    end = 0  # the last line of the record before

    def blocks() -> Iterator[Sequence[str]]:
        seen, held = -1, 0
        while block := stream.readlines(_CHUNK):
            held = held + _CHUNK if seen == end else 0
            seen = end
            # All its cells and lines can be short, and yet the record without an end.
            if held > MAX_RECORD:
                raise FileRefused(FileReason.LINE_TOO_LONG, line=end + 1)
            yield block
        yield (_END,)

    reader = csv.reader(chain.from_iterable(blocks()), delimiter=delimiter)
    lines: list[int] = []
    rows: list[list[str]] = []
    try:
        for cells in reader:
            line, end = end + 1, reader.line_num
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
    except csv.Error as error:
        raise FileRefused(FileReason.LINE_TOO_LONG, line=end + 1) from error
    if rows:
        if rows.pop() != [_END]:
            raise FileRefused(FileReason.UNCLOSED_QUOTE, line=lines[-1])
        lines.pop()
        if rows:
            yield lines, rows


def _delimiter(sample: Sequence[str], delimiters: str) -> str:
    """Return the delimiter that finds most names of fields in the header.

    Among several such delimiters, it is the one that gives most rows the width of the header.
    """

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

    return max(delimiters, key=fitness)


def _encoding(open_it: Opener) -> str:
    """Return the encoding that can read the whole file: by byte order mark, else UTF-8, else
    cp1252.

    It is never guessed by statistics: those take "São" for "Săo".
    """
    with open_it() as stream:
        head = stream.read(_CHUNK)
    if not head:
        raise FileRefused(FileReason.EMPTY)
    marked = next((name for mark, name in _MARKS if head.startswith(mark)), None)
    encoding = marked or _wide(head)
    if encoding is None:
        controls = sum(map(head.count, (bytes((c,)) for c in _CONTROLS)))
        if controls * 20 > len(head):
            raise FileRefused(FileReason.NOT_A_TABLE)
        encoding = "utf-8"
    try:
        _check(open_it, encoding)
    except _UndecodableError as error:
        if encoding != "utf-8" or error.is_damaged_utf8():
            raise FileRefused(FileReason.ENCODING, line=error.line) from error
    else:
        return encoding
    try:
        _check(open_it, "cp1252")
    except _UndecodableError as error:
        raise FileRefused(FileReason.ENCODING, line=error.line) from error
    return "cp1252"


def _wide(head: bytes) -> str | None:
    """Return the encoding of UTF-16 that has no byte order mark, or None for other text.

    In UTF-16, every second byte of ordinary text is zero.
    """
    even, odd = head[0:2048:2], head[1:2048:2]
    zeros = even.count(0), odd.count(0)
    if zeros[1] * 10 > len(odd) * 7 and zeros[0] * 20 < len(even):
        return "utf-16-le"
    if zeros[0] * 10 > len(even) * 7 and zeros[1] * 20 < len(odd):
        return "utf-16-be"
    return None


class _UndecodableError(Exception):
    def __init__(self, line: int, around: bytes) -> None:
        super().__init__(f"line {line}")
        self.line = line
        self._around = around

    def is_damaged_utf8(self) -> bool:
        """Return True if most accents around the error are UTF-8.

        As cp1252 each of them would become two wrong letters.
        """
        text = self._around.decode("utf-8", "replace")
        wrong = text.count("\ufffd")
        return sum(not c.isascii() for c in text) - wrong > wrong


def _check(open_it: Opener, encoding: str) -> None:
    """Read the whole file once; raise an error unless all of it is text with lines within
    bounds."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    feeds = returns = characters = nuls = held = 0
    with open_it() as stream:
        while True:
            data = stream.read(_CHUNK)
            try:
                text = decoder.decode(data, final=not data)
            except UnicodeDecodeError as error:
                before = bytes(error.object[: error.start]).decode(encoding, "ignore")
                feeds += before.count("\n")
                returns += before.count("\r")
                raise _UndecodableError((feeds or returns) + 1, bytes(error.object)) from None
            if not data:
                break
            characters += len(text)
            nuls += text.count("\0")
            breaks = [place for place in (text.find("\n"), text.find("\r")) if place >= 0]
            held += min(breaks, default=len(text))
            if held > MAX_RECORD:
                if nuls * 2 > characters:
                    raise FileRefused(FileReason.NOT_A_TABLE)
                raise FileRefused(FileReason.LINE_TOO_LONG, line=(feeds or returns) + 1)
            if breaks:
                held = len(text) - 1 - max(text.rfind("\n"), text.rfind("\r"))
            feeds += text.count("\n")
            returns += text.count("\r")
    if nuls * 2 > characters:
        raise FileRefused(FileReason.NOT_A_TABLE)
