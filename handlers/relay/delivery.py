"""Delivery of the outbox over Telegram, to customers and to groups."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

import structlog
from aiogram import Bot
from aiogram.exceptions import (
    TelegramAPIError,
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramMigrateToChat,
)
from aiogram.filters.callback_data import CallbackData

from bot.domain.conversation import NOTICE, Conversation, Link
from bot.domain.errors import AppError, UnknownRefusalError
from bot.domain.outgoing import (
    ChatClosedError,
    MovedError,
    Outgoing,
    OutgoingKind,
    Undelivered,
    UndeliveredError,
)
from bot.domain.refusals import Refused
from bot.usecases.attending.draw_card import DrawCard
from bot.usecases.attending.show_card import ShowCard
from bot.usecases.ports import Conversations, Departments, GroupAlerts, Links, Transcripts
from handlers.buttons import button, in_rows
from handlers.relay import texts
from handlers.relay.correction_menu import menu_keyboard
from handlers.relay.near_buttons import NearButtons
from handlers.relay.posting import Place, TopicsOffError, change, post
from handlers.relay.refusals import closes_chat, is_deleted_before, is_reply_gone, refusal_of
from handlers.relay.sending import Sending
from handlers.relay.switch_button import SwitchButton
from handlers.relay.words_button import ALL, WordsButton

# Nobody waits for these.
_NOT_TOLD: Final = (OutgoingKind.REFRESH, OutgoingKind.RETIRE, OutgoingKind.UNSAY)

logger = structlog.get_logger()


class SendAgain(CallbackData, prefix="again", sep="|"):
    """Button that sends an undelivered message once more."""

    item: str


def _source(item: Outgoing) -> str:
    """Return the id of the outbox item of the message that this one changes."""
    return f"{item.source_chat_id}:{item.source_message_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TelegramDelivery:
    bot: Bot
    conversations: Conversations
    links: Links
    transcripts: Transcripts
    draw: DrawCard
    show_card: ShowCard
    departments: Departments
    alerts: GroupAlerts
    sending: Sending
    near: NearButtons
    _kinds: dict[str, str] = field(default_factory=dict)
    """Ids of messages to the kind that Telegram refuses, until their writer is told."""

    async def __call__(
        self, items: Sequence[Outgoing], *, conversation: Conversation | None = None
    ) -> Sequence[Link]:
        """Send the items as one message; return its links."""
        head = items[0]
        if not head.conversation_id:
            return await self._to_chat(head)
        # One without a card may have got it since.
        if conversation is None or conversation.card_message_id is None:
            conversation = await self.conversations.get(head.conversation_id)
        if conversation is None:
            logger.warning("conversation gone, nothing sent", what=head.what)
            return []
        try:
            if head.chat_id == conversation.chat_id:
                links = await self._to_customer(items, conversation)
                await self._arrived(head, conversation)
                return links
            return await self._to_group(items, conversation)
        except TelegramMigrateToChat as error:
            if head.chat_id == conversation.chat_id:
                # It was written in a group that has become another since: Telegram cannot copy
                # from it.
                raise UndeliveredError(Undelivered.NOT_COPIED) from error
            await self.departments.follow(head.chat_id, error.migrate_to_chat_id)
            raise MovedError(error.migrate_to_chat_id) from error
        except TelegramAPIError as error:
            refusal = refusal_of(error)
            logger.info("not delivered", reason=refusal.phrase)
            if head.chat_id != conversation.chat_id:
                if closes_chat(refusal):
                    raise ChatClosedError(
                        f"Telegram does not post in the group: {refusal.phrase}"
                    ) from error
                if refusal.what is Refused.TOPIC:
                    raise UnknownRefusalError("Telegram takes nothing in the topic") from error
            if refusal.what is Refused.KIND:
                self._kinds[head.id] = refusal.kind
            raise UndeliveredError(refusal.reason) from error

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

    async def undelivered(
        self, items: Sequence[Outgoing], reason: Undelivered, *, at: datetime
    ) -> None:
        """Notify the sender below each message that was not delivered, or else the admins."""
        head = items[0]
        conversation = await self.conversations.get(head.conversation_id)
        if conversation is None or head.what in _NOT_TOLD:
            return
        if reason is Undelivered.GONE:
            return  # the sender deleted it, and knows
        kind = self._kinds.get(head.id, "")
        # Texts that were joined are messages of their own to their sender.
        for item in items[:1] if head.album else items:
            if item.notice:
                await self.sending.unsay(conversation, *item.notice)  # another one follows
            name = f"{NOTICE}{item.id}:{at.timestamp()}"
            await self._tell(item, conversation, reason, kind, name=name)
        self._kinds.pop(head.id, None)

    async def _tell(
        self,
        item: Outgoing,
        conversation: Conversation,
        reason: Undelivered,
        kind: str,
        *,
        name: str,
    ) -> None:
        """Tell the sender, or else the admins; name: the id of what is said."""
        if item.what is OutgoingKind.CARD:
            await self.draw.give_up(conversation)
            await self.alerts.card_undelivered(conversation.protocol)
            await self.sending.say(conversation, texts.CARD_NOT_POSTED, id=name, to_customer=True)
        elif item.what is OutgoingKind.SAY:
            await self._sentence_lost(item, conversation, reason, name)
        elif item.chat_id == conversation.chat_id:
            await self.sending.say(
                conversation,
                texts.not_delivered(reason, kind),
                id=name,
                below=item.source_message_id,
                again=item.id if texts.can_be_repeated(reason) else "",
            )
        else:
            await self.sending.say(
                conversation,
                texts.not_passed_on(reason, kind),
                id=name,
                to_customer=True,
                below=item.source_message_id,
            )

    async def _sentence_lost(
        self, head: Outgoing, conversation: Conversation, reason: Undelivered, name: str
    ) -> None:
        if head.id.startswith(NOTICE):
            await self.alerts.nobody_told(conversation.protocol)
        if head.chat_id == conversation.chat_id and reason is Undelivered.BLOCKED:
            card = conversation.card_message_id or 0
            await self.sending.say(conversation, texts.CUSTOMER_BLOCKED, id=name, below=card)

    async def _to_chat(self, item: Outgoing) -> Sequence[Link]:
        """Post a sentence that belongs to no conversation; one that is refused is dropped.

        It is of no use later, and names customers.
        """
        try:
            await self._say(item, Place(chat_id=item.chat_id), html=item.html)
        except TelegramMigrateToChat as error:
            await self.departments.follow(item.chat_id, error.migrate_to_chat_id)
            raise MovedError(error.migrate_to_chat_id) from error
        except TelegramAPIError as error:
            logger.warning("sentence refused", chat=item.chat_id, reason=refusal_of(error).phrase)
        return []

    async def _arrived(self, item: Outgoing, conversation: Conversation) -> None:
        """Take back the notice that the item was not delivered."""
        if item.notice is None:
            return
        try:
            await self.sending.unsay(conversation, *item.notice)
        except AppError as error:
            # The customer has the message: an error here would send it once more.
            logger.warning("notice stays", error=str(error))

    async def _unsay(self, item: Outgoing) -> None:
        try:
            await self.bot.delete_message(item.chat_id, item.below)
        except (TelegramBadRequest, TelegramForbiddenError) as error:
            # Older than two days, or deleted by hand.
            logger.info("not deleted", reason=error.message)
            with suppress(TelegramBadRequest, TelegramForbiddenError):
                await self.bot.edit_message_text(
                    texts.ARRIVED, chat_id=item.chat_id, message_id=item.below
                )

    async def _to_group(
        self, items: Sequence[Outgoing], conversation: Conversation
    ) -> Sequence[Link]:
        head = items[0]
        if head.what is OutgoingKind.REFRESH:
            if head.below:
                await self.draw.group.take_buttons(head.chat_id, head.below)
            else:
                await self.draw.refresh(conversation)
            return []
        if head.what is OutgoingKind.RETIRE:
            await self.draw.retire(conversation)
            return []
        if head.what is OutgoingKind.UNSAY:
            await self._unsay(head)
            return []
        if head.what is not OutgoingKind.EDIT or conversation.is_open:
            conversation = await self.draw.post(conversation, in_group=head.chat_id)
        if head.what is OutgoingKind.CARD:
            return []
        again = self.draw.post_again
        try:
            return await self._in_group(items, conversation)
        except TelegramBadRequest as error:
            refusal = refusal_of(error)
            if is_reply_gone(error) and conversation.topic_id is None:
                # The card was deleted in the group.
                posted = await self.draw.post_again(conversation)
                return await self._in_group(items, posted, needs_card=False)
            if refusal.what is not Refused.TOPIC or conversation.topic_id is None:
                raise
            if refusal.is_closed:
                again = self.draw.topic_is_closed
        except TopicsOffError:
            pass
        opened = await again(conversation)
        if not opened.is_open:
            # Such as thanks: the topic was opened only for them. It is closed after the message;
            # queued before it, since what fails after it would repeat it.
            await self.show_card.refresh(opened)
        return await self._in_group(items, opened)

    async def _in_group(
        self, items: Sequence[Outgoing], conversation: Conversation, *, needs_card: bool = True
    ) -> Sequence[Link]:
        head = items[0]
        if head.what is OutgoingKind.EDIT:
            return await self._edit_in_group(head, conversation)
        # In a group without topics, every message replies to the card, which shows the customer.
        card = 0 if conversation.topic_id else conversation.card_message_id or 0
        reply_to = head.below or await self._in_group_of(head)
        place = Place(
            chat_id=conversation.group_id,
            topic_id=conversation.topic_id,
            reply_to=reply_to or card,
            needs_reply=needs_card and not reply_to,
            may_forward=True,
        )
        if head.what is OutgoingKind.SAY:
            return await self._say_in_group(head, place)
        due = await self.near.due(conversation, head)
        if due:
            place = replace(place, buttons=self.near.keyboard(due))
        items, sent = await self._post(items, conversation, place)
        self.near.saw(conversation.group_id, *sent)
        if due:
            await self.near.moved(due, sent[-1])
        groups = [items] if len(sent) == 1 else [[item] for item in items]
        return [
            Link(
                group_id=conversation.group_id,
                message_id=message_id,
                conversation_id=conversation.id,
                customer_chat_id=conversation.chat_id,
                customer_message_ids=tuple(item.source_message_id for item in together),
                by_customer=True,
                item=together[0].id if together[0].is_repeat else "",
            )
            for message_id, together in zip(sent, groups, strict=True)
        ]

    async def _post(
        self, items: Sequence[Outgoing], conversation: Conversation, place: Place
    ) -> tuple[Sequence[Outgoing], list[int]]:
        """Post the items; of an album only the kinds that the chat takes, and tell the writer.

        Returns the items that were posted, and their message ids.
        """
        try:
            return items, await post(self.bot, items, place)
        except TelegramBadRequest as error:
            refusal = refusal_of(error)
            taken = [i for i in items if i.file is None or i.file.type != refusal.kind]
            if refusal.what is not Refused.KIND or not 0 < len(taken) < len(items):
                raise
        head = next(item for item in items if item not in taken)
        # Before the others are posted, and under a name of its own: what fails here must not
        # repeat them, nor they this.
        name = f"{NOTICE}{head.id}"
        await self._tell(head, conversation, refusal.reason, refusal.kind, name=name)
        return await self._post(taken, conversation, place)

    async def _edit_in_group(self, item: Outgoing, conversation: Conversation) -> Sequence[Link]:
        link = await self.links.of_customer(item.source_chat_id, item.source_message_id)
        if link is None:
            return []
        is_here = link.group_id == item.chat_id
        card = conversation.card_message_id or 0
        place = Place(
            chat_id=item.chat_id,
            topic_id=conversation.topic_id if item.chat_id == conversation.group_id else None,
            # In a group that has become another since, nothing can be edited or replied to.
            reply_to=link.message_id if is_here else card,
            # An edit that names none takes them away.
            buttons=self.near.keyboard(conversation)
            if is_here and link.message_id == conversation.buttons_at
            else None,
        )
        await self._keep_edit(item)
        is_alone = is_here and len(link.customer_message_ids) == 1
        if is_alone and await change(self.bot, item, link.group_id, link.message_id, place):
            return []
        # It is one of several in a message, or Telegram cannot edit it: add a message below it.
        said = texts.CORRECTED + item.html if item.html else texts.FILE_CHANGED
        return await self._say_in_group(item, place, html=said)

    async def _say_in_group(
        self, item: Outgoing, place: Place, *, html: str | None = None
    ) -> Sequence[Link]:
        """Post a text whose replies go to the customer, unless it is a question."""
        message_id = await self._say(item, place, html=item.html if html is None else html)
        self.near.saw(place.chat_id, message_id)
        if item.corrects:
            return []
        return [
            Link(
                group_id=place.chat_id,
                message_id=message_id,
                conversation_id=item.conversation_id,
                item=item.id,
            )
        ]

    async def _to_customer(
        self, items: Sequence[Outgoing], conversation: Conversation
    ) -> Sequence[Link]:
        head = items[0]
        if any(item.is_internal for item in items):
            return []
        if head.what in (OutgoingKind.EDIT, OutgoingKind.DELETE):
            await self._change_at_customer(head, conversation)
            return []
        place = Place(
            chat_id=conversation.chat_id,
            reply_to=head.below or await self._at_customer_of(head),
        )
        if head.what is OutgoingKind.SAY:
            await self._say(head, place, html=head.html)
            return []
        items, sent = await self._post(items, conversation, place)
        self.near.saw(head.source_chat_id, *(item.source_message_id for item in items))
        return [
            Link(
                group_id=item.source_chat_id,
                message_id=item.source_message_id,
                conversation_id=conversation.id,
                customer_chat_id=conversation.chat_id,
                customer_message_ids=(message_id,),
                item=item.id if item.id != _source(item) else "",
            )
            for item, message_id in zip(items, sent, strict=True)
        ]

    async def _change_at_customer(self, item: Outgoing, conversation: Conversation) -> None:
        link = await self.links.of_group(item.source_chat_id, item.source_message_id)
        if link is None or link.by_customer or not link.customer_message_ids:
            return
        [message_id] = link.customer_message_ids
        sent_as = link.item or _source(item)
        if item.what is OutgoingKind.DELETE:
            try:
                await self.bot.delete_message(link.customer_chat_id, message_id)
            except TelegramBadRequest as error:
                # By the customer, or by us before the database was away.
                if is_deleted_before(error):
                    await self.transcripts.erase(sent_as)
                raise
            await self.transcripts.erase(sent_as)
            await self.sending.say(
                conversation, texts.DELETED, id=f"said:{item.id}", below=item.source_message_id
            )
        elif not await change(self.bot, item, link.customer_chat_id, message_id, Place()):
            raise UndeliveredError(Undelivered.TOO_OLD)
        else:
            await self._keep_edit(item)

    async def _keep_edit(self, edit: Outgoing) -> None:
        if edit.words:
            await self.transcripts.edit(_source(edit), edit.words)

    async def _say(self, item: Outgoing, place: Place, *, html: str) -> int:
        offers = [button(texts.AGAIN, SendAgain(item=item.again))] if item.again else []
        if item.switch_to:
            data = SwitchButton(conversation=item.conversation_id, mark=item.switch_to)
            offers.append(button(texts.SWITCH, data))
        if item.has_more:
            offers.append(button(ALL, WordsButton.opening(item.conversation_id)))
        keyboard = in_rows(offers) if offers else None
        if item.corrects:
            keyboard = menu_keyboard(item.conversation_id)
        said = await self.bot.send_message(
            place.chat_id,
            html,
            message_thread_id=place.topic_id,
            reply_parameters=place.reply,
            reply_markup=keyboard,
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
