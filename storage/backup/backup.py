"""Backup of the database into a file, and restore, in memory that does not grow with the register.

A backup is no snapshot: the embedded server has none, and MongoDB keeps one for five minutes. It
holds everything that was stored when it began, as it was at some moment until the end. Documents
that are added or changed meanwhile may be in it. Documents that refer to others are read before
these, so every reference in the backup can be resolved, and a registration is never older than its
audit.

Not in it: the inbox, dialog states and locks, which mean nothing elsewhere or later; and what was
said in conversations, which is to end after some days.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import IO, Final

from bson.raw_bson import RawBSONDocument
from pymongo.errors import BulkWriteError

from bot.domain.errors import Problem, RefusedError, TryLaterError
from storage.backup.file import Tally, reading, streaming, writing
from storage.engine.connection import Collection, Database, translated
from storage.engine.indexes import ensure_indexes
from storage.engine.scan import delete_all, raw, scan
from storage.engine.schema import store_version, stored_version

# Collections that refer to others come before these.
COLLECTIONS: Final = (
    *("relayed", "conversations", "chats", "audit", "registrations"),
    *("ready_answers", "tags", "departments", "people"),
)
_BATCH: Final = 500
_BATCH_BYTES: Final = 8 * 1024 * 1024
_KEYS: Final = 100
_READINGS: Final = 10
_MARK: Final = {"_id": "restore"}


class Stage(StrEnum):
    SAVING = "saving"
    CHECKING = "checking"
    DELETING = "deleting"
    STORING = "storing"
    COMPARING = "comparing"


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress within one collection; `of` is about how many documents there are, if that is
    known."""

    stage: Stage
    collection: str
    documents: int
    of: int | None
    size_bytes: int = 0


Report = Callable[[Progress], None]
Tallies = Mapping[str, Tally]


async def back_up(
    database: Database, out: Path | IO[bytes], *, at: datetime, report: Report
) -> Tallies:
    """Write everything into the new file `out`; return the tallies of its collections.

    out: an open pipe gets the same bytes. Works beside a running bot. Raises RefusedError or
    TryLaterError, and then leaves no file, or in a pipe one that no restore takes.
    """
    version = await stored_version(database)
    if isinstance(out, Path):
        file = writing(out, version=version)
    else:
        file = streaming(out, version=version)
    with file as backup:
        for name in COLLECTIONS:
            there = await _count(database, name)
            tally = backup.begin(name)
            later: list[str] = []
            async for documents in scan(database, name):
                for document in documents:
                    if "open_chat" in document and name == "conversations":
                        later.append(document["_id"])
                    else:
                        backup.add(tally, document.raw)
                done = tally.count + len(later)
                report(Progress(Stage.SAVING, name, done, there, tally.size_bytes))
            for document in await _at_one_time(database, later):
                backup.add(tally, document.raw)
            if tally.count < there:
                raise TryLaterError(
                    f"{name} lost documents meanwhile", problem=Problem.BACKUP_DISTURBED
                )
        # A newer program may have begun to migrate meanwhile: the documents are of two versions.
        await stored_version(database)
        backup.end(at)
    return backup.tallies


async def _at_one_time(database: Database, ids: list[str]) -> list[RawBSONDocument]:
    """Return the conversations that were open, read again after all the others.

    A chat has one open conversation. If they were read minutes apart, there could be two of them,
    one closed since and the next one, and no database would accept both in a restore.
    """
    collection = raw(database["conversations"])
    for _ in range(_READINGS):
        documents: list[RawBSONDocument] = []
        for start in range(0, len(ids), _KEYS):
            with translated():
                documents += await collection.find(
                    {"_id": {"$in": ids[start : start + _KEYS]}}
                ).to_list(None)
        chats = [document["open_chat"] for document in documents if "open_chat" in document]
        if len(chats) == len(set(chats)):
            return documents
    raise TryLaterError(
        "conversations change too fast to be read", problem=Problem.BACKUP_DISTURBED
    )


def check_backup(path: Path, report: Report) -> Tallies:
    """Read and check the whole file; return its tallies. Raises RefusedError when it is not
    valid."""
    with reading(path) as backup:
        for name, _ in backup.documents(COLLECTIONS):
            tally = backup.tallies[name]
            if tally.count % _BATCH == 0:
                report(Progress(Stage.CHECKING, name, tally.count, None, tally.size_bytes))
    # A backup from before a collection existed has none of its documents.
    return {name: backup.tallies.get(name, Tally()) for name in COLLECTIONS}


