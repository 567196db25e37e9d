"""The durable outbox: a message is stored, sent in order, confirmed by Telegram, then marked.

A crash loses nothing: a message that Telegram had not confirmed is sent again, at most once more.
Each chat is served by one replica at a time.
"""

import asyncio
import math
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from contextvars import Context
from datetime import datetime
from typing import Final

import structlog

from bot.domain.conversation import Conversation, Link
from bot.domain.errors import (
    AppError,
    RefusedError,
    TryLaterError,
    UnconfirmedError,
    UnknownRefusalError,
)
from bot.domain.outgoing import (
    ChatClosedError,
    MovedError,
    Outgoing,
    Undelivered,
    UndeliveredError,
)
from bot.runtime.chat_tasks import ChatTasks
from bot.runtime.sending.chat_queue import ALBUM_S, ChatQueue
from bot.runtime.sending.holds import FIRST_PAUSE_S, Holds
from bot.runtime.sending.limits import RateLimiter
from bot.runtime.sending.order import Order, causing_chat
from bot.runtime.sending.ports import Delivery, OutboxMetrics, OutboxStore, SentLinks

# One attempt, and one more when the first was cut short.
ATTEMPTS: Final = 2
# About two minutes, as the pause grows with each of them.
_REFUSALS: Final = 8
# A message that waited this long for its turn is late.
_WAITED_S: Final = 0.5
# A conversation that was read longer ago may have another group by now.
_FRESH_S: Final = 0.5
# So often a chat's queue sends without a look for what other replicas have stored.
_SENT_UNREAD: Final = 10
# While Telegram is away it is asked this often, in the end.
_LONGEST_ASK_S: Final = 5.0
# Prefix of the lease names: such a lease is the right to send to the chat.
_LEASE: Final = "outbox:"

logger = structlog.get_logger()


