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

from bot.domain.conversation import Attendant, Link
from bot.domain.errors import AppError
from bot.usecases.attending.replied_to import RepliedTo
from bot.usecases.ports import Links
from handlers.answers import Data, Handler, answer_press
from handlers.attendant import texts
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
    links: Links

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
        self,
        text: str,
        keyboard: InlineKeyboardMarkup | ForceReply | None = None,
        *,
        about: str = "",
    ) -> Message:
        """Post a text below the message, even if Telegram no longer shows that one to bots.

        about: the conversation whose customer a reply to the text goes to; none for a question.
        """
        posted = await self.bot.send_message(
            self.group_id,
            text,
            message_thread_id=self._topic_id,
            reply_parameters=self._reply,
            reply_markup=keyboard,
        )
        await link(self.links, self.group_id, posted.message_id, about)
        return posted

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

    async def edit(
        self, text: str, markup: InlineKeyboardMarkup | None = None, *, about: str = ""
    ) -> None:
        """Edit the message, as `edit` does. about: as in `below`."""
        await edit(self.bot, self.group_id, self.message.message_id, text, markup)
        await link(self.links, self.group_id, self.message.message_id, about)


class IsPress(Filter):
    """Filter for presses whose message is known; it passes the `Press` on."""

    async def __call__(
        self, callback: CallbackQuery, bot: Bot, links: Links
    ) -> bool | dict[str, object]:
        message = callback.message
        return {"press": Press(callback, message, bot, links)} if message else False


class PassRepliedTo(BaseMiddleware):
    """Outer middleware that passes on the message replied to; its link is read at most once."""

    async def __call__(self, handler: Handler, event: TelegramObject, data: Data) -> object:
        if isinstance(event, Message):
            _, message_id = answered(event)
            data["replied_to"] = RepliedTo(
                event.chat.id, message_id, links=data["links"], outbox=data["outbox"]
            )
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


async def link(links: Links, group_id: int, message_id: int, about: str) -> None:
    """Let replies to this message of the bot go to the customer of the conversation `about`.

    about: empty if the message is of none. Without its link a reply goes nowhere, and that is
    said: what is posted is not posted again for it.
    """
    if not about or group_id > 0:
        return
    try:
        await links.add([Link(group_id=group_id, message_id=message_id, conversation_id=about)])
    except AppError as error:
        logger.warning("message not linked", chat=group_id, error=str(error))


def attendant_of(user: User) -> Attendant:
    return Attendant(id=user.id, name=user.full_name)


def writer_of(message: Message, user: User) -> Attendant:
    """Return who wrote the message; an anonymous administrator by the title in the group."""
    if message.sender_chat is None:
        return attendant_of(user)
    return Attendant(id=user.id, name=message.author_signature or texts.ANONYMOUS)
