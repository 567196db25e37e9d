"""The clients of the settings: opened here, and closed with their contexts."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Final

from aiogram import Bot
from aiogram.client.default import DefaultBotProperties
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.types import LinkPreviewOptions
from aiogram.utils.token import TokenValidationError

from bot.domain.errors import Problem, RefusedError
from bot.runtime.outbound import Outbound
from bot.settings import Settings
from erp.adapter import Erp
from erp.registry import open_erp
from storage.backup import refuse_half_restored
from storage.connection import Database, connected
from storage.embedded import embedded_server
from storage.indexes import ensure_indexes
from storage.search import complete

_TELEGRAM: Final = "https://api.telegram.org"


@asynccontextmanager
async def open_bot(settings: Settings) -> AsyncIterator[Bot]:
    """The bot's client; nothing is asked of Telegram yet. Raises RefusedError for a bad token."""
    session = AiohttpSession(
        api=TelegramAPIServer.from_base(settings.telegram_api_url or _TELEGRAM)
    )
    session.middleware(Outbound())
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


@asynccontextmanager
async def open_database(
    settings: Settings, *, to_restore: bool = False
) -> AsyncIterator[Database]:
    """The database of the settings, the embedded one without a URI, with its indexes.

    Raises RefusedError when half a backup is in it, unless it is opened to be restored.
    """
    async with AsyncExitStack() as stack:
        uri = settings.mongodb_uri.get_secret_value()
        if not uri:
            uri = await stack.enter_async_context(embedded_server(settings.data_dir))
        database = await stack.enter_async_context(connected(uri, settings.mongodb_database))
        await ensure_indexes(database)
        if not to_restore:
            await refuse_half_restored(database)
            await complete(database)
        yield database


def open_erp_of(settings: Settings) -> AbstractAsyncContextManager[Erp]:
    """The ERP of the settings; raises RefusedError when they cannot be right."""
    return open_erp(
        settings.erp_kind,
        url=settings.erp_url,
        token=settings.erp_token,
        username=settings.erp_username,
        password=settings.erp_password,
        client_id=settings.erp_client_id,
        client_secret=settings.erp_client_secret,
        database=settings.erp_database,
    )


@asynccontextmanager
async def open_customer_lookup(settings: Settings) -> AsyncIterator[Erp | None]:
    """The same, or None when no ERP is set."""
    if not settings.erp_kind:
        yield None
        return
    async with open_erp_of(settings) as erp:
        yield erp
