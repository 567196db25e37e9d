"""The bot's client of the settings."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aiogram import Bot
from aiogram.client.default import DefaultBotProperties
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.types import LinkPreviewOptions
from aiogram.utils.token import TokenValidationError

from bot.domain.errors import Problem, RefusedError
from bot.runtime.sending.limits import TELEGRAM_LIMITS, Turns
from bot.runtime.sending.outbound import Outbound
from bot.settings import Settings

_TELEGRAM: Final = "https://api.telegram.org"


class _PlainSession(AiohttpSession):
    """A session with a Bot API server without TLS, which has nothing to wait for at its end."""

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


@asynccontextmanager
async def open_bot(settings: Settings, turns: Turns | None = None) -> AsyncIterator[Bot]:
    """The bot's client; nothing is asked of Telegram yet. Raises RefusedError for a bad token.

    turns: in which it sends, for whoever else sends in them; its own unless given.
    """
    url = settings.telegram_api_url or _TELEGRAM
    kind = _PlainSession if url.startswith("http://") else AiohttpSession
    session = kind(api=TelegramAPIServer.from_base(url))
    session.middleware(Outbound(turns or Turns(TELEGRAM_LIMITS)))
    try:
        bot = Bot(
            settings.bot_token.get_secret_value(),
            session=session,
            default=DefaultBotProperties(
                parse_mode="HTML", link_preview=LinkPreviewOptions(is_disabled=True)
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
