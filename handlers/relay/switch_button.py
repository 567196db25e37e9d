"""The button below a message that holds another document than the conversation's."""

from aiogram.filters.callback_data import CallbackData


class SwitchButton(CallbackData, prefix="switch"):
    """Switches the conversation to the document that has this fingerprint."""

    conversation: str
    mark: str
