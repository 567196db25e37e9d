"""Argon2id password hashing, off the event loop."""

import asyncio
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import ARGON2_VERSION
from argon2.profiles import RFC_9106_LOW_MEMORY
from pydantic import SecretStr

from bot.domain.normal_form import normalized

# Each hash takes 64 MiB while it runs.
_AT_ONCE: Final = 2
_hasher: Final = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
Answer = TypeVar("Answer")


class Argon2Passwords:
    """Hashes and verifies passwords in threads of its own, two at a time; further calls wait."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="argon2")

    async def hash_password(self, password: SecretStr) -> str:
        return await self._apart(lambda: _hasher.hash(_plain(password)))

    async def verify(self, password_hash: str | None, password: SecretStr) -> bool:
        """Return True if the hash belongs to this password.

        Returns False for a text that is no hash, and for None, which takes as long as a wrong
        password.
        """
        compared = _nobodys() if password_hash is None else password_hash
        try:
            is_right = await self._apart(lambda: _hasher.verify(compared, _plain(password)))
            return is_right and password_hash is not None
        except (VerificationError, InvalidHashError):
            return False

    async def _apart(self, work: Callable[[], Answer]) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


@cache
def _nobodys() -> str:
    """Return a hash that costs as much as the stored ones, of a password that nobody knows."""
    salt, digest = (
        b64encode(bytes(length)).decode().rstrip("=")
        for length in (_hasher.salt_len, _hasher.hash_len)
    )
    cost = f"m={_hasher.memory_cost},t={_hasher.time_cost},p={_hasher.parallelism}"
    return f"$argon2id$v={ARGON2_VERSION}${cost}${salt}${digest}"


def _plain(password: SecretStr) -> bytes:
    # NFC, because keyboards differ in how they compose an accent. A lone surrogate is kept: an
    # error about it would quote the password.
    text = normalized("NFC", password.get_secret_value())
    return text.encode(errors="surrogatepass")
