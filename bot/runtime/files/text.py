"""Text files as rows: encoding, delimiter, and records with the lines they begin on.

The file is read as a stream each time, so memory does not grow with it.
"""

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import IO, Final

from bot.domain.file_refusal import MAX_RECORD, FileReason, FileRefused
from bot.domain.file_shape import FileShape
from bot.runtime.files.shape import PROBE, Batch, Read, header_of, header_place, known_names
from bot.runtime.files.unpacking import Unpacked

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


def inspect_text(
    source: Unpacked,
    *,
    delimiters: str = _DELIMITERS,
    report: Callable[[int], None] = lambda rows: None,
) -> tuple[FileShape, Batch]:
    """Return the shape of a text file, read once to its end, and its first rows with the header.

    delimiters: in the order in which they are tried. report: called with the number of rows so
    far. Raises FileRefused.
    """
    try:
        return _inspected(source, None, delimiters, report)
    except _MixedError:
        # Some of its accents happen to be UTF-8.
        return _inspected(source, "cp1252", delimiters, report)


def read_text(source: Unpacked, shape: FileShape) -> Read:
    """Return a function that reads the rows of a text file of this shape."""

    def read(size: int) -> Iterator[Batch]:
        with source.open() as stream:
            blocks = _Text(stream, shape.encoding).blocks()
            first = next(blocks, [])
            skipped = 1 if first and _SEP.fullmatch(first[0]) else 0
            after = max(skipped, shape.header_line)
            yield from _batches(chain((first,), blocks), shape.delimiter or ";", size, after)

    return read


def _inspected(
    source: Unpacked, encoding: str | None, delimiters: str, report: Callable[[int], None]
) -> tuple[FileShape, Batch]:
    with source.open() as stream:
        text = _Text(stream, encoding)
        blocks = text.blocks()
        sample = _sample(blocks)
        if not sample:
            raise FileRefused(FileReason.EMPTY)
        sep = _SEP.fullmatch(sample[0])
        delimiter = sep[1] if sep else _delimiter(sample, delimiters)
        batches = _batches(chain((sample,), blocks), delimiter, PROBE, 1 if sep else 0)
        head = next(batches, ([], []))
        header_line, header = header_of(*head)
        count = sum(line > header_line for line in head[0])
        for lines, _ in batches:
            count += len(lines)
            report(count)
    shape = FileShape(
        format="csv",
        encoding=text.encoding,
        delimiter=delimiter,
        member=source.member,
        header_line=header_line,
        header=header,
        rows=count,
    )
    return shape, head


def _sample(blocks: Iterator[list[str]]) -> list[str]:
    """Return the first lines, enough to detect the delimiter."""
    sample: list[str] = []
    length = 0
    for block in blocks:
        sample += block
        length += sum(map(len, block))
        if length >= _SAMPLE:
            break
    return sample


def _batches(
    blocks: Iterable[Sequence[str]], delimiter: str, size: int, after: int
) -> Iterator[Batch]:
    end = 0  # the last line of the record before

    def bounded() -> Iterator[Sequence[str]]:
        seen, held = -1, 0
        for block in blocks:
            held = held + sum(map(len, block)) if seen == end else 0
            seen = end
            # All its cells and lines can be short, and yet the record without an end.
            if held > MAX_RECORD:
                raise FileRefused(FileReason.LINE_TOO_LONG, line=end + 1)
            yield block
        yield (_END,)

    reader = csv.reader(chain.from_iterable(bounded()), delimiter=delimiter)
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


class _MixedError(Exception):
    """Raised when a text turns out to be cp1252 after some of it was read as UTF-8."""


