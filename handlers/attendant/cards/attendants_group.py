"""The attendants' group in Telegram: posts the cards and edits them."""

from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

import structlog
from aiogram import Bot
from aiogram.exceptions import (
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramNotFound,
)
from aiogram.types import InlineKeyboardMarkup, Message

from bot.domain.card import Card
from bot.domain.conversation import Conversation
from bot.domain.errors import UnknownRefusalError
from bot.domain.outgoing import ChatClosedError
from bot.domain.refusals import Refused
from handlers.attendant.cards import card as views
from handlers.attendant.cards.keyboards import below_message, keyboard
from handlers.attendant.cards.topics import Topics, as_open, topic_shown
from handlers.relay.refusals import closes_chat, refusal_of

_REFUSED = (TelegramForbiddenError, TelegramBadRequest, TelegramNotFound)

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class TelegramAttendantsGroup:
    bot: Bot
    topics: Topics
    timezone: ZoneInfo

    async def open_topic(self, card: Card) -> Conversation:
        conversation = card.conversation
        if conversation.topic_id is not None:
            return conversation
        try:
            topic = await self.topics.open(conversation.group_id, views.topic_title(card))
        except _REFUSED as error:
            raise ChatClosedError(
                f"Telegram opens no topic: {refusal_of(error).phrase}"
            ) from error
        if topic is None:
            return conversation
        shown = topic_shown(views.topic_title(card), is_open=True)
        return replace(conversation, topic_id=topic, topic_shown=shown)

    async def reopen_topic(self, conversation: Conversation) -> Conversation | None:
        if not await self.topics.reopen(conversation):
            return None
        return replace(conversation, topic_shown=as_open(conversation.topic_shown))

    async def show(self, card: Card) -> Conversation:
        return await self._show(card)

    async def _show(
        self, card: Card, *, may_reopen: bool = True, may_open: bool = True
    ) -> Conversation:
        conversation = card.conversation
        try:
            posted = await self._post(card)
        except _REFUSED as error:
            refusal = refusal_of(error)
            if refusal.what is Refused.TOPIC and conversation.topic_id is not None:
                if refusal.is_closed and may_reopen and await self.topics.reopen(conversation):
                    return await self._show(card, may_reopen=False, may_open=may_open)
                if may_open:
                    return await self._in_new_topic(card)
            if closes_chat(refusal) or refusal.what is Refused.TOPIC:
                raise ChatClosedError(
                    f"Telegram does not post in the group: {refusal.phrase}"
                ) from error
            raise UnknownRefusalError(f"Telegram takes no card: {refusal.phrase}") from error
        if conversation.topic_id is not None:
            await self.topics.pin(conversation.group_id, posted.message_id)
        return replace(conversation, card_message_id=posted.message_id)

    async def _post(self, card: Card) -> Message:
        conversation, text = card.conversation, self._text(card)
        while True:
            try:
                return await self.bot.send_message(
                    conversation.group_id,
                    text,
                    message_thread_id=conversation.topic_id,
                    reply_markup=keyboard(card),
                )
            except TelegramBadRequest as error:
                short, refusal = views.short_text(card), refusal_of(error)
                if closes_chat(refusal) or refusal.what is Refused.TOPIC or text == short:
                    raise
                # A text on record that Telegram refuses must not keep this customer, and the queue
                # behind, from the group.
                logger.error("card not taken, a short one instead", reason=refusal.phrase)
                text = short

    async def _in_new_topic(self, card: Card) -> Conversation:
        lost = replace(card.conversation, topic_id=None, topic_shown="")
        opened = await self.open_topic(replace(card, conversation=lost))
        return await self._show(replace(card, conversation=opened), may_open=False)

    async def refresh(self, card: Card) -> Conversation:
        conversation = card.conversation
        try:
            await self.bot.edit_message_text(
                self._text(card),
                chat_id=conversation.group_id,
                message_id=conversation.card_message_id,
                reply_markup=keyboard(card),
            )
        except (TelegramForbiddenError, TelegramBadRequest) as error:
            # The card is unchanged, or was deleted in the group: this does not affect the
            # conversation.
            logger.info("card not edited", reason=error.message)
        if conversation.buttons_at:
            markup = None if card.moved else below_message(conversation)
            await self._set_buttons(conversation.group_id, conversation.buttons_at, markup)
        if conversation.topic_id is None:
            return conversation
        shown = await self.topics.bring_to(
            conversation, views.topic_title(card), is_open=conversation.is_open and not card.moved
        )
        return replace(conversation, topic_shown=shown)

    async def take_buttons(self, group_id: int, message_id: int) -> None:
        await self._set_buttons(group_id, message_id, None)

    async def _set_buttons(
        self, group_id: int, message_id: int, markup: InlineKeyboardMarkup | None
    ) -> None:
        try:
            await self.bot.edit_message_reply_markup(
                chat_id=group_id, message_id=message_id, reply_markup=markup
            )
        except (TelegramForbiddenError, TelegramBadRequest) as error:
            # Unchanged, deleted in the group, or too old: a press reads the conversation anyway.
            logger.info("buttons not changed", reason=error.message)

    def _text(self, card: Card) -> str:
        return views.card_text(card, timezone=self.timezone)
