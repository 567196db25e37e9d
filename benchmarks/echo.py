"""The bare aiogram bot that the benchmark compares with: it echoes each message."""

import asyncio
import os

from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.types import Message


async def echo(message: Message) -> None:
    await message.answer(message.text or "?")


async def main() -> None:
    api = TelegramAPIServer.from_base(os.environ["BALCAO_TELEGRAM_API_URL"])
    bot = Bot(os.environ["BALCAO_BOT_TOKEN"], session=AiohttpSession(api=api))
    dispatcher = Dispatcher()
    dispatcher.message.register(echo)
    await dispatcher.start_polling(bot)


asyncio.run(main())
