"""A change of the register and its audit entries, stored together or not at all."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from pymongo.errors import OperationFailure

from storage.engine.connection import Collection, Database, Document, Session
from storage.register.audit import Audit

_OTHERS_TAKE_S: Final = 0.01


class WithAudit:
    def __init__(self, database: Database) -> None:
        self._client = database.client
        self._entries: Collection = database["audit"]
        self._log = Audit(database)

    async def __call__(
        self, write: Callable[[Session], Awaitable[bool]], *entries: Document
    ) -> bool:
        """Return the result of `write`, which is stored with the entries if it is True.

        False also when another process writes the same at this moment. Raises DuplicateKeyError,
        and the driver's other errors untranslated.
        """
        await self._log.note(entry["stamp"]["by"] for entry in entries)
        try:
            async with await self._client.start_session() as session, session.start_transaction():
                if not await write(session):
                    await session.abort_transaction()
                    return False
                for entry in entries:
                    # One by one: of several the driver raises another error for a known key.
                    await self._entries.insert_one(entry, session=session)
        except OperationFailure as error:
            if error.has_error_label("TransientTransactionError"):
                # The other transaction still takes a moment, and a retry before its end would
                # fail.
                await asyncio.sleep(_OTHERS_TAKE_S)
                return False
            raise
        return True
