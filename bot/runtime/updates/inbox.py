"""The durable inbox: an update is stored, then confirmed to Telegram, then handled, then marked.

Delivery is at least once: a crash at any moment loses no update. The updates of a chat are handled
in the order of their ids, by one replica at a time, whichever replica has stored them.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

import structlog

from bot.domain.errors import (
    Problem,
    RefusedError,
    TryLaterError,
    UnconfirmedError,
    UnknownRefusalError,
)
from bot.runtime.chat_tasks import ChatTasks, loggable
from bot.runtime.journal import Journal

# A handler that fails this often has a fault: its update is set aside and an admin is notified.
# While the database or Telegram is away the update is not at fault, and waits.
FAILURES: Final = 3
# About two minutes. What is set aside is listed in /status, also where nobody could be told.
_TELLINGS: Final = 8
_CHATS_AT_ONCE: Final = 100
_JOURNALS: Final = 10_000
# An unconfirmed call is repeated once only, so not while a proxy may still be in trouble: Telegram
# has answered in this chat, and either has done something for others or this time has passed.
_REPEAT_S: Final = 15.0

logger = structlog.get_logger()

Payload = dict[str, Any]
_Waiting = tuple[int, Payload, int]
"""Update id, payload, failed attempts."""


@dataclass(slots=True)
class _Chat:
    """The cached updates of a chat that this process holds, so that they need not be read back."""

    read_at: float
    """The loop time at which they were read from the store."""
    waiting: list[_Waiting] = field(default_factory=list)
    read: set[int] = field(default_factory=set)
    """Ids read from the store: `take` may learn only later that it had stored them."""


@dataclass(slots=True)
class _Attempts:
    """What this process knows of an update that it could not handle yet."""

    journal: Journal = field(default_factory=Journal)
    unconfirmed_at: float | None = None
    """The loop time of an unconfirmed call; until Telegram answers, nothing is repeated."""
    done_before: int | None = None
    """How many calls Telegram had done when this one failed."""
    given_up: str = ""
    """The error for which it is set aside, once that is told."""
    telling: Journal = field(default_factory=Journal)
    refused: int = 0
    """How often Telegram has refused to tell it, for an unknown reason."""


class InboxStore(Protocol):
    """The store of waiting updates."""

    async def add(
        self, bot_id: int, updates: Sequence[tuple[int, str, Payload]], *, at: datetime
    ) -> list[bool | RefusedError]:
        """Store (update id, chat key, payload); return for each of them True if it was new.

        An update that is stored already stays as it is. The answer is an error for one that
        cannot be stored: it waits without its payload.
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
        telegram_answers: Callable[[str], Awaitable[object]],
        done_in_telegram: Callable[[], int],
        clock: Callable[[], datetime],
        alone_since: Callable[[], float | None] = lambda: None,
    ) -> None:
        """handle: handles one update, and raises when it could not. holding: locks a chat against
        every other replica, and yields True if another replica may have held it; one that has
        it is woken. set_aside: called
        with (update id, chat key, error) of an update that is given up; raises TryLaterError while
        nobody can be told. telegram_answers: raises TryLaterError unless Telegram answers now, in
        the chat with this key. done_in_telegram: returns how many calls have changed a chat.
        alone_since: returns the loop time since which no other process can have stored an update;
        None while others can. Then a chat's updates are read before each is handled."""
        self._bot_id = bot_id
        self._store = store
        self._handle = _refusing_empty(handle)
        self._tell_set_aside = set_aside
        self._telegram_answers = telegram_answers
        self._done_in_telegram = done_in_telegram
        self._attempts: dict[int, _Attempts] = {}
        self._clock = clock
        self._alone_since = alone_since
        self._chats: dict[str, _Chat] = {}
        self._tasks: ChatTasks[str] = ChatTasks(
            "inbox",
            work=self._drain,
            holding=holding,
            is_left=self._is_left,
            forget=self.forget,
            at_once=_CHATS_AT_ONCE,
        )
        self.health = self._tasks.health
        self.wake = self._tasks.wake
        self.end_pauses = self._tasks.end_pauses
        self.idle = self._tasks.idle
        self.stop = self._tasks.stop
        self.sweep_now = self._tasks.sweep_now

    async def take(self, updates: Sequence[Payload]) -> None:
        """Store the updates, then wake their chats. When this returns they may be confirmed.

        Any process may take any update, at any time.
        """
        keyed = [(update["update_id"], chat_key(update), update) for update in updates]
        try:
            are_new = await self._store.add(self._bot_id, keyed, at=self._clock())
        except BaseException:
            # Some may be stored, which a second try does not tell from what was handled long ago.
            for _, key, _ in keyed:
                self.forget(key)
            raise
        for (update_id, key, update), is_new in zip(keyed, are_new, strict=True):
            chat = self._chats.get(key)
            if isinstance(is_new, RefusedError):
                logger.error("update without content", update=update_id, error=str(is_new))
                update = {}
            if not is_new:
                # Stored by another process, or long ago: what is cached may lack it.
                self.forget(key)
            elif chat and update_id not in chat.read:
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

    async def _is_left(self, key: str) -> bool:
        return bool(await self._store.pending_of(key))

    async def _drain(self, key: str, is_new: bool) -> bool:
        """Return True if every waiting update was handled or set aside."""
        if is_new:
            self.forget(key)
        is_last = False
        while not (is_last or self._tasks.is_stopping):
            waiting = await self._waiting(key)
            if not waiting:
                break
            update_id, payload, attempts = waiting.pop(0)
            # What others store from now on wakes the chat in their process, or in this one.
            is_last = not waiting
            with structlog.contextvars.bound_contextvars(update=update_id, chat=loggable(key)):
                if not await self._try(key, update_id, payload, attempts):
                    # The store returns it first again, and then the later ones in order.
                    self.forget(key)
                    return False
            self._attempts.pop(update_id, None)
        return True

    async def _try(self, key: str, update_id: int, payload: Payload, failures: int) -> bool:
        """Handle the update; return False if it is to be handled again.

        Raises TryLaterError while that has to wait for something else than the update itself.
        """
        known = self._attempts_of(update_id)
        if known.unconfirmed_at is not None:
            await self._may_repeat(key, known, known.unconfirmed_at)
        if known.given_up:
            return await self._give_up(key, update_id, known, known.given_up)
        try:
            with known.journal.attempt():
                await self._handle(payload)
        except UnconfirmedError as error:
            logger.warning("update not confirmed", error=str(error))
            self._is_unconfirmed(known)
            if known.journal.is_spent:
                return await self._give_up(key, update_id, known, type(error).__name__)
            return False
        except UnknownRefusalError as error:
            logger.warning("update refused", error=str(error))
            if not await self._is_at_fault(error, key, known):
                raise
            failure: Exception = error
        except TryLaterError as error:
            logger.warning("update waits", error=str(error))
            raise
        except Exception as error:
            logger.exception("update failed", attempt=failures + 1)
            failure = error
        else:
            await self._store.done(self._bot_id, update_id, at=self._clock())
            return True
        kind = type(failure).__name__
        await self._store.failed(self._bot_id, update_id, attempts=failures + 1, error=kind)
        if failures + 1 < FAILURES:
            return False
        return await self._give_up(key, update_id, known, kind)

    def _is_unconfirmed(self, known: _Attempts) -> None:
        known.unconfirmed_at = asyncio.get_running_loop().time()
        known.done_before = self._done_in_telegram()

    async def _may_repeat(self, key: str, known: _Attempts, unconfirmed_at: float) -> None:
        """Raise TryLaterError until an unconfirmed call may be repeated."""
        await self._telegram_answers(key)
        left_s = unconfirmed_at + _REPEAT_S - asyncio.get_running_loop().time()
        if left_s > 0 and known.done_before == self._done_in_telegram():
            raise TryLaterError("Telegram has done nothing since an unconfirmed call")
        known.unconfirmed_at = known.done_before = None

    async def _is_at_fault(self, error: UnknownRefusalError, key: str, known: _Attempts) -> bool:
        """Return True if Telegram refuses this update's call, and others get through."""
        before, known.done_before = known.done_before, self._done_in_telegram()
        if error.problem is Problem.TELEGRAM_GONE:
            # It is in trouble itself, though it says so: only calls like this one tell.
            return before is not None and before != known.done_before
        await self._telegram_answers(key)
        return True

    def _attempts_of(self, update_id: int) -> _Attempts:
        if len(self._attempts) > _JOURNALS:
            # Of updates that another replica has handled meanwhile.
            self._attempts.clear()
        return self._attempts.setdefault(update_id, _Attempts())

    async def _waiting(self, key: str) -> list[_Waiting]:
        """Return the chat's waiting updates, oldest first; the caller removes what it handles.

        They are read unless no other process can have stored one that goes before these.
        """
        chat, alone_since = self._chats.get(key), self._alone_since()
        if chat and alone_since is not None and alone_since <= chat.read_at:
            return chat.waiting
        chat = self._chats[key] = _Chat(asyncio.get_running_loop().time())
        stored = await self._store.pending_of(key)
        chat.read.update(update_id for update_id, _, _ in stored)
        taken = [one for one in chat.waiting if one[0] not in chat.read]
        chat.waiting = sorted([*stored, *taken], key=lambda one: one[0])
        return chat.waiting

    async def _give_up(self, key: str, update_id: int, known: _Attempts, error: str) -> bool:
        """Tell whom it concerns, then set the update aside."""
        known.given_up = error
        try:
            with known.telling.attempt():
                await self._tell_set_aside(update_id, key, error)
        except UnconfirmedError:
            self._is_unconfirmed(known)
            if not known.telling.is_spent:
                raise
        except UnknownRefusalError:
            known.refused += 1
            if known.refused < _TELLINGS:
                raise
        await self._store.set_aside(self._bot_id, update_id, at=self._clock())
        logger.error("update set aside", error=error)
        return True


class EmptyUpdateError(Exception):
    """No document could hold the content of the update."""


def _refusing_empty(
    handle: Callable[[Payload], Awaitable[None]],
) -> Callable[[Payload], Awaitable[None]]:
    async def refusing_empty(payload: Payload) -> None:
        if not payload:
            # It fails like any other, so it is given up and its writer is told.
            raise EmptyUpdateError
        await handle(payload)

    return refusing_empty


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
