"""Buttons that open a Mini App: where they may stand, and what Telegram signs."""

from typing import Any
from urllib.parse import parse_qsl

import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup, WebAppInfo
from aiogram.utils.web_app import safe_parse_webapp_init_data

from bot.demo.bot_api import BotApiEmulator
from tests.demo.conftest import ANA, GROUP


def keyboard(url: str) -> InlineKeyboardMarkup:
    button = InlineKeyboardButton(text="Tabela", web_app=WebAppInfo(url=url))
    return InlineKeyboardMarkup(inline_keyboard=[[button]])


async def test_who_opens_a_page_is_signed_with_the_bots_token_each_time_anew(
    emulator: BotApiEmulator, bot: Bot
):
    message = await bot.send_message(ANA, "oi", reply_markup=keyboard("https://a.example/?k=1"))
    chat = {"user_id": ANA, "chat_id": ANA, "message_id": message.message_id}

    def signed() -> str:
        opened: dict[str, Any] = emulator.open_web_app(**chat, text="Tabela", theme="dark")
        address, _, fragment = opened["url"].partition("#")
        assert address == "https://a.example/?k=1"
        return dict(parse_qsl(fragment))["tgWebAppData"]

    first, second = signed(), signed()
    assert first != second
    data = safe_parse_webapp_init_data(emulator.token, first)
    assert data.user is not None
    assert data.user.id == ANA
    with pytest.raises(ValueError, match="signature"):
        safe_parse_webapp_init_data("7:other", first)
    with pytest.raises(LookupError):
        emulator.open_web_app(**chat, text="Outra")


@pytest.mark.parametrize(
    ("chat_id", "url", "said"),
    [
        (ANA, "http://a.example", "Only HTTPS links are allowed"),
        (GROUP, "https://a.example", "BUTTON_TYPE_INVALID"),
    ],
)
async def test_a_page_opens_by_https_in_private_chats_only(
    emulator: BotApiEmulator, bot: Bot, chat_id: int, url: str, said: str
):
    with pytest.raises(TelegramBadRequest, match=said):
        await bot.send_message(chat_id, "oi", reply_markup=keyboard(url))
    assert emulator.messages(chat_id) == []
