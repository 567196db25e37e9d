"""Replies in a group: which of them go to a customer, and what is said of the others."""

from aiogram.fsm.context import FSMContext
from aiogram.types import Message

from bot.domain.conversation import Attendant, Conversation
from bot.domain.ready_answer import asked_word
from bot.usecases.attending.attend import AlreadyClosed, Attend, Moved
from bot.usecases.attending.replied_to import RepliedTo
from bot.usecases.company.departments import Departments
from handlers.answers import bot_of, say_below
from handlers.attendant import texts
from handlers.relay.content import INTERNAL, answered
from handlers.relay.sending import Sending


async def why_not(message: Message, replied_to: RepliedTo) -> str | None:
    """Return why the reply is for no customer, or None if it may be for one.

    For a customer are replies to the bot's messages about one conversation, apart from notices,
    and to one's own answers. Everything else is talk among attendants, also in a topic.
    """
    replied = message.reply_to_message
    if replied is None or not replied_to.message_id:
        return None
    if is_to_bot(message):
        link = await replied_to.link()
        if link is None:
            # Such as a copy whose sending Telegram did not confirm, or a question.
            return texts.TO_NO_CONVERSATION
        return texts.TO_NOTICE if link.is_notice else None
    if (replied.text or replied.caption or "").startswith((INTERNAL, "/nota")):
        return texts.TO_COMMENT
    if asked_word(replied.text or "") is not None:
        return texts.TO_WORD
    if message.sender_chat and replied.sender_chat:
        return texts.TO_NOBODYS_OWN
    return None if _author(message) == _author(replied) else texts.TO_COLLEAGUE


def is_to_bot(message: Message) -> bool:
    """Return True if it replies to a message of this bot, and not just stands in a topic."""
    reply = message.reply_to_message
    if not answered(message)[1] or reply is None or reply.from_user is None:
        return False
    return reply.from_user.id == bot_of(message).id


async def say_why(
    message: Message, why: str, state: FSMContext, attend: Attend, departments: Departments
) -> None:
    """Say below a reply why it goes to no customer.

    Where no reply can go to one, attendants talk in peace: in another group, and in a topic of
    their own.
    """
    topic_id, _ = answered(message)
    in_topic = topic_id is not None and await attend.has_topic(message.chat.id, topic_id)
    if not is_to_bot(message):
        if topic_id and not in_topic:
            return
        if all(one.group_id != message.chat.id for one in await departments.all()):
            return
    is_forum = bool(message.chat.is_forum)
    text = texts.not_for_customer(why, in_topic=in_topic, is_forum=is_forum)
    await say_below(message, state, text)


async def say_unsent(message: Message, state: FSMContext, outcome: AlreadyClosed | Moved) -> None:
    """Say below an answer that it goes to no customer: the conversation is closed or moved."""
    is_closed = isinstance(outcome, AlreadyClosed)
    text = texts.answer_to_closed if is_closed else texts.answer_to_moved
    await say_below(message, state, text(outcome.conversation.protocol))


async def say_whose(
    message: Message,
    conversation: Conversation,
    writer: Attendant,
    replied_to: RepliedTo,
    sending: Sending,
) -> None:
    """Tell an attendant, once in each conversation, that replies to such messages are sent.

    The card and the customer's own messages say so themselves.
    """
    link = await replied_to.link()
    is_plain = link is None or link.customer_message_ids
    if is_plain or replied_to.message_id == conversation.card_message_id:
        return
    await sending.say(
        conversation,
        texts.went_to_customer(conversation.shown_name),
        id=f"went:{conversation.id}:{writer.id}",
        below=message.message_id,
    )


def _author(message: Message) -> tuple[int, int]:
    user, chat = message.from_user, message.sender_chat
    return user.id if user else 0, chat.id if chat else 0
