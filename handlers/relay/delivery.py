"""Delivery of the outbox over Telegram, to customers and to groups."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from aiogram import Bot
from aiogram.exceptions import (
    TelegramAPIError,
    TelegramBadRequest,
    TelegramMigrateToChat,
    TelegramRetryAfter,
)
from aiogram.filters.callback_data import CallbackData

from bot.domain.conversation import Conversation, Link
from bot.domain.errors import RefusedError
from bot.domain.outgoing import (
    MovedError,
    Outgoing,
    OutgoingKind,
    Undelivered,
    UndeliveredError,
)
from bot.usecases.attending.draw_card import DrawCard
from bot.usecases.ports import Conversations, Departments, GroupAlerts, Links
from handlers.buttons import button, in_rows
from handlers.relay import texts
from handlers.relay.posting import Place, TopicsOffError, change, post
from handlers.relay.refusals import closes_group, is_topic_gone, undelivered_of
from handlers.relay.sending import Sending
from handlers.relay.switch_button import SwitchButton

logger = structlog.get_logger()


class SendAgain(CallbackData, prefix="again", sep="|"):
    """Button that sends an undelivered message once more."""

    item: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TelegramDelivery:
    bot: Bot
    conversations: Conversations
    links: Links
    draw: DrawCard
    departments: Departments
    alerts: GroupAlerts
    sending: Sending
    clock: Callable[[], datetime]

    async def __call__(
        self, items: Sequence[Outgoing], *, conversation: Conversation | None = None
    ) -> None:
        """Send the items as one message."""
        head = items[0]
        # One without a card may have got it since.
        if conversation is None or conversation.card_message_id is None:
            conversation = await self.conversations.get(head.conversation_id)
        if conversation is None:
            logger.warning("conversation gone, nothing sent", what=head.what)
            return
        try:
            if head.chat_id == conversation.chat_id:
                await self._to_customer(items, conversation)
            else:
                await self._to_group(items, conversation)
        except TelegramMigrateToChat as error:
            if head.chat_id == conversation.chat_id:
                # It was written in a group that has become another since: Telegram cannot copy
                # from it.
                raise UndeliveredError(Undelivered.NOT_COPIED) from error
            await self.departments.follow(head.chat_id, error.migrate_to_chat_id)
            raise MovedError(error.migrate_to_chat_id) from error
        except TelegramRetryAfter:
            raise
        except TelegramAPIError as error:
            if head.chat_id != conversation.chat_id and closes_group(error):
                raise RefusedError(
                    f"Telegram does not post in the group: {error.message}"
                ) from error
            logger.info("not delivered", reason=error.message)
            raise UndeliveredError(undelivered_of(error)) from error

    async def closed_to_us(self, item: Outgoing) -> None:
        """Notify the admins that a department receives nothing, and the waiting customer once."""
        conversation = await self.conversations.get(item.conversation_id)
        if conversation is None:
            return
        department = await self.departments.get(conversation.department_id)
        if department is None:
            return
        await self.alerts.group_unreachable(department)
        await self.sending.say(
            conversation, texts.GROUP_CLOSED, id=f"waits:{conversation.id}", to_customer=True
        )

    async def undelivered(self, items: Sequence[Outgoing], reason: Undelivered) -> None:
        """Notify the sender, below the message that was not delivered."""
        head = items[0]
        conversation = await self.conversations.get(head.conversation_id)
        if conversation is None or head.what in (
            OutgoingKind.CARD,
            OutgoingKind.REFRESH,
            OutgoingKind.RETIRE,
        ):
            return
        if reason is Undelivered.GONE:
            return  # the sender deleted it, and knows
        if head.chat_id == conversation.chat_id:
            await self._notify_attendant(head, conversation, reason)
        elif head.what is not OutgoingKind.SAY:
            await self.sending.say(
                conversation,
                texts.not_passed_on(reason),
                id=f"told:{head.id}:{self.clock().timestamp()}",
                to_customer=True,
                below=head.source_message_id,
            )

    async def _notify_attendant(
        self, head: Outgoing, conversation: Conversation, reason: Undelivered
    ) -> None:
        name = f"told:{head.id}:{self.clock().timestamp()}"
        if head.what is OutgoingKind.SAY:
            if reason is Undelivered.BLOCKED:
                card = conversation.card_message_id or 0
                await self.sending.say(conversation, texts.CUSTOMER_BLOCKED, id=name, below=card)
            return
        can_repeat = texts.can_be_repeated(reason)
        await self.sending.say(
            conversation,
            texts.not_delivered(reason),
            id=name,
            below=head.source_message_id,
            again=head.id if can_repeat else "",
        )

    async def _to_group(self, items: Sequence[Outgoing], conversation: Conversation) -> None:
        head = items[0]
        if head.what is OutgoingKind.REFRESH:
            await self.draw.refresh(conversation)
            return
        if head.what is OutgoingKind.RETIRE:
            await self.draw.retire(conversation)
            return
        if head.what is not OutgoingKind.EDIT or conversation.is_open:
            conversation = await self.draw.post(conversation, in_group=head.chat_id)
        if head.what is OutgoingKind.CARD:
            return
        try:
            await self._in_group(items, conversation)
        except (TelegramBadRequest, TopicsOffError) as error:
            if isinstance(error, TelegramBadRequest) and not is_topic_gone(error):
                raise
            await self._in_group(items, await self.draw.topic_is_gone(conversation))

    async def _in_group(self, items: Sequence[Outgoing], conversation: Conversation) -> None:
        head = items[0]
        if head.what is OutgoingKind.EDIT:
            await self._edit_in_group(head, conversation)
            return
        # In a group without topics, every message replies to the card, which shows the customer.
        card = 0 if conversation.topic_id else conversation.card_message_id or 0
        place = Place(
            chat_id=conversation.group_id,
            topic_id=conversation.topic_id,
            reply_to=head.below or await self._in_group_of(head) or card,
            may_forward=True,
        )
        if head.what is OutgoingKind.SAY:
            await self._say_in_group(head, place)
            return
        sent = await post(self.bot, items, place)
        await self._link_customers(items, conversation, sent)

    async def _link_customers(
        self, items: Sequence[Outgoing], conversation: Conversation, sent: Sequence[int]
    ) -> None:
        sources = [item.source_message_id for item in items]
        pairs: list[tuple[int, tuple[int, ...]]] = (
            [(sent[0], tuple(sources))]
            if len(sent) == 1
            else [(one, (source,)) for one, source in zip(sent, sources, strict=True)]
        )
        await self.links.add(
            [
                Link(
                    group_id=conversation.group_id,
                    message_id=message_id,
                    conversation_id=conversation.id,
                    customer_chat_id=conversation.chat_id,
                    customer_message_ids=customer,
                    by_customer=True,
                )
                for message_id, customer in pairs
            ]
        )

    async def _edit_in_group(self, item: Outgoing, conversation: Conversation) -> None:
        link = await self.links.of_customer(item.source_chat_id, item.source_message_id)
        if link is None:
            return
        is_here = link.group_id == item.chat_id
        card = conversation.card_message_id or 0
        place = Place(
            chat_id=item.chat_id,
            topic_id=conversation.topic_id if item.chat_id == conversation.group_id else None,
            # In a group that has become another since, nothing can be edited or replied to.
            reply_to=link.message_id if is_here else card,
        )
        is_alone = is_here and len(link.customer_message_ids) == 1
        if is_alone and await change(self.bot, item, link.group_id, link.message_id, place):
            return
        # It is one of several in a message, or Telegram cannot edit it: add a message below it.
        said = texts.CORRECTED + item.html if item.html else texts.FILE_CHANGED
        await self._say_in_group(item, place, html=said)

    async def _say_in_group(
        self, item: Outgoing, place: Place, *, html: str | None = None
    ) -> None:
        """Post a text whose replies go to the customer."""
        message_id = await self._say(item, place, html=item.html if html is None else html)
        link = Link(
            group_id=place.chat_id, message_id=message_id, conversation_id=item.conversation_id
        )
        await self.links.add([link])

    async def _to_customer(self, items: Sequence[Outgoing], conversation: Conversation) -> None:
        head = items[0]
        if any(item.is_internal for item in items):
            return
        if head.what in (OutgoingKind.EDIT, OutgoingKind.DELETE):
            await self._change_at_customer(head, conversation)
            return
        place = Place(
            chat_id=conversation.chat_id,
            reply_to=head.below or await self._at_customer_of(head),
        )
        if head.what is OutgoingKind.SAY:
            await self._say(head, place, html=head.html)
            return
        sent = await post(self.bot, items, place)
        await self.links.add(
            [
                Link(
                    group_id=item.source_chat_id,
                    message_id=item.source_message_id,
                    conversation_id=conversation.id,
                    customer_chat_id=conversation.chat_id,
                    customer_message_ids=(message_id,),
                )
                for item, message_id in zip(items, sent, strict=True)
            ]
        )

    async def _change_at_customer(self, item: Outgoing, conversation: Conversation) -> None:
        link = await self.links.of_group(item.source_chat_id, item.source_message_id)
        if link is None or link.by_customer or not link.customer_message_ids:
            return
        [message_id] = link.customer_message_ids
        if item.what is OutgoingKind.DELETE:
            await self.bot.delete_message(link.customer_chat_id, message_id)
            await self.sending.say(
                conversation, texts.DELETED, id=f"said:{item.id}", below=item.source_message_id
            )
        elif not await change(self.bot, item, link.customer_chat_id, message_id, Place()):
            raise UndeliveredError(Undelivered.TOO_OLD)

    async def _say(self, item: Outgoing, place: Place, *, html: str) -> int:
        offers = [button(texts.AGAIN, SendAgain(item=item.again))] if item.again else []
        if item.switch_to:
            data = SwitchButton(conversation=item.conversation_id, mark=item.switch_to)
            offers.append(button(texts.SWITCH, data))
        said = await self.bot.send_message(
            place.chat_id,
            html,
            message_thread_id=place.topic_id,
            reply_parameters=place.reply,
            reply_markup=in_rows(offers) if offers else None,
        )
        return said.message_id

    async def _in_group_of(self, item: Outgoing) -> int:
        """Return the group's message for the one that the customer replied to; 0 for none."""
        if not item.reply_to:
            return 0
        link = await self.links.of_customer(item.source_chat_id, item.reply_to)
        return link.message_id if link and link.group_id == item.chat_id else 0

    async def _at_customer_of(self, item: Outgoing) -> int:
        """Return the customer's message for the one that the attendant replied to; 0 for none."""
        if not item.reply_to:
            return 0
        link = await self.links.of_group(item.source_chat_id, item.reply_to)
        return link.at_customer(item.chat_id) if link else 0
