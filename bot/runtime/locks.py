"""One chat in one pair of hands, over any number of replicas."""

import asyncio
import os
import socket
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import Final, Protocol

import structlog

from bot.domain.errors import AppError

_LEASE: Final = timedelta(seconds=15)
_FIRST_WAIT_S: Final = 0.01
_LONGEST_WAIT_S: Final = 0.25


def _here() -> str:
    """This machine's name and its space of process ids: containers can share the name."""
    try:
        space = str(os.stat("/proc/self/ns/pid").st_ino)
    except OSError:
        space = "-"
    return f"{socket.gethostname()}:{space}"


_HERE: Final = _here()
# In a container every run has the same process id.
_RUN: Final = uuid.uuid4().hex

logger = structlog.get_logger()


class Leases(Protocol):
    """Where leases are kept."""

    async def acquire(self, name: str, owner: str, *, now: datetime, lease: timedelta) -> bool:
        """Whether `owner` has it now; an expired one is taken over."""

    async def renew(self, name: str, owner: str, *, now: datetime, lease: timedelta) -> bool:
        """Whether it was still the owner's."""

    async def release(self, name: str, owner: str) -> None: ...

    async def held_by(self, owner_prefix: str) -> list[tuple[str, str]]:
        """(name, owner) of the leases whose owner begins so."""


class ChatLocks:
    """Leases on chats. A holder that dies loses them by time; one that lives renews them."""

    def __init__(
        self, leases: Leases, clock: Callable[[], datetime], *, lease: timedelta = _LEASE
    ) -> None:
        self._leases = leases
        self._clock = clock
        self._lease = lease
        self._held: dict[str, tuple[str, asyncio.Task[object] | None]] = {}

    @asynccontextmanager
    async def holding(self, chat: str | int) -> AsyncIterator[None]:
        """Inside, nobody else works on this chat; waits until that is so.

        The task inside is cancelled when the lease was lost after all, as it is when the database
        was gone for longer than a lease.
        """
        name, owner = f"chat:{chat}", f"{_HERE}/{os.getpid()}/{_RUN}/{uuid.uuid4().hex}"
        wait_s = _FIRST_WAIT_S
        while not await self._leases.acquire(name, owner, now=self._clock(), lease=self._lease):
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, _LONGEST_WAIT_S)
        self._held[owner] = (name, asyncio.current_task())
        try:
            yield
        finally:
            del self._held[owner]
            # Not reachable now: the lease runs out by itself.
            with suppress(AppError):
                await asyncio.shield(self._leases.release(name, owner))

    async def release_the_dead(self) -> None:
        """Free what a process of this machine held when it was killed: its chats need not wait
        until the leases run out."""
        for name, owner in await self._leases.held_by(f"{_HERE}/"):
            _, pid, run, _ = owner.split("/")
            ours = int(pid) == os.getpid()
            if run != _RUN and (ours or not _is_alive(int(pid))):
                await self._leases.release(name, owner)

    async def renew_for_ever(self) -> None:
        """Keep what is held; run it as a task for as long as chats are handled."""
        while True:
            await asyncio.sleep(self._lease.total_seconds() / 3)
            for owner, (name, task) in list(self._held.items()):
                try:
                    kept = await self._leases.renew(
                        name, owner, now=self._clock(), lease=self._lease
                    )
                except AppError as error:
                    logger.warning("lease not renewed", lock=name, error=str(error))
                    continue
                if not kept and owner in self._held and task is not None:
                    logger.error("lease lost", lock=name)
                    task.cancel()


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
