"""The file of a backup: gzip around a magic line, versions, frames and a trailer.

    b"balcao backup\n"  version of this format, version of the data (2 bytes each, big-endian)
    b"C" {"collection": name}     the documents that follow belong to it
    b"D" document                 as BSON, exactly as stored; `_id` is its first field
    b"T" {"written_at": date, "collections": {name: {"count": int64, "sha256": hex}}}   at the end

Version 1 of this format has no version of the data, which is 0 then (`storage.engine.schema`).

BSON begins with its own length, so a frame needs none. The hash of a collection is the sum of the
SHA-256 of its documents, modulo 2**256: it does not depend on their order, which differs between
servers. It detects damage, not tampering: a person who can write the file can write its hashes as
well.
"""

import errno
import gzip
import hashlib
import os
import struct
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Final

import bson
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.errors import BSONError

from bot.domain.errors import Problem, RefusedError
from storage.engine.connection import Document
from storage.engine.schema import VERSION

_MAGIC: Final = b"balcao backup\n"
_FORMAT: Final = 2
_FORMAT_WITHOUT_VERSION: Final = 1
_COLLECTION, _DOCUMENT, _TRAILER = b"C", b"D", b"T"
_DOCUMENT_BYTES: Final = 16 * 1024 * 1024
_FRAME_BYTES: Final = 64 * 1024
# Registers shrink to a tenth or a thirtieth, never to this share; gzip alone would allow a
# thousandth.
_LEAST_SHARE: Final = 200
_JUDGED_FROM_BYTES: Final = 64 * 1024 * 1024
# BSON's dates reach further than Python's.
_ANY_DATE: Final[CodecOptions[Document]] = CodecOptions(
    datetime_conversion=DatetimeConversion.DATETIME_MS
)
_BROKEN: Final = (gzip.BadGzipFile, EOFError, zlib.error, struct.error)
_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(slots=True)
class Tally:
    """The number of documents of a collection, and their hash; `size_bytes` is for progress
    only."""

    count: int = 0
    size_bytes: int = field(default=0, compare=False)
    _sum: int = 0

    def add(self, raw: "bytes | memoryview[int]") -> None:
        self.count += 1
        self.size_bytes += len(raw)
        digest = hashlib.sha256(raw).digest()
        self._sum = (self._sum + int.from_bytes(digest, "big")) % 2**256

    @property
    def sha256(self) -> str:
        return f"{self._sum:064x}"


class BackupWriter:
    """Writes frames into the open file."""

    def __init__(self, file: gzip.GzipFile, version: int) -> None:
        self._file = file
        self.tallies: dict[str, Tally] = {}
        file.write(_MAGIC + struct.pack(">HH", _FORMAT, version))

    def begin(self, collection: str) -> Tally:
        """Begin a collection: the documents that follow belong to it."""
        self._file.write(_COLLECTION + bson.encode({"collection": collection}))
        return self.tallies.setdefault(collection, Tally())

    def add(self, tally: Tally, raw: "bytes | memoryview[int]") -> None:
        tally.add(raw)
        self._file.write(_DOCUMENT)
        self._file.write(raw)

    def end(self, at: datetime) -> None:
        collections = {
            name: {"count": bson.Int64(tally.count), "sha256": tally.sha256}
            for name, tally in self.tallies.items()
        }
        trailer = {"written_at": at, "collections": collections}
        self._file.write(_TRAILER + bson.encode(trailer))


@contextmanager
def writing(out: Path, *, version: int) -> Iterator[BackupWriter]:
    """Yield a writer. The file appears as `out`, complete and synced to disk, only on success.

    Only its owner can read it, from its first byte. version: that of the data. Raises RefusedError
    with the problem; an existing file is never overwritten.
    """
    with _writable():
        if os.path.lexists(out):
            raise FileExistsError(out)
        descriptor, name = tempfile.mkstemp(prefix=f".{out.name}.", suffix=".part", dir=out.parent)
    part = Path(name)
    try:
        with _writable(), os.fdopen(descriptor, "wb") as plain:
            with streaming(plain, version=version) as writer:
                yield writer
            os.fsync(plain.fileno())
        with _writable():
            _appear(part, out)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def streaming(plain: IO[bytes], *, version: int) -> Iterator[BackupWriter]:
    """Yield a writer into an open file or pipe, which stays open; without success it gets no
    trailer, so that no restore takes it. Raises RefusedError with the problem."""
    with _writable():
        with gzip.GzipFile("", "wb", compresslevel=6, fileobj=plain, mtime=0) as packed:
            yield BackupWriter(packed, version)
        plain.flush()


