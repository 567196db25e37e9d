"""Buttons of the card, and answers to the customer."""

from typing import assert_never
from zoneinfo import ZoneInfo

from aiogram import Bot, F, Router
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError
from aiogram.fsm.context import FSMContext
from aiogram.types import (
    CallbackQuery,
    InlineKeyboardMarkup,
    MaybeInaccessibleMessageUnion,
    Message,
    ReplyParameters,
    User,
)

from bot.domain.conversation import Attendant, RelayedMessage
from bot.usecases.attend import AlreadyClosed, Attend, Done, Gone, TakenBy
from bot.usecases.show_card import Conversations
from handlers.answers import answer_press
from handlers.attendant import texts, verifying
from handlers.attendant.card import Action, CardButton, full_card_text
from handlers.customer import texts as customer_texts


async def claim(
    callback: CallbackQuery,
    callback_data: CardButton,
    message: MaybeInaccessibleMessageUnion,
    attend: Attend,
) -> None:
    outcome = await attend.claim(
        callback_data.conversation, _attendant(callback.from_user), group_id=message.chat.id
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
    bot: Bot,
) -> None:
    outcome = await attend.close(
        callback_data.conversation, _attendant(callback.from_user), group_id=message.chat.id
    )
    match outcome:
        case Done(conversation):
            await answer_press(callback, texts.CLOSED_NOW)
            try:
                await bot.send_message(
                    conversation.chat_id, customer_texts.closed(conversation.protocol)
                )
            except TelegramForbiddenError:
                await _below(bot, message, texts.CUSTOMER_BLOCKED)
            await attend.customer_told(conversation)
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
    await _below(
        bot, message, full_card_text(card, timezone=timezone), keyboard=verifying.offer(card)
    )


async def answer_customer(
    message: Message,
    reply: Message,
    event_from_user: User,
    attend: Attend,
    conversations: Conversations,
    bot: Bot,
) -> None:
    """A reply to the card, or to anything of the customer's, goes to the customer."""
    outcome = await attend.answer(message.chat.id, reply.message_id, _attendant(event_from_user))
    match outcome:
        case Done(conversation):
            try:
                await bot.copy_message(conversation.chat_id, message.chat.id, message.message_id)
            except TelegramForbiddenError:
                await message.reply(texts.CUSTOMER_BLOCKED)
                return
            except TelegramBadRequest:
                await message.reply(texts.NOT_DELIVERED)
                return
            # A colleague may answer by replying to this answer.
            await conversations.relay(
                RelayedMessage(
                    group_id=message.chat.id,
                    message_id=message.message_id,
                    conversation_id=conversation.id,
                )
            )
        case AlreadyClosed(conversation):
            await message.reply(texts.answer_to_closed(conversation.protocol))
        case Gone():
            return  # two attendants talking to each other
        case _:
            assert_never(outcome)


async def hint_to_reply(message: Message, state: FSMContext, timezone: ZoneInfo) -> None:
    """Writing without replying reaches no customer: the likeliest first mistake."""
    today = message.date.astimezone(timezone).date().isoformat()
    if (await state.get_data()).get("hinted_on") == today:
        return
    await state.update_data(hinted_on=today)
    await message.reply(texts.ANSWER_BY_REPLYING)


def router() -> Router:
    """The attendants' group."""
    router = Router(name="attendant")
    in_group = F.chat.type.in_({"group", "supergroup"})
    router.message.filter(in_group)
    message = F.message.as_("message")
    for action, handler in (
        (Action.CLAIM, claim),
        (Action.CLOSE, close),
        (Action.FULL_CARD, full_card),
    ):
        router.callback_query.register(handler, CardButton.filter(F.action == action), message)
    router.include_router(verifying.router())
    router.message.register(
        answer_customer, F.reply_to_message.as_("reply"), ~F.text.startswith("/")
    )
    router.message.register(hint_to_reply, F.text, ~F.text.startswith("/"), ~F.reply_to_message)
    return router


async def _below(
    bot: Bot,
    message: MaybeInaccessibleMessageUnion,
    text: str,
    *,
    keyboard: InlineKeyboardMarkup | None = None,
) -> None:
    """Say something below a card, which may be too old for Telegram to show it to us."""
    below = ReplyParameters(message_id=message.message_id, allow_sending_without_reply=True)
    await bot.send_message(message.chat.id, text, reply_parameters=below, reply_markup=keyboard)


def _attendant(user: User) -> Attendant:
    return Attendant(id=user.id, name=user.full_name)
