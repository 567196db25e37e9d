"""Sends one batch of messages, and does what follows from Telegram's answer."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final

import structlog

from bot.domain.conversation import Link
from bot.domain.errors import (
    AppError,
    LostError,
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
from bot.runtime.sending.asking import Asking
from bot.runtime.sending.chat_queue import ChatQueue
from bot.runtime.sending.holds import FIRST_PAUSE_S, Holds
from bot.runtime.sending.limits import StoppingError
from bot.runtime.sending.ports import Delivery, OutboxMetrics, OutboxStore, SentLinks

# One attempt, and one more when the first was cut short.
ATTEMPTS: Final = 2
# About two minutes, as the pause grows with each of them.
_REFUSALS: Final = 8
# A conversation that was read longer ago may have another group by now.
_FRESH_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 5.0

logger = structlog.get_logger()


class Sender:
    """Sends for a chat whose lease and turn the caller holds."""

    def __init__(
        self,
        *,
        store: OutboxStore,
        links: SentLinks,
        holds: Holds,
        telegram_answers: Callable[[], Awaitable[object]],
        metrics: OutboxMetrics,
        clock: Callable[[], datetime],
        moved: Callable[[Sequence[Outgoing]], None],
        go_on: Callable[[Collection[int]], None],
    ) -> None:
        """telegram_answers: asks Telegram something, and raises when no answer comes. moved:
        called with messages that belong to another chat now. go_on: called with the chats that may
        go on."""
        self._store = store
        self._links = links
        self._holds = holds
        self._asking = Asking(telegram_answers, holds, go_on=go_on)
        self._metrics = metrics
        self._clock = clock
        self._moved = moved
        self._go_on = go_on
        self._delivery: Delivery
        self._answers: dict[int, deque[Callable[[], Awaitable[None]]]] = {}
        """By chat, the writes of what Telegram has said that are not done yet. They outlive the
        lease: no message is sent again only because the database was away."""

    def deliver_by(self, delivery: Delivery) -> None:
        """Set the delivery. Call it before `send`: the delivery puts messages itself."""
        self._delivery = delivery

    async def send(self, queue: ChatQueue, batch: Sequence[Outgoing]) -> bool:
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
            try:
                await self._store.begin(uncounted)
            except AppError:
                # It may be stored all the same, and nothing was sent.
                self._owe(batch, lambda: self._store.count(batch))
                raise
        queue.counted.difference_update(item.id for item in batch)
        # Only once: whatever fails may have changed the conversation.
        conversation, put_at = queue.read.pop(head.id, (None, 0.0))
        is_fresh = asyncio.get_running_loop().time() - put_at < _FRESH_S
        try:
            links = await self._delivery(batch, conversation=conversation if is_fresh else None)
        except LostError:
            # Another replica may be sending them: what is stored of them is its own.
            raise
        except UndeliveredError as error:
            await self._fail(queue, batch, error.reason)
        except MovedError as error:
            await self._move(queue, batch, error.chat_id)
        except ChatClosedError as error:
            logger.error("chat closed to us", chat=head.chat_id, error=str(error))
            await self._count(batch)
            await self._delivery.closed_to_us(head)
            return False
        except UnknownRefusalError as error:
            await self._refused(queue, batch, error)
        except StoppingError:
            await self._count(batch)
            raise
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
            self._asking.sent()
            self._go_on(self._holds.sent(head))
            await self._done(queue, batch, links)
        return True

    async def _done(
        self, queue: ChatQueue, batch: Sequence[Outgoing], links: Sequence[Link]
    ) -> None:
        ids, now = [item.id for item in batch], self._clock()
        # One comment keeps its whole album among the attendants.
        is_said = not any(item.is_internal for item in batch)
        said = [item.id for item in batch if is_said and item.is_said]

        async def store() -> None:
            # First: a link marks its messages as sent, whatever happens before the second write.
            if links:
                await self._links.add(links)
            await self._store.done(ids, at=now, said=said)

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
        self._asking.begin()

    async def _try_later(self, batch: Sequence[Outgoing], error: AppError) -> None:
        """Hold the chat: Telegram, or the database, is away, and the message is not at fault."""
        chat_id = batch[0].chat_id
        logger.warning("sending waits", chat=chat_id, error=str(error))
        wait_s = error.retry_after_s if isinstance(error, TryLaterError) else None
        if wait_s is None:
            self._holds.away(chat_id)
            self._asking.begin()
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
            self._asking.begin()
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
            self._moved([one.model_copy(update={"chat_id": chat_id}) for one in batch])

        queue.leave(ids)
        self._holds.settled(batch[0])
        await self._settle(batch, store)

    async def _settle(
        self, batch: Sequence[Outgoing], store: Callable[[], Awaitable[None]]
    ) -> None:
        """Store what Telegram has said; what cannot be stored now is kept, and stored first of
        all."""
        self._owe(batch, store)
        await self.store_answers(batch[0].chat_id)

    def _owe(self, batch: Sequence[Outgoing], store: Callable[[], Awaitable[None]]) -> None:
        self._answers.setdefault(batch[0].chat_id, deque()).append(store)

    def owes(self, chat_id: int) -> bool:
        """Return True if something that Telegram has said of the chat is not stored."""
        return chat_id in self._answers

    async def store_answers(self, chat_id: int) -> None:
        """Store what could not be stored before; raise our error if it still cannot."""
        answers = self._answers.get(chat_id)
        while answers:
            await answers[0]()
            answers.popleft()
        self._answers.pop(chat_id, None)

    async def store_owed(self, chat_id: int) -> None:
        """Store what could not be stored before, however long that takes.

        Keep the chat's lease meanwhile: another replica would send the messages once more.
        """
        pause_s = FIRST_PAUSE_S
        while self.owes(chat_id):
            try:
                await self.store_answers(chat_id)
            except AppError as error:
                logger.warning("answer not stored", chat=chat_id, error=str(error))
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)

    async def stop(self, until: float) -> None:
        """Ask no more, and store what could not be stored before; give up at this loop time.

        Call it once nothing is being sent: whatever is may begin to ask.
        """
        await self._asking.stop()
        with suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                await asyncio.gather(*map(self.store_owed, self._answers))
        if self._answers:
            # The next start sends these messages once more.
            logger.error("answers not stored", chats=len(self._answers))
