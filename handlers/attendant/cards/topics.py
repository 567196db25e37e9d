"""Topics of conversations, in groups that have topics."""

from dataclasses import dataclass
from typing import Final

import structlog
from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError

from bot.domain.conversation import Conversation
from bot.domain.errors import TryLaterError
from bot.domain.refusals import Refused
from handlers.relay.refusals import is_not_modified, refusal_of

_OPEN: Final = "|open"
_CLOSED: Final = "|closed"

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Topics:
    bot: Bot

    async def open(self, group_id: int, title: str) -> int | None:
        """Create a topic and return its id; None if the group has no topics or forbids it."""
        # Asked each time: a group can gain and lose topics while we run.
        if not (await self.bot.get_chat(group_id)).is_forum:
            return None
        try:
            topic = await self.bot.create_forum_topic(group_id, title)
        except TelegramBadRequest as error:
            refusal = refusal_of(error)
            if refusal.what is Refused.CHAT:
                raise
            # Work as in a group without topics, until an admin grants the right that `balcao
            # check` names.
            logger.warning("no topic", chat=group_id, reason=refusal.phrase)
            return None
        return topic.message_thread_id

    async def reopen(self, conversation: Conversation) -> bool:
        """Open the topic that somebody has closed; return False where the bot may not."""
        group_id, topic_id = conversation.group_id, conversation.topic_id or 0
        try:
            await self.bot.reopen_forum_topic(group_id, topic_id)
        except (TelegramBadRequest, TelegramForbiddenError) as error:
            logger.info("topic not reopened", chat=group_id, reason=error.message)
            return is_not_modified(error)
        return True

    async def pin(self, group_id: int, message_id: int) -> None:
        """Pin the card without a sound; without the right, the card is just the first message.

        Whatever happens here, the card is posted and must not be posted again.
        """
        try:
            await self.bot.pin_chat_message(group_id, message_id, disable_notification=True)
        except (TelegramBadRequest, TelegramForbiddenError) as error:
            logger.info("card not pinned", chat=group_id, reason=error.message)
        except TryLaterError as error:
            logger.info("card not pinned", chat=group_id, reason=str(error))

    async def bring_to(self, conversation: Conversation, title: str, *, is_open: bool) -> str:
        """Change title and open state of the topic where they differ; return what it shows now."""
        group_id, topic_id = conversation.group_id, conversation.topic_id or 0
        shown = conversation.topic_shown
        wanted = topic_shown(title, is_open=is_open)
        if shown == wanted:
            return shown
        was_open = shown.endswith(_OPEN)
        try:
            if is_open and not was_open:
                await self.bot.reopen_forum_topic(group_id, topic_id)
            if _title(shown) != title:
                await self.bot.edit_forum_topic(group_id, topic_id, name=title)
            if was_open and not is_open:
                await self.bot.close_forum_topic(group_id, topic_id)
        except (TelegramBadRequest, TelegramForbiddenError) as error:
            # Closed by hand already, deleted, or no longer a forum: the conversation goes on.
            logger.info("topic not changed", chat=group_id, reason=error.message)
        return wanted


def topic_shown(title: str, *, is_open: bool) -> str:
    """Return title and open state as one text, to compare later."""
    return title + (_OPEN if is_open else _CLOSED)


def as_open(shown: str) -> str:
    """Return the text for the same title and an open topic."""
    return topic_shown(_title(shown), is_open=True)


def _title(shown: str) -> str:
    return shown.removesuffix(_OPEN).removesuffix(_CLOSED)
