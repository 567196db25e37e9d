"""Use case: show a customer the data stored about him."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot.domain.conversation import Chat, Identity
from bot.domain.data_subject import Traces
from bot.usecases.ports import Chats, DataSubjects


@dataclass(frozen=True, slots=True)
class NotVerified:
    """Nothing is shown, and nothing reveals if the document is known."""


@dataclass(frozen=True, slots=True)
class MyData:
    chat: Chat
    traces: Traces
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadMyData:
    chats: Chats
    subjects: DataSubjects
    clock: Callable[[], datetime]

    async def is_verified(self, chat_id: int) -> bool:
        """Return True if the chat is verified for the registration that it is linked to."""
        return await self._verified(chat_id) is not None

    async def __call__(self, chat_id: int) -> MyData | NotVerified:
        chat = await self._verified(chat_id)
        if chat is None or chat.registration_id is None:
            return NotVerified()
        traces = await self.subjects.of_registration(chat.registration_id)
        if traces is None or traces.registration is None:
            return NotVerified()
        if traces.registration.id != chat.registration_id:
            # Deleted since: the document has a new registration, not the one that was verified.
            return NotVerified()
        return MyData(chat, traces, self.clock())

    async def _verified(self, chat_id: int) -> Chat | None:
        chat = await self.chats.get(chat_id)
        is_verified = chat and chat.identity is Identity.VERIFIED and chat.registration_id
        return chat if is_verified else None
