"""New registrations with their first audit entries; concurrent creations are one transaction."""

from collections.abc import Sequence
from typing import Final

from pymongo.errors import BulkWriteError

from bot.domain.errors import RefusedError, TryLaterError
from storage.engine import refusals
from storage.engine.batching import Batched
from storage.engine.connection import Collection, Document, Session, translated
from storage.engine.transactions import in_transaction
from storage.register import audit
from storage.register.documents import tax_keys_of

_ROUNDS: Final = 10


class CreateTogether(Batched[Document, bool]):
    """Creations: each returns True if the registration was new.

    The registration is stored together with its entry, or neither is.
    """

    def __init__(self, registrations: Collection, entries: Collection) -> None:
        self._client = registrations.database.client
        self._registrations = registrations
        self._entries = entries
        super().__init__(registrations, self._create)

    async def _create(self, documents: Sequence[Document]) -> Sequence[bool | RefusedError]:
        with translated():
            # Of several documents with one key in a batch, only the first is new.
            new = [d for n, d in enumerate(documents) if not _keys(d) & _all(documents[:n])]
            for _ in range(_ROUNDS):
                if not new or await self._stored(new):
                    return [any(d is one for one in new) for d in documents]
                new = [d for d in new if not _keys(d) & await self._there(new)]
        raise TryLaterError("registrations are created too quickly to be written")

    async def _stored(self, documents: list[Document]) -> bool:
        """Return True if all were stored; False if a key exists."""
        entries = [audit.created(document) for document in documents]

        async def insert(session: Session) -> bool:
            await self._registrations.insert_many(documents, session=session)
            await self._entries.insert_many(entries, session=session)
            return True

        try:
            return await in_transaction(self._client, insert)
        except BulkWriteError as error:
            if not refusals.is_duplicate(error):
                raise
            return False

    async def _there(self, documents: list[Document]) -> set[str]:
        """Return the keys of the documents that are taken.

        An audit entry may still exist for a registration that was deleted.
        """
        keys = [key for d in documents for key in tax_keys_of(d)]
        entries = [f"{d['_id']}:{d['version']}" for d in documents]
        found = await self._registrations.find(
            {"_id": {"$in": [d["_id"] for d in documents]}}, {"_id": 1}
        ).to_list(None)
        same = await self._registrations.find(
            {"tax_key": {"$in": keys}}, {"tax_key": 1, "_id": 0}
        ).to_list(None)
        old = await self._entries.find(
            {"_id": {"$in": entries}}, {"registration_id": 1, "_id": 0}
        ).to_list(None)
        taken = {f"id {document['_id']}" for document in found}
        taken |= {f"id {document['registration_id']}" for document in old}
        return taken | {f"tax {key}" for document in same for key in tax_keys_of(document)}


def _keys(document: Document) -> set[str]:
    return {f"id {document['_id']}", *(f"tax {key}" for key in tax_keys_of(document))}


def _all(documents: Sequence[Document]) -> set[str]:
    return {key for document in documents for key in _keys(document)}
