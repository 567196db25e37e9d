"""The attendants' group: buttons, the queue, and answers to the customer."""

from typing import assert_never
from zoneinfo import ZoneInfo

from aiogram import Bot, F, Router
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError
from aiogram.fsm.context import FSMContext
from aiogram.types import Message, User

from bot.domain.conversation import Question, RelayedMessage, Subject
from bot.usecases.add_note import AddNote, Questions
from bot.usecases.attend import AlreadyClosed, Attend, Done, Gone, Moved
from bot.usecases.show_card import Conversations
from bot.usecases.transfer import TransferConversation
from handlers.attendant import buttons, note, queue, texts, transfers
from handlers.attendant.buttons import attendant_of
from handlers.attendant.questions import IsAnswer


async def answer_customer(
    message: Message,
    reply: Message,
    event_from_user: User,
    attend: Attend,
    conversations: Conversations,
    bot: Bot,
) -> None:
    """A reply to the card, or to anything of the customer's, goes to the customer."""
    outcome = await attend.answer(message.chat.id, reply.message_id, attendant_of(event_from_user))
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
        case Moved(conversation):
            await message.reply(texts.answer_to_moved(conversation.protocol))
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


async def answer_question(
    message: Message,
    question: Question,
    add_note: AddNote,
    transfer: TransferConversation,
    questions: Questions,
) -> None:
    """A reply to a question of ours is for us, and never for a customer."""
    if question.done:
        await message.reply(texts.ANSWERED_BEFORE)
    elif message.from_user is None or message.from_user.id != question.asked.id:
        await message.reply(texts.only_asked(question.asked.name))
    elif question.about is Subject.NOTE:
        await note.receive(message, question, add_note)
    else:
        await transfers.receive(message, question, transfer, questions)


def router() -> Router:
    """The attendants' group."""
    router = Router(name="attendant")
    in_group = F.chat.type.in_({"group", "supergroup"})
    router.message.filter(in_group)
    answers = Router(name="replies")
    answers.message.register(answer_question, F.reply_to_message.as_("reply"), IsAnswer())
    answers.message.register(
        answer_customer, F.reply_to_message.as_("reply"), ~F.text.startswith("/")
    )
    answers.message.register(hint_to_reply, F.text, ~F.text.startswith("/"), ~F.reply_to_message)
    router.include_routers(
        buttons.router(), queue.router(), transfers.router(), note.router(), answers
    )
    return router
