"""The backup that is being made, and the outcomes of the latest ones: three documents in all."""

from datetime import datetime
from typing import Any

from pymongo import ReplaceOne

from bot.domain.backup import BackupFailed, BackupMade, BackupRun, Backups
from storage.engine.batching import FindOne, InsertOne, Write
from storage.engine.connection import Collection, Database, Document, translated

_RUN, _MADE, _FAILED = "run", "made", "failed"


class BackupRuns:
    """The stored runs, on which replicas agree who makes a backup."""

    def __init__(self, database: Database) -> None:
        self._backups: Collection = database["backups"]
        self._find = FindOne(self._backups)
        self._insert = InsertOne(self._backups)
        self._write = Write(self._backups)

    async def all(self) -> Backups:
        return Backups(
            running=BackupRun.model_validate(found) if (found := await self._get(_RUN)) else None,
            made=BackupMade.model_validate(found) if (found := await self._get(_MADE)) else None,
            failed=(
                BackupFailed.model_validate(found) if (found := await self._get(_FAILED)) else None
            ),
        )

    async def running(self) -> BackupRun | None:
        found = await self._get(_RUN)
        return BackupRun.model_validate(found) if found else None

    async def begin(self, run: BackupRun) -> bool:
        """Return True if this is the run in progress now; False while there is another."""
        return await self._insert(_stored(_RUN, run))

    async def renew(self, run: BackupRun, *, until: datetime) -> bool:
        """Return True if the stored run was unchanged since `run` was read; it now ends at
        `until`."""
        with translated():
            result = await self._backups.update_one(
                {"_id": _RUN, "run.id": run.id, "run.until": run.until},
                {"$set": {"run.until": until}},
            )
        return bool(result.matched_count)

    async def finish(self, run_id: str, outcome: BackupMade | BackupFailed) -> None:
        """Store the outcome, then allow the next run to begin."""
        await self.remember(outcome)
        with translated():
            await self._backups.delete_one({"_id": _RUN, "run.id": run_id})

    async def remember(self, outcome: BackupMade | BackupFailed) -> None:
        """Store the outcome as the latest of its kind."""
        key = _MADE if isinstance(outcome, BackupMade) else _FAILED
        await self._write(ReplaceOne({"_id": key}, _stored(key, outcome), upsert=True))

    async def _get(self, key: str) -> Any:
        document = await self._find(key)
        return document[key] if document else None


def _stored(key: str, model: BackupRun | BackupMade | BackupFailed) -> Document:
    return {"_id": key, key: model.model_dump()}
