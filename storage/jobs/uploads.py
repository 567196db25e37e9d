"""Uploads in progress: one for each admin. Their pieces are those of the file in `Files`."""

from bot.domain.upload import Upload
from storage.engine.connection import Collection, Database, translated


class Uploads:
    def __init__(self, database: Database) -> None:
        self._uploads: Collection = database["uploads"]

    async def put(self, upload: Upload) -> None:
        """Store the upload in place of an earlier one of the same admin."""
        document = {
            "_id": upload.by,
            "key": upload.key,
            "file_id": upload.file_id,
            "name": upload.name,
            "size_bytes": upload.size_bytes,
            "mark": upload.mark,
            "ends_at": upload.ends_at,
            "job_id": upload.job_id,
        }
        with translated():
            await self._uploads.replace_one({"_id": upload.by}, document, upsert=True)

    async def of(self, by: str) -> Upload | None:
        with translated():
            found = await self._uploads.find_one({"_id": by})
        return Upload(by=found.pop("_id"), **found) if found else None
