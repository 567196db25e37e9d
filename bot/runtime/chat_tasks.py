"""One task per chat that has work: it takes the chat's lease, works, and backs off on trouble."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from contextvars import Context
from typing import Final, Generic, TypeVar

import structlog

from bot.domain.errors import AppError, TakenError, TryLaterError
from bot.runtime.supervisor import TaskHealth, is_cancelled, log_failure

_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 60.0
_SWEEP_S: Final = 15.0
# Longer than a holder that was woken usually needs.
_LOOK_S: Final = 1.0

Chat = TypeVar("Chat", bound=str | int)

logger = structlog.get_logger()


class ChatTasks(Generic[Chat]):
    """The tasks of the chats that were woken and have not finished their work."""

    def __init__(
        self,
        subject: str,
        *,
        work: Callable[[Chat, bool], Awaitable[bool]],
        holding: Callable[[Chat], AbstractAsyncContextManager[bool]],
        is_left: Callable[[Chat], Awaitable[bool]],
        forget: Callable[[Chat], None],
        at_once: int | None = None,
    ) -> None:
        """subject: what it works on, for the log. work: works on a chat, and returns True if
        nothing is left; its second argument is True if another replica may have worked on the
        chat. A TryLaterError of its own says how long the chat pauses at least. holding: keeps the
        chat's lease; while another replica has it, has that one look for work and raises
        TakenError at once. is_left: returns True if work that this process knows of is still
        stored. forget: drops what is cached of a chat. at_once: the largest number of chats that
        are worked on at a time."""
        self._subject = subject
        self._work = work
        self._holding = holding
        self._is_left = is_left
        self._forget = forget
        self._slots = asyncio.Semaphore(at_once) if at_once else None
        self._tasks: dict[Chat, asyncio.Task[None]] = {}
        self._woken: set[Chat] = set()
        self._pauses: dict[Chat, asyncio.Event] = {}
        self._elsewhere: set[Chat] = set()
        """Chats that another replica works on, as far as this one knows."""
        self._left: set[Chat] = set()
        self._sweep_now = asyncio.Event()
        self.is_stopping = False
        self.health = TaskHealth()
        """Down while the sweep or a chat's task has failed and not worked since."""

    @property
    def chats(self) -> set[Chat]:
        """Return the chats that have a task."""
        return set(self._tasks)

    def wake(self, chat: Chat) -> None:
        """Start working on the chat, or have its task look again."""
        if self.is_stopping or chat in self._left:
            return
        self._woken.add(chat)
        if chat in self._elsewhere:
            # Its holder may know of less.
            self.end_pause(chat)
        if chat not in self._tasks:
            # In a context of its own: the task goes on long after the update that woke it.
            self._tasks[chat] = asyncio.create_task(
                self._run(chat), name=f"{self._subject} {chat}", context=Context()
            )

    def leave(self, chat: Chat) -> None:
        """Leave the chat to other replicas from now on: this one stops."""
        self._left.add(chat)

    def end_pause(self, chat: Chat) -> None:
        """Work on the chat at once if its task pauses after a failure."""
        if pause := self._pauses.get(chat):
            pause.set()

    def end_pauses(self) -> None:
        """Work at once on every chat whose task pauses after a failure."""
        for pause in self._pauses.values():
            pause.set()

    async def sweep_forever(self, waiting: Callable[[], Awaitable[Iterable[Chat]]]) -> None:
        """Wake every chat with work: at the start, and later those of dead replicas.

        Raises what `waiting` raises, and is called again then. Once the store answers, what paused
        meanwhile goes on.
        """
        is_back = True
        while True:
            self._sweep_now.clear()
            for chat in await waiting():
                self.wake(chat)
            if is_back:
                self.end_pauses()
                is_back = False
            self.health.works()
            with suppress(TimeoutError):
                async with asyncio.timeout(_SWEEP_S):
                    await self._sweep_now.wait()

    def sweep_now(self) -> None:
        """Do not wait for the time of the next sweep: another replica has left something."""
        self._sweep_now.set()

    async def idle(self) -> None:
        """Return once no chat has a task."""
        while self._tasks:
            await asyncio.wait(list(self._tasks.values()))

    async def stop(self, patience_s: float) -> None:
        """Finish what is in progress, for at most `patience_s` seconds; the rest stays stored."""
        self.is_stopping = True
        self.end_pauses()
        tasks = list(self._tasks.values())
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=patience_s)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        if late:
            logger.warning("left for the next start", what=self._subject, chats=len(late))

    async def _run(self, chat: Chat) -> None:
        pause_s = _FIRST_PAUSE_S
        try:
            while chat in self._woken and not self.is_stopping:
                self._woken.discard(chat)
                try:
                    is_done, asked_s = await self._try(chat), 0.0
                except _ElsewhereError:
                    await self._leave_to_holder(chat)
                    continue
                except TryLaterError as error:
                    logger.warning(
                        "chat waits", what=self._subject, chat=loggable(chat), error=str(error)
                    )
                    is_done, asked_s = False, error.retry_after_s or 0.0
                if is_done:
                    self.health.works(chat)
                    pause_s = _FIRST_PAUSE_S
                else:
                    # The order is kept: what comes later waits as well.
                    self._woken.add(chat)
                    await self._pause(chat, max(pause_s, asked_s))
                    pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
        finally:
            # No await since the last look at `_woken`, so that no wake is lost in between.
            del self._tasks[chat]
            self.health.works(chat)

    async def _leave_to_holder(self, chat: Chat) -> None:
        """Let the replica that has the lease work, and look later whether it has."""
        self._elsewhere.add(chat)
        await self._pause(chat, _LOOK_S)
        self._elsewhere.discard(chat)
        try:
            is_left = chat in self._woken or await self._is_left(chat)
        except AppError:
            is_left = True
        if is_left:
            self._woken.add(chat)
        elif chat not in self._woken:
            self._forget(chat)

    async def _try(self, chat: Chat) -> bool:
        is_here = False
        try:
            async with self._slots or nullcontext(), self._holding(chat) as is_new:
                is_here = True
                return await self._work(chat, is_new)
        except BaseException as error:
            if isinstance(error, TakenError) and not is_here:
                raise _ElsewhereError from error
            self._forget(chat)
            if isinstance(error, TryLaterError):
                raise
            if is_cancelled(error) or not isinstance(error, Exception | asyncio.CancelledError):
                raise
            self.health.failed(chat)
            log_failure(self._subject, error)
            return False

    async def _pause(self, chat: Chat, pause_s: float) -> None:
        if self.is_stopping:
            return
        pause = self._pauses[chat] = asyncio.Event()
        try:
            async with asyncio.timeout(pause_s):
                await pause.wait()
        except TimeoutError:
            pass
        finally:
            del self._pauses[chat]


class _ElsewhereError(Exception):
    """Another replica has the chat's lease. Meanwhile this one keeps no slot for it."""


def loggable(chat: str | int) -> int | str:
    """Return a chat's key for the log: as a number, as a text would be redacted like a phone."""
    text = str(chat)
    return int(text) if text.removeprefix("-").isdecimal() else text
