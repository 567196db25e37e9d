"""A second replica for tests: an inbox and locks as another process has them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from bot.domain.errors import TryLaterError
from bot.runtime.leases import keep_chats, keep_polling
from bot.runtime.updates.inbox import Inbox
from bot.runtime.updates.polling import PollingTurn
from storage.engine.connection import server_time
from storage.updates.inbox import Inbox as StoredInbox
from storage.updates.states import chat_leases, polling_leases
from tests.flows.conftest import Clock


def update(number: int, chat_id: int = 7) -> dict[str, Any]:
    return {"update_id": number, "message": {"chat": {"id": chat_id}}}


def first_turn(database: Any) -> PollingTurn:
    """Return the turn to poll of another bot than the one that is served."""
    return PollingTurn(1, keep_polling(polling_leases(database), server_time(database)))


class Replica:
    """An inbox with its own locks, as another process would have them."""

    def __init__(self, database: Any, clock: Clock) -> None:
        self.handled: list[int] = []
        self.set_aside: list[tuple[int, str, str]] = []
        self.trouble: dict[int, Exception] = {}
        self.gate: asyncio.Event | None = None
        self.tried = 0
        self.done = 0
        """How many calls Telegram has done for others."""
        self.is_away = False
        self.asked = 0
        self.store = StoredInbox(database)
        self.locks = keep_chats(chat_leases(database), clock)
        self.inbox = Inbox(
            bot_id=1,
            store=self.store,
            handle=self._handle,
            holding=partial(self.locks.holding, patience_s=0.0, wake=True),
            set_aside=self._set_aside,
            telegram_answers=self._answers,
            done_in_telegram=lambda: self.done,
            clock=clock,
        )
        self.locks.on_release(self.inbox.forget)
        self.locks.on_wake(self.inbox.reread)

    async def _handle(self, payload: dict[str, Any]) -> None:
        self.tried += 1
        if self.gate:
            await self.gate.wait()
        if error := self.trouble.get(payload["update_id"]):
            raise error
        self.handled.append(payload["update_id"])

    async def _answers(self, _: str) -> None:
        self.asked += 1
        if self.is_away:
            raise TryLaterError("Telegram is away")

    async def _set_aside(self, update_id: int, key: str, error: str) -> None:
        self.set_aside.append((update_id, key, error))


@asynccontextmanager
async def background(work: Any) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
