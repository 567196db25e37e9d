"""Use case: send the current privacy notice once to each chat that has an older one."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from bot.domain.privacy_notice import PrivacyNotice
from bot.usecases.customer.current_chat import CurrentChat

_KNOWN_AT_MOST: Final = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewNotice:
    """Finds chats that have an older notice.

    The notice does not change while the bot runs, so chats that have it are cached.
    """

    notice: PrivacyNotice
    clock: Callable[[], datetime]
    _known: set[int] = field(default_factory=set)

    async def is_due(self, current: CurrentChat) -> bool:
        """Return True if the chat has received another notice than the current one.

        Returns False for a chat that has received none: it gets the notice at its first message
        (`Arrive`).
        """
        if current.id in self._known:
            return False
        chat = await current.get()
        if chat.privacy_notice_at is None:
            return False
        if chat.privacy_notice_version != self.notice.version:
            return True
        self._remember(current.id)
        return False

    async def given(self, current: CurrentChat) -> None:
        """Record that the chat has received the current notice.

        Call it after the notice was sent, so that no chat misses it.
        """
        chat = await current.get()
        await current.put(chat.noticed(self.notice.version, at=self.clock()))
        self._remember(current.id)

    def _remember(self, chat_id: int) -> None:
        if len(self._known) >= _KNOWN_AT_MOST:
            self._known.clear()
        self._known.add(chat_id)
