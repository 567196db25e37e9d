"""The choice of a field to correct, below a card and below a customer's request."""

from typing import Final

from aiogram import html
from aiogram.filters.callback_data import CallbackData
from aiogram.types import InlineKeyboardMarkup

from bot.domain.fields import CORRECTED, SHAPES, Shape
from bot.domain.phone import show_phone
from bot.domain.registration import Registration
from bot.wording.values import EMPTY, LABELS
from handlers.buttons import button, in_rows

_BUTTONS: Final = {
    "phones.mobile": "📱 Celular",
    "phones.home": "🏠 Residencial",
    "phones.commercial": "🏢 Comercial",
    "email": "✉️ E-mail",
    "fixed_note": "📌 Observação fixa",
}
_LONGEST: Final = 200


class CorrectButton(CallbackData, prefix="correct"):
    """Begins the correction of one field."""

    conversation: str
    path: str


def menu_text(registration: Registration) -> str:
    """Return the question for the field, with the values that are on record."""
    lines = [f"✏️ O que corrigir no cadastro de <b>{html.quote(registration.name)}</b>?", ""]
    for path in CORRECTED:
        value = registration.value(path)
        shown = show_field(path, value if isinstance(value, str) else "")
        cut = shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"
        lines.append(f"{LABELS[path]}: {html.quote(cut)}")
    return "\n".join(lines)


def menu_keyboard(conversation_id: str) -> InlineKeyboardMarkup:
    fields = [
        button(_BUTTONS[path], CorrectButton(conversation=conversation_id, path=path))
        for path in CORRECTED
    ]
    return in_rows(fields, in_a_row=2)


def show_field(path: str, value: str) -> str:
    """Return the value of a field that attendants correct, as plain text."""
    if not value:
        return EMPTY
    return show_phone(value) if SHAPES[path] is Shape.PHONE else value
