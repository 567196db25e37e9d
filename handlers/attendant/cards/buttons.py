"""Actions of the card's buttons, apart from transfers and notes."""

from typing import assert_never
from zoneinfo import ZoneInfo

from aiogram import Bot, F, Router
from aiogram.types import (
    CallbackQuery,
    MaybeInaccessibleMessageUnion,
)

from bot.usecases.attending.attend import AlreadyClosed, Attend, Done, Gone, TakenBy
from bot.usecases.attending.reopen import (
    CustomerLeft,
    OpenAlready,
    OtherIsOpen,
    ReopenConversation,
    ReopenedNow,
)
from handlers.answers import answer_press
from handlers.attendant import texts, verifying
from handlers.attendant.cards.card import Action, CardButton, full_card_text
from handlers.attendant.closing import tell_closed
from handlers.attendant.group import attendant_of, below
from handlers.customer import texts as customer_texts
from handlers.relay.sending import Sending


async def claim(
    callback: CallbackQuery,
    callback_data: CardButton,
    message: MaybeInaccessibleMessageUnion,
    attend: Attend,
) -> None:
    outcome = await attend.claim(
        callback_data.conversation, attendant_of(callback.from_user), group_id=message.chat.id
    )
    match outcome:
        case Done():
            await answer_press(callback, texts.CLAIMED)
        case TakenBy(attendant):
            await answer_press(callback, texts.taken_by(attendant.name), alert=True)
        case AlreadyClosed(conversation):
            await answer_press(callback, texts.already_closed(conversation.closed_by), alert=True)
        case Gone():
            await answer_press(callback, texts.GONE, alert=True)
        case _:
            assert_never(outcome)


async def close(
    callback: CallbackQuery,
    callback_data: CardButton,
    message: MaybeInaccessibleMessageUnion,
    attend: Attend,
    sending: Sending,
) -> None:
    outcome = await attend.close(
        callback_data.conversation, attendant_of(callback.from_user), group_id=message.chat.id
    )
    match outcome:
        case Done(conversation):
            await answer_press(callback, texts.CLOSED_NOW)
            await tell_closed(conversation, attend, sending)
        case AlreadyClosed(conversation):
            await answer_press(callback, texts.already_closed(conversation.closed_by), alert=True)
        case Gone():
            await answer_press(callback, texts.GONE, alert=True)
        case _:
            assert_never(outcome)


async def full_card(
    callback: CallbackQuery,
    callback_data: CardButton,
    message: MaybeInaccessibleMessageUnion,
    attend: Attend,
    bot: Bot,
    timezone: ZoneInfo,
) -> None:
    card = await attend.full_card(callback_data.conversation, group_id=message.chat.id)
    if isinstance(card, Gone):
        await answer_press(callback, texts.GONE, alert=True)
        return
    await answer_press(callback)
    await below(
        bot, message, full_card_text(card, timezone=timezone), keyboard=verifying.offer(card)
    )


async def reopen(
    callback: CallbackQuery,
    callback_data: CardButton,
    message: MaybeInaccessibleMessageUnion,
    reopen_conversation: ReopenConversation,
    sending: Sending,
) -> None:
    outcome = await reopen_conversation.by_attendant(
        callback_data.conversation, attendant_of(callback.from_user), group_id=message.chat.id
    )
    match outcome:
        case ReopenedNow(conversation):
            await answer_press(callback, texts.REOPENED)
            await sending.say(
                conversation,
                customer_texts.reopened_by_attendant(conversation.protocol),
                id=f"reopened:{conversation.id}:{conversation.in_queue_since.timestamp()}",
                to_customer=True,
            )
        case OpenAlready():
            await answer_press(callback, texts.OPEN_ALREADY, alert=True)
        case OtherIsOpen(conversation):
            await answer_press(callback, texts.other_is_open(conversation.protocol), alert=True)
        case CustomerLeft():
            await answer_press(callback, texts.CUSTOMER_LEFT, alert=True)
        case Gone():
            await answer_press(callback, texts.GONE, alert=True)
        case _:
            assert_never(outcome)


def router() -> Router:
    """Return the router; the including router must filter for groups."""
    router = Router(name="card")
    message = F.message.as_("message")
    for action, handler in (
        (Action.CLAIM, claim),
        (Action.CLOSE, close),
        (Action.FULL_CARD, full_card),
        (Action.REOPEN, reopen),
    ):
        router.callback_query.register(handler, CardButton.filter(F.action == action), message)
    router.include_router(verifying.router())
    return router
