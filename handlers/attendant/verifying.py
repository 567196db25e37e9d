"""Verification by an attendant: a button below the full card, which asks before it verifies.

Another button takes any proof back, at once: that shows nothing to anybody.
"""

from enum import StrEnum

from aiogram import F, Router, html
from aiogram.filters.callback_data import CallbackData
from aiogram.types import CallbackQuery, InlineKeyboardButton, InlineKeyboardMarkup

from bot.domain.card import Card
from bot.domain.conversation import Identity
from bot.domain.registration import Registration
from bot.usecases.attending.attend import Done
from bot.usecases.attending.verify_by_hand import AlreadyVerified, Verifiable, VerifyByHand
from handlers.attendant import texts
from handlers.attendant.group import IsPress, Press
from handlers.attendant.refusals import refused
from handlers.buttons import button, in_rows

_MARK = 8


class Step(StrEnum):
    ASK = "a"
    YES = "y"
    NO = "n"
    TAKE_BACK = "u"
    REGISTER = "r"


class VerifyButton(CallbackData, prefix="verify"):
    step: Step
    conversation: str
    registration: str = ""
    """First characters of the registration's id: both ids in full would be too long."""


def offer(card: Card) -> InlineKeyboardMarkup | None:
    """Return the button that verifies, takes the proof back, or registers a new person.

    None if there is nobody to do it for, or the conversation is closed and the customer not
    verified.
    """
    conversation, registration = card.conversation, card.registration
    if conversation.customer.identity is Identity.VERIFIED:
        data = VerifyButton(step=Step.TAKE_BACK, conversation=conversation.id)
        return in_rows([button(texts.TAKE_BACK, data)])
    if not conversation.is_open:
        return None
    if registration is None:
        if conversation.customer.tax_id is None or conversation.lookup:
            return None
        data = VerifyButton(step=Step.REGISTER, conversation=conversation.id)
        return in_rows([button(texts.REGISTER, data)])
    data = VerifyButton(step=Step.ASK, conversation=conversation.id)
    return in_rows([button(texts.VERIFY, data)])


async def ask(
    _: CallbackQuery, press: Press, callback_data: VerifyButton, verify_by_hand: VerifyByHand
) -> None:
    found = await verify_by_hand.whom(callback_data.conversation, group_id=press.group_id)
    if not isinstance(found, Verifiable):
        await press.refuse(found)
        return
    await press.answer()
    await press.below(texts.verify(_who(found.registration)), _yes_or_no(found))


async def confirm(
    _: CallbackQuery, press: Press, callback_data: VerifyButton, verify_by_hand: VerifyByHand
) -> None:
    outcome = await verify_by_hand(
        callback_data.conversation,
        callback_data.registration,
        press.attendant,
        group_id=press.group_id,
    )
    if isinstance(outcome, Done):
        await press.answer(texts.VERIFIED_NOW)
        await press.edit(texts.verified_by(press.attendant.name), about=outcome.conversation.id)
        return
    await press.refuse(outcome)
    verifier = None
    if isinstance(outcome, AlreadyVerified):
        verifier = outcome.conversation.customer.verifier
    # If a colleague pressed first, the question is edited to name the colleague.
    await press.edit(
        texts.verified_by(verifier.name) if verifier else html.quote(refused(outcome)),
        about=callback_data.conversation,
    )


async def cancel(_: CallbackQuery, press: Press, callback_data: VerifyButton) -> None:
    await press.answer()
    await press.edit(texts.NOT_VERIFIED, about=callback_data.conversation)


async def take_back(
    _: CallbackQuery, press: Press, callback_data: VerifyButton, verify_by_hand: VerifyByHand
) -> None:
    """Take the proof back, in the conversation's group or, for an admin, in private."""
    outcome = await verify_by_hand.take_back(
        callback_data.conversation,
        press.attendant,
        group_id=press.group_id if press.group_id < 0 else None,
    )
    if not isinstance(outcome, Done):
        await press.refuse(outcome)
        return
    await press.answer(texts.TAKEN_BACK)
    await press.below(texts.taken_back_by(press.attendant.name), about=outcome.conversation.id)


def router() -> Router:
    """Return the router; it is included among the group's card buttons."""
    router = Router(name="verifying")
    for step, handler in (
        (Step.ASK, ask),
        (Step.YES, confirm),
        (Step.NO, cancel),
        (Step.TAKE_BACK, take_back),
    ):
        router.callback_query.register(handler, VerifyButton.filter(F.step == step), IsPress())
    return router


def _who(registration: Registration) -> str:
    tax_id = registration.tax_id
    return f"{registration.name}, {tax_id.label} {tax_id.masked}" if tax_id else registration.name


def _yes_or_no(found: Verifiable) -> InlineKeyboardMarkup:
    def verify(text: str, step: Step) -> InlineKeyboardButton:
        data = VerifyButton(
            step=step,
            conversation=found.conversation.id,
            registration=found.registration.id[:_MARK],
        )
        return button(text, data)

    return in_rows([verify(texts.VERIFY_YES, Step.YES), verify(texts.VERIFY_NO, Step.NO)])
