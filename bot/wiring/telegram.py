"""Telegram's client of the settings."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from aiogram import Bot
from aiogram.client.default import DefaultBotProperties
from aiogram.client.telegram import TelegramAPIServer
from aiogram.types import LinkPreviewOptions
from aiogram.utils.token import TokenValidationError
from aiogram.utils.web_app import safe_parse_webapp_init_data
from pydantic import SecretStr

from bot.domain.console import Launch
from bot.domain.errors import Problem, RefusedError
from bot.runtime.sending.answers import TelegramSession
from bot.runtime.sending.call_spans import CallSpans
from bot.runtime.sending.limits import TELEGRAM_LIMITS, RateLimiter
from bot.runtime.sending.outbound import Outbound
from bot.runtime.tracing import NO_TRACES, Tracer
from bot.settings import Settings

_TELEGRAM: Final = "https://api.telegram.org"


@asynccontextmanager
async def open_bot(
    settings: Settings, limiter: RateLimiter | None = None, *, tracer: Tracer = NO_TRACES
) -> AsyncIterator[Bot]:
    """Open the bot's client, without a request yet; raises RefusedError for a malformed token.

    limiter: shared with others that send; a new one unless given.
    """
    session = TelegramSession(
        api=TelegramAPIServer.from_base(settings.telegram_api_url or _TELEGRAM)
    )
    session.middleware(Outbound(limiter or RateLimiter(TELEGRAM_LIMITS)))
    if tracer is not NO_TRACES:
        session.middleware(CallSpans(tracer))
    try:
        bot = Bot(
            settings.bot_token.get_secret_value(),
            session=session,
            default=DefaultBotProperties(
                parse_mode="HTML",
                link_preview=LinkPreviewOptions(is_disabled=True),
                # An answer to a message that was deleted meanwhile is just a message.
                allow_sending_without_reply=True,
            ),
        )
    except TokenValidationError as error:
        raise RefusedError(
            "the bot's token does not have the right form", problem=Problem.BOT_TOKEN
        ) from error
    try:
        yield bot
    finally:
        await session.close()


def launch_reader(token: SecretStr) -> Callable[[str], Launch | None]:
    """Return a function that reads what Telegram signed for this bot when a user opened a page.

    It returns None for everything else, and takes a launch of any age.
    """

    def read(init_data: str) -> Launch | None:
        try:
            data = safe_parse_webapp_init_data(token.get_secret_value(), init_data)
        except ValueError:
            return None
        if data.user is None:
            return None
        return Launch(user_id=data.user.id, at=data.auth_date, signature=data.hash)

    return read
