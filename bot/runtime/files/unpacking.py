"""Detects by its bytes what kind of file was sent, and takes a text or workbook out of archives.

Nothing is unpacked under a name from the archive, and nothing beyond the size limits.
"""

import errno
import gzip
import io
import os
import re
import shutil
import struct
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Final
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from bot.domain.errors import Problem, RefusedError
from bot.domain.file_refusal import (
    MAX_RATIO,
    MAX_UNPACKED_TEXT,
    MAX_UNPACKED_WORKBOOK,
    FileReason,
    FileRefused,
)

_BUFFER: Final = 1 << 18
_HEAD: Final = 512
_ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")
_GZIP: Final = b"\x1f\x8b"
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_TAR: Final = (257, b"ustar")
_OTHERS: Final = (
    b"%PDF-",
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"BM",
    b"{\\rtf",
    b"Rar!",
    b"7z\xbc\xaf\x27\x1c",
    b"BZh",
    b"\xfd7zXZ",
    b"\x28\xb5\x2f\xfd",
    b"SQLite format 3",
    b"\x7fELF",
    b"MZ",
)
# Some systems "export to Excel" by calling a web page .xls.
_MARKUP: Final = re.compile(
    rb"<(?:!doctype|!--|\?xml|[a-z][a-z0-9:._-]*[\s/>])|mime-version:|content-type: *multipart"
    # SYLK and DIF, which spreadsheets still write.
    rb"|id;p(?:wxl|s?calc)|table\r?\n0,1\r?\n"
)
_OTHER_TEXTS: Final = (
    (re.compile(rb"BEGIN:VCARD"), FileReason.CONTACTS),
    (re.compile(rb"BEGIN:VCALENDAR"), FileReason.CALENDAR),
    (re.compile(rb"[\[{]\s*[\[{\"}\]]"), FileReason.JSON),
    (
        re.compile(
            rb"-- (?:MYSQL|MARIADB|POSTGRES|PHPMYADMIN|DUMP|HOST)|--\r?\n--|/\*!\d|(?:INSERT INTO|"
            rb"CREATE (?:TABLE|DATABASE)|DROP TABLE|SET SQL_MODE|BEGIN TRANSACTION|REPLACE INTO|"
            rb"SET (?:NAMES|FOREIGN_KEY_CHECKS|STATEMENT_TIMEOUT)|LOCK TABLES)\b|USE `?\w+`?;\s|"
            rb"COPY \S+ \([^)]*\) FROM STDIN;"
        ),
        FileReason.SQL,
    ),
)
# OLE keeps the names of its streams in UTF-16.
_OLE_ENCRYPTED: Final = "EncryptedPackage".encode("utf-16-le")
_OLE_EXCEL: Final = ("Workbook".encode("utf-16-le"), "Book".encode("utf-16-le"))
_SMALL: Final = 64_000_000
"""Up to this many bytes no compression ratio is suspicious: repeated rows pack very well."""
_SHOWN_NAMES: Final = 10
_BROKEN: Final = (
    BadZipFile,
    EOFError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
    struct.error,
    zlib.error,
)
"""The errors that archive readers raise for damaged archives."""

Opener = Callable[[], IO[bytes]]


@dataclass(frozen=True, slots=True)
class Unpacked:
    """A text or a workbook that can be read from its beginning any number of times."""

    is_workbook: bool
    open: Opener
    member: str | None = None
    """Its name inside a .zip."""


@contextmanager
def unpacked(path: Path) -> Iterator[Unpacked]:
    """Yield the one text or workbook that a file is or holds. Raises FileRefused.

    An archive can be damaged further on, so the streams that are opened here raise FileRefused
    too.
    """
    with ExitStack() as stack:
        yield _inside(path, stack)


def _inside(path: Path, stack: ExitStack) -> Unpacked:
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if not head:
        raise FileRefused(FileReason.EMPTY)
    if head.startswith(_GZIP):
        return _packed(lambda: _open_gzip(path), None, path.parent, stack)
    if not head.startswith(_ZIP):
        return _plain(lambda: path.open("rb"), head, None)
    with _open_zip(path) as archive:
        if _is_workbook(archive):
            return Unpacked(is_workbook=True, open=lambda: path.open("rb"))
        member = _only_member(archive)
    name = PurePosixPath(member.filename).name
    return _packed(lambda: _open_member(path, member), name, path.parent, stack)


def _packed(open_it: Opener, member: str | None, near: Path, stack: ExitStack) -> Unpacked:
    with open_it() as stream:
        head = stream.read(_HEAD)
        start, magic = _TAR
        if head.startswith(_GZIP) or head[start:].startswith(magic):
            raise FileRefused(FileReason.NESTED)
        if not head.startswith(_ZIP):
            if not head:
                raise FileRefused(FileReason.EMPTY)
            return _plain(open_it, head, member)
        # In the folder of the file, which is removed as a whole if this process is killed.
        near = near if os.access(near, os.W_OK) else Path(tempfile.gettempdir())
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="balcao-", dir=near))
        copy = Path(folder, "file")
        with _disk(), copy.open("wb") as out:
            out.write(head)
            shutil.copyfileobj(stream, out, _BUFFER)
    with _open_zip(copy) as archive:
        if not _is_workbook(archive):
            raise FileRefused(FileReason.NESTED)
    return Unpacked(is_workbook=True, open=lambda: copy.open("rb"), member=member)


