"""Tokens of one process: in memory, or in the database."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from bot.domain.errors import TryLaterError
from bot.runtime.leases import keep_tokens
from storage.jobs.erp_tokens import ErpTokens, token_leases
from tests.patience import HANG_S


class MemoryTokens:
    def __init__(self, *, patience_s: float = HANG_S) -> None:
        self.values: dict[str, str] = {}
        self._patience_s = patience_s
        self._turn = asyncio.Lock()

    async def load(self) -> Mapping[str, str]:
        return dict(self.values)

    async def store(self, values: Mapping[str, str]) -> None:
        self.values = dict(values)

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        try:
            await asyncio.wait_for(self._turn.acquire(), self._patience_s)
        except TimeoutError as error:
            raise TryLaterError("another process renews the token") from error
        try:
            yield
        finally:
            self._turn.release()


def stored_tokens(
    database: Any, system: str, clock: Callable[[], datetime], *, patience_s: float = HANG_S
) -> ErpTokens:
    keeper = keep_tokens(token_leases(database), clock, patience_s=patience_s)
    return ErpTokens(database, system, keeper.holding)
