"""The durable inbox: an update is stored, then confirmed to Telegram, then handled, then marked.

Delivery is at least once: a crash at any moment loses no update. The updates of a chat are handled
in the order of their ids, by one replica at a time.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

import structlog

from bot.domain.errors import TryLaterError
from bot.runtime.chat_tasks import ChatTasks, loggable

# A handler that fails this often has a fault: its update is set aside and an admin is notified.
FAILURES: Final = 3
# While the database or Telegram is away the update is not at fault; but no update waits for ever.
_TRY_LATER_FAILURES: Final = 20
_CHATS_AT_ONCE: Final = 100

logger = structlog.get_logger()

Payload = dict[str, Any]
_Waiting = tuple[int, Payload, int]
"""Update id, payload, failed attempts."""


@dataclass(slots=True)
class _Chat:
    """The cached updates of a chat that this process holds, so that they need not be read back."""

    waiting: list[_Waiting] = field(default_factory=list)
    read: set[int] = field(default_factory=set)
    """Ids read from the store: `take` may learn only later that it had stored them."""


class InboxStore(Protocol):
    """The store of waiting updates."""

    async def add(
        self, bot_id: int, updates: Sequence[tuple[int, str, Payload]], *, at: datetime
    ) -> list[bool]:
        """Store (update id, chat key, payload); return for each of them True if it was new.

        An update that is stored already stays as it is.
        """

    async def pending_chats(self) -> list[str]: ...

    async def pending_of(self, chat_key: str) -> list[tuple[int, Payload, int]]:
        """Return (update id, payload, failed attempts), oldest first."""

    async def done(self, bot_id: int, update_id: int, *, at: datetime) -> None: ...

    async def failed(self, bot_id: int, update_id: int, *, attempts: int, error: str) -> None: ...

    async def set_aside(self, bot_id: int, update_id: int, *, at: datetime) -> None: ...


class Inbox:
    """Stores updates and handles those of each chat in order."""

    def __init__(
        self,
        *,
        bot_id: int,
        store: InboxStore,
        handle: Callable[[Payload], Awaitable[None]],
        holding: Callable[[str], AbstractAsyncContextManager[bool]],
        set_aside: Callable[[int, str, str], Awaitable[None]],
        clock: Callable[[], datetime],
    ) -> None:
        """handle: handles one update, and raises when it could not. holding: locks a chat against
        every other replica, and yields True if another replica may have held it. set_aside: called
        with (update id, chat key, error) of an update that is given up."""
        self._bot_id = bot_id
        self._store = store
        self._handle = handle
        self._tell_set_aside = set_aside
        self._clock = clock
        self._chats: dict[str, _Chat] = {}
        self._tasks: ChatTasks[str] = ChatTasks(
            "inbox",
            work=self._drain,
            holding=holding,
            forget=self.forget,
            at_once=_CHATS_AT_ONCE,
        )
        self.wake = self._tasks.wake
        self.idle = self._tasks.idle
        self.stop = self._tasks.stop

    async def take(self, updates: Sequence[Payload]) -> None:
        """Store the updates, then wake their chats. When this returns they may be confirmed."""
        keyed = [(update["update_id"], chat_key(update), update) for update in updates]
        are_new = await self._store.add(self._bot_id, keyed, at=self._clock())
        for (update_id, key, update), is_new in zip(keyed, are_new, strict=True):
            chat = self._chats.get(key)
            if chat and is_new and update_id not in chat.read:
                chat.waiting.append((update_id, update, 0))
            self.wake(key)

    def forget(self, key: str) -> None:
        """Drop the cached updates of the chat; they are read from the store the next time."""
        self._chats.pop(key, None)

    def reread(self, key: str) -> None:
        """Handle what waits in the chat, also what another than this process made to wait."""
        self.forget(key)
        self.wake(key)

    async def sweep_forever(self) -> None:
        """Wake every chat with waiting updates: at the start, and later those of dead replicas."""
        await self._tasks.sweep_forever(self._pending_chats)

    async def _pending_chats(self) -> list[str]:
        """Return the chats with waiting updates, to be read anew: another process may have made
        some of them wait again."""
        chats = await self._store.pending_chats()
        for key in chats:
            self.forget(key)
        return chats

    async def _drain(self, key: str, is_new: bool) -> bool:
        """Return True if every waiting update was handled or set aside."""
        if is_new:
            self.forget(key)
        for update_id, payload, attempts in await self._waiting(key):
            if self._tasks.is_stopping:
                return True
            with structlog.contextvars.bound_contextvars(update=update_id, chat=loggable(key)):
                failure: Exception
                try:
                    await self._handle(payload)
                except TryLaterError as error:
                    logger.warning("update waits", error=str(error))
                    failure, limit = error, _TRY_LATER_FAILURES
                except Exception as error:
                    logger.exception("update failed", attempt=attempts + 1)
                    failure, limit = error, FAILURES
                else:
                    await self._store.done(self._bot_id, update_id, at=self._clock())
                    continue
                if not await self._give_up(key, update_id, attempts + 1, failure, limit=limit):
                    # The store returns it first again, and then the later ones in order.
                    self.forget(key)
                    return False
        return True

    async def _waiting(self, key: str) -> list[_Waiting]:
        """Return the chat's waiting updates, oldest first, each once."""
        if chat := self._chats.get(key):
            waiting, chat.waiting = chat.waiting, []
            return waiting
        chat = self._chats[key] = _Chat()
        waiting = await self._store.pending_of(key)
        chat.read.update(update_id for update_id, _, _ in waiting)
        chat.waiting = [w for w in chat.waiting if w[0] not in chat.read]
        return waiting

    async def _give_up(
        self, key: str, update_id: int, attempts: int, error: Exception, *, limit: int
    ) -> bool:
        """Count the failed attempt; return True if the update is set aside now."""
        kind = type(error).__name__
        await self._store.failed(self._bot_id, update_id, attempts=attempts, error=kind)
        if attempts < limit:
            return False
        await self._store.set_aside(self._bot_id, update_id, at=self._clock())
        logger.error("update set aside", error=kind)
        await self._tell_set_aside(update_id, key, kind)
        return True


def chat_key(update: Payload) -> str:
    """Return the key that keeps updates in order: the chat, or else the sender, or else "-"."""
    for name, content in update.items():
        if name == "update_id" or not isinstance(content, dict):
            continue
        message = content.get("message")
        chat = content.get("chat") or (message.get("chat") if isinstance(message, dict) else None)
        who = chat or content.get("from") or content.get("user")
        if isinstance(who, dict) and "id" in who:
            return str(who["id"])
    return "-"
