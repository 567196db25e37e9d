"""How often a login was tried: a day's tries by what they count against."""

from datetime import datetime

from pymongo.errors import DuplicateKeyError

from storage.engine.batching import FindOne
from storage.engine.connection import Collection, Database, translated


class LoginTries:
    """Each key's document holds the ids of its tries, so that one that comes again counts once."""

    def __init__(self, database: Database) -> None:
        self._tries: Collection = database["login_tries"]
        self._find = FindOne(self._tries)

    async def take(self, key: str, try_id: str, *, at: datetime, limit: int) -> bool:
        """Whether this try is one of the first `limit` of the key, also among tries at once."""
        with translated():
            try:
                # A full document is not found, and a second one of its key cannot be inserted.
                await self._tries.update_one(
                    {"_id": key, f"tries.{limit - 1}": {"$exists": False}},
                    {"$addToSet": {"tries": try_id}, "$setOnInsert": {"at": at}},
                    upsert=True,
                )
            except DuplicateKeyError:
                # Full, or somebody else's first one was quicker by a moment.
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
