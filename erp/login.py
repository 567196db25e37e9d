"""Tokens that are fetched with the credentials, and fetched again once they expire."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Generic, TypeVar

from bot.domain.errors import UnreadableError
from erp.answer import HttpAnswer, MaybeExpiredError, UnauthorizedError
from erp.client import ErpClient, Reader
from erp.fields import Fields

# RFC 6749, 5.2, and what is said in place of `invalid_grant`.
_OAUTH: Final = frozenset(
    (
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "invalid_credentials",
        "invalid_scope",
        "unauthorized_client",
        "unsupported_grant_type",
    )
)
_Key = TypeVar("_Key")
_Answer = TypeVar("_Answer")


class Login(Generic[_Key]):
    """Caches the result of `log_in`: one login at a time, and a new one when the key is
    refused."""

    def __init__(self, log_in: Callable[[], Awaitable[_Key]]) -> None:
        self._log_in = log_in
        self._key: _Key | None = None
        self._turn = asyncio.Lock()

    async def call(self, ask: Callable[[_Key], Awaitable[_Answer]]) -> _Answer:
        """Return the result of `ask` with the key; after UnauthorizedError or MaybeExpiredError,
        retry once with a new key.

        Passes on the errors of `ask` and of the login. A new key that is refused at once raises
        the same error again.
        """
        key = await self._current(None)
        try:
            return await ask(key)
        except (UnauthorizedError, MaybeExpiredError):
            return await ask(await self._current(key))

    async def _current(self, refused: _Key | None) -> _Key:
        async with self._turn:
            if self._key is None or self._key is refused:
                self._key = None
                self._key = await self._log_in()
            return self._key


class TokenClient:
    """Reads from an ERP with the bearer token that `log_in` returns."""

    def __init__(self, client: ErpClient, log_in: Callable[[], Awaitable[str]]) -> None:
        self._client = client
        self._login = Login(log_in)

    async def get(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        what: str,
        read: Reader[_Answer],
    ) -> _Answer:
        """Return the result of `read`; see `ErpClient.request`."""
        return await self._login.call(
            lambda token: self._client.request(
                "GET",
                path,
                what=what,
                is_read=True,
                params=params,
                headers={"Authorization": f"Bearer {token}"},
                read=read,
            )
        )


def refuses_login(answer: HttpAnswer) -> bool:
    """Return True if this answer to an OAuth login says that something in it is wrong."""
    said = (answer.text_at("error"), answer.text_at("error", "type"))
    return answer.status == 401 or not _OAUTH.isdisjoint(said)


def access_token(label: str, answer: Fields) -> str:
    """Return the token of a login's answer; raises UnreadableError when there is none."""
    token = answer.get("access_token")
    if not isinstance(token, str) or not token or not (token.isascii() and token.isprintable()):
        raise UnreadableError(f"{label}: no token in the answer")
    return token
