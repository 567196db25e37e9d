"""The attendants' group: buttons of the card, and answers to the customer."""

from typing import assert_never
from zoneinfo import ZoneInfo

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.fsm.context import FSMContext
from aiogram.types import CallbackQuery, Message, Update, User

from bot.domain.question import Question, Subject
from bot.usecases.attending.add_note import AddNote
from bot.usecases.attending.attend import AlreadyClosed, Attend, Done, Gone, Moved
from bot.usecases.attending.replied_to import RepliedTo
from bot.usecases.attending.transfer import TransferConversation
from bot.usecases.ports import Conversations, Outbox, Questions
from handlers.access import IsWords
from handlers.answers import bot_of
from handlers.attendant import note, queue, ready_answers, texts, transfers
from handlers.attendant.cards import buttons
from handlers.attendant.closing import tell_closed
from handlers.attendant.group import IsPress, PassRepliedTo, Press, attendant_of
from handlers.attendant.questions import IsAnswer
from handlers.relay import texts as relay_texts
from handlers.relay.content import (
    answered,
    has_words_or_file,
    is_internal,
    kept_internal,
)
from handlers.relay.delivery import SendAgain
from handlers.relay.sending import Sending
from handlers.relay.service import SERVICE


async def answer_customer(
    message: Message,
    event_from_user: User,
    attend: Attend,
    replied_to: RepliedTo,
    sending: Sending,
    state: FSMContext,
) -> None:
    """Send an attendant's message to the customer, unless it is internal.

    In a conversation's topic every message is sent; elsewhere, a reply to the card or to a message
    of the customer.
    """
    if await _is_of_internal_album(message, state):
        return
    if is_internal(message):
        if await _keep_internal(message, state, attend, replied_to, sending):
            await kept_internal(message)
        return
    topic_id, _ = answered(message)
    outcome = await attend.answer(replied_to, attendant_of(event_from_user), topic_id=topic_id)
    match outcome:
        case Done(conversation):
            await sending.answer(message, conversation, below=await replied_to.link())
        case AlreadyClosed(conversation):
            await message.reply(texts.answer_to_closed(conversation.protocol))
        case Moved(conversation):
            await message.reply(texts.answer_to_moved(conversation.protocol))
        case Gone():
            if _is_to_bot(message):
                # Such as a copy whose sending Telegram did not confirm: it was never linked.
                await message.reply(texts.ANSWER_TO_NOBODY)
            # Otherwise two attendants talk to each other.
        case _:
            assert_never(outcome)


def _is_to_bot(message: Message) -> bool:
    """Return True if it replies to a message of this bot, and not just stands in a topic."""
    reply = message.reply_to_message
    if not answered(message)[1] or reply is None or reply.from_user is None:
        return False
    return reply.from_user.id == bot_of(message).id


async def edit_answer(message: Message, event_update: Update, sending: Sending) -> None:
    """Queue the edit of an answer that the customer has received, unless it is internal now."""
    if is_internal(message) or not has_words_or_file(message):
        return
    await sending.edited(message, update_id=event_update.update_id)


async def comment(
    message: Message, state: FSMContext, attend: Attend, replied_to: RepliedTo, sending: Sending
) -> None:
    """Handle /nota, a comment among the attendants: mark it as seen, and send nothing."""
    if message.media_group_id:
        await _keep_internal(message, state, attend, replied_to, sending)
    await kept_internal(message)


async def help_(message: Message) -> None:
    await message.reply(texts.HELP)


async def delete_answer(message: Message, event_update: Update, sending: Sending) -> None:
    """Handle /apagar as a reply to an answer. Telegram reports no deletion by hand to bots."""
    _, reply_to = answered(message)
    if not reply_to:
        await message.reply(relay_texts.DELETE_BY_REPLYING)
    elif not await sending.delete(message, reply_to, update_id=event_update.update_id):
        await message.reply(relay_texts.NOT_YOURS)


