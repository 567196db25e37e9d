"""Batches of registrations, for jobs.

A batch and its record are one transaction, so it is done once, even if a process is killed.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import bson
from bson.raw_bson import RawBSONDocument
from pymongo import DeleteOne, ReplaceOne
from pymongo.errors import DuplicateKeyError, OperationFailure

from bot.domain.audit import AuditEntry
from bot.domain.candidate import Update
from bot.domain.errors import LostError
from bot.domain.job import Batch
from bot.domain.registration import ErpRef, Provenance, Registration
from bot.domain.search import fold
from storage.engine import refusals
from storage.engine.connection import (
    Collection,
    Database,
    Document,
    Session,
    is_embedded,
    translated,
)
from storage.engine.scan import scan
from storage.engine.transactions import Write, in_transaction_of
from storage.register import audit
from storage.register.audit_chain import state_of_own
from storage.register.documents import change_document, own_document, version_of
from storage.register.raw_registration import RawRegistration, undecoded
from storage.register.search_fields import END, search_fields

# On the embedded server, the time of `$in` grows with the square of the keys that it finds: 50
# cost 130 microseconds each, 100 cost 200. Fewer keys cost our process more. Missing keys are
# cheap.
_EMBEDDED_KEYS: Final = 50
_KEYS_AT_ONCE: Final = 500
_EMPTY: Final = len(bson.encode({}))
# Sessions to keep: one for each job that runs or ran lately.
_SESSIONS: Final = 4


@dataclass(frozen=True, slots=True)
class EncodedChange:
    """One change of a registration that is there, ready to be written, with its audit entry."""

    operation: ReplaceOne[RawBSONDocument] | DeleteOne
    entry: RawBSONDocument
    entry_id: str


class Bulk:
    """Reads and writes the register in batches."""

    def __init__(self, database: Database) -> None:
        self._client = database.client
        self._registrations: Collection = database["registrations"]
        self._undecoded: Collection = undecoded(self._registrations)
        self._entries: Collection = database["audit"]
        self._batches: Collection = database["job_batches"]
        self._writers: Collection = database["job_writers"]
        self._log = audit.Audit(database)
        self._sessions: dict[int, Session] = {}
        self._found_at_once = _EMBEDDED_KEYS if is_embedded(database) else _KEYS_AT_ONCE
        self._at_once = self._found_at_once

    async def by_tax_keys(self, keys: Sequence[str]) -> dict[str, RawRegistration]:
        """Return the registrations that exist, by `TaxId.key`."""
        found: dict[str, RawRegistration] = {}
        with translated():
            await asyncio.to_thread(self._find_by_tax_keys, list(keys), found)
        return found

    def _find_by_tax_keys(self, keys: list[str], found: dict[str, RawRegistration]) -> None:
        # One thread for the whole batch, on the pymongo collection below motor's: motor's round
        # trip through the event loop, for each of many finds, costs as much as the find.
        registrations, start = self._undecoded.delegate, 0
        while start < len(keys):
            some = keys[start : start + self._at_once]
            start += len(some)
            # Whole documents: leaving out fields costs the embedded server a third more.
            documents = registrations.find({"tax_key": {"$in": some}}).to_list()
            for stored in map(self._stored, documents):
                found |= dict.fromkeys(stored.tax_keys, stored)
            # If few of these keys exist, few of the next ones will.
            are_new = len(documents) * 10 < len(some)
            more = min(self._at_once * 2, _KEYS_AT_ONCE)
            self._at_once = more if are_new else self._found_at_once

    async def by_ids(self, ids: Sequence[str]) -> dict[str, RawRegistration]:
        found = map(self._stored, await self._found(self._undecoded, "_id", ids))
        return {stored.id: stored for stored in found}

    async def named(self, name: str) -> list[RawRegistration]:
        """Return the registrations that have this name, ignoring accents, case and punctuation."""
        folded = fold(name)
        place = f"{folded[:48].rstrip()}{END}"
        with translated():
            found = await self._undecoded.find(
                {"sort_name": {"$gte": place, "$lt": place + "\U0010ffff"}}
            ).to_list(None)
        all_stored = map(self._stored, found)
        return [one for one in all_stored if fold(one.document["name"]) == folded]

    async def linked_to(
        self, system: str
    ) -> AsyncIterator[Sequence[tuple[RawRegistration, Sequence[ErpRef]]]]:
        """Yield all active registrations that have records in this ERP, with these, some hundreds
        at a time.

        All have a tax id, too.
        """
        async for documents in scan(self._registrations.database, "registrations"):
            all_stored = map(self._stored, documents)
            linked = ((stored, stored.links_to(system)) for stored in all_stored)
            yield [(stored, refs) for stored, refs in linked if refs]

    def _stored(self, document: RawBSONDocument) -> RawRegistration:
        return RawRegistration(bytes(document.raw), self._registrations.codec_options)

    async def entries(self, ids: Sequence[str]) -> list[AuditEntry]:
        """Return the audit entries that exist, in the order of the ids."""
        found = {d["_id"]: d for d in await self._found(self._entries, "_id", ids)}
        return [audit.read_entry(found[one]) for one in ids if one in found]

    def encoded(self, registrations: Sequence[Registration]) -> list[RawBSONDocument]:
        """Return new registrations as the raw BSON that is inserted."""
        return [_sealed(registration) for registration in registrations]

    def encoded_changes(
        self,
        updates: Sequence[tuple[RawRegistration, Update]] = (),
        removes: Sequence[RawRegistration] = (),
        *,
        provenance: Provenance,
    ) -> list[EncodedChange]:
        """Return changes of registrations as this class returned them, in the form in which they
        are written, with their audit entries."""
        changes = [_changed(stored, update) for stored, update in updates]
        return changes + [_removed(stored, provenance) for stored in removes]

    async def write(
        self,
        batch: Batch,
        *,
        provenance: Provenance,
        creates: Sequence[RawBSONDocument] = (),
        changes: Sequence[EncodedChange] = (),
        brings_back: Sequence[tuple[AuditEntry, Registration]] = (),
    ) -> bool:
        """Return True if the whole batch was written, with its record.

        Returns False, and writes nothing, when another process has changed one of the
        registrations since they were read.

        creates: as `encoded` returned them.
        changes: as `encoded_changes` returned them.
        brings_back: each a deletion, and the registration as the version after it.
        Raises LostError when another worker has written this very batch.
        """
        await self._log.note([provenance.by])
        with translated():
            made = _Made(
                [*creates],
                [one.operation for one in changes],
                [one.entry for one in changes],
                [one.entry_id for one in changes],
            )
            deletions = await self._found(self._entries, "_id", [e.id for e, _ in brings_back])
            made.bring_back(deletions, [registration for _, registration in brings_back])
            record = _batch_document(batch) | {"entries": made.entry_ids}
            if not made.inserts and not made.changes and not made.entries:
                return await self._record(record)

            async def write(session: Session) -> bool:
                if not await self._write(made, session):
                    return False
                await self._batches.insert_one(record, session=session)
                return True

            try:
                return await self._in_transaction(batch.job, write)
            except OperationFailure as error:
                if not refusals.is_duplicate(error):
                    raise
                if await self._batches.find_one({"_id": record["_id"]}, {"_id": 1}):
                    raise LostError("another worker does this job") from error
                return False

    async def _in_transaction(self, job: int, write: Write) -> bool:
        session = self._sessions.pop(job, None) or await self._begun_session(job)
        try:
            is_written = await in_transaction_of(session, write)
        except OperationFailure:
            self._sessions[job] = session
            raise
        except BaseException:
            # The session is in an unknown state.
            await session.end_session()
            raise
        self._sessions[job] = session
        while len(self._sessions) > _SESSIONS:
            await self._sessions.pop(next(iter(self._sessions))).end_session()
        return is_written

    async def _begun_session(self, job: int) -> Session:
        """Start the session for the writes of this process to the job.

        A worker that was killed inside a transaction leaves it open. For a minute no process, not
        even its successor, could write the same documents. So the session of that worker is ended
        first.
        """
        session = await self._client.start_session()
        before = await self._writers.find_one({"_id": job})
        if before is not None:
            # If the server refuses, the minute has to pass.
            with suppress(OperationFailure):
                await self._client.admin.command("killSessions", [before["session"]])
        await self._writers.replace_one(
            {"_id": job},
            {"_id": job, "session": session.session_id, "at": datetime.now(UTC)},
            upsert=True,
        )
        return session

    async def _record(self, record: Document) -> bool:
        try:
            await self._batches.insert_one(record)
        except DuplicateKeyError as error:
            raise LostError("another worker does this job") from error
        return True

    async def _write(self, made: "_Made", session: Session) -> bool:
        if made.inserts:
            await self._registrations.insert_many(made.inserts, session=session)
        if made.changes:
            result = await self._registrations.bulk_write(made.changes, session=session)
            if result.matched_count + result.deleted_count != len(made.changes):
                return False
        if made.entries:
            await self._entries.insert_many(made.entries, session=session)
        return True

    async def _found(
        self,
        collection: Collection,
        field: str,
        keys: Sequence[str],
    ) -> list[Any]:
        found: list[Any] = []
        for start in range(0, len(keys), self._found_at_once):
            some = list(keys[start : start + self._found_at_once])
            with translated():
                found += await collection.find({field: {"$in": some}}).to_list(None)
        return found


@dataclass(slots=True)
class _Made:
    """The writes of a batch, as documents and operations."""

    inserts: list[Document | RawBSONDocument]
    changes: list[ReplaceOne[RawBSONDocument] | DeleteOne]
    entries: list[Document | RawBSONDocument]
    entry_ids: list[str]

    def bring_back(
        self, deletions: Sequence[Document], registrations: Sequence[Registration]
    ) -> None:
        by_registration = {deletion["registration_id"]: deletion for deletion in deletions}
        for registration in registrations:
            document = own_document(registration)
            entry = audit.restored(by_registration[registration.id], document)
            search = search_fields(registration)
            self.inserts.append(document | search | {"seal": entry["hash"]})
            self.entries.append(entry)
            self.entry_ids.append(entry["_id"])


def _changed(stored: RawRegistration, update: Update) -> EncodedChange:
    document = own_document(update.after)
    own = bson.encode(document)
    changes = [change_document(change) for change in update.changes]
    entry = audit.changed(stored.document, document, changes, state=state_of_own(own))
    replacement = _joined(own, search_fields(update.after) | {"seal": entry["hash"]})
    operation: ReplaceOne[RawBSONDocument] = ReplaceOne(version_of(stored.document), replacement)
    return EncodedChange(operation, RawBSONDocument(bson.encode(entry)), entry["_id"])


def _removed(stored: RawRegistration, provenance: Provenance) -> EncodedChange:
    entry = audit.deleted(stored.document, provenance)
    operation = DeleteOne(version_of(stored.document))
    return EncodedChange(operation, RawBSONDocument(bson.encode(entry)), entry["_id"])


def batch_id(job: int, number: int) -> str:
    """Return the `_id` of a batch's record."""
    return f"{job}:{number}"


def _batch_document(batch: Batch) -> Document:
    return batch.model_dump() | {"_id": batch_id(batch.job, batch.number)}


def _sealed(registration: Registration) -> RawBSONDocument:
    """Return the BSON to insert; the part that was encoded for `seal` is not encoded again."""
    own = bson.encode(own_document(registration))
    more = search_fields(registration)
    more["seal"] = state_of_own(own)
    return _joined(own, more)


def _joined(own: bytes, more: Document) -> RawBSONDocument:
    rest = bson.encode(more)
    size = len(own) + len(rest) - _EMPTY
    return RawBSONDocument(size.to_bytes(4, "little") + own[4:-1] + rest[4:])
