"""The states of dialogs, and the locks that give each chat one owner at a time."""

import copy
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from pymongo import ReplaceOne

from storage.engine.batching import FindOne, InsertOne, Write
from storage.engine.connection import Collection, Database, translated


class States:
    """Dialog state and data by key, with the id of the update that wrote them last."""

    def __init__(self, database: Database) -> None:
        self._client = database.client
        self._states: Collection = database["states"]
        self._find = FindOne(self._states)
        self._write = Write(self._states)

    async def load(self, key: str) -> tuple[str | None, dict[str, Any], int]:
        """Return state, data and the id of the update that wrote them (0 if nothing is stored)."""
        document = await self._find(key)
        if document is None:
            return None, {}, 0
        # A copy: concurrent calls for the same key get the same document.
        return document["state"], copy.deepcopy(document["data"]), document["update_id"]

    async def save(
        self, key: str, state: str | None, data: dict[str, Any], *, update_id: int
    ) -> None:
        """Store state and data in one write, so that a crash leaves both or neither."""
        await self._write(_replacement(key, state, data, update_id))

    async def save_together(
        self, steps: Sequence[tuple[str, str | None, dict[str, Any]]], *, update_id: int
    ) -> None:
        """Store several (key, state, data) of one update in one transaction.

        A screen is stored under several keys. Half of it would look like an update that was
        handled.
        """
        writes = [_replacement(*step, update_id) for step in steps]
        with translated():
            async with (
                await self._client.start_session() as session,
                session.start_transaction(),
            ):
                await self._states.bulk_write(writes, session=session)


def _replacement(
    key: str, state: str | None, data: dict[str, Any], update_id: int
) -> "ReplaceOne[dict[str, Any]]":
    document = {"_id": key, "state": state, "data": data, "update_id": update_id}
    return ReplaceOne({"_id": key}, document, upsert=True)


class Locks:
    """Leases by name: one owner at a time, over any number of replicas."""

    def __init__(self, database: Database) -> None:
        self._locks: Collection = database["locks"]
        self._insert = InsertOne(self._locks)

    async def acquire(self, name: str, owner: str, *, now: datetime, lease: timedelta) -> bool:
        """Return True if the lease was free or had expired; `owner` has it until `now + lease`
        then."""
        until = now + lease
        if await self._insert({"_id": name, "owner": owner, "until": until}):
            return True
        with translated():
            result = await self._locks.update_one(
                {"_id": name, "until": {"$lt": now}},
                {"$set": {"owner": owner, "until": until}},
            )
        return bool(result.matched_count)

    async def renew(
        self, names: Sequence[str], owner: str, *, now: datetime, lease: timedelta
    ) -> list[str]:
        """Renew the leases that the owner still has, until `now + lease`; return their names."""
        mine = {"_id": {"$in": list(names)}, "owner": owner}
        with translated():
            await self._locks.update_many(mine, {"$set": {"until": now + lease}})
            documents = await self._locks.find(mine, {"_id": 1}).to_list(None)
        return [document["_id"] for document in documents]

    async def release(self, names: Sequence[str], owner: str) -> None:
        """Release the leases, except those that another owner has acquired meanwhile."""
        with translated():
            await self._locks.delete_many({"_id": {"$in": list(names)}, "owner": owner})

    async def owners(self) -> list[tuple[str, str]]:
        """Return (name, owner) of every lease."""
        # One document per chat that is being handled right now: few enough to read all.
        with translated():
            documents = await self._locks.find({}).to_list(None)
        return [(document["_id"], document["owner"]) for document in documents]
