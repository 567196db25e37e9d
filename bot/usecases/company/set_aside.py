"""Use case: look at the updates that were set aside, and repeat or drop them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.domain.set_aside import SetAside
from bot.usecases.ports import SetAsideStore


@dataclass(frozen=True, slots=True)
class Listed:
    """The first ones, by their ids, and how many there are."""

    first: tuple[SetAside, ...]
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TendSetAside:
    store: SetAsideStore
    wake: Callable[[str], None]
    """Has the updates of the chat with this key read from the store and handled."""
    clock: Callable[[], datetime]

    async def first(self, count: int) -> Listed:
        keys = await self.store.all()
        return Listed(tuple(await self.store.some(keys[:count])), len(keys))

    async def repeat(self, key: str) -> bool:
        """Return True if the update is pending again, at its place in the order of its chat.

        Of two who ask for the same one, one succeeds.
        """
        return bool(await self._repeat([key]))

    async def repeat_all(self) -> int:
        """Make all that have content pending again; return how many."""
        return await self._repeat(await self.store.all())

    async def _repeat(self, keys: Sequence[str]) -> int:
        found = [await self.store.repeat(key) for key in keys]
        chats = [chat for chat in found if chat is not None]
        # Woken only now: the order in a chat is that of all its updates that wait.
        for chat in dict.fromkeys(chats):
            self.wake(chat)
        return len(chats)

    async def drop(self, key: str) -> bool:
        """Return True if the content was deleted now."""
        return await self.store.drop(key, at=self.clock())

    async def drop_until(self, moment: datetime) -> int:
        """Drop all that were set aside until then, so none that the admin has not seen; return
        how many."""
        keys = await self.store.all(until=moment)
        return sum([await self.drop(key) for key in keys])
