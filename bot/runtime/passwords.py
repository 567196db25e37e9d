"""Argon2id, off the event loop."""

import asyncio
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY
from pydantic import SecretStr

# Each takes 64 MiB while it runs.
_AT_ONCE: Final = 2
_hasher: Final = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
Answer = TypeVar("Answer")


class Argon2Passwords:
    """Hashes and checks passwords in threads of its own, two at once; the others wait."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="argon2")

    async def hash_password(self, password: SecretStr) -> str:
        return await self._apart(lambda: _hasher.hash(_plain(password)))

    async def verify(self, password_hash: str, password: SecretStr) -> bool:
        """Whether the hash is of this password; False for what is no hash at all."""
        try:
            return await self._apart(lambda: _hasher.verify(password_hash, _plain(password)))
        except (VerificationError, InvalidHashError):
            return False

    async def _apart(self, work: Callable[[], Answer]) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def _plain(password: SecretStr) -> bytes:
    # Keyboards differ in how they compose an accent; a lone half of a character is kept as it is,
    # as an error about it would quote the password.
    text = unicodedata.normalize("NFC", password.get_secret_value())
    return text.encode(errors="surrogatepass")
