"""Use case: a chat that knows an older privacy notice is given the present one once."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from bot.domain.privacy_notice import PrivacyNotice
from bot.usecases.ports import Chats

_KNOWN_AT_MOST: Final = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewNotice:
    """The notice is the same for as long as the bot runs, so who has it is not asked again."""

    chats: Chats
    notice: PrivacyNotice
    clock: Callable[[], datetime]
    _known: set[int] = field(default_factory=set)

    async def is_due(self, chat_id: int) -> bool:
        """Whether the chat was given another notice than the present one. A chat that was given
        none gets it with its first words (`Arrive`)."""
        if chat_id in self._known:
            return False
        chat = await self.chats.get(chat_id)
        if chat is None or chat.privacy_notice_at is None:
            return False
        if chat.privacy_notice_version != self.notice.version:
            return True
        self._remember(chat_id)
        return False

    async def given(self, chat_id: int) -> None:
        """Record that the chat has it now; comes after it was sent: nobody goes without."""
        chat = await self.chats.get(chat_id)
        if chat is not None:
            update = {
                "privacy_notice_at": self.clock(),
                "privacy_notice_version": self.notice.version,
            }
            await self.chats.put(chat.model_copy(update=update))
            self._remember(chat_id)

    def _remember(self, chat_id: int) -> None:
        if len(self._known) >= _KNOWN_AT_MOST:
            self._known.clear()
        self._known.add(chat_id)
