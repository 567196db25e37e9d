"""Telegram's calls in traces: method, status and the wait that it asked for, and nothing else."""

import time
from typing import Final

from aiogram import Bot
from aiogram.client.session.middlewares.base import (
    BaseRequestMiddleware,
    NextRequestMiddlewareType,
)
from aiogram.exceptions import TelegramRetryAfter
from aiogram.methods import Response, TelegramMethod
from aiogram.methods.base import TelegramType

from bot.runtime.sending.answers import ERRORS
from bot.runtime.tracing import ERROR, Tracer, Value

_STATUS: Final = "http.response.status_code"
_CODES: Final[dict[type[BaseException], int]] = {kind: code for code, kind in ERRORS.items()}


class CallSpans(BaseRequestMiddleware):
    """Records each call that is made, after the waits for its turn."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    async def __call__(
        self,
        make_request: NextRequestMiddlewareType[TelegramType],
        bot: Bot,
        method: TelegramMethod[TelegramType],
    ) -> Response[TelegramType]:
        began, name = time.monotonic(), method.__api_method__
        values: dict[str, Value] = {"balcao.telegram.method": name}
        try:
            result = await make_request(bot, method)
        except BaseException as error:
            values[ERROR] = type(error).__name__
            if isinstance(error, TelegramRetryAfter):
                values |= {_STATUS: 429, "balcao.telegram.retry_after": error.retry_after}
            elif (error_type := type(error)) in _CODES:
                values[_STATUS] = _CODES[error_type]
            raise
        else:
            values[_STATUS] = 200
            return result
        finally:
            self._tracer.took(f"telegram {name}", time.monotonic() - began, values)
