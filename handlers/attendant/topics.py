"""A conversation's topic, in groups that have topics."""

from dataclasses import dataclass
from typing import Final

import structlog
from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError

from bot.domain.conversation import Conversation

_OPEN: Final = "|open"
_CLOSED: Final = "|closed"

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Topics:
    bot: Bot

    async def open(self, group_id: int, title: str) -> int | None:
        """The id of a new topic; None in a group without topics, or where we may make none."""
        # Asked each time: a group gets topics, and loses them, while we run.
        if not (await self.bot.get_chat(group_id)).is_forum:
            return None
        try:
            topic = await self.bot.create_forum_topic(group_id, title)
        except TelegramBadRequest as error:
            said = error.message.lower()
            if "not a forum" not in said and "not enough rights" not in said:
                raise
            # As in a group without topics, until it is put right: `balcao check` names the right.
            logger.warning("no topic", chat=group_id, reason=error.message)
            return None
        return topic.message_thread_id

    async def pin(self, group_id: int, message_id: int) -> None:
        """Pin without a sound; where we may not, the card is only the first message."""
        try:
            await self.bot.pin_chat_message(group_id, message_id, disable_notification=True)
        except (TelegramBadRequest, TelegramForbiddenError) as error:
            logger.info("card not pinned", chat=group_id, reason=error.message)

    async def bring_to(self, conversation: Conversation, title: str, *, is_open: bool) -> str:
        """What the topic shows afterwards: called for only where it differs from what it shows."""
        group_id, topic_id = conversation.group_id, conversation.topic_id or 0
        shown = conversation.topic_shown
        wanted = topic_shown(title, is_open=is_open)
        if shown == wanted:
            return shown
        was_open = shown.endswith(_OPEN)
        try:
            if is_open and not was_open:
                await self.bot.reopen_forum_topic(group_id, topic_id)
            if shown.removesuffix(_OPEN).removesuffix(_CLOSED) != title:
                await self.bot.edit_forum_topic(group_id, topic_id, name=title)
            if was_open and not is_open:
                await self.bot.close_forum_topic(group_id, topic_id)
        except (TelegramBadRequest, TelegramForbiddenError) as error:
            # Closed by hand already, deleted, or no longer a forum: the conversation goes on.
            logger.info("topic not changed", chat=group_id, reason=error.message)
        return wanted


def topic_shown(title: str, *, is_open: bool) -> str:
    """What a topic shows, to be compared later."""
    return title + (_OPEN if is_open else _CLOSED)
