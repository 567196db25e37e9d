"""The webhook: Telegram posts an update, and gets 200 once it is stored in the inbox."""

import json
from collections.abc import Awaitable, Callable, Sequence
from hmac import compare_digest
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from bot.domain.errors import AppError
from bot.runtime.updates.inbox import Payload

SECRET_HEADER: Final = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - a header's name
# The largest that people can make are some 100 KB. Telegram repeats what is refused, and the
# chat's later updates wait for it.
_BODY_BYTES: Final = 1024 * 1024
# Otherwise Telegram's pauses double up to a minute or two, also when the trouble is long over.
_AGAIN_S: Final = 1
_IDS: Final = range(1, 2**63)

logger = structlog.get_logger()


class Webhook:
    """Receives updates at one path, from `open` to `close`; Telegram repeats what it refuses."""

    def __init__(self, url: str, take: Callable[[Sequence[Payload]], Awaitable[None]]) -> None:
        """url: what Telegram is told. take: stores updates; when it returns they are safe."""
        self.url = url
        self._path = urlsplit(url).path
        self._take = take
        self._secret = b""

    @property
    def is_open(self) -> bool:
        return bool(self._secret)

    def open(self, secret: str) -> None:
        """Take what comes with this secret."""
        self._secret = secret.encode()

    def close(self) -> None:
        """Take nothing more; what is being stored is still confirmed."""
        self._secret = b""

    @property
    def middleware(self) -> Middleware:
        """What answers at the webhook's path, before any route of the same application."""

        @web.middleware
        async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
            if request.path != self._path:
                return await handler(request)
            status = await self._receive(request)
            if status is HTTPStatus.OK:
                return web.Response()
            response = web.Response(status=status)
            if status is HTTPStatus.SERVICE_UNAVAILABLE:
                response.headers["Retry-After"] = str(_AGAIN_S)
            # The rest of the body is not read, and a balancer chooses anew.
            response.force_close()
            return response

        return answer

    async def _receive(self, request: web.Request) -> HTTPStatus:
        if not self.is_open:
            return HTTPStatus.SERVICE_UNAVAILABLE
        given = request.headers.get(SECRET_HEADER, "")
        # Nothing is read before this.
        if not compare_digest(given.encode(errors="surrogateescape"), self._secret):
            return HTTPStatus.UNAUTHORIZED
        if request.method != "POST":
            return HTTPStatus.METHOD_NOT_ALLOWED
        if (body := await _read(request)) is None:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        if (update := _update_of(body)) is None:
            logger.error("no update in a request with Telegram's secret", size=len(body))
            return HTTPStatus.BAD_REQUEST
        try:
            await self._take([update])
        except AppError as error:
            logger.warning("update not stored", update=update["update_id"], error=str(error))
            return HTTPStatus.SERVICE_UNAVAILABLE
        return HTTPStatus.OK


async def _read(request: web.Request) -> bytes | None:
    """Return the body, or None where it is larger than any update."""
    if (request.content_length or 0) > _BODY_BYTES:
        return None
    body = bytearray()
    try:
        async for piece in request.content.iter_any():
            body += piece
            if len(body) > _BODY_BYTES:
                return None
    except (web.RequestPayloadError, ConnectionError):
        # Half a body is no update.
        return b""
    return bytes(body)


def _update_of(body: bytes) -> Payload | None:
    try:
        update = json.loads(body)
    except (ValueError, RecursionError):
        return None
    number = update.get("update_id") if isinstance(update, dict) else None
    return update if type(number) is int and number in _IDS else None
