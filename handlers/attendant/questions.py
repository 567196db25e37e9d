"""Questions of the bot in a group, which attendants answer by replying to them."""

import structlog
from aiogram import html
from aiogram.exceptions import TelegramBadRequest
from aiogram.filters import Filter
from aiogram.types import ForceReply, Message

from bot.domain.question import Question
from bot.usecases.attending.correct_registration import AnsweredBefore
from bot.usecases.attending.replied_to import RepliedTo
from bot.usecases.ports import Questions
from handlers.attendant import texts
from handlers.attendant.group import Press

logger = structlog.get_logger()


class IsAnswer(Filter):
    """Filter for messages that reply to a question; it passes the question on."""

    async def __call__(
        self, message: Message, reply: Message, replied_to: RepliedTo, questions: Questions
    ) -> bool | dict[str, object]:
        # Only the bot asks, so a reply to a person's message needs no look-up. No question has a
        # link, which is read in any case if the reply is an answer to a customer.
        is_by_a_bot = reply.from_user is not None and reply.from_user.is_bot
        if not is_by_a_bot or not replied_to.message_id or await replied_to.link():
            return False
        question = await questions.get(message.chat.id, reply.message_id)
        return {"question": question} if question else False


async def asked_of(
    press: Press, questions: Questions, message_id: int, *, unanswered: bool = False
) -> Question | None:
    """Return the question behind a button, or None after telling why it may not be pressed.

    unanswered: only a question that nobody has answered.
    """
    question = await questions.get(press.group_id, message_id)
    if question is None or (unanswered and question.done):
        await press.refuse(AnsweredBefore())
    elif question.asked.id != press.attendant.id:
        await press.answer(texts.only_asked(question.asked.name), alert=True)
    else:
        return question
    return None


async def ask(press: Press, text: str, *, hint: str) -> int:
    """Ask the person who pressed; their keyboard opens for the answer. Return the message id.

    text: HTML; hint: placeholder of the input field, at most 64 characters.
    """
    # The person is mentioned, because only mentioned members of the group get the input field.
    person = press.attendant
    named = html.link(html.quote(person.name), f"tg://user?id={person.id}")
    keyboard = ForceReply(selective=True, input_field_placeholder=hint)
    return (await press.below(f"{named}, {text}", keyboard)).message_id


async def withdraw(press: Press, question: Question) -> None:
    """Delete a question that a button has answered.

    The person's input field would still reply to it, and what is written next would go nowhere.
    """
    try:
        await press.bot.delete_message(question.group_id, question.message_id)
    except TelegramBadRequest as error:
        logger.info("question not deleted", reason=error.message)
