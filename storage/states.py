"""Steps of conversations with people, and the locks that keep one chat in one pair of hands."""

from datetime import datetime, timedelta
from typing import Any

from pymongo.errors import DuplicateKeyError

from storage.connection import Collection, Database, translated


class States:
    """State and data by key, with the id of the update that wrote them last."""

    def __init__(self, database: Database) -> None:
        self._states: Collection = database["states"]

    async def load(self, key: str) -> tuple[str | None, dict[str, Any], int]:
        """State, data, and the update that wrote them (0 when nothing is stored)."""
        with translated():
            document = await self._states.find_one({"_id": key})
        if document is None:
            return None, {}, 0
        return document["state"], document["data"], document["update_id"]

    async def save(
        self, key: str, state: str | None, data: dict[str, Any], *, update_id: int
    ) -> None:
        """State and data in one write, so that a crash leaves both or neither."""
        with translated():
            await self._states.replace_one(
                {"_id": key}, {"state": state, "data": data, "update_id": update_id}, upsert=True
            )


class Locks:
    """Leases by name: one owner at a time, over any number of replicas."""

    def __init__(self, database: Database) -> None:
        self._locks: Collection = database["locks"]

    async def acquire(self, name: str, owner: str, *, now: datetime, lease: timedelta) -> bool:
        """Whether `owner` has it until `now + lease`; an expired lease is taken over."""
        until = now + lease
        with translated():
            try:
                await self._locks.insert_one({"_id": name, "owner": owner, "until": until})
            except DuplicateKeyError:
                result = await self._locks.update_one(
                    {"_id": name, "until": {"$lt": now}},
                    {"$set": {"owner": owner, "until": until}},
                )
                return bool(result.matched_count)
        return True

    async def renew(self, name: str, owner: str, *, now: datetime, lease: timedelta) -> bool:
        """Whether it was still the owner's; then it is until `now + lease`."""
        with translated():
            result = await self._locks.update_one(
                {"_id": name, "owner": owner}, {"$set": {"until": now + lease}}
            )
        return bool(result.matched_count)

    async def release(self, name: str, owner: str) -> None:
        """Give it back, unless somebody else has taken it over meanwhile."""
        with translated():
            await self._locks.delete_one({"_id": name, "owner": owner})

    async def held_by(self, owner_prefix: str) -> list[tuple[str, str]]:
        """(name, owner) of the leases whose owner begins so."""
        # One document a chat that is being handled right now: few enough to read them all.
        with translated():
            documents = await self._locks.find({}).to_list(None)
        return [(d["_id"], d["owner"]) for d in documents if d["owner"].startswith(owner_prefix)]