class Outbox:
    """Takes messages and sends them, chat by chat."""

    def __init__(
        self,
        *,
        store: OutboxStore,
        links: SentLinks,
        limiter: RateLimiter,
        holding: Callable[[str], AbstractAsyncContextManager[bool]],
        held_since: Callable[[str], float | None],
        telegram_answers: Callable[[], Awaitable[object]],
        metrics: OutboxMetrics,
        clock: Callable[[], datetime],
    ) -> None:
        """holding: locks a name against every other replica, and yields True if another replica
        may have held it. held_since: returns the loop time since which no other replica has held
        a name, or None if it is not locked here. telegram_answers: asks Telegram something, and
        raises when no answer comes."""
        self._store = store
        self._links = links
        self._limiter = limiter
        self._metrics = metrics
        self._clock = clock
        self._held_since = held_since
        self._telegram_answers = telegram_answers
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
        self._resting: set[int] = set()
        """Chats that take no messages now."""
        self._holds = Holds()
        self._timers: dict[int, asyncio.TimerHandle | None] = {}
        """The chats in which everything is held; without a timer until Telegram answers."""
        self._asking: asyncio.Task[None] | None = None
        self._ask_pause_s = FIRST_PAUSE_S
        self._answers: dict[int, deque[Callable[[], Awaitable[None]]]] = {}
        """By chat, the writes of what Telegram has said that are not done yet. They outlive the
        lease: no message is sent again only because the database was away."""
        self._order = Order()
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

    async def stop(self, patience_s: float) -> None:
        """Finish what is in progress, for at most `patience_s` seconds; the rest stays stored."""
        if self._asking:
            self._asking.cancel()
        for timer in self._timers.values():
            if timer:
                timer.cancel()
        await self._tasks.stop(patience_s)

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
        if self._holds.is_held(item) or self._answers.get(item.chat_id):
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
            await self._store_answers(chat_id)
            queue = self._queue_of(chat_id)
            if is_new or not queue.is_read:
                await self._read(chat_id, queue)
            is_done = await self._drain(chat_id, queue)
        except RefusedError as error:
            # Telegram's own refusals end in `_send`: the database refuses, for now.
            raise TryLaterError(str(error)) from error
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
            async with self._limiter.turn(chat_id, batch[0].priority) as waited_s:
                is_late = waited_s > _WAITED_S
                if is_late or not queue.is_latest or queue.sent >= _SENT_UNREAD:
                    # Another replica may have stored messages that go before those put here.
                    await self._read(batch[0].chat_id, queue)
                # Chosen again: a message of higher priority may have come during the wait.
                batch = queue.next(self._free(queue), self._clock(), is_late=is_late)
                if batch and not await self._send(queue, batch):
                    return False
        return True

    def _free(self, queue: ChatQueue) -> list[Outgoing]:
        return [item for item in queue.items.values() if not self._holds.is_held(item)]

    async def _send(self, queue: ChatQueue, batch: Sequence[Outgoing]) -> bool:
        """Return True if the chat's queue goes on: not while the chat is closed to the bot."""
        if any(item.attempts for item in batch):
            sent = await self._links.sent([item.id for item in batch])
            if sent:
                # A crash, or a lost lease, came between the link and the mark.
                done = [item for item in batch if item.id in sent]
                await self._done(queue, done, ())
                return True
            if any(item.attempts >= ATTEMPTS for item in batch):
                # Two attempts were cut short: a third could only repeat the message.
                await self._fail(queue, batch, Undelivered.UNCONFIRMED)
                return True
        queue.try_now(batch)
        try:
            return await self._begin(queue, batch)
        finally:
            queue.begun = frozenset()

    async def _begin(self, queue: ChatQueue, batch: Sequence[Outgoing]) -> bool:
        head = batch[0]
        begun = [item.model_copy(update={"attempts": item.attempts + 1}) for item in batch]
        if uncounted := [item for item in begun if item.id not in queue.counted]:
            await self._store.count(uncounted)
        queue.counted.difference_update(item.id for item in batch)
        # Only once: whatever fails may have changed the conversation.
        conversation, put_at = queue.read.pop(head.id, (None, 0.0))
        is_fresh = asyncio.get_running_loop().time() - put_at < _FRESH_S
        try:
            links = await self._delivery(batch, conversation=conversation if is_fresh else None)
        except UndeliveredError as error:
            await self._fail(queue, batch, error.reason)
        except MovedError as error:
            await self._move(queue, batch, error.chat_id)
        except ChatClosedError as error:
            logger.error("chat closed to us", chat=head.chat_id, error=str(error))
            await self._count(batch)
            await self._delivery.closed_to_us(head)
            self._resting.add(head.chat_id)
            return False
        except UnknownRefusalError as error:
            await self._refused(queue, batch, error)
        except (TryLaterError, RefusedError) as error:
            if isinstance(error, UnconfirmedError):
                self._in_doubt(queue, begun, str(error))
            else:
                await self._try_later(batch, error)
        except Exception:
            # Nobody knows how far it came.
            logger.exception("sending failed", chat=head.chat_id)
            self._in_doubt(queue, begun, "failed")
        else:
            self._ask_pause_s = FIRST_PAUSE_S
            self._go_on(self._holds.sent(head))
            await self._done(queue, batch, links)
        return True

    async def _done(
        self, queue: ChatQueue, batch: Sequence[Outgoing], links: Sequence[Link]
    ) -> None:
        ids, now = [item.id for item in batch], self._clock()

        async def store() -> None:
            # First: a link marks its messages as sent, whatever happens before the second write.
            if links:
                await self._links.add(links)
            await self._store.done(ids, at=now)

        queue.leave(ids)
        queue.sent += 1
        for item in batch:
            self._metrics.sent(item.priority, (now - item.put_at).total_seconds())
        await self._settle(batch, store)

    def _in_doubt(self, queue: ChatQueue, begun: Sequence[Outgoing], error: str) -> None:
        """Let the attempt count, here as in the store: the message may have arrived."""
        head = begun[0]
        logger.warning("sending not confirmed", chat=head.chat_id, error=error)
        queue.items.update((item.id, item) for item in begun)
        self._holds.in_doubt(head)
        self._ask()

    async def _try_later(self, batch: Sequence[Outgoing], error: AppError) -> None:
        """Hold the chat: Telegram, or the database, is away, and the message is not at fault."""
        chat_id = batch[0].chat_id
        logger.warning("sending waits", chat=chat_id, error=str(error))
        wait_s = error.retry_after_s if isinstance(error, TryLaterError) else None
        if wait_s is None:
            self._holds.away(chat_id)
            self._ask()
        else:
            self._holds.asked_to_wait(chat_id, wait_s)
        await self._count(batch)

    async def _refused(
        self, queue: ChatQueue, batch: Sequence[Outgoing], error: UnknownRefusalError
    ) -> None:
        head = batch[0]
        logger.warning("refused", chat=head.chat_id, what=head.what, error=str(error))
        if self._holds.refused(head):
            batch = [one.model_copy(update={"refusals": one.refusals + 1}) for one in batch]
            queue.items.update((item.id, item) for item in batch)
        else:
            self._ask()
        if batch[0].refusals >= _REFUSALS:
            await self._fail(queue, batch, Undelivered.AWAY)
        else:
            await self._count(batch)

    async def _count(self, batch: Sequence[Outgoing]) -> None:
        """Store attempts and refusals as they are in the batch: this attempt does not count."""
        await self._settle(batch, lambda: self._store.count(batch))

    async def _fail(
        self, queue: ChatQueue, batch: Sequence[Outgoing], reason: Undelivered
    ) -> None:
        ids, now = [item.id for item in batch], self._clock()
        logger.warning("not delivered", chat=batch[0].chat_id, what=batch[0].what, reason=reason)

        async def store() -> None:
            # The author is notified first, so that a crash between the two leaves nobody without
            # notice.
            await self._delivery.undelivered(batch, reason, at=now)
            await self._store.fail(ids, reason, at=now)

        queue.leave(ids)
        self._holds.settled(batch[0])
        self._metrics.undelivered(reason)
        await self._settle(batch, store)

    async def _move(self, queue: ChatQueue, batch: Sequence[Outgoing], chat_id: int) -> None:
        ids = [item.id for item in batch]

        async def store() -> None:
            await self._store.count(batch)
            await self._store.move(ids, chat_id)
            for item in batch:
                self._take_in(item.model_copy(update={"chat_id": chat_id}), is_placed=False)
            self.wake(chat_id)

        queue.leave(ids)
        self._holds.settled(batch[0])
        await self._settle(batch, store)

    async def _settle(
        self, batch: Sequence[Outgoing], store: Callable[[], Awaitable[None]]
    ) -> None:
        """Store what Telegram has said; what cannot be stored now is kept, and stored first of
        all."""
        chat_id = batch[0].chat_id
        self._answers.setdefault(chat_id, deque()).append(store)
        await self._store_answers(chat_id)

    async def _store_answers(self, chat_id: int) -> None:
        answers = self._answers.get(chat_id)
        while answers:
            await answers[0]()
            answers.popleft()
        self._answers.pop(chat_id, None)

    def _go_on(self, chats: Collection[int]) -> None:
        for chat_id in chats:
            self.wake(chat_id)

    def _ask(self) -> None:
        """Ask until Telegram answers, so that what waits leaves soon after an outage."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(
                self._ask_until_answered(), name="outbox asks", context=Context()
            )

    async def _ask_until_answered(self) -> None:
        while not self._tasks.is_stopping:
            await asyncio.sleep(self._ask_pause_s)
            # Kept until something is sent: an answer alone does not end all trouble.
            self._ask_pause_s = min(self._ask_pause_s * 2, _LONGEST_ASK_S)
            try:
                await self._telegram_answers()
            except Exception as error:
                logger.warning("Telegram does not answer", error=type(error).__name__)
            else:
                self._go_on(self._holds.answered())
                return
