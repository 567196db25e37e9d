"""Use cases: take the telephone and the name that a customer gives after the document."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from bot.domain.candidate import FROM_CHAT, Candidate, Create, Unchanged
from bot.domain.conversation import Chat, VerifiedBy
from bot.domain.registration import ChangeSource, Kind, Phones, Provenance, Registration
from bot.usecases.customer.timing_mask import TimingMask
from bot.usecases.ports import Chats, Registrations
from bot.usecases.register.apply_candidate import ApplyCandidate

_NOBODY: Final = "-"
"""An id that no registration has."""


@dataclass(frozen=True, slots=True)
class Verified:
    registration: Registration


@dataclass(frozen=True, slots=True)
class NotVerified:
    """There is no registration, or another telephone is on record.

    From outside the two cases look the same.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmPhone:
    """Compares the telephone of the Telegram account with those on record."""

    chats: Chats
    registrations: Registrations
    clock: Callable[[], datetime]

    async def __call__(self, chat_id: int, phone: str | None) -> Verified | NotVerified:
        """Store the telephone, and verify the chat if the registration has it.

        phone: E.164, from a contact whose owner is the sender; None when it was skipped.
        """
        chat = await self.chats.get(chat_id) or Chat(id=chat_id)
        registration = await registration_behind(chat, self.registrations)
        chat = chat.model_copy(update={"phone": phone}).unproven()
        if phone is None or registration is None or not registration.is_reached_at(phone):
            await self.chats.put(chat)
            return NotVerified()
        await self.chats.put(chat.verified(VerifiedBy.PHONE, at=self.clock()))
        return Verified(registration)


async def registration_behind(chat: Chat, registrations: Registrations) -> Registration | None:
    """Return the registration that the chat is linked to, or None.

    A chat without a link costs the same read, so that timing reveals nothing.
    """
    return await registrations.by_id(chat.registration_id or _NOBODY)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterProspect:
    """Registers a person unknown to register and ERP as a prospect, from the chat's data."""

    apply: ApplyCandidate
    clock: Callable[[], datetime]

    async def __call__(self, chat: Chat) -> Chat:
        """Return the chat, linked to its new registration; unchanged if nothing can be registered.

        The caller has to store the chat. The telephone is marked as given by a chat only: it
        does not prove an identity.
        """
        if chat.registration_id or chat.lookup_owed or not chat.tax_id or not chat.given_name:
            return chat
        candidate = Candidate(
            tax_id=chat.tax_id,
            name=chat.given_name,
            phones=Phones(mobile=chat.phone),
            kinds=frozenset((Kind.PROSPECT,)),
        )
        provenance = Provenance(
            at=self.clock(), by=f"chat:{chat.id}", way=ChangeSource.IDENTIFICATION
        )
        decision = await self.apply.to(None, candidate, FROM_CHAT, provenance)
        if not isinstance(decision, Create | Unchanged):
            return chat
        return chat.model_copy(update={"registration_id": decision.registration.id})


@dataclass(frozen=True, slots=True, kw_only=True)
class Introduce:
    """Stores the name that a customer gives."""

    chats: Chats
    register_prospect: RegisterProspect
    timing_mask: TimingMask = field(default_factory=TimingMask)

    async def __call__(self, chat_id: int, name: str) -> None:
        """Store the name; register the person as a prospect if the document is unknown.

        name: one line, not empty. It never changes a registration that exists.
        """
        chat = await self.chats.get(chat_id) or Chat(id=chat_id)
        named = chat.model_copy(update={"given_name": name})
        async with self.timing_mask.padded():
            await self.chats.put(await self.register_prospect(named))
