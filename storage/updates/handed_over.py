"""A count of the hand-overs: a process that stops raises it, and the others look for its work."""

from typing import Final

from storage.engine.connection import Collection, Database, translated

_ID: Final = "handed over"


class HandedOver:
    """How often a process has left work to the others, over all processes."""

    def __init__(self, database: Database) -> None:
        self._locks: Collection = database["locks"]

    async def count(self) -> int:
        with translated():
            found = await self._locks.find_one({"_id": _ID}, {"number": 1})
        return int(found["number"]) if found else 0

    async def tell(self) -> None:
        """Have the others look at once for what this process leaves."""
        with translated():
            await self._locks.update_one({"_id": _ID}, {"$inc": {"number": 1}}, upsert=True)
