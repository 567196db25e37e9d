"""A change of the register and its audit entries, stored together or not at all."""

from collections.abc import Awaitable, Callable

from storage.engine.connection import Collection, Database, Document, Session
from storage.engine.transactions import in_transaction
from storage.register.audit import Audit


class WithAudit:
    def __init__(self, database: Database) -> None:
        self._client = database.client
        self._entries: Collection = database["audit"]
        self._log = Audit(database)

    async def __call__(
        self, write: Callable[[Session], Awaitable[bool]], *entries: Document
    ) -> bool:
        """Return the result of `write`, which is stored with the entries if it is True.

        Raises DuplicateKeyError, and the driver's other errors untranslated.
        """
        await self._log.note(entry["stamp"]["by"] for entry in entries)

        async def write_all(session: Session) -> bool:
            if not await write(session):
                return False
            for entry in entries:
                # One by one: of several the driver raises another error for a known key.
                await self._entries.insert_one(entry, session=session)
            return True

        return await in_transaction(self._client, write_all)
