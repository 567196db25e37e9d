"""The version of the stored data: which shapes of documents and indexes the database holds.

One document says it. It is absent in data of a program from before there were versions. While data
is migrated the document also says to which version: from the first step on an older program would
not understand all of it.
"""

from contextlib import suppress
from typing import Final

from pymongo.errors import DuplicateKeyError

from bot.domain.errors import Problem, RefusedError
from storage.engine.connection import Database, Document, translated
from storage.engine.leases import Leases

VERSION: Final = 8
"""The version that this program reads and writes. `storage.schema` migrates older data to it."""
_ID: Final = "schema"


def schema_leases(database: Database) -> Leases[str]:
    """Return the leases under which one process at a time migrates."""
    return Leases(database["locks"], are_documents=True)


async def stored_version(database: Database) -> int:
    """Return the version of the data, 0 if it is from before there were versions.

    Raises RefusedError when it is newer than this program, or a newer one has begun to migrate it.
    """
    document = await _read(database)
    newest = max(document.get("version", 0), document.get("to", 0))
    if newest > VERSION:
        raise RefusedError(
            f"the data has version {newest}, and this program knows {VERSION}",
            problem=Problem.DATA_NEWER,
        )
    return int(document.get("version", 0))


async def require_version(database: Database) -> None:
    """Raise RefusedError unless the data has the version that this program reads and writes."""
    if (found := await stored_version(database)) != VERSION:
        raise RefusedError(f"the data has version {found}, and this program needs {VERSION}")


async def claim_new(database: Database) -> None:
    """Give the database this program's version if there is nothing in it yet."""
    with translated():
        if await database.list_collection_names():
            return
        # Suppressed: another process has claimed it at this moment.
        with suppress(DuplicateKeyError):
            await database["meta"].insert_one({"_id": _ID, "version": VERSION})


async def begin_migration(database: Database) -> None:
    """Store that the data is on its way to this program's version: older ones refuse it now."""
    with translated():
        await database["meta"].update_one(
            {"_id": _ID}, {"$set": {"to": VERSION}, "$setOnInsert": {"version": 0}}, upsert=True
        )


async def store_version(database: Database, version: int) -> None:
    """Store that all data has this version."""
    change: Document = {"$set": {"version": version}}
    if version == VERSION:
        change["$unset"] = {"to": ""}
    with translated():
        await database["meta"].update_one({"_id": _ID}, change, upsert=True)


async def _read(database: Database) -> Document:
    with translated():
        return await database["meta"].find_one({"_id": _ID}) or {}
