"""Messages between customers and attendants, and the bot's own sentences, go into the outbox."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from aiogram.types import Message, User

from bot.domain.conversation import Conversation, Link
from bot.domain.errors import TryLaterError
from bot.domain.outgoing import (
    TEXT_LENGTH,
    Content,
    Outgoing,
    OutgoingKind,
    Priority,
    telegram_length,
)
from bot.domain.ready_answer import plain
from bot.domain.thanks import is_thanks
from bot.domain.transcript import Words
from bot.usecases.ports import Conversations, Links, Outbox
from handlers.relay import texts
from handlers.relay.content import (
    attendant_content,
    customer_content,
    edited_content,
    header_of,
    speaker_of,
)

# So many messages of one customer wait for a group at most: the rest stays in the inbox.
_BACKLOG: Final = 30
_RETRY_S: Final = 5.0
# What was written within this time was on its way when the customer was asked to write less.
_AT_ONCE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """Puts messages into the outbox; never waits for Telegram. Passed to the handlers by name."""

    outbox: Outbox
    conversations: Conversations
    links: Links
    clock: Callable[[], datetime]
    keeps_words: bool
    """True if what people write stays for the transcript."""
    names_attendants: bool = False
    """True if customers see who answers: the name stands before the words."""
    _asked: dict[str, datetime] = field(default_factory=dict)
    """When the customer wrote the first message that had to wait, after which the customer was
    asked to write less, by conversation."""

    async def pass_on(self, message: Message, conversation: Conversation, user: User) -> None:
        """Queue a customer's message. A reply to it in the group answers the customer.

        Raises TryLaterError while too many of the customer's messages wait already: this one and
        those behind it wait in the inbox.
        """
        await self._leave_room(conversation, message)
        if conversation.asked_at is None and _wants_answer(message, conversation):
            await self.conversations.asked(conversation.id, at=self.clock())
        await self.pass_on_kept(customer_content(message, user), conversation)

    async def pass_on_kept(self, content: Content, conversation: Conversation) -> None:
        """Queue a customer's message that was kept as the result of `customer_content`."""
        written = f"{content.source_chat_id}:{content.source_message_id}"
        if content.origin:
            content = await self._with_origin(content, conversation)
        await self._put(
            content,
            conversation.group_id,
            conversation.id,
            # Otherwise known already: nothing is sent twice in one conversation.
            id=f"{conversation.id}:{written}" if content.is_repeat else written,
            conversation=conversation,
            priority=Priority.CUSTOMER,
        )

    async def pass_on_edit(
        self, message: Message, conversation: Conversation | None, user: User, *, update_id: int
    ) -> None:
        """Queue the edit of a customer's message; ignore one that was never passed on.

        conversation: the open conversation, for a message that still waits to be sent.
        """
        link = await self.links.of_customer(message.chat.id, message.message_id)
        if link:
            chat_id, conversation_id = link.group_id, link.conversation_id
        elif conversation:
            chat_id, conversation_id = conversation.group_id, conversation.id
        else:
            return
        if conversation:
            await self._leave_room(conversation, message)
        await self._put(
            edited_content(message, header=header_of(user)),
            chat_id,
            conversation_id,
            id=f"edit:{update_id}",
            priority=Priority.CUSTOMER,
        )

    async def answer(
        self,
        message: Message,
        conversation: Conversation,
        *,
        below: Link | None = None,
        is_internal: bool = False,
    ) -> None:
        """Queue an attendant's message for the customer.

        below: the link of the message that it replies to, if it has one by now.
        is_internal: only a mark that keeps the album of this message from being sent.
        """
        content, message_id = attendant_content(message, speaker=self._speaker(message)), 0
        if below:
            # Nothing is left to look up at the delivery.
            content = content.model_copy(update={"reply_to": 0})
            message_id = below.at_customer(conversation.chat_id)
        await self._put(
            content,
            conversation.chat_id,
            conversation.id,
            id=f"{message.chat.id}:{message.message_id}",
            conversation=conversation,
            is_internal=is_internal,
            below=message_id,
        )

    async def ready(
        self,
        html: str,
        conversation: Conversation,
        *,
        id: str,  # noqa: A002
        shown_at: int,
        by: str,
        at: datetime,
        speaker: str = "",
        below: Link | None = None,
    ) -> None:
        """Queue a ready answer for the customer.

        shown_at: the group's message that shows it; what is said about its delivery is said there.
        by, at: who sends it, and when, for the transcript.
        speaker: as `speaker_of` returns it.
        below: the link of the message that the attendant replied to.
        """
        text = plain(html)
        content = Content(
            what=OutgoingKind.TEXT,
            source_chat_id=conversation.group_id,
            source_message_id=shown_at,
            html=html,
            length=telegram_length(text),
            header=speaker if self.names_attendants else "",
            words=Words(at=at, by=by, text=text),
        )
        await self._put(
            content,
            conversation.chat_id,
            conversation.id,
            id=id,
            conversation=conversation,
            below=below.at_customer(conversation.chat_id) if below else 0,
        )

    async def edited(self, message: Message, *, update_id: int) -> None:
        """Queue the edit of an answer; ignore a message that never went to the customer."""
        conversation = await self._answered_by(message)
        if conversation:
            await self._put(
                edited_content(message, speaker=self._speaker(message)),
                conversation.chat_id,
                conversation.id,
                id=f"edit:{update_id}",
            )

    async def delete(self, command: Message, answer_id: int, *, update_id: int) -> bool:
        """Queue the deletion of an answer in the customer's chat, also if it is not sent yet.

        Returns False if there is no such answer.
        """
        link = await self.links.of_group(command.chat.id, answer_id)
        waiting = await self.outbox.waiting(f"{command.chat.id}:{answer_id}")
        if link is not None and not link.by_customer and link.customer_message_ids:
            chat_id, conversation_id = link.customer_chat_id, link.conversation_id
        elif waiting is not None:
            chat_id, conversation_id = waiting.chat_id, waiting.conversation_id
        else:
            return False
        content = Content(
            what=OutgoingKind.DELETE,
            source_chat_id=command.chat.id,
            source_message_id=answer_id,
        )
        await self._put(content, chat_id, conversation_id, id=f"delete:{update_id}")
        return True

    async def say(
        self,
        conversation: Conversation,
        html: str,
        *,
        id: str,  # noqa: A002
        to_customer: bool = False,
        below: int = 0,
        again: str = "",
        switch_to: str = "",
        has_more: bool = False,
        corrects: bool = False,
    ) -> None:
        """Queue a sentence of the bot, after the items already in the queue."""
        await self._put(
            Content(what=OutgoingKind.SAY, html=html),
            conversation.chat_id if to_customer else conversation.group_id,
            conversation.id,
            id=id,
            below=below,
            again=again,
            switch_to=switch_to,
            has_more=has_more,
            corrects=corrects,
        )

    async def say_in(self, chat_id: int, html: str, *, id: str) -> None:  # noqa: A002
        """Queue a sentence of the bot that belongs to no conversation, for any chat."""
        await self._put(Content(what=OutgoingKind.SAY, html=html), chat_id, "", id=id)

    async def unsay(self, conversation: Conversation, group_id: int, message_id: int) -> None:
        """Queue the deletion of a sentence of the bot."""
        await self._put(
            Content(what=OutgoingKind.UNSAY),
            group_id,
            conversation.id,
            id=f"unsay:{group_id}:{message_id}",
            below=message_id,
        )

    async def _with_origin(self, content: Content, conversation: Conversation) -> Content:
        """Return a forwarded message with its origin in front, or queue the origin before it.

        Once for an album, which has one origin.
        """
        line = content.origin
        together = content.length + telegram_length(line)
        if content.what is OutgoingKind.TEXT and together <= TEXT_LENGTH:
            said = {"html": line + content.html, "length": together, "origin": ""}
            return content.model_copy(update=said)
        one = content.album or content.source_message_id
        again = f"{conversation.id}:" if content.is_repeat else ""
        await self._put(
            Content(what=OutgoingKind.SAY, html=line),
            conversation.group_id,
            conversation.id,
            id=f"origin:{again}{content.source_chat_id}:{one}",
            conversation=conversation,
            priority=Priority.CUSTOMER,
        )
        return content.model_copy(update={"origin": ""})

    def _speaker(self, message: Message) -> str:
        return speaker_of(message) if self.names_attendants else ""

    async def take_buttons(self, conversation: Conversation, message_id: int) -> None:
        """Queue taking the card's buttons from a message of the group."""
        await self._put(
            Content(what=OutgoingKind.REFRESH),
            conversation.group_id,
            conversation.id,
            id=f"buttons:{conversation.group_id}:{message_id}",
            priority=Priority.PROGRESS,
            below=message_id,
        )

    async def _leave_room(self, conversation: Conversation, message: Message) -> None:
        backlog = self.outbox.backlog(conversation.group_id, conversation.id)
        if backlog < _BACKLOG:
            asked = self._asked.get(conversation.id)
            if not backlog and asked is not None and message.date > asked + _AT_ONCE:
                del self._asked[conversation.id]
            return
        if conversation.id not in self._asked:
            # The id is that of the first message that waits: said once if this is repeated.
            name = f"many:{message.chat.id}:{message.message_id}"
            await self.say(conversation, texts.MANY_WAIT, id=name, to_customer=True)
            self._asked[conversation.id] = message.date
        raise TryLaterError("too many messages of one customer wait", retry_after_s=_RETRY_S)

    async def _answered_by(self, message: Message) -> Conversation | None:
        """Return the conversation of an answer, also if the answer still waits to be sent."""
        link = await self.links.of_group(message.chat.id, message.message_id)
        if link:
            return None if link.by_customer else await self.conversations.get(link.conversation_id)
        if message.is_topic_message and message.message_thread_id:
            return await self.conversations.in_topic(message.chat.id, message.message_thread_id)
        reply = message.reply_to_message
        behind = await self.links.of_group(message.chat.id, reply.message_id) if reply else None
        return await self.conversations.get(behind.conversation_id) if behind else None

    async def _put(
        self,
        content: Content,
        chat_id: int,
        conversation_id: str,
        *,
        id: str,  # noqa: A002
        conversation: Conversation | None = None,
        priority: Priority = Priority.ANSWER,
        is_internal: bool = False,
        below: int = 0,
        again: str = "",
        switch_to: str = "",
        has_more: bool = False,
        corrects: bool = False,
    ) -> None:
        if is_internal or not self.keeps_words:
            content = content.model_copy(update={"words": None})
        item = Outgoing(
            **dict(content),
            id=id,
            chat_id=chat_id,
            conversation_id=conversation_id,
            priority=priority,
            put_at=self.clock(),
            is_internal=is_internal,
            below=below,
            again=again,
            switch_to=switch_to,
            has_more=has_more,
            corrects=corrects,
        )
        await self.outbox.put(item, conversation=conversation)


def _wants_answer(message: Message, conversation: Conversation) -> bool:
    holder = conversation.claimed_by.name if conversation.claimed_by else ""
    names = filter(None, (conversation.shown_name, holder))
    return conversation.is_open and not is_thanks(message.text or "", names=names)
