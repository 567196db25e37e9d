"""Emulator of the Telegram Bot API, with a page on which people chat with the bot.

    async with BotApiEmulator() as emulator:
        emulator.add_user(1, "Ana", phone="+5511912345678")
        emulator.send_text(1, 1, "oi")
        await emulator.until(lambda: emulator.messages(1)[1])

`BEHAVIOURS.md` beside this file lists the emulated behaviours and the source of each rule.
"""

from bot.demo.bot_api.emulator import BotApiEmulator
from bot.demo.bot_api.errors import ApiError
from bot.demo.bot_api.page import Link, Scene, Switch

__all__ = ["ApiError", "BotApiEmulator", "Link", "Scene", "Switch"]
