"""Buttons of the card, and answers to the customer."""

from typing import assert_never
from zoneinfo import ZoneInfo

from aiogram import Bot, F, Router
from aiogram.filters import Command
from aiogram.fsm.context import FSMContext
from aiogram.types import (
    CallbackQuery,
    MaybeInaccessibleMessageUnion,
    Message,
    ReplyParameters,
    Update,
    User,
)

from bot.domain.conversation import Attendant
from bot.usecases.attend import AlreadyClosed, Attend, Done, Gone, TakenBy
from bot.usecases.show_card import Conversations, Outbox
from handlers.answers import answer_press
from handlers.attendant import texts
from handlers.attendant.card import Action, CardButton, full_card_text
from handlers.attendant.closing import tell_closed
from handlers.relay import texts as relay_texts
from handlers.relay.content import (
    INTERNAL,
    has_words_or_file,
    is_internal,
    kept_internal,
)
from handlers.relay.delivery import SendAgain
from handlers.relay.sending import Sending
from handlers.relay.service import SERVICE


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
    sending: Sending,
) -> None:
    outcome = await attend.close(
        callback_data.conversation, _attendant(callback.from_user), group_id=message.chat.id
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
    await _below(bot, message, full_card_text(card, timezone=timezone))


async def answer_customer(
    message: Message,
    event_from_user: User,
    attend: Attend,
    sending: Sending,
    state: FSMContext,
) -> None:
    """A reply to the card, or to anything of the customer's, goes to the customer; in a
    conversation's topic everything does, except what is marked as internal."""
    topic_id, reply_to = _answered(message)
    if await _is_of_internal_album(message, state):
        return
    if is_internal(message):
        await _keep_album_internal(message, state, attend, sending)
        if await attend.conversation_of(message.chat.id, reply_to, topic_id=topic_id):
            await kept_internal(message)
        return
    outcome = await attend.answer(
        message.chat.id, reply_to, _attendant(event_from_user), topic_id=topic_id
    )
    match outcome:
        case Done(conversation):
            await sending.answer(message, conversation)
        case AlreadyClosed(conversation):
            await message.reply(texts.answer_to_closed(conversation.protocol))
        case Gone():
            return  # two attendants talking to each other
        case _:
            assert_never(outcome)


async def edit_answer(message: Message, event_update: Update, sending: Sending) -> None:
    """What the customer has got is changed there too, unless it is internal by now."""
    if is_internal(message) or not has_words_or_file(message):
        return
    await sending.edited(message, update_id=event_update.update_id)


async def note(message: Message, state: FSMContext, attend: Attend, sending: Sending) -> None:
    """/nota: a comment among the attendants; the command says it, nothing else is to be done."""
    await _keep_album_internal(message, state, attend, sending)
    await kept_internal(message)


async def delete_answer(message: Message, event_update: Update, sending: Sending) -> None:
    """/apagar, as a reply to an answer: Telegram tells bots of no deletion made by hand."""
    _, reply_to = _answered(message)
    if not reply_to:
        await message.reply(relay_texts.DELETE_BY_REPLYING)
    elif not await sending.delete(message, reply_to, update_id=event_update.update_id):
        await message.reply(relay_texts.NOT_YOURS)


async def send_again(
    callback: CallbackQuery,
    callback_data: SendAgain,
    message: MaybeInaccessibleMessageUnion,
    conversations: Conversations,
    outbox: Outbox,
) -> None:
    """What was not delivered goes once more, in its chat's order; only from its own group."""
    failed = await outbox.failed(callback_data.item)
    conversation = await conversations.get(failed[0].conversation_id) if failed else None
    is_here = conversation is not None and conversation.group_id == message.chat.id
    is_sent = is_here and await outbox.again(callback_data.item)
    await answer_press(
        callback, relay_texts.SENT_AGAIN if is_sent else relay_texts.NOT_AGAIN, alert=not is_sent
    )


async def topic_closed(
    message: Message, event_from_user: User, attend: Attend, sending: Sending
) -> None:
    """Who closes a conversation's topic by hand means the conversation."""
    outcome = await attend.close_topic(
        message.chat.id, message.message_thread_id or 0, _attendant(event_from_user)
    )
    if isinstance(outcome, Done):
        await tell_closed(outcome.conversation, attend, sending)


async def hint_to_reply(message: Message, state: FSMContext, timezone: ZoneInfo) -> None:
    """Writing without replying reaches no customer: the likeliest first mistake."""
    if message.chat.is_forum and message.is_topic_message:
        return  # a topic of theirs, in which no customer is
    today = message.date.astimezone(timezone).date().isoformat()
    if (await state.get_data()).get("hinted_on") == today:
        return
    await state.update_data(hinted_on=today)
    await message.reply(
        texts.ANSWER_IN_TOPIC if message.chat.is_forum else texts.ANSWER_BY_REPLYING
    )


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
    router.callback_query.register(send_again, SendAgain.filter(), message)
    router.message.register(topic_closed, F.forum_topic_closed)
    router.message.register(note, Command("nota"))
    router.message.register(delete_answer, Command("apagar"))
    is_command = F.text.startswith("/") & ~F.text.startswith(INTERNAL)
    is_said = ~is_command & ~F.content_type.in_(SERVICE)
    in_place = F.reply_to_message | F.is_topic_message
    router.message.register(answer_customer, in_place, is_said)
    router.message.register(hint_to_reply, F.text, is_said, ~F.reply_to_message)
    router.edited_message.register(edit_answer, in_group)
    return router


async def _keep_album_internal(
    message: Message, state: FSMContext, attend: Attend, sending: Sending
) -> None:
    """The mark is in the caption of one file, mostly the first; the others have none."""
    if not message.media_group_id:
        return
    await state.update_data(internal_album=message.media_group_id)
    topic_id, reply_to = _answered(message)
    conversation = await attend.conversation_of(message.chat.id, reply_to, topic_id=topic_id)
    if conversation:
        await sending.hold_back(message, conversation)


async def _is_of_internal_album(message: Message, state: FSMContext) -> bool:
    album = message.media_group_id
    return album is not None and (await state.get_data()).get("internal_album") == album


def _answered(message: Message) -> tuple[int | None, int]:
    """The topic in which it is written, and what it replies to; 0 for nothing."""
    topic_id = message.message_thread_id if message.is_topic_message else None
    reply = message.reply_to_message
    # In a topic everything replies to the topic's first message.
    return topic_id, reply.message_id if reply and reply.message_id != topic_id else 0


async def _below(bot: Bot, message: MaybeInaccessibleMessageUnion, text: str) -> None:
    """Say something below a card, which may be too old for Telegram to show it to us."""
    below = ReplyParameters(message_id=message.message_id, allow_sending_without_reply=True)
    await bot.send_message(message.chat.id, text, reply_parameters=below)


def _attendant(user: User) -> Attendant:
    return Attendant(id=user.id, name=user.full_name)