async def send_again(
    _: CallbackQuery,
    press: Press,
    callback_data: SendAgain,
    conversations: Conversations,
    outbox: Outbox,
) -> None:
    """Queue an undelivered message again, in its chat's order. Works only in its own group."""
    failed = await outbox.failed(callback_data.item)
    conversation = await conversations.get(failed[0].conversation_id) if failed else None
    is_here = conversation is not None and conversation.group_id == press.group_id
    is_sent = is_here and await outbox.again(callback_data.item)
    await press.answer(
        relay_texts.SENT_AGAIN if is_sent else relay_texts.NOT_AGAIN, alert=not is_sent
    )


async def topic_closed(
    message: Message,
    event_from_user: User,
    attend: Attend,
    conversations: Conversations,
    sending: Sending,
) -> None:
    """Close the conversation of a topic that an attendant closed by hand."""
    outcome = await attend.close_topic(
        message.chat.id, message.message_thread_id or 0, attendant_of(event_from_user)
    )
    if isinstance(outcome, Done):
        await tell_closed(outcome.conversation, conversations, sending)


async def hint_to_reply(message: Message, state: FSMContext, timezone: ZoneInfo) -> None:
    """Explain, once a day, that a message without a reply reaches no customer.

    This is the most likely first mistake.
    """
    if message.chat.is_forum and message.is_topic_message:
        return  # a topic made by the attendants, without a customer
    today = message.date.astimezone(timezone).date().isoformat()
    if (await state.get_data()).get("hinted_on") == today:
        return
    await state.update_data(hinted_on=today)
    await message.reply(
        texts.ANSWER_IN_TOPIC if message.chat.is_forum else texts.ANSWER_BY_REPLYING
    )


async def answer_question(
    message: Message,
    question: Question,
    add_note: AddNote,
    transfer: TransferConversation,
    questions: Questions,
) -> None:
    """Take a reply to a question of the bot; it is never sent to a customer."""
    if question.done:
        await message.reply(texts.ANSWERED_BEFORE)
    elif message.from_user is None or message.from_user.id != question.asked.id:
        await message.reply(texts.only_asked(question.asked.name))
    elif question.about is Subject.NOTE:
        await note.receive(message, question, add_note)
    else:
        await transfers.receive(message, question, transfer, questions)


def router() -> Router:
    """Return the router of the attendants' groups."""
    router = Router(name="attendant")
    in_group = F.chat.type.in_({"group", "supergroup"})
    router.message.filter(in_group)
    answers = Router(name="replies")
    answers.message.outer_middleware(PassRepliedTo())
    answers.callback_query.register(send_again, SendAgain.filter(), IsPress())
    answers.message.register(topic_closed, F.forum_topic_closed)
    answers.message.register(comment, Command("nota"))
    answers.message.register(delete_answer, Command("apagar"))
    answers.message.register(help_, Command("ajuda"))
    answers.message.register(ready_answers.show, Command("respostas"))
    is_said = ~F.content_type.in_(SERVICE)
    in_place = F.reply_to_message | F.is_topic_message
    answers.message.register(answer_question, F.reply_to_message.as_("reply"), IsAnswer())
    asks = is_said, IsWords(), ready_answers.AsksForAnswer()
    answers.message.register(ready_answers.send_by_word, in_place, *asks)
    answers.message.register(ready_answers.without_customer, *asks)
    answers.message.register(answer_customer, in_place, is_said, IsWords())
    answers.message.register(hint_to_reply, F.text, is_said, IsWords(), ~F.reply_to_message)
    answers.edited_message.register(edit_answer, in_group)
    router.include_routers(
        buttons.router(),
        queue.router(),
        transfers.router(),
        note.router(),
        ready_answers.router(),
        answers,
    )
    return router


async def _keep_internal(
    message: Message, state: FSMContext, attend: Attend, replied_to: RepliedTo, sending: Sending
) -> bool:
    """Keep the message internal, with its whole album; return True if it is in a conversation.

    The mark is in the caption of one file of the album, mostly the first.
    """
    topic_id, _ = answered(message)
    conversation = await attend.conversation_of(replied_to, topic_id=topic_id)
    if message.media_group_id:
        await state.update_data(internal_album=message.media_group_id)
        if conversation:
            await sending.answer(message, conversation, is_internal=True)
    return conversation is not None


async def _is_of_internal_album(message: Message, state: FSMContext) -> bool:
    album = message.media_group_id
    return album is not None and (await state.get_data()).get("internal_album") == album
