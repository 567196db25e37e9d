"""The bot's updates: numbered, kept until confirmed, handed out by long poll."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from bot.demo.bot_api.errors import OTHER_GET_UPDATES, ApiError

LONG_POLL_LIMIT_S = 50
NOT_BY_DEFAULT = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
"""Kinds a bot gets only when it names them in allowed_updates."""


class Queued(NamedTuple):
    update_id: int
    chat_id: int
    update: dict[str, Any]


class UpdateQueue:
    """Updates nobody has confirmed yet; one long poll at a time waits for them."""

    def __init__(self, first_update_id: int, *, changed: Callable[[], None]) -> None:
        self.pending: deque[Queued] = deque()
        self.confirmed_update_id = first_update_id - 1
        self.allowed: frozenset[str] | None = None
        self._next_id = first_update_id
        self.on_add: Callable[[], None] | None = None
        """Told of every new update, besides the long poll that waits for it."""
        self._changed = changed
        self._waiter: asyncio.Future[None] | None = None

    def add(self, kind: str, payload: dict[str, Any], *, chat_id: int) -> None:
        """Queue one update, unless allowed_updates leaves its kind out."""
        allowed = self.allowed
        if kind in NOT_BY_DEFAULT if allowed is None else kind not in allowed:
            return
        update_id = self._next_id
        self._next_id += 1
        self.pending.append(Queued(update_id, chat_id, {"update_id": update_id, kind: payload}))
        self._release()
        if self.on_add is not None:
            self.on_add()
        self._changed()

    def allow(self, kinds: Sequence[str] | None) -> None:
        """None keeps what was allowed before; an empty list brings the default back."""
        if kinds is not None:
            self.allowed = frozenset(kinds) or None

    def confirm(self, update_ids: Iterable[int]) -> None:
        """Forget updates that were received for certain."""
        known = set(update_ids)
        self.pending = deque(queued for queued in self.pending if queued.update_id not in known)
        self.confirmed_update_id = max(self.confirmed_update_id, *known)
        self._changed()

    def drop_pending(self) -> None:
        if self.pending:
            self.confirm([queued.update_id for queued in self.pending])

    async def poll(self, *, offset: int, limit: int, timeout_s: int) -> list[dict[str, Any]]:
        """What getUpdates returns; waits up to timeout_s for the first update.

        Raises ApiError 409 in the earlier call when a second one comes meanwhile.
        """
        self.end_poll(ApiError(409, OTHER_GET_UPDATES))
        self._apply_offset(offset)
        if not self.pending and timeout_s > 0:
            loop = asyncio.get_running_loop()
            waiter: asyncio.Future[None] = loop.create_future()
            self._waiter = waiter
            timer = loop.call_later(min(timeout_s, LONG_POLL_LIMIT_S), self._release, waiter)
            try:
                await waiter
            finally:
                timer.cancel()
                if self._waiter is waiter:
                    self._waiter = None
        return [queued.update for queued, _ in zip(self.pending, range(limit), strict=False)]

    def end_poll(self, error: ApiError | None = None) -> None:
        """End a waiting long poll: with an error, or with what there is."""
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            if error is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(error)

    def _release(self, waiter: asyncio.Future[None] | None = None) -> None:
        waiter = waiter or self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _apply_offset(self, offset: int) -> None:
        pending = self.pending
        if offset < 0:
            offset = self._next_id + offset
        if offset <= 0 or not pending or pending[0].update_id >= offset:
            return
        while pending and pending[0].update_id < offset:
            self.confirmed_update_id = pending.popleft().update_id
        self._changed()
