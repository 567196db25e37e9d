"""The customer's chat within one update."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from bot.domain import proof
from bot.domain.conversation import Chat, Identity
from bot.domain.registration import Registration
from bot.usecases.ports import Chats, Registrations

_NOBODY: Final = "-"
"""An id that no registration has."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class CurrentChat:
    """The chat of one update: it and its registration are read at most once, when asked for.

    The chat's lock is held for the whole update, so nobody else changes the chat meanwhile.
    """

    id: int
    chats: Chats
    registrations: Registrations
    clock: Callable[[], datetime] = _now
    _chat: Chat | None = None
    _registration: Registration | None = None
    _registration_id: str = ""
    """The id that `_registration` was read by."""

    async def get(self) -> Chat:
        """Return the chat as it is stored; a new one if it was never stored."""
        if self._chat is None:
            self._chat = await self.chats.get(self.id) or Chat(id=self.id)
        return self._chat

    async def put(self, chat: Chat, *, linked_to: Registration | None = None) -> None:
        """Store the chat. linked_to: its registration, if the caller has just read it."""
        await self.chats.put(chat)
        self._chat = chat
        if linked_to:
            self._registration, self._registration_id = linked_to, linked_to.id

    async def verified(self) -> Registration | None:
        """Return the registration that the chat is verified for, or None.

        Takes the proof from the chat when it does not hold any more. Every use of a proof asks
        here.
        """
        chat, now = await self.get(), self.clock()
        if chat.customer.identity is not Identity.VERIFIED:
            return None
        registration = await self.registration()
        if not proof.holds(chat.customer, registration, at=now):
            await self.put(replace(chat, customer=chat.customer.unproven()))
            return None
        if chat.customer.verified_at is None:
            # Of an earlier version: otherwise it would never end.
            await self.put(replace(chat, customer=replace(chat.customer, verified_at=now)))
        return registration

    async def registration(self) -> Registration | None:
        """Return the registration that the chat is linked to, or None.

        A chat without a link costs the same read, so that timing reveals nothing.
        """
        registration_id = (await self.get()).customer.registration_id or _NOBODY
        if self._registration_id != registration_id:
            self._registration = await self.registrations.by_id(registration_id)
            self._registration_id = registration_id
        return self._registration
