"""An outbox in virtual time: a store in memory, and a Telegram that answers as the test says."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Container, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.domain.conversation import Conversation, Link
from bot.domain.errors import TryLaterError
from bot.domain.outgoing import Outgoing, OutgoingKind, Priority, Undelivered
from bot.runtime.metrics import Metrics
from bot.runtime.sending.limits import NO_LIMITS, RateLimiter
from bot.runtime.sending.outbox import Outbox
from bot.runtime.sending.ports import ChatLeases
from tests.virtual_time import now

GROUP = -100
START = datetime(2026, 11, 24, tzinfo=UTC)


def item(number: int, conversation: str = "a", **values: Any) -> Outgoing:
    required = {
        "id": f"{conversation}{number}",
        "chat_id": GROUP,
        "conversation_id": conversation,
        "what": OutgoingKind.COPY,
        "priority": Priority.CUSTOMER,
        "put_at": START + timedelta(seconds=now() - 1000),
    }
    return Outgoing.model_validate(required | values)


def card(conversation: str, **values: Any) -> Outgoing:
    kind = {"what": OutgoingKind.CARD, "priority": Priority.CARD, "id": f"card:{conversation}"}
    return item(0, conversation, **(kind | values))


class Stored:
    """What the database holds: it outlives the outboxes of a test."""

    def __init__(self) -> None:
        self.items: dict[str, Outgoing] = {}
        self.over: dict[str, str] = {}
        """Ids of items that no longer wait, with "done" or the reason."""
        self.said: list[str] = []
        """Ids of sent items whose words stay."""
        self.links: dict[str, Link] = {}
        self.trouble: Callable[[str], Exception | None] = lambda _: None
        """Returns the error of a write by its name."""
        self.is_answer_lost = False
        """True while attempts are counted, and the answer about it is lost."""

    def _write(self, name: str) -> None:
        if error := self.trouble(name):
            raise error

    # The store of items.

    async def add(self, items: Sequence[Outgoing], *, begun: Container[str] = ()) -> list[bool]:
        self._write("add")
        new = [one.id not in self.items for one in items]
        for one in items:
            attempts = one.attempts + (one.id in begun)
            self.items.setdefault(one.id, one.model_copy(update={"attempts": attempts}))
        return new

    async def waiting_in(self, chat_id: int) -> list[Outgoing]:
        return [
            one
            for one in self.items.values()
            if one.chat_id == chat_id and one.id not in self.over
        ]

    async def waiting(self) -> list[tuple[int, datetime]]:
        waiting = [one for one in self.items.values() if one.id not in self.over]
        return [(one.chat_id, one.put_at) for one in waiting]

    async def take_over(self, chat_id: int, number: int) -> None:
        """Do nothing: no other replica is here."""

    async def begin(self, items: Sequence[Outgoing]) -> None:
        await self.count(items)
        if self.is_answer_lost:
            raise TryLaterError("gone")

    async def count(self, items: Sequence[Outgoing]) -> None:
        self._write("count")
        for one in items:
            values = {"attempts": one.attempts, "refusals": one.refusals}
            self.items[one.id] = self.items[one.id].model_copy(update=values)

    async def done(self, ids: Sequence[str], *, at: datetime, said: Container[str] = ()) -> None:
        self._write("done")
        self.said += [one for one in ids if one in said]
        self.over.update(dict.fromkeys(ids, "done"))

    async def fail(self, ids: Sequence[str], reason: Undelivered, *, at: datetime) -> None:
        self._write("fail")
        self.over.update(dict.fromkeys(ids, str(reason)))

    async def move(self, ids: Sequence[str], chat_id: int) -> None:
        for one in ids:
            self.items[one] = self.items[one].model_copy(update={"chat_id": chat_id})

    async def failed(self, item_id: str) -> list[Outgoing]:
        return [self.items[item_id]] if self.over.get(item_id, "done") != "done" else []

    async def one_waiting(self, item_id: str) -> Outgoing | None:
        return None if item_id in self.over else self.items.get(item_id)

    async def again(self, item_id: str, *, notice: tuple[int, int]) -> bool:
        return self.over.pop(item_id, None) is not None


@dataclass
class StoredLinks:
    stored: Stored

    async def add(self, links: Sequence[Link]) -> None:
        self.stored._write("link")
        self.stored.links.update((link.item, link) for link in links)

    async def sent(self, item_ids: Sequence[str]) -> set[str]:
        return {one for one in item_ids if one in self.stored.links}


@dataclass(eq=False)
class Leases:
    """Those of one replica, by the locks that all of them have in common."""

    locks: dict[str, asyncio.Lock]
    holders: dict[str, object]
    are_kept: list[str]

    @asynccontextmanager
    async def holding(
        self, key: str, *, patience_s: float | None = None, wake: bool = False
    ) -> AsyncIterator[bool]:
        async with self.locks[key]:
            is_new = self.holders.get(key) is not self
            self.holders[key] = self
            yield is_new

    @contextmanager
    def kept(self, key: str) -> Iterator[None]:
        self.are_kept.append(key)
        try:
            yield
        finally:
            self.are_kept.remove(key)

    def held_since(self, key: str) -> float | None:
        return 0.0


@dataclass
class World:
    """A Telegram as the test wants it, and the people who are told."""

    stored: Stored = field(default_factory=Stored)
    answer: Callable[[Sequence[Outgoing]], Exception | None] = lambda _: None
    """Returns the error of a call that sends these items."""
    is_away: bool = False
    """True while getMe is not answered."""
    posts: list[tuple[float, str]] = field(default_factory=list)
    """(seconds, ids) of every call."""
    told: list[tuple[str, str]] = field(default_factory=list)
    """(id, reason) of every item whose writer was told."""
    closed: int = 0
    asked: int = 0
    limiter: RateLimiter = field(default_factory=lambda: RateLimiter(NO_LIMITS))
    locks: dict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))
    holders: dict[str, object] = field(default_factory=dict)
    """The replica that had each lease last."""
    kept: list[str] = field(default_factory=list)
    """The leases that are not released now."""

    async def __call__(
        self, items: Sequence[Outgoing], *, conversation: Conversation | None = None
    ) -> Sequence[Link]:
        await self.limiter.pace(items[0].chat_id)
        self.posts.append((now() - 1000, "+".join(one.id for one in items)))
        if error := self.answer(items):
            raise error
        return [
            Link(group_id=GROUP, message_id=len(self.posts), conversation_id="c", item=one.id)
            for one in items
        ]

    async def undelivered(
        self, items: Sequence[Outgoing], reason: Undelivered, *, at: datetime
    ) -> None:
        self.told += [(one.id, str(reason)) for one in items]

    async def closed_to_us(self, item: Outgoing) -> None:
        self.closed += 1

    async def answers(self) -> None:
        self.asked += 1
        if self.is_away:
            raise TryLaterError("away")

    def at(self, item_id: str) -> list[float]:
        """Return the seconds at which the item was tried."""
        return [at for at, ids in self.posts if item_id in ids.split("+")]

    @asynccontextmanager
    async def running(self, leases: ChatLeases | None = None) -> AsyncIterator[Outbox]:
        """Run an outbox, as one replica does; it is killed at the end."""
        outbox = Outbox(
            store=self.stored,
            links=StoredLinks(self.stored),
            limiter=self.limiter,
            leases=leases or Leases(self.locks, self.holders, self.kept),
            telegram_answers=self.answers,
            metrics=Metrics(asked_to_wait=lambda: 0, tasks={}),
            clock=lambda: START + timedelta(seconds=now() - 1000),
        )
        outbox.deliver_by(self)
        sweep = asyncio.create_task(outbox.sweep_forever())
        try:
            yield outbox
        finally:
            sweep.cancel()
            await outbox.stop(0.0)
