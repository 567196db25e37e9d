"""Files of jobs, in GridFS: whichever process works on a job finds them there."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from bson import ObjectId
from bson.errors import InvalidId
from gridfs.errors import NoFile
from motor.motor_asyncio import AsyncIOMotorGridFSBucket

from bot.domain.errors import Problem, RefusedError
from storage.connection import Database, translated

_PIECE: Final = 1 << 20


class Files:
    """Where they are kept."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._bucket: Any = AsyncIOMotorGridFSBucket(database, "files")

    async def put(
        self,
        path: Path,
        *,
        name: str,
        report: Callable[[int], None] = lambda _: None,
    ) -> str:
        """The id under which a copy of the file is kept; `report` is told the bytes so far."""
        with translated():
            stream = self._bucket.open_upload_stream(name)
            try:
                with await asyncio.to_thread(path.open, "rb") as file:
                    done = 0
                    while piece := await asyncio.to_thread(file.read, _PIECE):
                        await stream.write(piece)
                        done += len(piece)
                        report(done)
                await stream.close()
            except BaseException:
                # Closing would keep half a file, and leaving it open its pieces.
                with suppress(Exception):
                    await stream.abort()
                raise
            return str(stream._id)

    async def fetch(self, file_id: str, path: Path) -> None:
        """Write the file to `path`; raises RefusedError (FILE_GONE) when it is kept no more."""
        with await asyncio.to_thread(path.open, "wb") as file:
            async for piece in self._pieces(file_id):
                await asyncio.to_thread(file.write, piece)

    async def delete(self, file_id: str) -> None:
        """What is gone already stays gone."""
        try:
            with translated():
                await self._bucket.delete(_id(file_id))
        except RefusedError as error:
            if not isinstance(error.__cause__, NoFile):
                raise

    async def purge(self, before: datetime) -> None:
        """Delete all that was put before then, and what was never put whole."""
        oldest = ObjectId.from_datetime(before)
        with translated():
            chunks = await self._database["files.chunks"].distinct("files_id")
        for file_id in chunks:
            if file_id < oldest:
                await self.delete(str(file_id))
                with translated():
                    await self._database["files.chunks"].delete_many({"files_id": file_id})

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


def _gone() -> RefusedError:
    return RefusedError("a file of a job is not kept any more", problem=Problem.FILE_GONE)


def _id(file_id: str) -> ObjectId:
    try:
        return ObjectId(file_id)
    except InvalidId as error:
        raise _gone() from error
