"""Verification by an attendant: a button below the full card, which asks before it verifies."""

from enum import StrEnum
from typing import assert_never

from aiogram import Bot, F, Router, html
from aiogram.filters.callback_data import CallbackData
from aiogram.types import (
    CallbackQuery,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    MaybeInaccessibleMessageUnion,
)

from bot.domain.card import Card
from bot.domain.conversation import Identity
from bot.domain.registration import Registration
from bot.usecases.attending.attend import AlreadyClosed, Done, Gone
from bot.usecases.attending.verify_by_hand import (
    AlreadyVerified,
    NothingToVerify,
    OtherRegistration,
    Refusal,
    Verifiable,
    VerifyByHand,
)
from handlers.answers import answer_press
from handlers.attendant import texts
from handlers.attendant.group import attendant_of, below, edit

_MARK = 8


class Step(StrEnum):
    ASK = "a"
    YES = "y"
    NO = "n"


class VerifyButton(CallbackData, prefix="verify"):
    step: Step
    conversation: str
    registration: str = ""
    """First characters of the registration's id: both ids in full would be too long."""


def offer(card: Card) -> InlineKeyboardMarkup | None:
    """Return the button; None if verified, closed, or without a registration to verify as."""
    conversation, registration = card.conversation, card.registration
    is_verified = conversation.customer.identity is Identity.VERIFIED
    if registration is None or is_verified or not conversation.is_open:
        return None
    return _keyboard((texts.VERIFY, VerifyButton(step=Step.ASK, conversation=conversation.id)))


async def ask(
    callback: CallbackQuery,
    callback_data: VerifyButton,
    message: MaybeInaccessibleMessageUnion,
    verify_by_hand: VerifyByHand,
    bot: Bot,
) -> None:
    found = await verify_by_hand.whom(callback_data.conversation, group_id=message.chat.id)
    if not isinstance(found, Verifiable):
        await answer_press(callback, _refused(found), alert=True)
        return
    await answer_press(callback)
    await below(bot, message, texts.verify(_who(found.registration)), keyboard=_yes_or_no(found))


async def confirm(
    callback: CallbackQuery,
    callback_data: VerifyButton,
    message: MaybeInaccessibleMessageUnion,
    verify_by_hand: VerifyByHand,
    bot: Bot,
) -> None:
    attendant = attendant_of(callback.from_user)
    outcome = await verify_by_hand(
        callback_data.conversation,
        callback_data.registration,
        attendant,
        group_id=message.chat.id,
    )
    if isinstance(outcome, Done):
        await answer_press(callback, texts.VERIFIED_NOW)
        await _end(bot, message, texts.verified_by(attendant.name))
        return
    await answer_press(callback, _refused(outcome), alert=True)
    if isinstance(outcome, AlreadyVerified) and (
        verifier := outcome.conversation.customer.verifier
    ):
        # A colleague pressed first: the question is edited to name the colleague.
        await _end(bot, message, texts.verified_by(verifier.name))
        return
    await _end(bot, message, html.quote(_refused(outcome)))


async def cancel(
    callback: CallbackQuery, message: MaybeInaccessibleMessageUnion, bot: Bot
) -> None:
    await answer_press(callback)
    await _end(bot, message, texts.NOT_VERIFIED)


def router() -> Router:
    """Return the router; it is included among the group's card buttons."""
    router = Router(name="verifying")
    message = F.message.as_("message")
    for step, handler in ((Step.ASK, ask), (Step.YES, confirm), (Step.NO, cancel)):
        router.callback_query.register(handler, VerifyButton.filter(F.step == step), message)
    return router


def _refused(refusal: Refusal) -> str:
    match refusal:
        case AlreadyVerified():
            return texts.ALREADY_VERIFIED
        case NothingToVerify():
            return texts.NOBODY_TO_VERIFY
        case OtherRegistration():
            return texts.SOMEBODY_ELSE
        case AlreadyClosed(conversation):
            return texts.already_closed(conversation.closed_by)
        case Gone():
            return texts.GONE
        case _:
            assert_never(refusal)


def _who(registration: Registration) -> str:
    tax_id = registration.tax_id
    return f"{registration.name}, {tax_id.label} {tax_id.masked}" if tax_id else registration.name


def _yes_or_no(found: Verifiable) -> InlineKeyboardMarkup:
    def button(step: Step) -> VerifyButton:
        return VerifyButton(
            step=step,
            conversation=found.conversation.id,
            registration=found.registration.id[:_MARK],
        )

    return _keyboard((texts.VERIFY_YES, button(Step.YES)), (texts.VERIFY_NO, button(Step.NO)))


def _keyboard(*buttons: tuple[str, VerifyButton]) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup(
        inline_keyboard=[
            [InlineKeyboardButton(text=text, callback_data=data.pack())] for text, data in buttons
        ]
    )


async def _end(bot: Bot, message: MaybeInaccessibleMessageUnion, text: str) -> None:
    """Replace the question with its outcome."""
    await edit(bot, message.chat.id, message.message_id, text)
