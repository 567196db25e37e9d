"""aiogram's steps of a conversation, kept so that an update done twice is done once.

Changes that one update makes are held back and written together when its handler has finished,
stamped with the update's id. An update that comes again after a crash finds its own stamp and is
not handled again; without the stamp it starts from the very state it started from before.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Protocol

from aiogram.fsm.state import State
from aiogram.fsm.storage.base import BaseStorage, DefaultKeyBuilder, StateType, StorageKey


class States(Protocol):
    """Where steps are kept."""

    async def load(self, key: str) -> tuple[str | None, dict[str, Any], int]:
        """State, data, and the id of the update that wrote them (0 when nothing is stored)."""

    async def save(
        self, key: str, state: str | None, data: dict[str, Any], *, update_id: int
    ) -> None: ...


class AlreadyHandledError(Exception):
    """This update's changes are stored: it came again because its mark was not written."""


@dataclass(slots=True)
class _Step:
    state: str | None
    data: dict[str, Any]
    changed: bool = False


@dataclass(slots=True)
class _Unit:
    """What one update has read and changed so far."""

    update_id: int
    steps: dict[str, _Step] = field(default_factory=dict)


class DurableStorage(BaseStorage):
    """FSM storage over `States`; must be used inside `unit`."""

    def __init__(self, states: States) -> None:
        self._states = states
        # aiogram-dialog needs the destiny in the key, and refuses a key without it.
        self._keys = DefaultKeyBuilder(with_bot_id=True, with_destiny=True)
        self._current: ContextVar[_Unit] = ContextVar("unit")

    @asynccontextmanager
    async def unit(self, update_id: int) -> AsyncIterator[None]:
        """Handle one update inside: its changes are stored when the block ends without error."""
        unit = _Unit(update_id)
        token = self._current.set(unit)
        try:
            yield
        finally:
            self._current.reset(token)
        for key, step in unit.steps.items():
            if step.changed:
                await self._states.save(key, step.state, step.data, update_id=update_id)

    async def set_state(self, key: StorageKey, state: StateType = None) -> None:
        step = await self._step(key)
        step.state = state.state if isinstance(state, State) else state
        step.changed = True

    async def get_state(self, key: StorageKey) -> str | None:
        return (await self._step(key)).state

    async def set_data(self, key: StorageKey, data: Mapping[str, Any]) -> None:
        step = await self._step(key)
        step.data = dict(data)
        step.changed = True

    async def get_data(self, key: StorageKey) -> dict[str, Any]:
        return dict((await self._step(key)).data)

    async def close(self) -> None:
        """Nothing to close: the database belongs to the wiring."""

    async def _step(self, key: StorageKey) -> _Step:
        unit = self._current.get()
        name = self._keys.build(key)
        if name not in unit.steps:
            state, data, written_by = await self._states.load(name)
            if written_by == unit.update_id:
                raise AlreadyHandledError
            unit.steps[name] = _Step(state, data)
        return unit.steps[name]
