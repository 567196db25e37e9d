"""Tokens kept in memory, with the same interface as the store in the database."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from bot.domain.errors import TryLaterError
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
