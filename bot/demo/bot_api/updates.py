"""The bot's updates: numbered, kept until confirmed, delivered by long poll."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from bot.demo.bot_api.errors import OTHER_GET_UPDATES, ApiError

LONG_POLL_LIMIT_S = 50
NOT_BY_DEFAULT = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
"""Kinds that a bot receives only if allowed_updates names them."""


class Queued(NamedTuple):
    update_id: int
    chat_id: int
    update: dict[str, Any]


class UpdateQueue:
    """Updates not confirmed yet. At most one long poll waits for them."""

    def __init__(self, first_update_id: int, *, changed: Callable[[], None]) -> None:
        self.pending: deque[Queued] = deque()
        self.confirmed_update_id = first_update_id - 1
        self.allowed: frozenset[str] | None = None
        self._next_id = first_update_id
        self.on_add: Callable[[], None] | None = None
        """Called for every new update, besides the waiting long poll."""
        self._changed = changed
        self._waiter: asyncio.Future[None] | None = None

    def add(self, kind: str, payload: dict[str, Any], *, chat_id: int) -> None:
        """Queue one update, unless allowed_updates excludes its kind."""
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
        """Set the allowed kinds. None changes nothing; an empty list restores the default."""
        if kinds is not None:
            self.allowed = frozenset(kinds) or None

    def confirm(self, update_ids: Iterable[int]) -> None:
        """Remove updates that the bot has certainly received."""
        known = set(update_ids)
        self.pending = deque(queued for queued in self.pending if queued.update_id not in known)
        self.confirmed_update_id = max(self.confirmed_update_id, *known)
        self._changed()

    def drop_pending(self) -> None:
        if self.pending:
            self.confirm([queued.update_id for queued in self.pending])

    async def poll(self, *, offset: int, limit: int, timeout_s: int) -> list[dict[str, Any]]:
        """Return the updates for getUpdates; wait up to timeout_s for the first one.

        Raises ApiError 409 in an earlier call that still waits when a second one comes.
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
        """End a waiting long poll, with an error or with the pending updates."""
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
