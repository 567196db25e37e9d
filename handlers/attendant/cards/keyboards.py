"""The card's buttons: below the card, and fewer below a message of the customer."""

from enum import StrEnum

from aiogram.filters.callback_data import CallbackData
from aiogram.types import InlineKeyboardMarkup

from bot.domain.card import Card
from bot.domain.conversation import Conversation
from handlers.buttons import button, in_rows


class Action(StrEnum):
    CLAIM = "a"
    FULL_CARD = "f"
    CLOSE = "e"
    NOTE = "n"
    CORRECT = "c"
    TRANSFER = "t"
    REOPEN = "r"
    READY = "s"


class CardButton(CallbackData, prefix="card"):
    action: Action
    conversation: str


def keyboard(card: Card) -> InlineKeyboardMarkup | None:
    """Return buttons for the actions that are still possible, two in a row.

    Returns None if the conversation has moved to another group.
    """
    if card.moved:
        return None
    more = [("💬 Respostas", Action.READY), ("📌 Observação fixa", Action.NOTE)]
    if card.registration:
        more.append(("✏️ Corrigir cadastro", Action.CORRECT))
    return _possible(card.conversation, ("📋 Ficha completa", Action.FULL_CARD), *more)


def below_message(conversation: Conversation) -> InlineKeyboardMarkup:
    """Return the buttons that stand below a message of the customer when the card is far above."""
    return _possible(conversation, ("📋 Ficha", Action.FULL_CARD))


def _possible(
    conversation: Conversation, full: tuple[str, Action], *more: tuple[str, Action]
) -> InlineKeyboardMarkup:
    actions = [("✋ Atender", Action.CLAIM)] if conversation.waits else []
    actions.append(full)
    if conversation.is_open:
        actions += [*more, ("↪️ Transferir", Action.TRANSFER), ("☑️ Encerrar", Action.CLOSE)]
    elif conversation.closed_by:
        actions.append(("🔓 Reabrir", Action.REOPEN))
    buttons = [
        button(text, CardButton(action=action, conversation=conversation.id))
        for text, action in actions
    ]
    return in_rows(buttons, in_a_row=2)
