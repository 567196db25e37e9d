"""Questions of the bot in a group, which attendants answer by replying to them."""

from typing import Any

from aiogram import Bot, html
from aiogram.filters import Filter
from aiogram.types import ForceReply, MaybeInaccessibleMessageUnion, Message, User

from bot.usecases.ports import Questions
from handlers.attendant import group


class IsAnswer(Filter):
    """Filter for messages that reply to a question; it passes the question on."""

    async def __call__(
        self, message: Message, reply: Message, questions: Questions
    ) -> bool | dict[str, Any]:
        # Only the bot asks, so a reply to a person's message needs no look-up.
        if reply.from_user is None or not reply.from_user.is_bot:
            return False
        question = await questions.get(message.chat.id, reply.message_id)
        return {"question": question} if question else False


async def ask(
    bot: Bot, below: MaybeInaccessibleMessageUnion, user: User, text: str, *, hint: str
) -> int:
    """Ask one person, whose keyboard opens for the answer; return the question's message id.

    text: HTML; hint: placeholder of the input field, at most 64 characters.
    """
    # The person is mentioned, because only mentioned members of the group get the input field.
    named = html.link(html.quote(user.full_name), f"tg://user?id={user.id}")
    asked = await group.below(
        bot,
        below,
        f"{named}, {text}",
        keyboard=ForceReply(selective=True, input_field_placeholder=hint),
    )
    return asked.message_id