class _Text:
    """The lines of a text, decoded once, with lines within bounds.

    The encoding is the one that can read the whole file: by byte order mark, else UTF-8, else
    cp1252. It is never guessed by statistics: those take "São" for "Săo".
    """

    def __init__(self, stream: IO[bytes], encoding: str | None) -> None:
        """encoding: None to detect it; it is certain only after the last line."""
        self._stream = stream
        self._detects = encoding is None
        self._feeds = self._returns = 0
        self._is_ascii = True
        self._use(encoding or "utf-8")

    def blocks(self) -> Iterator[list[str]]:
        """Yield the lines, many at a time. Raises FileRefused, or _MixedError."""
        rest = ""
        for text in self._bounded():
            whole = rest + text
            lines = io.StringIO(whole, newline="").readlines()
            # The last line may go on, or end with the first half of a line break.
            rest = "" if whole.endswith("\n") else lines.pop() if lines else ""
            if lines:
                yield lines
        if rest:
            yield [rest]

    def _bounded(self) -> Iterator[str]:
        characters = nuls = held = 0
        for text in self._decoded():
            characters += len(text)
            nuls += text.count("\0")
            breaks = [place for place in (text.find("\n"), text.find("\r")) if place >= 0]
            held += min(breaks, default=len(text))
            if held > MAX_RECORD:
                if nuls * 2 > characters:
                    raise FileRefused(FileReason.NOT_A_TABLE)
                raise FileRefused(FileReason.LINE_TOO_LONG, line=self._line())
            if breaks:
                held = len(text) - 1 - max(text.rfind("\n"), text.rfind("\r"))
            self._feeds += text.count("\n")
            self._returns += text.count("\r")
            yield text
        if nuls * 2 > characters:
            raise FileRefused(FileReason.NOT_A_TABLE)

    def _decoded(self) -> Iterator[str]:
        data = self._stream.read(_CHUNK)
        if self._detects:
            self._use(_encoding_of(data))
        mark = "\ufeff" if self.encoding.startswith("utf-16") else ""
        while data:
            text = self._decode(data)
            self._is_ascii = self._is_ascii and text.isascii()
            yield text.removeprefix(mark)
            mark = ""
            data = self._stream.read(_CHUNK)
        yield self._decode(b"")

    def _decode(self, data: bytes) -> str:
        try:
            return self._decoder.decode(data, final=not data)
        except UnicodeDecodeError as error:
            undecoded = bytes(error.object)
            if not self._detects or self.encoding != "utf-8" or _is_damaged_utf8(undecoded):
                before = undecoded[: error.start].decode(self.encoding, "ignore")
                raise FileRefused(FileReason.ENCODING, line=self._line(before)) from error
            if not self._is_ascii:
                raise _MixedError from error
        # What was read so far is the same in both encodings.
        self._use("cp1252")
        text = self._decode(undecoded)
        return text if data else text + self._decode(b"")

    def _use(self, encoding: str) -> None:
        self.encoding = encoding
        self._decoder = codecs.getincrementaldecoder(encoding)("strict")

    def _line(self, text: str = "") -> int:
        """Return the number of the line that comes after this text, and all text before it."""
        feeds, returns = self._feeds + text.count("\n"), self._returns + text.count("\r")
        return (feeds or returns) + 1


def _encoding_of(head: bytes) -> str:
    """Return the encoding that the beginning of a text tells; UTF-8 stands for cp1252 too."""
    if not head:
        raise FileRefused(FileReason.EMPTY)
    marked = next((name for mark, name in _MARKS if head.startswith(mark)), None)
    encoding = marked or _wide(head)
    if encoding is None:
        controls = sum(map(head.count, (bytes((c,)) for c in _CONTROLS)))
        if controls * 20 > len(head):
            raise FileRefused(FileReason.NOT_A_TABLE)
    return encoding or "utf-8"


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


def _is_damaged_utf8(data: bytes) -> bool:
    """Return True if most accents around an undecodable byte are UTF-8.

    As cp1252 each of them would become two wrong letters.
    """
    text = data.decode("utf-8", "replace")
    wrong = text.count("\ufffd")
    return sum(not c.isascii() for c in text) - wrong > wrong
