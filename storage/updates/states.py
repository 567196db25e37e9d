"""The states of dialogs, and the leases that give each chat one owner at a time."""

import copy
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Final

from pymongo import ReplaceOne

from storage.engine.batching import FindOne, Write
from storage.engine.connection import Collection, Database, Document, translated
from storage.engine.leases import Leases

_utc_now: Final = partial(datetime.now, UTC)


class States:
    """Dialog state and data by key, with the id of the update that wrote them last.

    They end a while after that: an index expires them.
    """

    def __init__(self, database: Database, clock: Callable[[], datetime] = _utc_now) -> None:
        self._clock = clock
        self._client = database.client
        self._states: Collection = database["states"]
        self._find = FindOne(self._states)
        self._write = Write(self._states)

    async def load(self, key: str) -> tuple[str | None, Document, int]:
        """Return state, data and the id of the update that wrote them (0 if nothing is stored)."""
        document = await self._find(key)
        if document is None:
            return None, {}, 0
        # A copy: concurrent calls for the same key get the same document.
        return document["state"], copy.deepcopy(document["data"]), document["update_id"]

    async def save(
        self, steps: Sequence[tuple[str, str | None, Document]], *, update_id: int
    ) -> None:
        """Store each (key, state, data) of one update: all of them or none.

        A screen is stored under several keys. Half of it would look like an update that was
        handled.
        """
        of_all = {"update_id": update_id, "used_at": self._clock()}
        writes = [
            ReplaceOne(
                {"_id": key}, {"_id": key, "state": state, "data": data, **of_all}, upsert=True
            )
            for key, state, data in steps
        ]
        if len(writes) == 1:
            await self._write(writes[0])
            return
        with translated():
            async with (
                await self._client.start_session() as session,
                session.start_transaction(),
            ):
                await self._states.bulk_write(writes, session=session)


def chat_leases(database: Database) -> Leases[str]:
    """Return the leases on chats: one small document for each chat that is being handled."""
    return Leases(database["locks"], are_documents=True)
