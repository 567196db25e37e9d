"""Buttons below a message."""

from aiogram.filters.callback_data import CallbackData
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup


def button(text: str, data: CallbackData) -> InlineKeyboardButton:
    """Return a button that sends this data when it is pressed."""
    return InlineKeyboardButton(text=text, callback_data=data.pack())


def column(*buttons: InlineKeyboardButton) -> InlineKeyboardMarkup:
    """Return a keyboard with one button in each row."""
    return InlineKeyboardMarkup(inline_keyboard=[[one] for one in buttons])
