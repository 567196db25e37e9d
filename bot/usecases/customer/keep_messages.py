"""Use case: keep what a customer writes before the conversation opens, or since it reopened."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bot.domain.outgoing import Content
from bot.usecases.ports import KeptMessages

KEPT_FOR: Final = timedelta(days=1)
_AT_MOST: Final = 100
"""Messages that go to the attendants, the newest: a flood before a conversation is cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepMessages:
    """Keeps messages until the conversation opens, for a day at most."""

    kept: KeptMessages
    clock: Callable[[], datetime]

    async def __call__(self, chat_id: int, content: Content) -> None:
        await self.kept.put(chat_id, content, at=self.clock())

    async def change(self, chat_id: int, content: Content) -> bool:
        """Return True if the message was kept; it is kept as it was edited then."""
        return await self.kept.change(chat_id, content)

    async def drop(self, chat_id: int, message_id: int) -> None:
        """Keep the message no longer: it was edited into an answer to a question of ours."""
        await self.kept.drop(chat_id, message_id)

    async def all(self, chat_id: int) -> list[Content]:
        """Return the messages of the last day, oldest first."""
        kept = await self.kept.of(chat_id, since=self.clock() - KEPT_FOR)
        return kept[-_AT_MOST:]

    async def send_again(self, chat_id: int) -> None:
        """Mark what is kept to go on although it was sent: it belongs to another conversation."""
        for content in await self.all(chat_id):
            await self(chat_id, content.model_copy(update={"is_repeat": True}))

    async def forget(self, chat_id: int) -> None:
        await self.kept.forget(chat_id)
