"""The attendants' group: buttons of the card, and answers to the customer."""

from typing import assert_never
from zoneinfo import ZoneInfo

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.fsm.context import FSMContext
from aiogram.types import CallbackQuery, Message, Update, User

from bot.domain.conversation import Attendant
from bot.domain.question import Question, Subject
from bot.usecases.attending.attend import AlreadyClosed, Attend, Done, Gone, Moved
from bot.usecases.attending.correct_registration import CorrectRegistration
from bot.usecases.attending.replied_to import RepliedTo
from bot.usecases.attending.transfer import TransferConversation
from bot.usecases.company.departments import Departments
from bot.usecases.ports import Conversations, Links, Outbox, Questions
from handlers.access import IsWords, is_the_group
from handlers.attendant import (
    calling,
    commands,
    correcting,
    queue,
    ready_answers,
    texts,
    transcripts,
    transfers,
)
from handlers.attendant.cards import buttons
from handlers.attendant.closing import tell_closed
from handlers.attendant.group import IsPress, PassRepliedTo, Press, writer_of
from handlers.attendant.questions import IsAnswer
from handlers.attendant.replies import say_unsent, say_whose, say_why, why_not
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
    departments: Departments,
) -> None:
    """Send an attendant's message to the customer, unless it is internal.

    In a conversation's topic every message is sent that replies to none, and everywhere what
    `why_not` lets through. A reply that is not sent is answered, each time.
    """
    if await _is_of_internal_album(message, state):
        return
    if is_internal(message):
        await _keep_internal(message, state, attend, replied_to, sending)
        return
    topic_id, _ = answered(message)
    if why := await why_not(message, replied_to):
        await say_why(message, why, state, attend, departments)
        return
    writer = writer_of(message, event_from_user)
    outcome = await attend.answer(replied_to, writer, topic_id=topic_id)
    match outcome:
        case Done(conversation):
            await sending.answer(message, conversation, below=await replied_to.link())
            await say_whose(message, conversation, writer, replied_to, sending)
        case AlreadyClosed() | Moved():
            await say_unsent(message, state, outcome)
        case Gone():
            if replied_to.message_id:
                await say_why(message, texts.TO_OWN, state, attend, departments)
        case _:
            assert_never(outcome)


async def reply_to_elsewhere(
    message: Message, state: FSMContext, attend: Attend, departments: Departments
) -> None:
    """Answer a reply to a message of another chat or topic: it is for no customer."""
    await say_why(message, texts.TO_ELSEWHERE, state, attend, departments)


async def edit_answer(message: Message, event_update: Update, sending: Sending) -> None:
    """Queue the edit of an answer that the customer has received, unless it is internal now."""
    if is_internal(message) or not has_words_or_file(message):
        return
    await sending.edited(message, update_id=event_update.update_id)


async def comment(
    message: Message, state: FSMContext, attend: Attend, replied_to: RepliedTo, sending: Sending
) -> None:
    """Handle /nota, a comment among the attendants: mark it as seen, and send nothing."""
    await _keep_internal(message, state, attend, replied_to, sending)


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
    notice = (press.group_id, press.message.message_id)
    is_sent = is_here and await outbox.again(callback_data.item, notice=notice)
    await press.answer(
        relay_texts.SENT_AGAIN if is_sent else relay_texts.NOT_AGAIN, alert=not is_sent
    )
    if is_sent:
        # Until it has arrived, and the notice goes; otherwise another notice follows.
        await press.edit(relay_texts.SENDING_AGAIN)


async def topic_closed(
    message: Message,
    event_from_user: User,
    attend: Attend,
    conversations: Conversations,
    sending: Sending,
) -> None:
    """Close the conversation of a topic that an attendant closed by hand."""
    outcome = await attend.close_topic(
        message.chat.id, message.message_thread_id or 0, writer_of(message, event_from_user)
    )
    if isinstance(outcome, Done):
        await tell_closed(outcome.conversation, conversations, sending)


async def hint_to_reply(message: Message, state: FSMContext, timezone: ZoneInfo) -> None:
    """Explain, once a day, that a message without a reply reaches no customer.

    This is the most likely first mistake.
    """
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
    correct: CorrectRegistration,
    transfer: TransferConversation,
    questions: Questions,
    links: Links,
) -> None:
    """Take a reply to a question of the bot; it is never sent to a customer."""
    if question.done:
        await message.reply(texts.ANSWERED_BEFORE)
    elif not (is_the_group(message) or _is_by(message, question.asked)):
        await message.reply(texts.only_asked(question.asked.name))
    elif question.about is Subject.REASON:
        await transfers.receive(message, question, transfer, questions, links)
    else:
        await correcting.receive(message, question, correct, links)


def _is_by(message: Message, attendant: Attendant) -> bool:
    return message.from_user is not None and message.from_user.id == attendant.id


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
    answers.message.register(commands.close, Command("encerrar"))
    answers.message.register(commands.offer_transfer, Command("transferir"))
    answers.message.register(help_, Command("ajuda"))
    answers.message.register(ready_answers.show, Command("respostas"))
    is_said = ~F.content_type.in_(SERVICE)
    in_place = F.reply_to_message | F.is_topic_message
    answers.message.register(answer_question, F.reply_to_message.as_("reply"), IsAnswer())
    asks = is_said, IsWords(), ready_answers.AsksForAnswer()
    answers.message.register(ready_answers.send_by_word, in_place, *asks)
    answers.message.register(ready_answers.without_customer, *asks)
    answers.message.register(answer_customer, in_place, is_said, IsWords())
    answers.message.register(reply_to_elsewhere, F.external_reply, is_said, IsWords())
    answers.message.register(hint_to_reply, F.text, is_said, IsWords(), ~F.reply_to_message)
    answers.edited_message.register(edit_answer, in_group)
    router.include_routers(
        buttons.router(),
        calling.router(),
        queue.router(),
        transfers.router(),
        correcting.router(),
        transcripts.router(),
        ready_answers.router(),
        answers,
    )
    return router


async def _keep_internal(
    message: Message, state: FSMContext, attend: Attend, replied_to: RepliedTo, sending: Sending
) -> None:
    """Keep the message internal, with its whole album, and show that it was seen.

    The mark is in the caption of one file of the album, mostly the first.
    """
    if message.media_group_id:
        await state.update_data(internal_album=message.media_group_id)
        topic_id, _ = answered(message)
        if conversation := await attend.conversation_of(replied_to, topic_id=topic_id):
            await sending.answer(message, conversation, is_internal=True)
    await kept_internal(message)


async def _is_of_internal_album(message: Message, state: FSMContext) -> bool:
    album = message.media_group_id
    return album is not None and (await state.get_data()).get("internal_album") == album
