"""Unions of two registrations, each with both audit entries in one transaction."""

from collections.abc import Awaitable, Callable

from pymongo.errors import DuplicateKeyError

from bot.domain.audit import Event
from bot.domain.candidate import Update
from bot.domain.registration import Provenance, Registration
from storage.engine.connection import Collection, Database, Document, Session, translated
from storage.register import audit
from storage.register.documents import change_document, registration_document, version_of
from storage.register.with_audit import WithAudit


class Unions:
    def __init__(self, database: Database) -> None:
        self._registrations: Collection = database["registrations"]
        self._with_audit = WithAudit(database)
        self._log = audit.Audit(database)

    async def unite(self, update: Update, goes: Registration, provenance: Provenance) -> bool:
        """Return True if `goes` is united now into the registration of the update."""
        found, away = await self._found(update.before), await self._found(goes)
        if found is None or away is None:
            return False
        document, entry = self._changed(found, update, Event.UNITED)
        with translated():
            gone = audit.gone_into(away, provenance, entry["_id"])

        async def write(session: Session) -> bool:
            # First the one that goes: it holds documents that the other one gets.
            deleted = await self._registrations.delete_one(version_of(away), session=session)
            if not deleted.deleted_count:
                return False
            result = await self._registrations.replace_one(
                version_of(found), document, session=session
            )
            return bool(result.matched_count)

        return await self._stored(write, entry, gone)

    async def separate(self, update: Update, restored: Registration) -> bool:
        """Return True if the two are stored now as two."""
        found = await self._found(update.before)
        gone = await self._log.stored(f"{restored.id}:{restored.version - 1}")
        if found is None or gone is None or not gone.get("deleted"):
            return False
        document, entry = self._changed(found, update, Event.CHANGED)
        with translated():
            back = registration_document(restored)
            back_entry = audit.restored(gone, back)
            back["seal"] = back_entry["hash"]

        async def write(session: Session) -> bool:
            # Deleted and stored anew: not every server frees a document for the other one when it
            # leaves the list of a registration that is only replaced.
            deleted = await self._registrations.delete_one(version_of(found), session=session)
            if not deleted.deleted_count:
                return False
            await self._registrations.insert_many([document, back], session=session)
            return True

        return await self._stored(write, entry, back_entry)

    def _changed(self, found: Document, update: Update, event: Event) -> tuple[Document, Document]:
        with translated():
            document = registration_document(update.after)
            changes = [change_document(change) for change in update.changes]
            entry = audit.changed(found, document, changes, event)
            document["seal"] = entry["hash"]
        return document, entry

    async def _found(self, registration: Registration) -> Document | None:
        with translated():
            document: Document | None = await self._registrations.find_one(
                {"_id": registration.id}
            )
        return document if document and document["version"] == registration.version else None

    async def _stored(
        self, write: Callable[[Session], Awaitable[bool]], *entries: Document
    ) -> bool:
        with translated():
            try:
                return await self._with_audit(write, *entries)
            except DuplicateKeyError:
                return False
