"""Inline keyboards, made of rows of buttons with callback data."""

from collections.abc import Sequence

from aiogram.filters.callback_data import CallbackData
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup


def button(text: str, data: CallbackData) -> InlineKeyboardButton:
    return InlineKeyboardButton(text=text, callback_data=data.pack())


def in_rows(
    buttons: Sequence[InlineKeyboardButton],
    *last: InlineKeyboardButton,
    in_a_row: int = 1,
) -> InlineKeyboardMarkup:
    """Return the keyboard with these buttons; each of `last` has a row of its own below them."""
    rows = [list(buttons[start : start + in_a_row]) for start in range(0, len(buttons), in_a_row)]
    return InlineKeyboardMarkup(inline_keyboard=[*rows, *([one] for one in last)])
