"""Leases on chats: one replica at a time works on a chat.

A lease is kept for a moment after its last use, because people write several lines in a row. Until
it is released no other replica can touch the chat, so the cached state of the chat (its step, its
waiting updates) stays valid.
"""

import asyncio
import os
import socket
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol

import structlog

from bot.domain.errors import AppError

_LEASE: Final = timedelta(seconds=15)
_KEPT_S: Final = 0.5
_ROUND_S: Final = 0.25
_FIRST_WAIT_S: Final = 0.01
_LONGEST_WAIT_S: Final = 0.25


def _here() -> str:
    """Return this machine's name and its PID namespace: containers can share the name."""
    try:
        space = str(os.stat("/proc/self/ns/pid").st_ino)
    except OSError:
        space = "-"
    return f"{socket.gethostname()}:{space}"


_HERE: Final = _here()

logger = structlog.get_logger()


class Leases(Protocol):
    """The store of leases."""

    async def acquire(self, name: str, owner: str, *, now: datetime, lease: timedelta) -> bool:
        """Take the lease; return True if it was free or had expired."""

    async def renew(
        self, names: Sequence[str], owner: str, *, now: datetime, lease: timedelta
    ) -> list[str]:
        """Renew the leases that still belong to the owner; return their names."""

    async def release(self, names: Sequence[str], owner: str) -> None:
        """Release the leases that belong to the owner."""

    async def owners(self) -> list[tuple[str, str]]:
        """Return (name, owner) of every lease."""


@dataclass(slots=True)
class _Held:
    """One chat that this process holds or is about to hold."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0
    leased: bool = False
    task: asyncio.Task[object] | None = None
    idle_since: float = 0.0


class ChatLocks:
    """Leases on chats. A living holder renews its leases; those of a dead one expire."""

    def __init__(
        self, leases: Leases, clock: Callable[[], datetime], *, lease: timedelta = _LEASE
    ) -> None:
        self._leases = leases
        self._clock = clock
        self._lease = lease
        self._owner = owner_of_a_run()
        self._held: dict[str, _Held] = {}
        self._forget: list[Callable[[str], None]] = []

    def on_release(self, forget: Callable[[str], None]) -> None:
        """Call `forget` with each chat that another replica may touch from now on."""
        self._forget.append(forget)

    @asynccontextmanager
    async def holding(self, chat: str | int) -> AsyncIterator[bool]:
        """Wait for the chat's lock and lease, and hold both inside the block.

        Yields True if the lease is new; if not, nobody else has touched the chat since the last
        time. The task inside is cancelled when the lease is lost, as happens when the database was
        away for longer than a lease.
        """
        name = str(chat)
        held = self._held.setdefault(name, _Held())
        held.users += 1
        try:
            async with held.lock:
                is_new = not held.leased
                if is_new:
                    await self._acquire(name)
                    held.leased = True
                held.task = asyncio.current_task()
                try:
                    yield is_new
                finally:
                    held.task = None
        finally:
            held.users -= 1
            held.idle_since = asyncio.get_running_loop().time()

    async def run_forever(self) -> None:
        """Renew the leases in use and release idle ones; run it as long as chats are handled."""
        renew_every_s = self._lease.total_seconds() / 3
        loop = asyncio.get_running_loop()
        renewed_at = loop.time()
        while True:
            await asyncio.sleep(_ROUND_S)
            try:
                await self._release_idle(for_s=_KEPT_S)
                if loop.time() - renewed_at >= renew_every_s:
                    await self._renew()
                    renewed_at = loop.time()
            except AppError as error:
                logger.warning("leases not kept", error=str(error))

    async def release_all(self) -> None:
        """Release every lease that is not in use, so that another replica can continue at once."""
        # If the database is not reachable, the leases expire by themselves.
        with suppress(AppError):
            await self._release_idle(for_s=0.0)

    async def release_the_dead(self) -> None:
        """Release the leases of killed processes of this machine, so that their chats need not
        wait for the expiry."""
        dead: dict[str, list[str]] = {}
        for name, owner in await self._leases.owners():
            if owner != self._owner and is_dead(owner):
                dead.setdefault(owner, []).append(name)
        for owner, names in dead.items():
            await self._leases.release(names, owner)

    async def _acquire(self, name: str) -> None:
        wait_s = _FIRST_WAIT_S
        while not await self._leases.acquire(
            f"chat:{name}", self._owner, now=self._clock(), lease=self._lease
        ):
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, _LONGEST_WAIT_S)

    async def _release_idle(self, *, for_s: float) -> None:
        latest = asyncio.get_running_loop().time() - for_s
        idle = [n for n, h in self._held.items() if not h.users and h.idle_since <= latest]
        leased = [name for name in idle if self._held[name].leased]
        for name in idle:
            self._let_go(name)
        if leased:
            await self._leases.release([f"chat:{name}" for name in leased], self._owner)

    async def _renew(self) -> None:
        names = [name for name, held in self._held.items() if held.leased]
        if not names:
            return
        kept = await self._leases.renew(
            [f"chat:{name}" for name in names], self._owner, now=self._clock(), lease=self._lease
        )
        for name in names:
            held = self._held.get(name)
            if held is None or not held.leased or f"chat:{name}" in kept:
                continue
            logger.error("lease lost", lock=f"chat:{name}")
            task = held.task
            self._let_go(name)
            if task is not None:
                task.cancel()

    def _let_go(self, name: str) -> None:
        self._held.pop(name).leased = False
        for forget in self._forget:
            forget(name)


def owner_of_a_run() -> str:
    """Return a new owner name for this run; another run can tell from it if this one is alive."""
    # With an id of the run: in a container every run has the same process id.
    return f"{_HERE}/{os.getpid()}/{uuid.uuid4().hex}"


def is_dead(owner: str) -> bool:
    """Return True if the owner was a process of this machine that no longer runs.

    An owner with our own process id counts as dead too: it was an earlier run. The caller must
    exclude the present run.
    """
    here, pid, _ = owner.rsplit("/", 2)
    return here == _HERE and (int(pid) == os.getpid() or not is_alive(int(pid)))


def is_alive(pid: int) -> bool:
    """Return True if this machine has a process with this id."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
