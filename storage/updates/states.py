"""The states of dialogs, and the leases that give each chat one owner at a time."""

import copy
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Final

from pymongo import ReplaceOne

from bot.domain.errors import LostError
from bot.domain.lease import held_number
from storage.engine.batching import FindOne, Write
from storage.engine.connection import Collection, Database, Document, translated
from storage.engine.fencing import FENCE, not_fenced_off, take_over
from storage.engine.leases import Leases
from storage.engine.refusals import DuplicateError

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
        handled. Raises LostError if a newer holder of the chat's lease has written them.
        """
        number = held_number.get()
        of_all: Document = {"update_id": update_id, "used_at": self._clock()}
        if number is not None:
            of_all[FENCE] = number
        writes = [
            ReplaceOne(
                {"_id": key} | not_fenced_off(number),
                {"_id": key, "state": state, "data": data, **of_all},
                upsert=True,
            )
            for key, state, data in steps
        ]
        try:
            if len(writes) == 1:
                await self._write(writes[0])
                return
            with translated():
                async with (
                    await self._client.start_session() as session,
                    session.start_transaction(),
                ):
                    await self._states.bulk_write(writes, session=session)
        except DuplicateError as error:
            # The document is there and does not match, so it was to be inserted.
            raise await self._lost([key for key, _, _ in steps]) from error

    async def _lost(self, keys: Sequence[str]) -> LostError:
        with translated():
            found = await self._states.find({"_id": {"$in": list(keys)}}, {FENCE: 1}).to_list(None)
        newer = max((one.get(FENCE, 0) for one in found), default=0)
        return LostError("a newer holder of the lease has written the steps", newer=newer)

    async def take_over(self, prefix: str, number: int) -> None:
        """Fence off the last holder of a chat's lease from the steps whose keys begin so.

        prefix: ends with a colon.
        """
        chat = {"$gte": prefix, "$lt": f"{prefix[:-1]};"}
        await take_over(self._states, {"_id": chat}, number)


def polling_leases(database: Database) -> Leases[str]:
    """Return the leases on polling: one document for each bot, while a replica polls for it."""
    return Leases(database["locks"], are_documents=True, are_asked_for=False)


def chat_leases(database: Database) -> Leases[str]:
    """Return the leases on chats: one small document for each chat that is being handled."""
    return Leases(database["locks"], are_documents=True)
