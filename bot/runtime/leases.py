"""Leases of this process: renewed while the work under them runs, and given up with it when lost.

A lease keeps every other replica away from a chat, a job, an ERP's tokens, or its one turn at a
time. One on a chat is kept for a while after its last use, because people answer each other,
unless another replica waits for it. Until it is released no other replica can touch the chat, so
the cached state of the chat (its step, its waiting updates) stays valid. A replica that has stored
work for the chat therefore does not ask for the lease, but has its holder woken.
"""

import asyncio
import math
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager, contextmanager, suppress
from contextvars import Context
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, Generic, Protocol, TypeVar

import structlog

from bot.domain.errors import AppError, LostError, TakenError
from bot.domain.lease import Lease, has_ended, held_number
from bot.runtime.owners import is_dead, owner_of_a_run
from bot.runtime.supervisor import TaskHealth, is_cancelled, log_failure

_LEASE: Final = timedelta(seconds=15)
# Longer than one renewal of tokens takes: one that is broken off can lose the new ones.
_TOKENS_LEASE: Final = timedelta(seconds=60)
# With the look of those who stand by, less than the 15 s after which another one must poll.
POLLING_LEASE: Final = timedelta(seconds=10)
_STANDBY_S: Final = 0.5
# Not longer than a lease: with a replica that died on another machine, chats wait for its end.
_KEPT_S: Final = 15.0
SHARED_KEPT_S: Final = 1.0
"""Instead, while other replicas work, too: whoever takes a chat's next update finds its lease
free, so the work is spread as evenly as the updates are."""
# So long after another replica has asked for a lease.
_SHARED_S: Final = 60.0
_PATIENCE_S: Final = 20.0
_ROUND_S: Final = 0.25
_FIRST_WAIT_S: Final = 0.01
_LONGEST_WAIT_S: Final = 0.25
_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)

Id = TypeVar("Id")


logger = structlog.get_logger()


class Leases(Protocol[Id]):
    """The store of leases."""

    async def acquire(
        self,
        key: Id,
        owner: str,
        *,
        now: datetime,
        lease: timedelta,
        above: int = 0,
        wake: bool = False,
    ) -> Lease | None:
        """Take the lease if it is free, has expired or is the owner's, with a number that is
        higher than `above`. If another owner has it, return None and ask that one to release it,
        or with `wake` only to look for new work."""

    async def renew(
        self, keys: Sequence[Id], owner: str, *, now: datetime, lease: timedelta
    ) -> Collection[Id]:
        """Renew the leases that still belong to the owner; return their keys."""

    async def wanted(self, owner: str) -> Mapping[Id, bool]:
        """Return the keys of the owner's leases that another one has tried to acquire, and for
        each True if a look for new work is enough."""

    async def looked(self, keys: Sequence[Id], owner: str) -> None:
        """Forget that the owner was asked to look for new work; called before it looks."""

    async def release(
        self, keys: Sequence[Id], owner: str, numbers: Collection[int] | None = None
    ) -> None:
        """Release the leases that belong to the owner; given `numbers`, only those that have one
        of them."""

    async def owner_of(self, key: Id) -> str | None:
        """Return who has the lease, or had it when it expired; None if it is released."""

    async def owners(self) -> list[tuple[Id, str]]:
        """Return (key, owner) of every lease."""


