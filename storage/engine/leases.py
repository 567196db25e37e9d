"""Leases on documents: each has one owner at a time, over any number of replicas."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Generic, TypeVar

from storage.engine.batching import InsertOne
from storage.engine.connection import Collection, Document, translated

Id = TypeVar("Id")
_LEASE: Final = {"owner": 1, "until": 1, "wanted": 1}


class Leases(Generic[Id]):
    """The leases of a collection, by `_id`, in the fields `owner` and `until` of its documents."""

    def __init__(
        self,
        collection: Collection,
        *,
        are_documents: bool = False,
        versioned: bool = False,
        freed: datetime | None = None,
        among: Document | None = None,
    ) -> None:
        """are_documents: a document is nothing but its lease, so it exists only while it has an
        owner. versioned: every write of a document raises its `version`, that of a lease too.
        freed: the end that a released lease gets. among: the documents that can have an owner."""
        self._collection = collection
        self._insert = InsertOne(collection) if are_documents else None
        self._versioned = versioned
        self._freed = freed
        self._among = among or {}

    async def acquire(self, key: Id, owner: str, *, now: datetime, lease: timedelta) -> bool:
        """Return True if the lease was free or had expired; `owner` has it until `now + lease`
        then."""
        values = {"owner": owner, "until": now + lease}
        if self._insert is not None and await self._insert({"_id": key, **values}):
            return True
        with translated():
            found = await self._collection.find_one({"_id": key}, _LEASE)
            if found is None:
                return False
            before = {name: found.get(name) for name in ("owner", "until")}
            if before["owner"] and before["until"] and before["until"] >= now:
                if self._insert is not None and not found.get("wanted"):
                    await self._collection.update_one(
                        {"_id": key, "owner": before["owner"]}, {"$set": {"wanted": True}}
                    )
                return False
            change = self._change(values) | {"$unset": {"wanted": ""}}
            result = await self._collection.update_one({"_id": key, **before}, change)
        return bool(result.matched_count)

    async def wanted(self, owner: str) -> list[Id]:
        """Return the keys of the owner's leases that another one has tried to acquire.

        They are marked only where a document is nothing but its lease.
        """
        with translated():
            documents = await self._collection.find({"wanted": True}, {"owner": 1}).to_list(None)
        return [found["_id"] for found in documents if found["owner"] == owner]

    async def renew(
        self, keys: Sequence[Id], owner: str, *, now: datetime, lease: timedelta
    ) -> list[Id]:
        """Renew the leases that the owner still has, until `now + lease`; return their keys."""
        mine = {"_id": {"$in": list(keys)}, "owner": owner}
        with translated():
            await self._collection.update_many(mine, self._change({"until": now + lease}))
            documents = await self._collection.find(mine, {"_id": 1}).to_list(None)
        return [document["_id"] for document in documents]

    async def release(self, keys: Sequence[Id], owner: str) -> None:
        """Release the leases, except those that another owner has acquired meanwhile."""
        mine = {"_id": {"$in": list(keys)}, "owner": owner}
        with translated():
            if self._insert is not None:
                await self._collection.delete_many(mine)
            else:
                await self._collection.update_many(
                    mine, self._change({"owner": None, "until": self._freed})
                )

    async def owners(self) -> list[tuple[Id, str]]:
        """Return (key, owner) of every lease."""
        with translated():
            documents = await self._collection.find(self._among, {"owner": 1}).to_list(None)
        return [(found["_id"], found["owner"]) for found in documents if found.get("owner")]

    def _change(self, values: Document) -> Document:
        return {"$set": values} | ({"$inc": {"version": 1}} if self._versioned else {})
