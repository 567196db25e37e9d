"""The durable outbox: a message is stored, sent in order, confirmed by Telegram, then marked.

A crash loses nothing: a message that Telegram had not confirmed is sent again, at most once more.
Each chat is served by one replica at a time.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import ExitStack, suppress
from datetime import datetime
from typing import Final

from bot.domain.conversation import Conversation
from bot.domain.errors import AppError, RefusedError, TryLaterError
from bot.domain.outgoing import Outgoing
from bot.runtime.chat_tasks import ChatTasks
from bot.runtime.sending.chat_queue import ALBUM_S, ChatQueue
from bot.runtime.sending.holds import Holds
from bot.runtime.sending.limits import RateLimiter, StoppingError
from bot.runtime.sending.order import Order, causing_chat
from bot.runtime.sending.ports import ChatLeases, OutboxMetrics, OutboxStore, SentLinks
from bot.runtime.sending.sender import Sender
from bot.runtime.tracing import NO_TRACES, Tracer, Values

# A message that waited this long for its turn is late.
_WAITED_S: Final = 0.5
# So often a chat's queue sends without a look for what other replicas have stored.
_SENT_UNREAD: Final = 10
OUTBOX_LEASE: Final = "outbox:"
"""Prefix of the lease names: such a lease is the right to send to the chat."""


class Outbox:
    """Takes messages and sends them, chat by chat."""

    def __init__(
        self,
        *,
        store: OutboxStore,
        links: SentLinks,
        limiter: RateLimiter,
        leases: ChatLeases,
        telegram_answers: Callable[[], Awaitable[object]],
        metrics: OutboxMetrics,
        clock: Callable[[], datetime],
        tracer: Tracer = NO_TRACES,
    ) -> None:
        """telegram_answers: asks Telegram something, and raises when no answer comes."""
        self._store = store
        self._limiter = limiter
        self._metrics = metrics
        self._clock = clock
        self._leases = leases
        self._tracer = tracer
        self._queues: dict[int, ChatQueue] = {}
        self._tasks: ChatTasks[int] = ChatTasks(
            "outbox",
            work=self._work,
            holding=lambda chat_id: leases.holding(
                f"{OUTBOX_LEASE}{chat_id}", patience_s=0.0, wake=True
            ),
            is_left=self._is_left,
            forget=self._forget,
        )
        self.waiting = store.one_waiting
        self.failed = store.failed
        self.health = self._tasks.health
        self.wake = self._tasks.wake
        self.sweep_now = self._tasks.sweep_now
        self._resting: set[int] = set()
        """Chats that take no messages now."""
        self._holds = Holds()
        self._sender = Sender(
            store=store,
            links=links,
            holds=self._holds,
            telegram_answers=telegram_answers,
            metrics=metrics,
            clock=clock,
            moved=self._moved,
            go_on=self._go_on,
        )
        self.deliver_by = self._sender.deliver_by
        self._timers: dict[int, asyncio.TimerHandle | None] = {}
        """The chats in which everything is held; without a timer until Telegram answers."""
        self._order = Order()
        self._putting: set[str] = set()
        """Ids of messages that are being stored: a read leaves them to `put`."""

    async def put(self, *items: Outgoing, conversation: Conversation | None = None) -> None:
        """Store the messages and send each when its turn comes; skip an id that was put before.

        conversation: theirs, if it was read just now. It is not read again if they leave soon.
        """
        trace = self._tracer.here()
        wanted = [
            self._order.placed(item, trace=trace) for item in items if not self._is_redundant(item)
        ]
        free = {item.id: queue for item in wanted if (queue := self._free_queue(item))}
        self._putting.update(item.id for item in wanted)
        are_new: Sequence[bool] = [False] * len(wanted)
        with ExitStack() as kept:
            # Whoever had the lease next would take the counted attempt for one that was made.
            for item in wanted:
                if item.id in free:
                    kept.enter_context(self._leases.kept(f"{OUTBOX_LEASE}{item.chat_id}"))
            try:
                # One write less for a message that leaves at once: its attempt counts from now on.
                are_new = await self._store.add(wanted, begun=free)
            finally:
                self._putting.difference_update(item.id for item in wanted)
                for item, is_new in zip(wanted, are_new, strict=True):
                    if is_new:
                        self._take_in(item, queue=free.get(item.id), conversation=conversation)
                    else:
                        # It may be stored already, and a read meanwhile has left it out.
                        self._queue_of(item.chat_id).is_read = False
                    self.wake(item.chat_id)
            if free:
                # By then the chat's task has begun, and uses the lease itself.
                await asyncio.sleep(0)

    async def again(self, item_id: str, *, notice: tuple[int, int]) -> bool:
        """Send the messages that failed together with this one again; return True if any is
        queued.

        notice: chat and id of the message that told of the failure.
        """
        is_sent = False
        for item in await self._store.failed(item_id):
            if await self._store.again(item.id, notice=notice):
                is_sent = True
                self._take_in(
                    item.model_copy(update={"attempts": 0, "notice": notice}), is_placed=False
                )
                self.wake(item.chat_id)
        return is_sent

    def forget(self, name: str) -> None:
        """Drop the queue of a chat that another replica may serve now; it is read again the next
        time."""
        if name.startswith(OUTBOX_LEASE):
            self._forget(int(name.removeprefix(OUTBOX_LEASE)))

    def reread(self, name: str) -> None:
        """Send what another replica has stored for a chat to which this one has the right."""
        if name.startswith(OUTBOX_LEASE):
            chat_id = int(name.removeprefix(OUTBOX_LEASE))
            self._queue_of(chat_id).is_read = False
            self.wake(chat_id)

    async def take_over(self, name: str, number: int) -> None:
        """Fence off the replica that sent to the chat before and may not know that it must not
        any more."""
        if name.startswith(OUTBOX_LEASE):
            await self._store.take_over(int(name.removeprefix(OUTBOX_LEASE)), number)

    async def _is_left(self, chat_id: int) -> bool:
        """Return True if one of the messages of the queue, or any if none is known, waits."""
        stored = {item.id for item in await self._store.waiting_in(chat_id)}
        queue = self._queues.get(chat_id)
        return bool(stored & queue.items.keys() if queue and queue.items else stored)

    def _forget(self, chat_id: int) -> None:
        self._queues.pop(chat_id, None)

    async def sweep_forever(self) -> None:
        """Wake every chat with waiting messages: at the start, and later those of dead
        replicas."""
        await self._tasks.sweep_forever(self._sweep)

    def stop_waiting(self, until: float) -> None:
        """Leave to other replicas what would have to wait before it is sent.

        What can leave at once still does. until: the loop time at which the bot ends.
        """
        for timer in self._timers.values():
            if timer:
                timer.cancel()
        self._limiter.stop(until)

    async def stop(self, patience_s: float) -> None:
        """Finish what is in progress, for at most `patience_s` seconds; the rest stays stored."""
        until = asyncio.get_running_loop().time() + patience_s
        await self._tasks.stop(patience_s)
        # Stored with an attempt that is not made any more.
        left = [
            queue.items[one]
            for queue in self._queues.values()
            for one in queue.counted & queue.items.keys()
        ]
        if left:
            with suppress(AppError, TimeoutError):
                async with asyncio.timeout_at(until):
                    await self._store.count(left)
        await self._sender.stop(until)

    def end_pauses(self) -> None:
        """Go on at once: Telegram answers again."""
        self._tasks.end_pauses()
        self._go_on(self._holds.answered())

    @property
    def is_idle(self) -> bool:
        """Return True if nothing is being sent; a chat that takes no messages now only waits."""
        return not (self._tasks.chats | self._timers.keys()) - self._resting

    def backlog(self, chat_id: int, conversation_id: str) -> int:
        """Return how many messages of the conversation's customer are known to wait for the
        chat."""
        queue = self._queues.get(chat_id)
        return queue.backlog(conversation_id) if queue else 0

    async def _sweep(self) -> set[int]:
        waiting = await self._store.waiting()
        oldest = min((at for _, at in waiting), default=None)
        self._metrics.waits(
            len(waiting), (self._clock() - oldest).total_seconds() if oldest else 0.0
        )
        chats = {chat for chat, _ in waiting}
        for chat_id in chats - self._tasks.chats:
            self._queue_of(chat_id).is_read = False
        return chats

    def _is_redundant(self, item: Outgoing) -> bool:
        queue = self._queues.get(item.chat_id)
        return queue is not None and queue.makes_redundant(item)

    def retry(self, chat_id: int) -> None:
        """Mark a chat as one that may take messages again."""
        if chat_id in self._resting:
            self._resting.discard(chat_id)
            self._tasks.end_pause(chat_id)

    def _queue_of(self, chat_id: int) -> ChatQueue:
        return self._queues.setdefault(chat_id, ChatQueue())

    def _free_queue(self, item: Outgoing) -> ChatQueue | None:
        """Return the chat's queue if this process would send the item at once."""
        queue = self._queues.get(item.chat_id)
        if queue is None or queue.items or item.album or not self._is_latest(queue):
            return None
        if self._holds.is_held(item) or self._sender.owes(item.chat_id):
            return None
        return queue if self._limiter.is_free(item.chat_id) else None

    def _is_latest(self, queue: ChatQueue) -> bool:
        """Return True if the queue holds all that was put before by updates of the same chat.

        Other replicas have put what they did put before this one had the lease of that chat.
        """
        chat = causing_chat()
        since = self._leases.held_since(chat) if chat else None
        return queue.is_read and since is not None and since <= queue.read_at

    def _take_in(
        self,
        item: Outgoing,
        *,
        queue: ChatQueue | None = None,
        conversation: Conversation | None = None,
        is_placed: bool = True,
    ) -> None:
        """Add a stored message to the chat's queue.

        queue: the queue in which its first attempt was counted. is_placed: True if it was placed
        now, after all that the causing chat has put before.
        """
        here = self._queue_of(item.chat_id)
        self._holds.news(item)
        here.put(item, is_latest=is_placed and self._is_latest(here))
        if conversation:
            here.read[item.id] = conversation, asyncio.get_running_loop().time()
        if queue is here:
            here.counted.add(item.id)
        elif queue is not None:
            # The lease is gone: another replica may be sending it.
            here.is_read = False
        self.retry(item.chat_id)

    async def _work(self, chat_id: int, is_new: bool) -> bool:
        """Return True if every waiting message was sent, given up or is held."""
        self._resting.discard(chat_id)
        if timer := self._timers.pop(chat_id, None):
            timer.cancel()
        try:
            return await self._send(chat_id, is_new)
        except StoppingError:
            self._tasks.leave(chat_id)
            return True
        except (TryLaterError, RefusedError) as error:
            await self._sender.store_owed(chat_id)
            # Telegram's own refusals end in the sender: the database refuses, for now.
            raise TryLaterError(str(error)) from error

    async def _send(self, chat_id: int, is_new: bool) -> bool:
        await self._sender.store_answers(chat_id)
        queue = self._queue_of(chat_id)
        if is_new or not queue.is_read:
            await self._read(chat_id, queue)
        is_done = await self._drain(chat_id, queue)
        if is_done and queue.items and not self._tasks.is_stopping:
            self._wait(chat_id, queue)
        return is_done

    def _wait(self, chat_id: int, queue: ChatQueue) -> None:
        """Wake the chat when the first of its messages is held no longer."""
        loop = asyncio.get_running_loop()
        at = self._holds.free_at(chat_id, queue.items.values())
        self._timers[chat_id] = None if at == math.inf else loop.call_at(at, self.wake, chat_id)

    async def _read(self, chat_id: int, queue: ChatQueue) -> None:
        now = asyncio.get_running_loop().time()
        known = list(queue.items)
        queue.is_latest, queue.sent, queue.read_at = True, 0, now
        stored = await self._store.waiting_in(chat_id)
        stored = [item for item in stored if item.id not in self._putting]
        queue.is_read = True
        # A known message that is no longer stored as waiting was sent by another replica.
        queue.leave(set(known) - {item.id for item in stored})
        for item in stored:
            if item.id not in queue.counted:
                queue.items[item.id] = item
            if item.album:
                queue.came_at.setdefault(item.album, now)
        self._holds.keep(chat_id, queue.items.values())

    async def _drain(self, chat_id: int, queue: ChatQueue) -> bool:
        while queue.items and not self._tasks.is_stopping:
            queue.news.clear()
            if not (free := self._free(queue)):
                break
            batch = queue.next(free, self._clock())
            if not batch:
                # An album is still arriving.
                await queue.next_news(ALBUM_S)
                continue
            turn = self._limiter.turn(chat_id, batch[0].priority, is_stored=True)
            async with turn as waited_s:
                is_late = waited_s > _WAITED_S
                if is_late or not queue.is_latest or queue.sent >= _SENT_UNREAD:
                    # Another replica may have stored messages that go before those put here.
                    await self._read(batch[0].chat_id, queue)
                # Chosen again: a message of higher priority may have come during the wait.
                batch = queue.next(self._free(queue), self._clock(), is_late=is_late)
                if batch and not await self._sent(queue, batch):
                    self._resting.add(chat_id)
                    return False
        return True

    async def _sent(self, queue: ChatQueue, batch: Sequence[Outgoing]) -> bool:
        head, *others = batch
        waited_s = (self._clock() - head.put_at).total_seconds()
        values: Values = {
            "balcao.message": str(head.what),
            "balcao.waited_s": max(waited_s, 0.0),
        }
        causes = {one.trace for one in others if one.trace and one.trace != head.trace}
        with self._tracer.span("send", values, parent=head.trace, causes=sorted(causes)):
            return await self._sender.send(queue, batch)

    def _free(self, queue: ChatQueue) -> list[Outgoing]:
        return [item for item in queue.items.values() if not self._holds.is_held(item)]

    def _moved(self, items: Sequence[Outgoing]) -> None:
        for item in items:
            self._take_in(item, is_placed=False)
            self.wake(item.chat_id)

    def _go_on(self, chats: Collection[int]) -> None:
        for chat_id in chats:
            self.wake(chat_id)