@dataclass(slots=True)
class _Held:
    """One lease that this process holds or is about to hold."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0
    is_leased: bool = False
    number: int = 0
    until: datetime = _EVER
    """Its end, if it is not renewed."""
    above: int = 0
    """The number that a write was refused for: the next lease needs a higher one."""
    since: float = 0.0
    """The loop time at which the lease had been acquired."""
    is_lost: bool = False
    """True if the lease was lost while the present user was inside."""
    task: asyncio.Task[object] | None = None
    idle_since: float = 0.0


class LeaseKeeper(Generic[Id]):
    """Holds leases by name. Those of a killed holder expire."""

    def __init__(
        self,
        leases: Leases[Id],
        clock: Callable[[], datetime],
        *,
        id_of: Callable[[str], Id],
        lease: timedelta = _LEASE,
        kept_s: float = 0.0,
        patience_s: float = float("inf"),
        longest_wait_s: float = _LONGEST_WAIT_S,
    ) -> None:
        """id_of: returns the stored key of a name. kept_s: a lease is released this long after
        its last use, or when another process waits for it, and earlier while others ask for leases
        at all. patience_s: the longest wait for a lease that another process has. longest_wait_s:
        between two tries to get it."""
        self.owner: Final = owner_of_a_run()
        self._leases = leases
        self._clock = clock
        self._id_of = id_of
        self._lease = lease
        self._kept_s = kept_s
        self._patience_s = patience_s
        self._longest_wait_s = longest_wait_s
        self._held: dict[str, _Held] = {}
        self._forget: list[Callable[[str], None]] = []
        self._take_over: list[Callable[[str, int], Awaitable[None]]] = []
        self._wake: list[Callable[[str], None]] = []
        self._keeping: asyncio.Task[None] | None = None
        self._look = asyncio.Event()
        self._asked_at = -math.inf
        """The loop time at which another process was last seen to ask for a lease."""
        self.health = TaskHealth()
        """Down while the leases are not kept."""
        self.lost = self.taken_over = 0
        """How many leases were lost so far, and how many acquired that nobody had released."""

    def on_release(self, forget: Callable[[str], None]) -> None:
        """Call `forget` with each name that another replica may hold from now on."""
        self._forget.append(forget)

    def on_takeover(self, take_over: Callable[[str, int], Awaitable[None]]) -> None:
        """Call `take_over` with each name whose lease had expired, and the new number, before
        work begins: the last holder may still be at work."""
        self._take_over.append(take_over)

    def on_wake(self, wake: Callable[[str], None]) -> None:
        """Call `wake` with each held name for which another replica has stored work."""
        self._wake.append(wake)

    @asynccontextmanager
    async def holding(
        self, key: str | int, *, patience_s: float | None = None, wake: bool = False
    ) -> AsyncIterator[bool]:
        """Wait for the lease, and hold it inside the block.

        patience_s: instead of the keeper's. wake: what is to be done is stored, so another replica
        that has the lease may do it: it is woken instead of asked for the lease. Yields True if
        the lease is new; if not, nobody else has held it since the last time. Raises TakenError
        when the wait is too long, and LostError when the lease is lost, as happens when the
        database was away for longer than a lease: the block is cancelled then.
        """
        name = str(key)
        held = self._held.setdefault(name, _Held())
        held.users += 1
        try:
            async with held.lock:
                if held.is_leased and held.until < self._clock():
                    # This process was stopped, or the database away: another one may have it now.
                    held.is_leased = False
                    self._forgotten(name)
                is_new = not held.is_leased
                if is_new:
                    patience_s = self._patience_s if patience_s is None else patience_s
                    await self._begin(name, held, patience_s, wake=wake)
                # Also for a kept lease: its keeper may have failed.
                self._keep_on()
                is_inside = True
                token = held_number.set(held.number)
                ended = has_ended.set(lambda: is_inside and held.until < self._clock())
                try:
                    async with _cancelled_when_lost(name, held):
                        yield is_new
                except LostError as error:
                    await self._drop(name, held, above=error.newer)
                    raise
                finally:
                    # A task that was begun inside may go on long after it.
                    is_inside = False
                    has_ended.reset(ended)
                    held_number.reset(token)
        finally:
            held.users -= 1
            held.idle_since = asyncio.get_running_loop().time()
            if not self._kept_s:
                await self.release_all()

    @contextmanager
    def kept(self, key: str | int) -> Iterator[None]:
        """Do not release the lease inside the block because it is idle, if it is held here."""
        held = self._held.get(str(key))
        if held is None:
            yield
            return
        held.users += 1
        try:
            yield
        finally:
            held.users -= 1
            held.idle_since = asyncio.get_running_loop().time()

    @property
    def held(self) -> int:
        """Return how many leases are held."""
        return sum(held.is_leased for held in self._held.values())

    def held_since(self, key: str | int) -> float | None:
        """Return the loop time since which nobody else has held the lease; None if it is not held
        here."""
        held = self._held.get(str(key))
        if held is None or not held.is_leased or held.until < self._clock():
            return None
        return held.since

    async def owner_of(self, key: str | int) -> str | None:
        """Return who has the lease now, which may be this keeper; None if nobody has it."""
        return await self._leases.owner_of(self._id_of(str(key)))

    async def hand_over(self) -> None:
        """Release what is not in use, and from now on each lease as soon as its use ends."""
        self._kept_s = 0.0
        await self.release_all()

    async def release_all(self) -> None:
        """Release every lease that is not in use, so that another replica can continue at once."""
        # If the database is not reachable, they expire by themselves.
        with suppress(AppError):
            await self._release_idle(for_s=0.0)
        # With nothing left to keep, its task ends now, not after its round.
        self._look.set()

    async def close(self) -> None:
        """Release what is not in use and end the keeper: what is in use expires."""
        await self.release_all()
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)

    async def release_the_dead(self) -> None:
        """Release the leases of killed processes of this machine, so that nobody has to wait for
        their expiry."""
        dead: dict[str, list[Id]] = {}
        for key, owner in await self._leases.owners():
            if is_dead(owner):
                dead.setdefault(owner, []).append(key)
        for owner, keys in dead.items():
            await self._leases.release(keys, owner)

    async def _begin(self, name: str, held: _Held, patience_s: float, *, wake: bool) -> None:
        """Acquire the lease."""
        lease, held.until = await self._acquire(name, held.above, patience_s, wake=wake)
        held.is_leased, held.number = True, lease.number
        held.since = asyncio.get_running_loop().time()
        if lease.is_takeover:
            self.taken_over += 1
            try:
                for take_over in self._take_over:
                    await take_over(name, lease.number)
            except BaseException:
                await self._drop(name, held)
                raise

    async def _drop(self, name: str, held: _Held, *, above: int = 0) -> None:
        """Release a lease under which no more work may be done; the next one has a new number."""
        held.above = max(held.above, above)
        if held.is_leased:
            held.is_leased = False
            self._forgotten(name)
            with suppress(AppError):
                await self._leases.release([self._id_of(name)], self.owner, [held.number])

    async def _acquire(
        self, name: str, above: int, patience_s: float, *, wake: bool
    ) -> tuple[Lease, datetime]:
        loop = asyncio.get_running_loop()
        latest, wait_s, key = loop.time() + patience_s, _FIRST_WAIT_S, self._id_of(name)
        try:
            while True:
                now = self._clock()
                if lease := await self._leases.acquire(
                    key, self.owner, now=now, lease=self._lease, above=above, wake=wake
                ):
                    return lease, now + self._lease
                if loop.time() >= latest:
                    raise TakenError(f"another process has the lease on {name}")
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * 2, self._longest_wait_s)
        except asyncio.CancelledError:
            # It may have been acquired, and nobody here would know.
            with suppress(AppError):
                await self._leases.release([key], self.owner)
            raise

    def _keep_on(self) -> None:
        if self._keeping is None or self._keeping.done():
            # In a context of its own: it goes on long after the update that began it.
            self._keeping = asyncio.create_task(self._keep(), name="leases", context=Context())

    async def _keep(self) -> None:
        """Renew the leases in use and release idle ones, as long as there are any."""
        renew_every_s = self._lease.total_seconds() / 3
        loop = asyncio.get_running_loop()
        renewed_at = loop.time()
        while self._held:
            with suppress(TimeoutError):
                async with asyncio.timeout(min(_ROUND_S, renew_every_s)):
                    await self._look.wait()
            self._look.clear()
            try:
                # First: a look that fails must not keep them from being renewed.
                if loop.time() - renewed_at >= renew_every_s:
                    await self.renew()
                    renewed_at = loop.time()
                await self._release_idle(for_s=self._kept_now_s())
                if self._kept_s:
                    await self._answer_others()
                self.health.works()
            except (Exception, asyncio.CancelledError) as error:
                if is_cancelled(error):
                    raise
                self.health.failed()
                log_failure("leases", error)
        self.health.works()

    def _kept_now_s(self) -> float:
        is_shared = asyncio.get_running_loop().time() - self._asked_at < _SHARED_S
        return min(self._kept_s, SHARED_KEPT_S) if is_shared else self._kept_s

    async def _answer_others(self) -> None:
        """Look for work that other replicas have stored, and release what they ask for."""
        if not (wanted := await self._leases.wanted(self.owner)):
            return
        self._asked_at = asyncio.get_running_loop().time()
        if woken := {key for key, is_enough in wanted.items() if is_enough}:
            # Before they read: who stores something after that asks anew.
            await self._leases.looked(list(woken), self.owner)
            for name in [name for name in self._held if self._id_of(name) in woken]:
                for wake in self._wake:
                    wake(name)
        if released := wanted.keys() - woken:
            await self._release_idle(for_s=self._kept_s, wanted=released)

    async def _release_idle(self, *, for_s: float, wanted: Collection[Id] = ()) -> None:
        latest = asyncio.get_running_loop().time() - for_s
        idle = [
            name
            for name, held in self._held.items()
            if not held.users and (held.idle_since <= latest or self._id_of(name) in wanted)
        ]
        leased = {
            self._id_of(name): held.number for name in idle if (held := self._held[name]).is_leased
        }
        for name in idle:
            del self._held[name]
            self._forgotten(name)
        if leased:
            await self._leases.release(list(leased), self.owner, list(leased.values()))

    async def renew(self) -> None:
        """Renew the leases, and cancel the work under those that another owner has now."""
        held_now = {
            name: (held, held.number) for name, held in self._held.items() if held.is_leased
        }
        if not held_now:
            return
        now = self._clock()
        kept = await self._leases.renew(
            [self._id_of(name) for name in held_now], self.owner, now=now, lease=self._lease
        )
        for name, (held, number) in held_now.items():
            if self._held.get(name) is not held or held.number != number:
                # Released, or acquired anew, meanwhile.
                continue
            if self._id_of(name) in kept:
                held.until = now + self._lease
            else:
                logger.error("lease lost", lease=name)
                self.lost += 1
                # It stays in `_held`: those who wait for it here acquire it anew, one at a time.
                held.is_leased = False
                self._forgotten(name)
                if held.task is not None:
                    held.is_lost = True
                    held.task.cancel()

    def _forgotten(self, name: str) -> None:
        for forget in self._forget:
            forget(name)


@asynccontextmanager
async def _cancelled_when_lost(name: str, held: _Held) -> AsyncIterator[None]:
    """Let the keeper cancel the block; raise LostError when it did."""
    task = asyncio.current_task()
    held.task, held.is_lost = task, False
    try:
        try:
            yield
        finally:
            held.task = None
            if held.is_lost:
                # Takes a cancellation that came with the end of the block.
                await asyncio.sleep(0)
    except asyncio.CancelledError:
        if held.is_lost and task is not None and not task.uncancel():
            raise LostError(f"the lease on {name} is lost") from None
        raise


def keep_chats(leases: Leases[str], clock: Callable[[], datetime]) -> LeaseKeeper[str]:
    """Return the keeper of leases on chats, and of the right to send to a chat."""
    return LeaseKeeper(leases, clock, id_of="chat:{}".format, kept_s=_KEPT_S)


def keep_polling(leases: Leases[str], clock: Callable[[], datetime]) -> LeaseKeeper[str]:
    """Return the keeper of the right to poll for a bot's updates."""
    return LeaseKeeper(
        leases,
        clock,
        id_of="poll:{}".format,
        lease=POLLING_LEASE,
        longest_wait_s=_STANDBY_S,
    )


def keep_turns(leases: Leases[str], clock: Callable[[], datetime]) -> LeaseKeeper[str]:
    """Return the keeper of turns at an ERP that works on one request at a time."""
    return LeaseKeeper(leases, clock, id_of="erp:{}".format, patience_s=_PATIENCE_S)


def keep_tokens(
    leases: Leases[str], clock: Callable[[], datetime], *, patience_s: float = _PATIENCE_S
) -> LeaseKeeper[str]:
    """Return the keeper of leases on the tokens that an ERP renews."""
    return LeaseKeeper(leases, clock, id_of=str, lease=_TOKENS_LEASE, patience_s=patience_s)
