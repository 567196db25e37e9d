"""Registrations and their audit: creations are natural keys, changes are compare-and-set."""

import asyncio
from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from pymongo.errors import OperationFailure

from bot.domain.candidate import Change, Update
from bot.domain.registration import ErpRef, Registration
from bot.domain.tax_id import TaxId
from storage.batching import FindOne, InsertOne
from storage.connection import Collection, Database, Document, translated


class Registrations:
    """The register."""

    def __init__(self, database: Database) -> None:
        self._client = database.client
        self._registrations: Collection = database["registrations"]
        self._audit: Collection = database["audit"]
        self._by_id = FindOne(self._registrations)
        self._by_tax_key = FindOne(self._registrations, "tax_key")
        self._insert = InsertOne(self._registrations)

    async def by_tax_ids(self, tax_ids: Iterable[TaxId]) -> dict[str, Registration]:
        """Those that exist, by `TaxId.key`."""
        documents = await asyncio.gather(*(self._by_tax_key(tax_id.key) for tax_id in tax_ids))
        return {document["tax_key"]: _registration(document) for document in documents if document}

    async def by_id(self, registration_id: str) -> Registration | None:
        document = await self._by_id(registration_id)
        return _registration(document) if document else None

    async def create(self, registration: Registration) -> bool:
        """Whether it was new; False when this tax id is there already, or this very record."""
        return await self._insert(_document(registration))

    async def update(self, update: Update) -> bool:
        """Whether the stored version was still the one the update was planned from.

        The change and its audit entry are one transaction: neither is there without the other.
        """
        before, after = update.before, update.after
        entry = {
            # Natural: a version is written once, so its entry cannot be there twice.
            "_id": f"{before.id}:{after.version}",
            "registration_id": before.id,
            "version": after.version,
            "stamp": after.updated.model_dump(),
            "changes": [_change(change) for change in update.changes],
        }
        with translated():
            try:
                async with (
                    await self._client.start_session() as session,
                    session.start_transaction(),
                ):
                    result = await self._registrations.replace_one(
                        {"_id": before.id, "version": before.version},
                        _document(after),
                        session=session,
                    )
                    if not result.matched_count:
                        await session.abort_transaction()
                        return False
                    await self._audit.insert_one(entry, session=session)
            except OperationFailure as error:
                if error.has_error_label("TransientTransactionError"):
                    return False  # somebody else is writing it at this moment
                raise
        return True

    async def audit_of(self, registration_id: str) -> list[Document]:
        """Its changes, oldest first: `stamp` and `changes` with path, before and after."""
        with translated():
            entries = await self._audit.find({"registration_id": registration_id}).to_list(None)
        # Not by time: clocks differ between machines.
        return sorted(entries, key=lambda entry: entry["version"])

    async def count(self) -> int:
        """About how many there are."""
        with translated():
            return int(await self._registrations.estimated_document_count())


def _document(registration: Registration) -> Document:
    # A frozenset of models cannot be dumped: dictionaries are not hashable.
    document = registration.model_dump(exclude={"id", "tax_id", "erp_refs"})
    document["erp_refs"] = registration.erp_refs
    document["_id"] = registration.id
    if registration.tax_id is not None:
        document["tax_key"] = registration.tax_id.key
        document["tax_id"] = registration.tax_id.number
    return {key: _plain(value) for key, value in document.items()}


def _registration(document: Document) -> Registration:
    values = dict(document)
    values["id"] = values.pop("_id")
    number = values.pop("tax_id", None)
    values.pop("tax_key", None)
    values["tax_id"] = TaxId(number, values["country"]) if number else None
    return Registration.model_validate(values)


def _plain(value: Any) -> Any:
    """As BSON keeps it; sets sorted, so that equal registrations are equal documents."""
    if isinstance(value, frozenset):
        return sorted((_plain(item) for item in value), key=str)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, ErpRef):
        return value.model_dump()
    if isinstance(value, StrEnum):
        return str(value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value


def _change(change: Change) -> Document:
    return {
        "path": change.path,
        "before": _plain(change.before),
        "after": _plain(change.after),
    }
