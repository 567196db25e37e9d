"""A press of a button in a department's group, and the bot's messages there."""

from dataclasses import dataclass

import structlog
from aiogram import BaseMiddleware, Bot
from aiogram.exceptions import TelegramBadRequest
from aiogram.filters import Filter
from aiogram.types import (
    BufferedInputFile,
    CallbackQuery,
    ForceReply,
    InlineKeyboardMarkup,
    MaybeInaccessibleMessageUnion,
    Message,
    ReplyParameters,
    TelegramObject,
    User,
)

from bot.domain.conversation import Attendant
from bot.usecases.attending.replied_to import RepliedTo
from bot.usecases.ports import Links
from handlers.answers import Data, Handler, answer_press
from handlers.attendant.refusals import Refusal, refused
from handlers.relay.content import answered

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Press:
    """An attendant's press, and all that it takes to answer it."""

    callback: CallbackQuery
    message: MaybeInaccessibleMessageUnion
    """The message that has the button."""
    bot: Bot

    @property
    def group_id(self) -> int:
        return self.message.chat.id

    @property
    def attendant(self) -> Attendant:
        return attendant_of(self.callback.from_user)

    async def answer(self, text: str | None = None, *, alert: bool = False) -> None:
        await answer_press(self.callback, text, alert=alert)

    async def refuse(self, refusal: Refusal) -> None:
        """Answer with the reason, in an alert window."""
        await self.answer(refused(refusal), alert=True)

    async def below(
        self, text: str, keyboard: InlineKeyboardMarkup | ForceReply | None = None
    ) -> Message:
        """Post a text below the message, even if Telegram no longer shows that one to bots."""
        return await self.bot.send_message(
            self.group_id,
            text,
            message_thread_id=self._topic_id,
            reply_parameters=self._reply,
            reply_markup=keyboard,
        )

    async def file_below(self, file: BufferedInputFile) -> None:
        """Post a file below the message."""
        await self.bot.send_document(
            self.group_id,
            file,
            message_thread_id=self._topic_id,
            reply_parameters=self._reply,
        )

    @property
    def _topic_id(self) -> int | None:
        message = self.message
        if isinstance(message, Message) and message.is_topic_message:
            return message.message_thread_id
        return None

    @property
    def _reply(self) -> ReplyParameters:
        return ReplyParameters(
            message_id=self.message.message_id, allow_sending_without_reply=True
        )

    async def edit(self, text: str, markup: InlineKeyboardMarkup | None = None) -> None:
        """Edit the message, as `edit` does."""
        await edit(self.bot, self.group_id, self.message.message_id, text, markup)


class IsPress(Filter):
    """Filter for presses whose message is known; it passes the `Press` on."""

    async def __call__(self, callback: CallbackQuery, bot: Bot) -> bool | dict[str, object]:
        message = callback.message
        return {"press": Press(callback, message, bot)} if message else False


class PassRepliedTo(BaseMiddleware):
    """Outer middleware that passes on the message replied to; its link is read at most once."""

    async def __call__(self, handler: Handler, event: TelegramObject, data: Data) -> object:
        links: Links = data["links"]
        if isinstance(event, Message):
            _, message_id = answered(event)
            data["replied_to"] = RepliedTo(event.chat.id, message_id, links=links)
        return await handler(event, data)


async def edit(
    bot: Bot,
    chat_id: int,
    message_id: int,
    text: str,
    markup: InlineKeyboardMarkup | None = None,
) -> None:
    """Edit a message of ours; log it if the text is unchanged or the message was deleted."""
    try:
        await bot.edit_message_text(
            text, chat_id=chat_id, message_id=message_id, reply_markup=markup
        )
    except TelegramBadRequest as error:
        logger.info("message not edited", reason=error.message)


def attendant_of(user: User) -> Attendant:
    return Attendant(id=user.id, name=user.full_name)
