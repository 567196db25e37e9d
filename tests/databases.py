"""Databases that the tests of one worker use one after the other.

To create all indexes takes the embedded server longer than to delete what a test has left.
"""

import asyncio
import uuid
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from pymongo.monitoring import CommandListener, CommandStartedEvent

from storage.engine.indexes import INDEXES, ensure_indexes

_INDEXED = frozenset(name for name, models in INDEXES.items() if models)
# Commands that can change an index.
_OF_INDEXES = frozenset(("createIndexes", "dropIndexes", "collMod", "drop", "dropDatabase"))
# Balcão's other collections, with the number of indexes of each.
_OTHERS = {"meta": 1, "syncs": 1, "people": 1, "files.files": 1, "files.chunks": 2}
_INDEXES_OF = {name: 1 + len(models) for name, models in INDEXES.items()} | _OTHERS
# With more documents than this, deleting them takes longer than a new database.
_FEW = 100
_TASK_S = 0.1
_PREFIX = "test_"


class IndexChanges(CommandListener):
    """Names of the databases in which this process has made, changed or dropped an index."""

    def __init__(self) -> None:
        self.databases: set[str] = set()
        self.ever: set[str] = set()
        """The same, also of databases whose indexes were compared and found right since."""

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name in _OF_INDEXES:
            self.databases.add(event.database_name)
            self.ever.add(event.database_name)

    def succeeded(self, event: object) -> None:
        """Do nothing: `started` has recorded the database."""

    def failed(self, event: object) -> None:
        """Do nothing: `started` has recorded the database."""


class Reads(CommandListener):
    """Counts, for one database at a time, the look-ups of whole documents by collection.

    `commands` are all commands, as (command, collection), except those look-ups of many documents.
    """

    def __init__(self) -> None:
        self.database = ""
        self.of: Counter[str] = Counter()
        self.commands: list[tuple[str, str]] = []

    def started(self, event: CommandStartedEvent) -> None:
        if event.database_name != self.database:
            return
        name, collection = event.command_name, event.command.get(event.command_name)
        if name != "find":
            self.commands.append((name, collection))
        # Rounds over many documents read some fields of each, or a range.
        elif not event.command.get("projection"):
            self.of[collection] += 1
            if not any(map(_is_range, event.command["filter"].values())):
                self.commands.append((name, collection))

    def succeeded(self, event: object) -> None:
        """Do nothing: `started` has counted the command."""

    def failed(self, event: object) -> None:
        """Do nothing: `started` has counted the command."""


def _is_range(condition: object) -> bool:
    return isinstance(condition, dict) and bool(condition.keys() & {"$gt", "$gte", "$lte"})


class Databases:
    """A pool that lends empty databases with their indexes.

    resting: how many other databases are lent before one is reused. By then a write that its
    test did not await has ended or failed.
    reuse: False where an emptied collection still refuses keys that it once had.
    """

    def __init__(
        self, client: Any, changes: IndexChanges, *, resting: int = 2, reuse: bool = True
    ) -> None:
        self.client = client
        self.changes = changes
        self._resting: deque[Any] = deque()
        self._rest = resting
        self._reuse = reuse
        self._as_made: list[Any] | None = None

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[Any]:
        """Lend an empty database; reuse it later, unless tasks begun meanwhile still run."""
        before = asyncio.all_tasks()
        database = await self._take()
        yield database
        if running := asyncio.all_tasks() - before - {asyncio.current_task()}:
            for task in running:
                # A keeper that the test has not closed renews its leases for some seconds.
                if task.get_name() == "leases":
                    task.cancel()
            # One that has been told to end needs a moment for it.
            _, running = await asyncio.wait(running, timeout=_TASK_S)
        if self._reuse and not running:
            self._resting.append(database)

    async def _take(self) -> Any:
        if len(self._resting) > self._rest:
            database = self._resting.popleft()
            if await self._emptied(database):
                return database
        return await self.new()

    async def new(self) -> Any:
        """Create a database that is never reused; it goes with the session."""
        database = self.client.get_database(f"{_PREFIX}{uuid.uuid4().hex[:12]}")
        await ensure_indexes(database)
        self.changes.databases.discard(database.name)
        return database

    async def drop(self) -> None:
        """Drop all databases that this process has created."""
        for name in self.changes.ever:
            if name.startswith(_PREFIX):
                await self.client.drop_database(name)

    async def _emptied(self, database: Any) -> bool:
        """Delete all documents, and the collections that are not Balcão's.

        Returns False if a new database is quicker, or if the indexes are not as expected.
        """
        stats = await database.command("dbStats")
        if stats["objects"] > _FEW:
            return False
        names = set(await database.list_collection_names())
        if stats["objects"]:
            filled = await _filled(database, names)
            await asyncio.gather(*(database[name].delete_many({}) for name in filled))
        if strange := names - _INDEXES_OF.keys():
            for name in strange:
                await database[name].drop()
            stats = await database.command("dbStats")
        # Another process's changes show only in the number of indexes, ours also in `changes`.
        expected = sum(_INDEXES_OF[name] for name in names - strange)
        if not names >= _INDEXED or stats["indexes"] != expected:
            return False
        if database.name not in self.changes.databases:
            return True
        self.changes.databases.discard(database.name)
        if self._as_made is None:
            self._as_made = await _indexes(await self.new())
        return await _indexes(database) == self._as_made


async def _indexes(database: Any) -> list[Any]:
    return [await database[name].index_information() for name in sorted(_INDEXED)]


async def _filled(database: Any, names: set[str]) -> list[str]:
    """Return the names of the collections that have documents."""
    first, *others = sorted(names)
    pipeline = _one_document_of(first) + [
        {"$unionWith": {"coll": name, "pipeline": _one_document_of(name)}} for name in others
    ]
    found = await database[first].aggregate(pipeline).to_list(None)
    return [one["name"] for one in found]


def _one_document_of(name: str) -> list[dict[str, Any]]:
    return [{"$limit": 1}, {"$project": {"_id": 0, "name": {"$literal": name}}}]
