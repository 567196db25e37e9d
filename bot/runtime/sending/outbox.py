"""The durable outbox: a message is stored, sent in order, confirmed by Telegram, then marked.

A crash loses nothing: a message that Telegram had not confirmed is sent again, at most once more.
Each chat is served by one replica at a time.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Final

import structlog

from bot.domain.conversation import Conversation
from bot.domain.errors import RefusedError, TryLaterError, UnconfirmedError
from bot.domain.outgoing import (
    MovedError,
    Outgoing,
    Undelivered,
    UndeliveredError,
)
from bot.runtime.chat_tasks import ChatTasks
from bot.runtime.sending.chat_queue import ALBUM_S, ChatQueue
from bot.runtime.sending.limits import RateLimiter
from bot.runtime.sending.order import Order, causing_chat
from bot.runtime.sending.ports import Delivery, OutboxMetrics, OutboxStore

# One attempt, and one more when the first was cut short.
ATTEMPTS: Final = 2
# A message that waited this long for its turn is late.
_WAITED_S: Final = 0.5
# A conversation that was read longer ago may have another group by now.
_FRESH_S: Final = 0.5
# So often a chat's queue sends without a look for what other replicas have stored.
_SENT_UNREAD: Final = 10
_TRIES: Final = 20
_FAULTS: Final = 3
# Prefix of the lease names: such a lease is the right to send to the chat.
_LEASE: Final = "outbox:"

logger = structlog.get_logger()


class Outbox:
    """Takes messages and sends them, chat by chat."""

    def __init__(
        self,
        *,
        store: OutboxStore,
        limiter: RateLimiter,
        holding: Callable[[str], AbstractAsyncContextManager[bool]],
        held_since: Callable[[str], float | None],
        metrics: OutboxMetrics,
        clock: Callable[[], datetime],
    ) -> None:
        """holding: locks a name against every other replica, and yields True if another replica
        may have held it. held_since: returns the loop time since which no other replica has held
        a name, or None if it is not locked here."""
        self._store = store
        self._limiter = limiter
        self._metrics = metrics
        self._clock = clock
        self._held_since = held_since
        self._delivery: Delivery
        self._queues: dict[int, ChatQueue] = {}
        self._tasks: ChatTasks[int] = ChatTasks(
            "outbox",
            work=self._work,
            holding=lambda chat_id: holding(f"{_LEASE}{chat_id}"),
            forget=self._forget,
        )
        self.waiting = store.one_waiting
        self.failed = store.failed
        self.wake = self._tasks.wake
        self.stop = self._tasks.stop
        self.end_pauses = self._tasks.end_pauses
        self._resting: set[int] = set()
        """Chats that take no messages now."""
        self._order = Order()
        self._sent = 0
        self._putting: set[str] = set()
        """Ids of messages that are being stored: a read leaves them to `put`."""

    def deliver_by(self, delivery: Delivery) -> None:
        """Set the delivery. Call it before `put`: the delivery puts messages here itself."""
        self._delivery = delivery

    async def put(self, *items: Outgoing, conversation: Conversation | None = None) -> None:
        """Store the messages and send each when its turn comes; skip an id that was put before.

        conversation: theirs, if it was read just now. It is not read again if they leave soon.
        """
        wanted = [self._order.placed(item) for item in items if not self._is_redundant(item)]
        free = {item.id: queue for item in wanted if (queue := self._free_queue(item))}
        self._putting.update(item.id for item in wanted)
        are_new: Sequence[bool] = [False] * len(wanted)
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

    async def again(self, item_id: str) -> bool:
        """Send the messages that failed together with this one again; return True if any is
        queued."""
        is_sent = False
        for item in await self._store.failed(item_id):
            if await self._store.again(item.id):
                is_sent = True
                self._take_in(item.model_copy(update={"attempts": 0}), is_placed=False)
                self.wake(item.chat_id)
        return is_sent

    def forget(self, name: str) -> None:
        """Drop the queue of a chat that another replica may serve now; it is read again the next
        time."""
        if name.startswith(_LEASE):
            self._forget(int(name.removeprefix(_LEASE)))

    def _forget(self, chat_id: int) -> None:
        self._queues.pop(chat_id, None)

    async def sweep_forever(self) -> None:
        """Wake every chat with waiting messages: at the start, and later those of dead
        replicas."""
        await self._tasks.sweep_forever(self._sweep)

    @property
    def is_idle(self) -> bool:
        """Return True if nothing is being sent; a chat that takes no messages now only waits."""
        return not self._tasks.chats - self._resting

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
        return queue if self._limiter.is_free(item.chat_id) else None

    def _is_latest(self, queue: ChatQueue) -> bool:
        """Return True if the queue holds all that was put before by updates of the same chat.

        Other replicas have put what they did put before this one had the lease of that chat.
        """
        chat = causing_chat()
        since = self._held_since(chat) if chat else None
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
        """Return True if every waiting message was sent or given up."""
        self._resting.discard(chat_id)
        queue = self._queue_of(chat_id)
        if is_new or not queue.is_read:
            await self._read(chat_id, queue)
        return await self._drain(chat_id, queue)

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

    async def _drain(self, chat_id: int, queue: ChatQueue) -> bool:
        while queue.items and not self._tasks.is_stopping:
            queue.news.clear()
            batch = queue.next(self._clock())
            if not batch:
                # An album is still arriving.
                await queue.next_news(ALBUM_S)
                continue
            async with self._limiter.turn(chat_id, batch[0].priority) as waited_s:
                is_late = waited_s > _WAITED_S
                if is_late or not queue.is_latest or queue.sent >= _SENT_UNREAD:
                    # Another replica may have stored messages that go before those put here.
                    await self._read(batch[0].chat_id, queue)
                if not queue.items:
                    break
                # Chosen again: a message of higher priority may have come during the wait.
                batch = queue.next(self._clock(), is_late=is_late)
                if batch and not await self._send(queue, batch):
                    return False
        return True

    async def _send(self, queue: ChatQueue, batch: Sequence[Outgoing]) -> bool:
        """Return True if the chat's queue goes on: not while Telegram or the chat is closed to the
        bot."""
        ids = [item.id for item in batch]
        if any(item.attempts >= ATTEMPTS for item in batch):
            # Two attempts were cut short: a third could only repeat the message.
            await self._fail(queue, batch, Undelivered.UNCONFIRMED)
            return True
        queue.begun = frozenset(ids)
        try:
            return await self._begin(queue, batch, ids)
        finally:
            queue.begun = frozenset()

    async def _begin(self, queue: ChatQueue, batch: Sequence[Outgoing], ids: list[str]) -> bool:
        if uncounted := [one for one in ids if one not in queue.counted]:
            await self._store.begin(uncounted)
        queue.counted.difference_update(ids)
        # Only once: whatever fails may have changed the conversation.
        conversation, put_at = queue.read.pop(ids[0], (None, 0.0))
        is_fresh = asyncio.get_running_loop().time() - put_at < _FRESH_S
        try:
            await self._delivery(batch, conversation=conversation if is_fresh else None)
        except UndeliveredError as error:
            await self._fail(queue, batch, error.reason)
            return True
        except MovedError as error:
            await self._store.not_begun(ids)
            await self._move(queue, batch, error.chat_id)
            return True
        except RefusedError as error:
            logger.error("chat closed to us", chat=batch[0].chat_id, error=str(error))
            await self._store.not_begun(ids)
            await self._delivery.closed_to_us(batch[0])
            self._resting.add(batch[0].chat_id)
            return False
        except UnconfirmedError as error:
            # It may have arrived: the attempt counts, here as in the store.
            logger.warning("sending not confirmed", chat=batch[0].chat_id, error=str(error))
            for item in batch:
                queue.items[item.id] = item.model_copy(update={"attempts": item.attempts + 1})
            return False
        except TryLaterError as error:
            logger.warning("sending waits", chat=batch[0].chat_id, error=str(error))
            await self._store.not_begun(ids)
            before, queue.sent_before = queue.sent_before, self._sent
            if before is None or before == self._sent:
                # Nothing was sent to any chat since the last failure: Telegram is away, and the
                # message is not at fault.
                return False
            return await self._give_up(queue, batch, after=_TRIES)
        except Exception:
            logger.exception("sending failed", chat=batch[0].chat_id)
            await self._store.not_begun(ids)
            return await self._give_up(queue, batch, after=_FAULTS)
        queue.tries, queue.sent_before = 0, None
        self._sent += 1
        queue.sent += 1
        now = self._clock()
        await self._store.done(ids, at=now)
        queue.leave(ids)
        for item in batch:
            self._metrics.sent(item.priority, (now - item.put_at).total_seconds())
        return True

    async def _give_up(self, queue: ChatQueue, batch: Sequence[Outgoing], *, after: int) -> bool:
        queue.tries += 1
        if queue.tries < after:
            return False
        queue.tries, queue.sent_before = 0, None
        await self._fail(queue, batch, Undelivered.AWAY)
        return True

    async def _fail(
        self, queue: ChatQueue, batch: Sequence[Outgoing], reason: Undelivered
    ) -> None:
        ids = [item.id for item in batch]
        logger.warning("not delivered", chat=batch[0].chat_id, what=batch[0].what, reason=reason)
        # The author is notified first, so that a crash between the two leaves nobody without
        # notice.
        await self._delivery.undelivered(batch, reason)
        await self._store.fail(ids, reason, at=self._clock())
        queue.leave(ids)
        self._metrics.undelivered(reason)

    async def _move(self, queue: ChatQueue, batch: Sequence[Outgoing], chat_id: int) -> None:
        ids = [item.id for item in batch]
        await self._store.move(ids, chat_id)
        queue.leave(ids)
        for item in batch:
            self._take_in(item.model_copy(update={"chat_id": chat_id}), is_placed=False)
        self.wake(chat_id)
