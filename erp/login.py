"""Tokens that have to be fetched with the credentials first, and fetched again once they end."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from erp.answer import UnauthorizedError

_Key = TypeVar("_Key")
_Answer = TypeVar("_Answer")


class Login(Generic[_Key]):
    """Keeps what `log_in` returned: one login at a time, and another when it is not accepted."""

    def __init__(self, log_in: Callable[[], Awaitable[_Key]]) -> None:
        self._log_in = log_in
        self._key: _Key | None = None
        self._turn = asyncio.Lock()

    async def call(self, ask: Callable[[_Key], Awaitable[_Answer]]) -> _Answer:
        """Return what `ask` returns for the key; after UnauthorizedError, for a new one, once.

        Passes on what `ask` and the login raise; a key that is refused as soon as it is made is
        UnauthorizedError again.
        """
        key = await self._current(None)
        try:
            return await ask(key)
        except UnauthorizedError:
            return await ask(await self._current(key))

    async def _current(self, refused: _Key | None) -> _Key:
        async with self._turn:
            if self._key is None or self._key is refused:
                self._key = None
                self._key = await self._log_in()
            return self._key
