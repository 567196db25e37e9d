"""A bot in this process, with the emulated Telegram and ERP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from bot.demo.bot_api import BotApiEmulator
from bot.demo.ixc import IxcEmulator, demo_emulator
from tests.flows import conftest
from tests.flows.conftest import Clock, Telegram


@asynccontextmanager
async def serving(database: Any, clock: Clock) -> AsyncIterator[tuple[Telegram, IxcEmulator]]:
    """Yield the people who write to the bot, and its ERP."""
    async with (
        BotApiEmulator() as telegram,
        demo_emulator() as erp,
        conftest.serving(Telegram(telegram), database, clock=clock, erp_url=erp.url) as people,
    ):
        yield people, erp
