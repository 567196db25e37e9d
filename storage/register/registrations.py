"""The register: creations use natural keys, and changes are compare-and-set.

Each write has its audit entry in the same transaction. Only creations by a bulk run have none.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from pymongo.errors import DuplicateKeyError

from bot.domain.candidate import Update
from bot.domain.registration import Provenance, Registration
from bot.domain.tax_id import TaxId
from storage.engine.batching import FindOne, InsertOne
from storage.engine.connection import Collection, Database, Document, Session, translated
from storage.register import audit
from storage.register.audit_chain import state_of
from storage.register.creations import CreateTogether
from storage.register.documents import (
    change_document,
    read_registration,
    registration_document,
    version_of,
)
from storage.register.with_audit import WithAudit

_UNIONS: Final = 20


class Registrations:
    """The stored registrations."""

    def __init__(self, database: Database) -> None:
        self._registrations: Collection = database["registrations"]
        self._entries: Collection = database["audit"]
        self._log = audit.Audit(database)
        self._with_audit = WithAudit(database)
        self._by_id = FindOne(self._registrations)
        self._by_tax_key = FindOne(self._registrations, "tax_key")
        self._insert = InsertOne(self._registrations)
        self._create = CreateTogether(self._registrations, self._entries)

    async def by_tax_ids(self, tax_ids: Iterable[TaxId]) -> dict[str, Registration]:
        """Return the registrations that exist, by `TaxId.key`."""
        keys = [tax_id.key for tax_id in tax_ids]
        documents = await asyncio.gather(*map(self._by_tax_key, keys))
        return {k: read_registration(d) for k, d in zip(keys, documents, strict=True) if d}

    async def by_id(self, registration_id: str) -> Registration | None:
        """Return the registration, or the one that it was united into."""
        document = await self._by_id(registration_id)
        # An id without a letter or digit is nobody's, and must not take longer for it.
        for _ in range(_UNIONS if registration_id.isalnum() else 0):
            if document is not None:
                break
            into = await self._log.united_into(registration_id)
            if into is None:
                return None
            registration_id = into
            document = await self._by_id(into)
        return read_registration(document) if document else None

    async def create(self, registration: Registration) -> bool:
        """Return True if the registration was new; False if its tax id or this very record exists.

        A creation by a bulk run is recorded on the registration alone, any other in the audit too.
        """
        with translated():
            document = registration_document(registration)
            if registration.created.job is not None:
                document["seal"] = state_of(document)
            else:
                document["seal"] = audit.created(document)["hash"]
        if registration.created.job is not None:
            return await self._insert(document)
        await self._log.note([registration.created.by])
        return await self._create(document)

    async def update(self, update: Update) -> bool:
        """Return True if the update was stored.

        False when the stored version is no longer the one that the update was planned from, or
        when another registration has the new tax id.
        """
        before, after = update.before, update.after
        found = await self._found(before)
        if found is None:
            return False
        with translated():
            changes = [change_document(change) for change in update.changes]
            document = registration_document(after)
            entry = audit.changed(found, document, changes)
            document["seal"] = entry["hash"]

        async def replace(session: Session) -> bool:
            result = await self._registrations.replace_one(
                version_of(found), document, session=session
            )
            return bool(result.matched_count)

        return await self._with_entry(replace, entry, after)

    async def delete(self, registration: Registration, provenance: Provenance) -> bool:
        """Return True if this version existed and was deleted; the audit keeps a full copy."""
        found = await self._found(registration)
        if found is None:
            return False
        with translated():
            entry = audit.deleted(found, provenance)

        async def remove(session: Session) -> bool:
            result = await self._registrations.delete_one(version_of(found), session=session)
            return bool(result.deleted_count)

        return await self._with_entry(remove, entry, registration)

    async def bring_back(self, registration: Registration) -> bool:
        """Return True if a deleted registration was restored, as the version after its deletion.

        False when that version has existed, when there is no such deletion, or when its tax id
        exists already.
        """
        deletion = await self._log.stored(f"{registration.id}:{registration.version - 1}")
        if deletion is None or not deletion.get("deleted"):
            return False
        with translated():
            document = registration_document(registration)
            entry = audit.restored(deletion, document)
            document["seal"] = entry["hash"]
            if await self._log.stored(entry["_id"]):
                return False

        async def insert(session: Session) -> bool:
            await self._registrations.insert_one(document, session=session)
            return True

        return await self._with_entry(insert, entry, registration)

    async def count(self) -> int:
        """Return the approximate number of registrations."""
        with translated():
            return int(await self._registrations.estimated_document_count())

    async def _found(self, registration: Registration) -> Document | None:
        document = await self._by_id(registration.id)
        return document if document and document["version"] == registration.version else None

    async def _with_entry(
        self, write: Callable[[Session], Awaitable[bool]], entry: Document, of: Registration
    ) -> bool:
        """Return the result of `write`, which is stored together with the entry or not at all.

        False also when the tax id is taken.
        """
        with translated():
            try:
                return await self._with_audit(write, entry)
            except DuplicateKeyError:
                for key in of.tax_keys:
                    there = await self._by_tax_key(key)
                    if there and there["_id"] != of.id:
                        return False
                there = await self._log.stored(entry["_id"])
                if there and there["registration_id"] == of.id:
                    return False
                # An entry without its registration, as a failed restore may leave it.
                raise
