from collections.abc import AsyncIterator

import pytest
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer

from bot.demo.bot_api import BotApiEmulator

ANA, BRUNO, CARLA = 11, 12, 13
GROUP, FORUM = -1001000000001, -1001000000002


def bot_for(emulator: BotApiEmulator, token: str | None = None) -> Bot:
    session = AiohttpSession(api=TelegramAPIServer.from_base(emulator.url))
    return Bot(token or emulator.token, session=session)


@pytest.fixture
async def emulator() -> AsyncIterator[BotApiEmulator]:
    """Give an emulator with three people and two groups.

    Ana has started the bot. Bruno and Carla are in a group and in a forum, both with the bot.
    """
    async with BotApiEmulator() as emulator:
        emulator.add_user(ANA, "Ana", "Souza", "ana", "+5511912345678", started=True)
        emulator.add_user(BRUNO, "Bruno")
        emulator.add_user(CARLA, "Carla")
        emulator.add_group(GROUP, "Atendentes", members=(BRUNO, CARLA))
        emulator.add_group(FORUM, "Suporte", forum=True, members=(BRUNO, CARLA))
        yield emulator


@pytest.fixture
async def bot(emulator: BotApiEmulator) -> AsyncIterator[Bot]:
    bot = bot_for(emulator)
    yield bot
    # aiogram's own close also sleeps 0.25 s for TLS connections, which this session does not have.
    session = bot.session
    assert isinstance(session, AiohttpSession)
    if session._session is not None:
        await session._session.close()
