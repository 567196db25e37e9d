"""Files of jobs, in GridFS, so that every process that works on a job can read them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from bson import ObjectId
from bson.errors import InvalidId
from gridfs.errors import NoFile
from motor.motor_asyncio import AsyncIOMotorGridFSBucket

from bot.domain.errors import Problem, RefusedError
from bot.domain.upload import PIECE_BYTES
from storage.engine.connection import Collection, Database, translated
from storage.engine.repeating import insert_once

_PIECE: Final = PIECE_BYTES


class Files:
    """The stored files."""

    def __init__(self, database: Database) -> None:
        self._chunks: Collection = database["files.chunks"]
        self._files: Collection = database["files.files"]
        self._has_index = False
        self._bucket: Any = AsyncIOMotorGridFSBucket(database, "files")

    async def put(
        self,
        path: Path,
        *,
        name: str,
        report: Callable[[int], None] = lambda _: None,
    ) -> str:
        """Store a copy of the file and return its id; `report` gets the bytes stored so far."""
        return await self.put_pieces(_of_file(path), name=name, report=report)

    async def put_pieces(
        self,
        pieces: AsyncIterator[bytes],
        *,
        name: str,
        report: Callable[[int], None] = lambda _: None,
    ) -> str:
        """Store a file that comes in pieces, and return its id."""
        # Written chunk by chunk, as the GridFS specification says: the library's own upload
        # collects 48 MB before it writes, and encodes them once more.
        file_id, number, done = ObjectId(), 0, 0
        await self._ensure_index()
        try:
            with translated():
                async for piece in _whole(pieces):
                    await insert_once(
                        self._chunks,
                        {"_id": ObjectId(), "files_id": file_id, "n": number, "data": piece},
                    )
                    number += 1
                    done += len(piece)
                    report(done)
                await insert_once(
                    self._files,
                    {
                        "_id": file_id,
                        "length": done,
                        "chunkSize": _PIECE,
                        "uploadDate": datetime.now(UTC),
                        "filename": name,
                    },
                )
        except BaseException:
            # `purge` finds the chunks that cannot be deleted now.
            with suppress(Exception):
                await self._chunks.delete_many({"files_id": file_id})
            raise
        return str(file_id)

    async def begin_pieces(self) -> str:
        """Return the id of a new file, whose pieces come one by one, each perhaps repeatedly."""
        await self._ensure_index()
        return str(ObjectId())

    async def put_piece(self, file_id: str, number: int, piece: bytes) -> None:
        key = {"files_id": _id(file_id), "n": number}
        with translated():
            await self._chunks.replace_one(key, key | {"data": piece}, upsert=True)

    async def pieces(self, file_id: str) -> int:
        """Return how many pieces of the file are stored."""
        with translated():
            return int(await self._chunks.count_documents({"files_id": _id(file_id)}))

    async def end_pieces(self, file_id: str, *, name: str, size_bytes: int) -> None:
        """Make the pieces a file like any other."""
        document = {
            "length": size_bytes,
            "chunkSize": _PIECE,
            "uploadDate": datetime.now(UTC),
            "filename": name,
        }
        with translated():
            await self._files.replace_one({"_id": _id(file_id)}, document, upsert=True)

    async def drop_pieces(self, file_id: str) -> None:
        """Delete the pieces of a file that was not ended."""
        with translated():
            await self._chunks.delete_many({"files_id": _id(file_id)})

    async def _ensure_index(self) -> None:
        """Create the index that the GridFS specification requires, before the first file is
        stored.

        The library does so, too.
        """
        if not self._has_index:
            with translated():
                await self._chunks.create_index([("files_id", 1), ("n", 1)], unique=True)
            self._has_index = True

    async def fetch(self, file_id: str, path: Path) -> None:
        """Write the file to `path`. Raises RefusedError (FILE_GONE) when it is not stored any
        more."""
        with await asyncio.to_thread(path.open, "wb") as file:
            async for piece in self._pieces(file_id):
                await asyncio.to_thread(file.write, piece)

    async def delete(self, file_id: str) -> None:
        """Delete the file; do nothing if it is deleted already."""
        try:
            with translated():
                await self._bucket.delete(_id(file_id))
        except RefusedError as error:
            if not isinstance(error.__cause__, NoFile):
                raise

    async def purge(self, before: datetime) -> None:
        """Delete all files that were stored before then, and the chunks of unfinished uploads."""
        oldest = ObjectId.from_datetime(before)
        with translated():
            chunks = await self._chunks.distinct("files_id")
        for file_id in chunks:
            if file_id < oldest:
                await self.delete(str(file_id))
                with translated():
                    await self._chunks.delete_many({"files_id": file_id})

    async def _pieces(self, file_id: str) -> AsyncIterator[bytes]:
        try:
            with translated():
                stream = await self._bucket.open_download_stream(_id(file_id))
        except RefusedError as error:
            if isinstance(error.__cause__, NoFile):
                raise _gone() from error
            raise
        while True:
            with translated():
                piece = await stream.read(_PIECE)
            if not piece:
                return
            yield bytes(piece)


async def _of_file(path: Path) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(path.open, "rb") as file:
        while piece := await asyncio.to_thread(file.read, _PIECE):
            yield piece


async def _whole(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the same bytes in pieces of one size, as GridFS has them; the last may be shorter."""
    rest = b""
    async for piece in pieces:
        rest += piece
        while len(rest) >= _PIECE:
            yield rest[:_PIECE]
            rest = rest[_PIECE:]
    if rest:
        yield rest


def _gone() -> RefusedError:
    return RefusedError("a file of a job is not kept any more", problem=Problem.FILE_GONE)


def _id(file_id: str) -> ObjectId:
    try:
        return ObjectId(file_id)
    except InvalidId as error:
        raise _gone() from error
