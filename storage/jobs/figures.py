"""How many jobs there are of each kind and state, and how long they wait for a worker."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Final

from bot.domain.job import ACTIVE
from storage.engine.connection import Database, Document, translated
from storage.jobs.jobs import Jobs

_LATEST: Final = 100
_ENDED: Final = timedelta(hours=1)
# Without their details, which can be long.
_SHAPE: Final = dict.fromkeys(
    ("kind", "state", "created_at", "began_at", "ended_at", "owner", "until"), 1
)


class JobFigures:
    def __init__(self, database: Database) -> None:
        self._jobs = database["jobs"]
        self._store = Jobs(database)

    async def by_state(self, now: datetime) -> Counter[tuple[str, str]]:
        """Return how many there are: all that are not over, and of the latest hundred those that
        ended within an hour."""
        last = await self._store.last_id()
        latest = list(range(max(1, last - _LATEST + 1), last + 1))
        with translated():
            found = await self._jobs.find({"_id": {"$in": latest}}, _SHAPE).to_list(None)
        jobs = {one["_id"]: one for one in [*found, *await self._active()]}
        return Counter(
            # As stored: a newer program may have kinds of its own.
            (str(one["kind"]), str(one["state"]))
            for one in jobs.values()
            if not one.get("ended_at") or one["ended_at"] > now - _ENDED
        )

    async def waiting(self, now: datetime) -> tuple[int, datetime | None]:
        """Return how many jobs nobody works on, and since when the oldest of them waits."""
        since = [
            _waits_since(one)
            for one in await self._active()
            if one["state"] in ACTIVE and (not one.get("until") or one["until"] <= now)
        ]
        return len(since), min(since, default=None)

    async def _active(self) -> list[Document]:
        with translated():
            found: list[Document] = await self._jobs.find({"active": True}, _SHAPE).to_list(None)
        return found


def _waits_since(job: Document) -> datetime:
    """Return when a job began to wait: when it was begun, or when its worker's lease ended."""
    begun: datetime = job.get("began_at") or job["created_at"]
    lease_end: datetime | None = job.get("until") if job.get("owner") else None
    return lease_end or begun
