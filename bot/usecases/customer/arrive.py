"""Use case: somebody writes in a chat where nothing is going on."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot.domain.conversation import Chat, Conversation, Identity
from bot.domain.privacy_notice import PrivacyNotice
from bot.usecases.attending.reopen import ReopenConversation
from bot.usecases.customer.leave import unlinked
from bot.usecases.ports import Chats, Conversations, Registrations


@dataclass(frozen=True, slots=True)
class FirstContact:
    """The privacy notice is due; that it was given is recorded."""


@dataclass(frozen=True, slots=True)
class NotLinked:
    """The chat was here before and is linked to nobody."""


@dataclass(frozen=True, slots=True)
class GoesOn:
    """Its conversation is still open."""

    conversation: Conversation


@dataclass(frozen=True, slots=True)
class Reopened:
    """Its conversation was closed a short time ago, and goes on."""

    conversation: Conversation


@dataclass(frozen=True, slots=True)
class Returning:
    """Recognised without typing the number again; `name` only when the chat is verified."""

    chat: Chat
    name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrive:
    chats: Chats
    conversations: Conversations
    registrations: Registrations
    reopen: ReopenConversation
    notice: PrivacyNotice
    clock: Callable[[], datetime]

    async def __call__(
        self, chat_id: int, *, may_reopen: bool = True
    ) -> FirstContact | NotLinked | GoesOn | Reopened | Returning:
        """Who this chat is to us.

        may_reopen: otherwise what is closed stays so, as when a department was chosen anew.
        """
        chat = await self.chats.get(chat_id)
        if chat is None or chat.privacy_notice_at is None:
            chat = chat or Chat(id=chat_id)
            given = {
                "privacy_notice_at": self.clock(),
                "privacy_notice_version": self.notice.version,
            }
            await self.chats.put(chat.model_copy(update=given))
            return FirstContact()
        if conversation := await self.conversations.open_in(chat_id):
            return GoesOn(conversation)
        name = None
        if chat.registration_id is not None:
            registration = await self.registrations.by_id(chat.registration_id)
            if registration is None:
                # Deleted since. What was verified with it must not be taken for somebody else's.
                await self.chats.put(unlinked(chat))
                return NotLinked()
            name = registration.name if chat.identity is Identity.VERIFIED else None
        if may_reopen and (reopened := await self.reopen.by_customer(chat)):
            return Reopened(reopened)
        return NotLinked() if chat.tax_id is None else Returning(chat, name)
