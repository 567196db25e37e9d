"""A bot in this process, with the emulated Telegram and ERP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from bot import app
from bot.demo.bot_api import BotApiEmulator
from bot.demo.ixc import CREDENTIAL, IxcEmulator, demo_emulator
from bot.runtime.sending.limits import NO_LIMITS, RateLimiter
from bot.settings import Settings
from bot.wiring import clients
from bot.wiring.telegram import open_bot
from tests.flows.conftest import ADMIN_ID, GROUP_ID, Clock, Telegram


@asynccontextmanager
async def serving(database: Any, clock: Clock) -> AsyncIterator[tuple[Telegram, IxcEmulator]]:
    """Yield the people who write to the bot, and its ERP."""
    async with BotApiEmulator() as telegram, demo_emulator() as erp:
        people = Telegram(telegram)
        settings = Settings.model_validate(
            {
                "bot_token": telegram.token,
                "telegram_api_url": telegram.url,
                "admin_ids": (ADMIN_ID,),
                "attendants_chat_id": GROUP_ID,
                "erp_kind": "ixc",
                "erp_url": erp.url,
                "erp_token": CREDENTIAL,
                "sync_interval_minutes": 0,
            }
        )
        limiter = RateLimiter(NO_LIMITS)
        async with (
            clients.open_erp_of(settings, database) as lookup,
            open_bot(settings, limiter) as bot,
        ):
            people.balcao = app.build(
                settings, bot=bot, limiter=limiter, database=database, erp=lookup, clock=clock
            )
            async with app.serving(people.balcao):
                yield people, erp
