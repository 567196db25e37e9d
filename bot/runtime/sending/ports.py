"""The needs of the outbox: a store, leases, a way to Telegram, and metrics."""

from collections.abc import Container, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from datetime import datetime
from typing import Protocol

from bot.domain.conversation import Conversation, Link
from bot.domain.outgoing import Outgoing, Priority, Undelivered


class OutboxStore(Protocol):
    """The store of messages that wait to be sent."""

    async def add(self, items: Sequence[Outgoing], *, begun: Container[str] = ()) -> list[bool]:
        """Store the messages; return for each of them True if it was new.

        begun: the ids of those whose first attempt counts already.
        """

    async def waiting_in(self, chat_id: int) -> list[Outgoing]: ...

    async def waiting(self) -> list[tuple[int, datetime]]:
        """Return (chat id, time it was put) of every waiting message."""

    async def take_over(self, chat_id: int, number: int) -> None: ...

    async def begin(self, items: Sequence[Outgoing]) -> None:
        """Store the attempts of each, before they are sent."""

    async def count(self, items: Sequence[Outgoing]) -> None:
        """Store the attempts and refusals of each."""

    async def done(self, ids: Sequence[str], *, at: datetime, said: Container[str] = ()) -> None:
        """Mark the messages as sent; the words of those in `said` are kept."""

    async def fail(self, ids: Sequence[str], reason: Undelivered, *, at: datetime) -> None: ...

    async def move(self, ids: Sequence[str], chat_id: int) -> None: ...

    async def failed(self, item_id: str) -> list[Outgoing]: ...

    async def one_waiting(self, item_id: str) -> Outgoing | None: ...

    async def again(self, item_id: str, *, notice: tuple[int, int]) -> bool: ...


class ChatLeases(Protocol):
    """Locks names against every other replica."""

    def holding(
        self, key: str, *, patience_s: float | None = None, wake: bool = False
    ) -> AbstractAsyncContextManager[bool]:
        """Lock the name inside the block; yield True if another replica may have held it.

        patience_s: how long to wait while another replica holds it. Raises TakenError then. wake:
        have that one look for new work, not release the name.
        """

    def kept(self, key: str) -> AbstractContextManager[None]:
        """Do not release the lease inside the block because it is idle, if it is held here."""

    def held_since(self, key: str) -> float | None:
        """Return the loop time since which no other replica has held the name; None if it is not
        locked here."""


class SentLinks(Protocol):
    """The store of links. A stored link marks its messages as sent."""

    async def add(self, links: Sequence[Link]) -> None: ...

    async def sent(self, item_ids: Sequence[str]) -> set[str]:
        """Return those of the ids whose messages have a link."""


class Delivery(Protocol):
    """Sends messages to Telegram."""

    async def __call__(
        self, items: Sequence[Outgoing], *, conversation: Conversation | None = None
    ) -> Sequence[Link]:
        """Send the messages as one; return the links to store.

        conversation: that of the first, if it was read a moment ago.
        Raises UndeliveredError, MovedError, ChatClosedError while the whole chat is closed to the
        bot, UnconfirmedError, and with nothing sent UnknownRefusalError or another TryLaterError.
        """

    async def undelivered(
        self, items: Sequence[Outgoing], reason: Undelivered, *, at: datetime
    ) -> None:
        """Notify the author of the messages, once for each moment `at`; else the admins."""

    async def closed_to_us(self, item: Outgoing) -> None:
        """Notify the admins that a chat takes no messages."""


class OutboxMetrics(Protocol):
    """The metrics of the outbox."""

    def sent(self, priority: Priority, after_s: float) -> None: ...

    def undelivered(self, reason: Undelivered) -> None: ...

    def waits(self, items: int, oldest_s: float) -> None: ...
