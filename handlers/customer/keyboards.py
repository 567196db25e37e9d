"""Keyboards of the customer's chat."""

from collections.abc import Sequence

from aiogram.filters.callback_data import CallbackData
from aiogram.types import (
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    KeyboardButton,
    ReplyKeyboardMarkup,
)

from bot.domain.conversation import Department
from handlers.buttons import button, in_rows
from handlers.customer import texts


class NotMe(CallbackData, prefix="notme"):
    """A press says that another person uses this chat now."""


class WithoutTaxId(CallbackData, prefix="nodoc"):
    """A press goes on without a document."""


def without_tax_id() -> InlineKeyboardMarkup:
    return in_rows([button(texts.GO_WITHOUT, WithoutTaxId())])


def ways_to_confirm(*, portal: bool) -> ReplyKeyboardMarkup:
    """Return the buttons to prove an identity, the same for every customer.

    portal: True if the portal login is offered.
    """
    return _keyboard(
        KeyboardButton(text=texts.SHARE_PHONE, request_contact=True),
        *([KeyboardButton(text=texts.PORTAL_LOGIN)] if portal else []),
        KeyboardButton(text=texts.SKIP),
    )


def share_phone() -> ReplyKeyboardMarkup:
    return _keyboard(KeyboardButton(text=texts.SHARE_PHONE, request_contact=True))


def portal_login() -> ReplyKeyboardMarkup:
    return _keyboard(KeyboardButton(text=texts.PORTAL_LOGIN))


def logging_in() -> ReplyKeyboardMarkup:
    return _keyboard(KeyboardButton(text=texts.BACK), KeyboardButton(text=texts.SKIP))


def _keyboard(*buttons: KeyboardButton) -> ReplyKeyboardMarkup:
    return ReplyKeyboardMarkup(
        keyboard=[[button] for button in buttons], resize_keyboard=True, one_time_keyboard=True
    )


class ChooseDepartment(CallbackData, prefix="dep"):
    """The chosen department."""

    id: str


def departments(offered: Sequence[Department], *, returning: bool = False) -> InlineKeyboardMarkup:
    """Return a button for each department.

    returning: also a "not me" button, since another person may use this chat now.
    """
    choices = [button(one.shown, ChooseDepartment(id=one.id)) for one in offered]
    return in_rows(choices, *([_not_me()] if returning else []))


class OtherSubject(CallbackData, prefix="other"):
    """A press says that what reopened this conversation is another subject."""

    conversation: str


def reopened(conversation_id: str) -> InlineKeyboardMarkup:
    other = button(texts.OTHER_SUBJECT, OtherSubject(conversation=conversation_id))
    return in_rows([other], _not_me())


def not_me() -> InlineKeyboardMarkup:
    return in_rows([_not_me()])


def _not_me() -> InlineKeyboardButton:
    return button(texts.NOT_ME, NotMe())