async def held(database: Database) -> dict[str, int]:
    """Return about how many documents a restore would delete, by collection."""
    return {name: await _count(database, name) for name in COLLECTIONS}


async def restore(
    database: Database,
    path: Path,
    tallies: Tallies,
    *,
    replace: bool,
    at: datetime,
    report: Report,
) -> None:
    """Store the documents of the file that `check_backup` accepted, then compare counts and
    hashes.

    No bot may run meanwhile. Afterwards the data has the version of the file and may have to be
    migrated. Unless `replace`, raises RefusedError before anything is changed if the database is
    not empty. A restore that stops later leaves a mark, until another one with `replace` succeeds.
    """
    if not replace:
        await refuse_half_restored(database)
        if any((await held(database)).values()):
            raise RefusedError("the database is not empty", problem=Problem.RESTORE_NOT_EMPTY)
    # The rest of the database keeps its version. Migrations may be repeated, so the older counts.
    version = await stored_version(database)
    with translated():
        await database["restore"].replace_one(_MARK, {**_MARK, "began_at": at}, upsert=True)
    await _empty(database, report)
    version = min(version, await _store(database, path, tallies, report))
    await _compare(database, tallies, report)
    await store_version(database, version)
    with translated():
        await database["restore"].delete_one(_MARK)


async def refuse_half_restored(database: Database) -> None:
    """Raise RefusedError when a restore has begun and not ended."""
    with translated():
        if await database["restore"].find_one(_MARK):
            raise RefusedError("a restore was not finished", problem=Problem.RESTORE_UNFINISHED)


async def _empty(database: Database, report: Report) -> None:
    for name in COLLECTIONS:
        there, deleted = await _count(database, name), 0
        async for count in delete_all(database, name):
            deleted += count
            report(Progress(Stage.DELETING, name, deleted, there))
    with translated():
        # Dialog states of the deleted conversations go, too. Dropping the emptied collections
        # removes documents that were missed.
        for name in (*COLLECTIONS, "states", "meta"):
            await database[name].drop()
    await ensure_indexes(database)


async def _store(database: Database, path: Path, tallies: Tallies, report: Report) -> int:
    """Store the documents of the file, and return the version of the data."""
    with reading(path) as backup:
        for name, documents in _batches(backup.documents(COLLECTIONS)):
            with _as_difference(), translated():
                collection: Collection = database[name]
                await collection.insert_many(documents, ordered=False)
            tally, of = backup.tallies[name], tallies[name].count
            report(Progress(Stage.STORING, name, tally.count, of, tally.size_bytes))
    return backup.version


def _batches(
    documents: Iterator[tuple[str, bytes]],
) -> Iterator[tuple[str, list[RawBSONDocument]]]:
    batch: list[RawBSONDocument] = []
    size, of = 0, ""
    for name, document in documents:
        if batch and (name != of or len(batch) == _BATCH or size + len(document) > _BATCH_BYTES):
            yield of, batch
            batch, size = [], 0
        batch.append(RawBSONDocument(document))
        size, of = size + len(document), name
    if batch:
        yield of, batch


@contextmanager
def _as_difference() -> Iterator[None]:
    """Report a refused document as a difference: its key exists twice, or another process
    writes."""
    try:
        yield
    except RefusedError as error:
        if isinstance(error.__cause__, BulkWriteError):
            raise RefusedError(str(error), problem=Problem.RESTORE_DIFFERS) from error
        raise


async def _compare(database: Database, tallies: Tallies, report: Report) -> None:
    for name in COLLECTIONS:
        stored = Tally()
        async for documents in scan(database, name):
            for document in documents:
                stored.add(document.raw)
            of = tallies[name].count
            report(Progress(Stage.COMPARING, name, stored.count, of, stored.size_bytes))
        if stored != tallies[name]:
            raise RefusedError(f"{name} is not as in the file", problem=Problem.RESTORE_DIFFERS)


async def _count(database: Database, name: str) -> int:
    collection: Collection = database[name]
    with translated():
        return int(await collection.estimated_document_count())
