"""The state of the syncs with each ERP, by the ERP's name."""

from typing import Final, Unpack

from bot.domain.errors import TryLaterError
from bot.domain.sync import SyncChange, SyncState
from storage.engine.connection import Collection, Database, Document, translated
from storage.engine.repeating import insert_once, replace_once

_ROUNDS: Final = 20


class Syncs:
    """The stored states: one small document for each ERP that was ever configured."""

    def __init__(self, database: Database) -> None:
        self._syncs: Collection = database["syncs"]

    async def get(self, system: str) -> SyncState:
        """Return the stored state, or a new one."""
        with translated():
            document = await self._syncs.find_one({"_id": system})
        if document is None:
            return SyncState(system=system)
        return SyncState.model_validate({**document, "system": document["_id"]})

    async def change(self, state: SyncState, **values: Unpack[SyncChange]) -> SyncState | None:
        """Store the state with these values; return it, or None if it was changed since it was
        read."""
        changed = state.changed(values)
        with translated():
            if state.version == 0:
                is_done = await insert_once(self._syncs, _document(changed))
            else:
                seen: Document = {"_id": state.system, "version": state.version}
                is_done = await replace_once(self._syncs, seen, _document(changed))
        return changed if is_done else None

    async def force_update(self, system: str, **values: Unpack[SyncChange]) -> SyncState:
        """Store the state with these values and return it, retrying after concurrent changes.

        Raises TryLaterError when it changes too quickly.
        """
        for _ in range(_ROUNDS):
            if changed := await self.change(await self.get(system), **values):
                return changed
        raise TryLaterError("the state of a sync changes too quickly to be written")


def _document(state: SyncState) -> Document:
    return {"_id": state.system, **state.model_dump(exclude={"system"})}
