"""The tries to log in: those of one day, by the key that they count against."""

from datetime import datetime

from pymongo.errors import DuplicateKeyError

from storage.engine.batching import FindOne
from storage.engine.connection import Collection, Database, translated


class LoginTries:
    """Login tries: each key's document holds the ids of its tries, so a repeated try counts
    once."""

    def __init__(self, database: Database) -> None:
        self._tries: Collection = database["login_tries"]
        self._find = FindOne(self._tries)

    async def take(self, key: str, try_id: str, *, at: datetime, limit: int) -> bool:
        """Return True if this try is one of the first `limit` of the key, also among concurrent
        tries."""
        with translated():
            try:
                # A full document does not match, and a second one with its key cannot be inserted.
                await self._tries.update_one(
                    {"_id": key, f"tries.{limit - 1}": {"$exists": False}},
                    {"$addToSet": {"tries": try_id}, "$setOnInsert": {"at": at}},
                    upsert=True,
                )
            except DuplicateKeyError:
                # The document is full, or a concurrent call inserted it a moment earlier.
                return await self._again(key, try_id, limit=limit)
        return True

    async def _again(self, key: str, try_id: str, *, limit: int) -> bool:
        await self._tries.update_one(
            {"_id": key, f"tries.{limit - 1}": {"$exists": False}},
            {"$addToSet": {"tries": try_id}},
        )
        document = await self._tries.find_one({"_id": key})
        return bool(document) and try_id in document["tries"]

    async def count(self, key: str) -> int:
        document = await self._find(key)
        return len(document["tries"]) if document else 0
