"""Tokens kept in memory, as `storage` keeps them in the database."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager


class MemoryTokens:
    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self._turn = asyncio.Lock()

    async def load(self) -> Mapping[str, str]:
        return dict(self.values)

    async def store(self, values: Mapping[str, str]) -> None:
        self.values = dict(values)

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        async with self._turn:
            yield
