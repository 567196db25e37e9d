"""Use case: a customer writes in a chat that has no dialog open."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot.domain.conversation import Chat, Conversation
from bot.domain.privacy_notice import PrivacyNotice
from bot.domain.thanks import is_thanks
from bot.usecases.attending.reopen import ReopenConversation
from bot.usecases.customer.current_chat import CurrentChat
from bot.usecases.ports import Conversations


@dataclass(frozen=True, slots=True)
class FirstContact:
    """The privacy notice is due; the chat is already recorded as having received it."""


@dataclass(frozen=True, slots=True)
class NotLinked:
    """The chat wrote before, and is linked to no document."""


@dataclass(frozen=True, slots=True)
class ConversationIsOpen:
    """The chat's conversation is still open."""

    conversation: Conversation


@dataclass(frozen=True, slots=True)
class Reopened:
    """The chat's conversation was closed a short time ago, and is open again."""

    conversation: Conversation


@dataclass(frozen=True, slots=True)
class Thanked:
    """The words are thanks for the chat's conversation, which stays closed."""

    conversation: Conversation


@dataclass(frozen=True, slots=True)
class Returning:
    """The chat is recognised without typing the document again.

    `name` is given only when the chat is verified.
    """

    chat: Chat
    name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrive:
    conversations: Conversations
    reopen: ReopenConversation
    notice: PrivacyNotice
    clock: Callable[[], datetime]

    async def __call__(
        self, current: CurrentChat, *, words: str = "", may_reopen: bool = True
    ) -> FirstContact | NotLinked | ConversationIsOpen | Reopened | Thanked | Returning:
        """Return the state of this chat; reopen its last conversation if that may be done.

        words: of the message, a sticker as its emoji; empty if the message is anything else.
        may_reopen: False leaves a closed conversation closed, for instance when the customer has
        chosen a department again.
        """
        chat = await current.get()
        if chat.privacy_notice_at is None:
            await current.put(chat.noticed(self.notice.version, at=self.clock()))
            return FirstContact()
        if conversation := await self.conversations.open_in(chat.id):
            return ConversationIsOpen(conversation)
        name = None
        if chat.customer.registration_id is not None:
            registration = await current.registration()
            if registration is None:
                # Deleted since. Its verification must not pass to another registration.
                await current.put(chat.unlinked())
                return NotLinked()
            name = registration.name if await current.verified() else None
            chat = await current.get()
        if may_reopen and (closed := await self.reopen.last_of(chat)):
            # Not the name on record, unless it is proven: the answer would tell who knows it.
            names = (closed.shown_name, closed.closed_by, name)
            holder = closed.claimed_by.name if closed.claimed_by else ""
            if is_thanks(words, names=filter(None, (*names, holder))):
                return Thanked(closed)
            if reopened := await self.reopen.by_customer(chat, closed):
                return Reopened(reopened)
        return NotLinked() if chat.customer.tax_id is None else Returning(chat, name)
