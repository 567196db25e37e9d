"""Use case: receive a file in pieces, so that a network that goes away costs one piece."""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum, auto

from bot.domain.file_refusal import FileRefused
from bot.domain.file_shape import Inspected
from bot.domain.job import Job
from bot.domain.upload import LARGEST_BYTES, UPLOAD_LASTS, Upload
from bot.usecases.jobs.read_file import ReadFile
from bot.usecases.ports import FilePieces, Uploads


class NotReceived(Enum):
    """The reasons why a file or a piece of it is not taken."""

    TOO_LARGE = auto()
    REPLACED = auto()
    """The admin has begun to send another file since, or this one is too old."""
    WRONG_PIECE = auto()
    """Its length or number does not fit the file."""
    INCOMPLETE = auto()
    """Not all pieces are there."""


@dataclass(frozen=True, slots=True)
class Begun:
    upload: Upload
    stored: int
    """How many pieces are there already, when the upload of the same file goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiveFile:
    uploads: Uploads
    pieces: FilePieces
    read_file: ReadFile
    clock: Callable[[], datetime]
    _reading: dict[str, "asyncio.Task[tuple[Job, Inspected]]"] = field(default_factory=dict)
    """The files that are being read, by key: who asks again waits for the same reading."""

    async def begin(
        self, *, by: str, name: str, size_bytes: int, mark: str
    ) -> Begun | NotReceived:
        """Begin an upload, or go on with that of the same file."""
        if size_bytes > LARGEST_BYTES:
            return NotReceived.TOO_LARGE
        before = await self._current(by)
        if before is not None and before.job_id is None:
            if (before.name, before.size_bytes, before.mark) == (name, size_bytes, mark):
                return Begun(before, await self.pieces.pieces(before.file_id))
            await self.pieces.drop_pieces(before.file_id)
        upload = Upload(
            by=by,
            key=secrets.token_hex(16),
            file_id=await self.pieces.begin_pieces(),
            name=name,
            size_bytes=size_bytes,
            mark=mark,
            ends_at=self.clock() + UPLOAD_LASTS,
        )
        await self.uploads.put(upload)
        return Begun(upload, 0)

    async def piece(self, number: int, content: bytes, *, key: str, by: str) -> NotReceived | None:
        """Store one piece; safe to repeat. Pieces come in order."""
        upload = await self._current(by)
        if upload is None or upload.key != key or upload.job_id is not None:
            return NotReceived.REPLACED
        if not content or len(content) != upload.length_of(number):
            return NotReceived.WRONG_PIECE
        await self.pieces.put_piece(upload.file_id, number, content)
        return None

    async def end(self, *, key: str, by: str) -> tuple[Job, Inspected] | NotReceived:
        """Begin the import of the file, once all of it is there; raises FileRefused.

        Safe to repeat: the second call finds the import of the first.
        """
        upload = await self._current(by)
        if upload is None or upload.key != key:
            return NotReceived.REPLACED
        if upload.job_id is not None:
            job = await self.read_file.manage.get(upload.job_id)
            return NotReceived.REPLACED if job is None else (job, await self.read_file.again(job))
        if await self.pieces.pieces(upload.file_id) < upload.pieces:
            return NotReceived.INCOMPLETE
        if key not in self._reading:
            self._reading[key] = asyncio.create_task(self._read(upload))
        return await asyncio.shield(self._reading[key])

    async def _read(self, upload: Upload) -> tuple[Job, Inspected]:
        try:
            await self.pieces.end_pieces(
                upload.file_id, name=upload.name, size_bytes=upload.size_bytes
            )
            found = await self.read_file.begin_stored(
                upload.file_id, name=upload.name, by=upload.by
            )
            await self.uploads.put(replace(upload, job_id=found[0].id))
        except FileRefused:
            # It stays refused: no copy of people's data is kept for nothing.
            await self.read_file.manage.files.delete(upload.file_id)
            await self.uploads.put(replace(upload, key="", ends_at=self.clock()))
            raise
        finally:
            del self._reading[upload.key]
        return found

    async def _current(self, by: str) -> Upload | None:
        upload = await self.uploads.of(by)
        return upload if upload is not None and upload.ends_at > self.clock() else None