def _plain(open_it: Opener, head: bytes, member: str | None) -> Unpacked:
    if head.startswith(_OLE):
        raise FileRefused(_ole_reason(open_it))
    if head.startswith(_OTHERS) and not _is_text(head):
        raise FileRefused(FileReason.NOT_A_TABLE)
    text = head.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").upper()
    if _MARKUP.match(text.lower()):
        raise FileRefused(FileReason.OTHER_SPREADSHEET)
    for start, reason in _OTHER_TEXTS:
        if start.match(text):
            raise FileRefused(reason)
    return Unpacked(is_workbook=False, open=open_it, member=member)


def _is_text(head: bytes) -> bool:
    # A text can begin with these too: "BM" and "MZ" may begin a person's name.
    return head.startswith((b"BM", b"MZ", b"BZh", b"GIF8")) and b"\0" not in head


def _ole_reason(open_it: Opener) -> FileReason:
    reason = FileReason.NOT_A_TABLE
    before = b""
    with open_it() as stream:
        while block := stream.read(_BUFFER):
            both = before + block
            if _OLE_ENCRYPTED in both:
                return FileReason.ENCRYPTED
            if any(name in both for name in _OLE_EXCEL):
                reason = FileReason.OLD_EXCEL
            before = block[-len(_OLE_ENCRYPTED) :]
    return reason


def _is_workbook(archive: ZipFile) -> bool:
    """Return True if the archive is an .xlsx within bounds. Raises FileRefused for other
    documents."""
    names = set(archive.namelist())
    is_numbers = any(name.endswith(".iwa") or name == "Index.zip" for name in names)
    if is_numbers or "xl/workbook.bin" in names or {"mimetype", "content.xml"} <= names:
        raise FileRefused(FileReason.OTHER_SPREADSHEET)
    if "[Content_Types].xml" not in names:
        return False
    if not any(name.startswith("xl/") for name in names):
        raise FileRefused(FileReason.NOT_A_TABLE)
    parts = archive.infolist()
    if any(part.flag_bits & 1 for part in parts):
        raise FileRefused(FileReason.ENCRYPTED)
    unpacked_bytes = sum(part.file_size for part in parts if part.filename.endswith(".xml"))
    _check_size(unpacked_bytes, sum(part.compress_size for part in parts), MAX_UNPACKED_WORKBOOK)
    return True


def _only_member(archive: ZipFile) -> ZipInfo:
    # The hidden ones are left out first, because is_dir fails for a member without a name.
    members = [part for part in archive.infolist() if not _is_hidden(part) and not part.is_dir()]
    if not members:
        raise FileRefused(FileReason.NO_FILE)
    if len(members) > 1:
        names = tuple(part.filename for part in members[:_SHOWN_NAMES])
        raise FileRefused(FileReason.SEVERAL_FILES, names=names, found=len(members))
    member = members[0]
    if member.flag_bits & 1:
        raise FileRefused(FileReason.ENCRYPTED)
    if member.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        # The decoders of the other methods take as much memory as the file asks for.
        raise FileRefused(FileReason.DAMAGED)
    return member


def _is_hidden(part: ZipInfo) -> bool:
    """Return True for a hidden file, such as macOS and Windows add on their own."""
    parts = PurePosixPath(part.filename.replace("\\", "/")).parts
    return (
        not parts
        or "__MACOSX" in parts
        or parts[-1].lower() in ("thumbs.db", "desktop.ini")
        or any(name.startswith(".") and name not in (".", "..") for name in parts)
    )


@contextmanager
def _open_zip(path: Path) -> Iterator[ZipFile]:
    with path.open("rb") as file:
        try:
            archive = ZipFile(file)
        except _BROKEN as error:
            raise FileRefused(FileReason.DAMAGED) from error
        with archive:
            yield archive


def _open_member(path: Path, member: ZipInfo) -> IO[bytes]:
    with ExitStack() as stack:
        file = stack.enter_context(path.open("rb"))
        try:
            archive = stack.enter_context(ZipFile(file))
            inner = stack.enter_context(archive.open(member))
        except _BROKEN as error:
            raise FileRefused(FileReason.DAMAGED) from error
        return _bounded(inner, member.compress_size, stack.pop_all())


def _open_gzip(path: Path) -> IO[bytes]:
    with ExitStack() as stack:
        file = stack.enter_context(path.open("rb"))
        inner = stack.enter_context(gzip.GzipFile(fileobj=file))
        return _bounded(inner, path.stat().st_size, stack.pop_all())


def _bounded(inner: IO[bytes] | gzip.GzipFile, packed_bytes: int, stack: ExitStack) -> IO[bytes]:
    return io.BufferedReader(_Bounded(inner, packed_bytes, stack), _BUFFER)


class _Bounded(io.RawIOBase):
    """A stream out of an archive, with a size limit; a damaged archive raises FileRefused."""

    def __init__(
        self, inner: IO[bytes] | gzip.GzipFile, packed_bytes: int, stack: ExitStack
    ) -> None:
        self._inner = inner
        self._packed_bytes = packed_bytes
        self._stack = stack
        self._unpacked_bytes = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            data = self._inner.read(len(buffer))
        except _BROKEN as error:
            raise FileRefused(FileReason.DAMAGED) from error
        self._unpacked_bytes += len(data)
        _check_size(self._unpacked_bytes, self._packed_bytes, MAX_UNPACKED_TEXT)
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            with suppress(*_BROKEN):
                self._stack.close()
        super().close()


def _check_size(unpacked_bytes: int, packed_bytes: int, bound: int) -> None:
    suspicious = unpacked_bytes > _SMALL and unpacked_bytes > packed_bytes * MAX_RATIO
    if unpacked_bytes > bound or suspicious:
        raise FileRefused(FileReason.TOO_LARGE, found=unpacked_bytes)


@contextmanager
def _disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise RefusedError(
            f"nothing can be unpacked ({error.strerror})",
            problem=Problem.DISK_FULL if full else None,
        ) from error
