"""aiogram's FSM storage, made so that an update that is repeated takes effect once.

The changes of one update are held back and written together when its handler has finished, along
with the update's id. An update that comes again after a crash finds its own id and is not handled
again. Without its id there, it starts from the same state as before.
"""

import copy
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Protocol

from aiogram.fsm.state import State
from aiogram.fsm.storage.base import BaseStorage, DefaultKeyBuilder, StateType, StorageKey

StepData = dict[str, Any]
"""The memory of a dialog, as it is stored."""


class States(Protocol):
    """The store of states and data."""

    async def load(self, key: str) -> tuple[str | None, StepData, int]:
        """Return state, data, and the id of the update that wrote them (0 when nothing is
        stored)."""

    async def save(
        self, steps: Sequence[tuple[str, str | None, StepData]], *, update_id: int
    ) -> None:
        """Save several (key, state, data): all of them or none."""


class AlreadyHandledError(Exception):
    """The update's changes are stored: it came again because it was not marked as handled."""


@dataclass(slots=True)
class _Step:
    state: str | None
    data: StepData
    written_by: int
    changed: bool = False


@dataclass(slots=True)
class _Unit:
    """The states that one update has read and changed so far."""

    update_id: int
    steps: dict[StorageKey, _Step] = field(default_factory=dict)


class DurableStorage(BaseStorage):
    """FSM storage over `States`; must be used inside `unit`.

    States are cached until `forget` says that another replica may write those of the chat.
    """

    def __init__(self, states: States) -> None:
        self._states = states
        # aiogram-dialog needs the destiny in the key, and refuses a key without it.
        self._keys = DefaultKeyBuilder(with_bot_id=True, with_destiny=True)
        self._current: ContextVar[_Unit] = ContextVar("unit")
        self._known: dict[str, dict[StorageKey, _Step]] = {}

    @asynccontextmanager
    async def unit(self, update_id: int) -> AsyncIterator[None]:
        """Handle one update inside the block; its changes are stored if the block raises
        nothing."""
        unit = _Unit(update_id)
        token = self._current.set(unit)
        try:
            yield
        finally:
            self._current.reset(token)
        changed = [
            (self._keys.build(key), step.state, step.data)
            for key, step in unit.steps.items()
            if step.changed
        ]
        if changed:
            await self._states.save(changed, update_id=update_id)
        for key, step in unit.steps.items():
            if step.changed:
                step = _Step(step.state, step.data, update_id)
            self._known.setdefault(str(key.chat_id), {})[key] = step

    def forget(self, chat: str) -> None:
        """Drop the cached states of the chat; they are read again the next time."""
        self._known.pop(chat, None)

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

    async def get_data(self, key: StorageKey) -> StepData:
        return copy.deepcopy((await self._step(key)).data)

    async def close(self) -> None:
        """Do nothing: the database belongs to the wiring."""

    async def _step(self, key: StorageKey) -> _Step:
        unit = self._current.get()
        if key not in unit.steps:
            known = self._known.get(str(key.chat_id), {}).get(key)
            if known is None:
                known = _Step(*await self._states.load(self._keys.build(key)))
            if known.written_by == unit.update_id:
                raise AlreadyHandledError
            # A copy: the changes of an update that fails must not stay in the cache.
            unit.steps[key] = _Step(known.state, known.data, known.written_by)
        return unit.steps[key]


def steps_prefix(bot_id: int, chat: str) -> str:
    """Return how the keys of the chat's steps begin, as `DefaultKeyBuilder` makes them."""
    return f"fsm:{bot_id}:{chat}:"
