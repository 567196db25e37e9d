"""The lines of a text file, decoded once, with lines within bounds."""

import codecs
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import IO, Final

from bot.domain.encodings import OLD, TWICE, Judged, count_mojibake, judge, repaired
from bot.domain.file_refusal import MAX_RECORD, FileReason, FileRefused
from bot.domain.file_shape import Question

_CHUNK: Final = 1 << 18
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CONTROLS: Final = bytes(c for c in range(1, 32) if c not in b"\t\n\v\f\r\x1a\x1b") + b"\x7f"
_HIGH: Final = re.compile("[^\0-\x7f]+")
_MOST_PIECES: Final = 20_000
_UNDEFINED: Final = frozenset("\x81\x8d\x8f\x90\x9d")
"""Bytes that cp1252 does not have, as `_controls` reads them."""
_ESCAPE: Final = re.compile(r'\\(["\\]|(?=\r?\n))')


def _controls(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(map(chr, error.object[error.start : error.end])), error.end


codecs.register_error("balcao-controls", _controls)


class OtherError(Exception):
    """Raised when a text turns out to be of another kind than it was read as so far."""

    def __init__(
        self, encoding: str | None = None, *, has_escapes: bool = False, in_doubt: bool = False
    ) -> None:
        super().__init__()
        self.encoding = encoding
        self.has_escapes = has_escapes
        self.in_doubt = in_doubt


class TextLines:
    """The lines of a text, decoded once, with lines within bounds.

    The encoding is the one that can read the whole file: by byte order mark, else UTF-8, else one
    of the old ones, judged by the words (`bot.domain.encodings`).
    """

    def __init__(
        self,
        stream: IO[bytes],
        encoding: str | None,
        *,
        has_escapes: bool,
        asks: bool = False,
    ) -> None:
        """encoding: None to detect it; it is certain only after the last line. has_escapes: True
        if a quotation mark inside a cell is written with a backslash. asks: True if `verdict` is
        wanted, and no person has told the encoding."""
        self._stream = stream
        self._detects = encoding is None
        self._asks = asks
        self._has_escapes = has_escapes
        self._feeds = self._returns = 0
        self._is_ascii = True
        self._pieces: Counter[str] = Counter()
        self._mojibake = 0
        self._undefined_line: int | None = None
        self._escaped: re.Pattern[str] | None = None
        self._repairs = encoding == TWICE
        self._use("utf-8" if encoding in (None, TWICE) else encoding or "")

    def seek_escapes(self, delimiter: str, sample: Sequence[str]) -> None:
        """Raise `OtherError` where a mark turns out to be escaped, now or further on."""
        # Where marks are doubled, a backslash before one is the end of a cell.
        if not self._has_escapes:
            self._escaped = re.compile(rf'\\"[^"\r\n{re.escape(delimiter)}]')
            for line in sample:
                self._look_for_escapes(line)

    def verdict(self, *, in_doubt: bool) -> tuple[str, tuple[Question, ...]]:
        """Return the encoding, and what has to be asked; call it after the last line.

        in_doubt: True if the given encoding is only the likeliest. Raises OtherError if it is
        another one than the text was read in, FileRefused if it is none.
        """
        if self._repairs:
            return TWICE, ()
        # Also where most of a text is in an old encoding, and some lines are UTF-8.
        if self._mojibake or any(map(count_mojibake, self._pieces)):
            return self.encoding, (Question.MOJIBAKE,)
        if not self._detects:
            return self.encoding, (Question.ENCODING,) if in_doubt else ()
        if self.encoding != "cp1252":
            return self.encoding, ()
        judged: Judged = judge(self._pieces)
        if judged.encoding != "cp1252" and judged.fits:
            raise OtherError(judged.encoding, in_doubt=not judged.is_certain)
        if self._undefined_line is not None:
            raise FileRefused(FileReason.ENCODING, line=self._undefined_line)
        in_doubt = judged.is_broken or (judged.fits and not judged.is_certain)
        return "cp1252", (Question.ENCODING,) if in_doubt else ()

    def blocks(self) -> Iterator[list[str]]:
        """Yield the lines, many at a time. Raises FileRefused, or OtherError."""
        for block in self._blocks():
            if self._has_escapes:
                block = [_ESCAPE.sub(_unescaped, line) if "\\" in line else line for line in block]
            yield list(map(repaired, block)) if self._repairs else block

    def _blocks(self) -> Iterator[list[str]]:
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
            if not text.isascii():
                self._is_ascii = False
                self._judge(text)
            if self._escaped is not None:
                self._look_for_escapes(text)
            yield text.removeprefix(mark)
            mark = ""
            data = self._stream.read(_CHUNK)
        yield self._decode(b"")

    def _decode(self, data: bytes) -> str:
        try:
            return self._decoder.decode(data, final=not data)
        except UnicodeDecodeError as error:
            undecoded = bytes(error.object)
            is_told = not (self._detects or self._repairs)
            if is_told or self.encoding != "utf-8" or _is_damaged_utf8(undecoded):
                before = undecoded[: error.start].decode(self.encoding, "ignore")
                raise FileRefused(FileReason.ENCODING, line=self._line(before)) from error
            if not self._is_ascii and not self._repairs:
                raise OtherError("cp1252") from error
        # What was read so far is the same in both encodings. Where a text of two is repaired, its
        # UTF-8 is read as cp1252 from here on, and repaired like all such text.
        self._use("cp1252", "balcao-controls")
        text = self._decode(undecoded)
        return text if data else text + self._decode(b"")

    def _use(self, encoding: str, errors: str = "strict") -> None:
        self.encoding = encoding
        self._decoder = codecs.getincrementaldecoder(encoding)(errors)

    def _judge(self, text: str) -> None:
        """Remember what tells the encoding."""
        if not self._asks:
            return
        if self.encoding not in OLD or not self._detects:
            # Neither cp850 nor Mac Roman has letters where UTF-8 read as cp1252 would have them.
            if self.encoding not in OLD[1:]:
                self._mojibake += count_mojibake(text)
            return
        for run in _HIGH.finditer(text):
            if self._undefined_line is None and not _UNDEFINED.isdisjoint(run[0]):
                self._undefined_line = self._line(text[: run.start()])
            piece = text[max(0, run.start() - 1) : run.end() + 1]
            if piece in self._pieces or len(self._pieces) < _MOST_PIECES:
                self._pieces[piece] += 1

    def _look_for_escapes(self, text: str) -> None:
        if self._escaped is not None and '\\"' in text and self._escaped.search(text):
            raise OtherError(has_escapes=True)

    def _line(self, text: str = "") -> int:
        """Return the number of the line that comes after this text, and all text before it."""
        feeds, returns = self._feeds + text.count("\n"), self._returns + text.count("\r")
        return (feeds or returns) + 1


def _unescaped(escape: re.Match[str]) -> str:
    return '""' if escape[1] == '"' else escape[1] or ""


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
