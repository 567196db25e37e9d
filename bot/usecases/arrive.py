"""Use case: somebody writes in a chat where nothing is going on."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot.domain.conversation import Chat, Conversation, Identity
from bot.domain.privacy_notice import PrivacyNotice
from bot.usecases.identify import Chats
from bot.usecases.introduce import Registrations
from bot.usecases.leave import unlinked
from bot.usecases.show_card import Conversations


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
class Returning:
    """Recognised without typing the number again; `name` only when the chat is verified."""

    chat: Chat
    name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrive:
    chats: Chats
    conversations: Conversations
    registrations: Registrations
    notice: PrivacyNotice
    clock: Callable[[], datetime]

    async def __call__(self, chat_id: int) -> FirstContact | NotLinked | GoesOn | Returning:
        """Who this chat is to us."""
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
        if chat.tax_id is None:
            return NotLinked()
        if chat.registration_id is None:
            return Returning(chat, None)
        registration = await self.registrations.by_id(chat.registration_id)
        if registration is None:
            # Deleted since. What was verified with it must not be taken for somebody else's.
            await self.chats.put(unlinked(chat))
            return NotLinked()
        is_verified = chat.identity is Identity.VERIFIED
        return Returning(chat, registration.name if is_verified else None)
