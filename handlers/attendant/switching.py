"""Buttons that change whom a conversation is about: another document, and a new registration."""

from aiogram import F, Router
from aiogram.types import CallbackQuery

from bot.usecases.attending.attend import Attend, Done
from bot.usecases.customer.identify_conversation import SwitchDocument
from handlers.attendant import texts
from handlers.attendant.group import IsPress, Press
from handlers.attendant.verifying import Step, VerifyButton
from handlers.relay.switch_button import SwitchButton


async def switch(
    _: CallbackQuery, press: Press, callback_data: SwitchButton, switch_document: SwitchDocument
) -> None:
    outcome = await switch_document(
        callback_data.conversation,
        callback_data.mark,
        press.attendant,
        group_id=press.group_id,
    )
    if isinstance(outcome, Done):
        await press.answer(texts.SWITCHED)
        await press.edit(texts.switched_by(press.attendant.name))
    else:
        await press.refuse(outcome)


async def register(
    _: CallbackQuery, press: Press, callback_data: VerifyButton, attend: Attend
) -> None:
    """Register the person as a prospect, and claim the conversation if nobody has it."""
    outcome = await attend.register(
        callback_data.conversation, press.attendant, group_id=press.group_id
    )
    if not isinstance(outcome, Done):
        await press.refuse(outcome)
    elif outcome.conversation.customer.registration_id:
        await press.answer(texts.REGISTERED)
    else:
        await press.answer(texts.NOT_REGISTERED, alert=True)


def router() -> Router:
    """Return the router; it is included among the group's card buttons."""
    router = Router(name="switching")
    router.callback_query.register(switch, SwitchButton.filter(), IsPress())
    router.callback_query.register(
        register, VerifyButton.filter(F.step == Step.REGISTER), IsPress()
    )
    return router