def _appear(part: Path, out: Path) -> None:
    """Rename the file without overwriting one that another process may have created meanwhile."""
    try:
        os.link(part, out)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if os.path.lexists(out):
            raise FileExistsError(out) from None
        part.rename(out)
    folder = os.open(out.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def _writable() -> Iterator[None]:
    try:
        yield
    except FileExistsError as error:
        raise RefusedError("the file exists", problem=Problem.BACKUP_EXISTS) from error
    except OSError as error:
        problem = (
            Problem.BACKUP_DISK_FULL if error.errno in _NO_ROOM else Problem.BACKUP_NOT_WRITABLE
        )
        raise RefusedError(
            f"the backup cannot be written ({error.strerror})", problem=problem
        ) from error


@contextmanager
def reading(path: Path) -> Iterator["BackupReader"]:
    """Yield a reader. Raises RefusedError with the problem, here and while the file is read."""
    with _readable(), path.open("rb") as packed, gzip.GzipFile(fileobj=packed) as plain:
        yield BackupReader(plain, packed)


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except (*_BROKEN, BSONError, RecursionError) as error:
        raise _damaged(f"{type(error).__name__} while reading") from error
    except OSError as error:
        raise RefusedError(
            f"the backup cannot be read ({error.strerror})", problem=Problem.BACKUP_NOT_READABLE
        ) from error


class BackupReader:
    """Reads documents from the file, one at a time, and checks each before it is returned.

    `tallies` covers the documents read so far. After the last one it equals the trailer, or
    RefusedError was raised. `version` is that of the data, from the first document on.
    """

    def __init__(self, plain: gzip.GzipFile, packed: IO[bytes]) -> None:
        self._plain = plain
        self._packed = packed
        self._taken = 0
        self.version = 0
        self.tallies: dict[str, Tally] = {}

    def documents(self, known: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Yield every document with its collection, which must be one of the `known`."""
        self._check_head()
        allowed, name = tuple(known), ""
        while (tag := self._take(1)) != _TRAILER:
            if tag == _COLLECTION:
                name = bson.decode(self._bson(_FRAME_BYTES)).get("collection", "")
                if name not in allowed or name in self.tallies:
                    raise _damaged("a collection that does not belong there")
                self.tallies[name] = Tally()
            elif tag == _DOCUMENT and name:
                raw = self._bson(_DOCUMENT_BYTES)
                _check_document(raw)
                self.tallies[name].add(raw)
                yield name, raw
            else:
                raise _damaged("a frame of no known kind")
        self._check_end(bson.decode(self._bson(_FRAME_BYTES)), allowed)

    def _check_head(self) -> None:
        try:
            head = self._plain.read(len(_MAGIC) + 2)
        except gzip.BadGzipFile as error:
            raise RefusedError("not gzip", problem=Problem.BACKUP_NOT_ONE) from error
        if head[: len(_MAGIC)] != _MAGIC:
            raise RefusedError("no magic line", problem=Problem.BACKUP_NOT_ONE)
        (form,) = struct.unpack(">H", head[len(_MAGIC) :])
        if form == _FORMAT_WITHOUT_VERSION:
            return
        if form != _FORMAT:
            raise RefusedError(f"format {form}", problem=Problem.BACKUP_VERSION)
        (self.version,) = struct.unpack(">H", self._take(2))
        if self.version > VERSION:
            raise RefusedError(f"data of version {self.version}", problem=Problem.BACKUP_NEWER)

    def _check_end(self, trailer: Document, allowed: tuple[str, ...]) -> None:
        if self._plain.read(1):
            raise _damaged("something after the end")
        found = {n: {"count": t.count, "sha256": t.sha256} for n, t in self.tallies.items()}
        if trailer.get("collections") != found or set(allowed) != set(found):
            raise _damaged("counts or hashes that do not agree")

    def _bson(self, most: int) -> bytes:
        head = self._take(4)
        (length,) = struct.unpack("<i", head)
        if length > most:
            raise RefusedError("a document is too large", problem=Problem.BACKUP_TOO_LARGE)
        if length < 5:
            raise _damaged("a length that cannot be")
        return head + self._take(length - 4)

    def _take(self, size: int) -> bytes:
        taken = self._plain.read(size)
        if len(taken) != size:
            raise _damaged("it ends too early")
        self._taken += size
        if self._taken > max(_JUDGED_FROM_BYTES, _LEAST_SHARE * self._packed.tell()):
            raise RefusedError("it unpacks to too much", problem=Problem.BACKUP_TOO_LARGE)
        return taken


def _check_document(raw: bytes) -> None:
    # The key must come first, as every server stores it; otherwise the stored bytes would differ.
    if raw[5:9] != b"_id\0":
        raise _damaged("a document without its key")
    bson.decode(raw, _ANY_DATE)


def _damaged(why: str) -> RefusedError:
    return RefusedError(f"the backup is damaged: {why}", problem=Problem.BACKUP_DAMAGED)
