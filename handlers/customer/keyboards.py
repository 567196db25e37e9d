"""Keyboards of the customer's chat."""

from aiogram.filters.callback_data import CallbackData
from aiogram.types import (
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    KeyboardButton,
    ReplyKeyboardMarkup,
)

from handlers.customer import texts


class NotMe(CallbackData, prefix="notme"):
    """Somebody else is writing from this chat now."""


def share_phone() -> ReplyKeyboardMarkup:
    return ReplyKeyboardMarkup(
        keyboard=[
            [KeyboardButton(text=texts.SHARE_PHONE, request_contact=True)],
            [KeyboardButton(text=texts.SKIP)],
        ],
        resize_keyboard=True,
        one_time_keyboard=True,
    )


def not_me() -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup(
        inline_keyboard=[[InlineKeyboardButton(text=texts.NOT_ME, callback_data=NotMe().pack())]]
    )
