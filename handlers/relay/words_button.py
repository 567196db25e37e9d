"""The buttons that show what was said in a conversation."""

from enum import StrEnum
from typing import Final, Self

from aiogram.filters.callback_data import CallbackData

ALL: Final = "📜 Ver a conversa toda"


class Show(StrEnum):
    BELOW = "b"
    """Show the first page in a message of its own."""
    PAGE = "p"
    """Turn the page, in the message of the button."""
    FILE = "f"


class WordsButton(CallbackData, prefix="words"):
    show: Show
    conversation: str
    page: int = 0

    @classmethod
    def opening(cls, conversation_id: str) -> Self:
        return cls(show=Show.BELOW, conversation=conversation_id)
