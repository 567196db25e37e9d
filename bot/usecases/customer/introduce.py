"""Use cases: take the telephone and the name that a customer gives after the document."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.domain.candidate import FROM_CHAT, Candidate, Create, Unchanged
from bot.domain.conversation import Chat, VerifiedBy
from bot.domain.proof import phone_proof
from bot.domain.registration import ChangeSource, Kind, Phones, Provenance, Registration
from bot.usecases.customer.current_chat import CurrentChat
from bot.usecases.customer.timing_mask import TimingMask
from bot.usecases.register.apply_candidate import ApplyCandidate


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

    clock: Callable[[], datetime]

    async def __call__(self, current: CurrentChat, phone: str | None) -> Verified | NotVerified:
        """Store the telephone, and verify the chat if the registration has it.

        phone: E.164, from a contact whose owner is the sender; None when it was skipped.
        """
        chat, registration = await current.get(), await current.registration()
        customer = replace(chat.customer, phone=phone).unproven()
        if phone is None or registration is None or not registration.is_reached_at(phone):
            await current.put(replace(chat, customer=customer))
            return NotVerified()
        customer = customer.verified(VerifiedBy.PHONE, at=self.clock(), proof=phone_proof(phone))
        await current.put(replace(chat, customer=customer))
        return Verified(registration)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterProspect:
    """Registers a person unknown to register and ERP as a prospect, from the chat's data."""

    apply: ApplyCandidate
    clock: Callable[[], datetime]

    async def __call__(self, chat: Chat) -> Registration | None:
        """Return the registration to link the chat to; None if nothing can be registered.

        The telephone is marked as given by a chat only: it does not prove an identity.
        """
        customer = chat.customer
        if customer.registration_id or chat.lookup_owed:
            return None
        if not customer.tax_id or not customer.name:
            return None
        candidate = Candidate(
            tax_id=customer.tax_id,
            name=customer.name,
            phones=Phones(mobile=customer.phone),
            kinds=frozenset((Kind.PROSPECT,)),
        )
        provenance = Provenance(
            at=self.clock(), by=f"chat:{chat.id}", way=ChangeSource.IDENTIFICATION
        )
        # The look-up has found nobody.
        decision = await self.apply.to(None, candidate, FROM_CHAT, provenance)
        return decision.registration if isinstance(decision, Create | Unchanged) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Introduce:
    """Stores the name that a customer gives."""

    register_prospect: RegisterProspect
    timing_mask: TimingMask = field(default_factory=TimingMask)

    async def __call__(self, current: CurrentChat, name: str) -> None:
        """Store the name; register the person as a prospect if the document is unknown.

        name: one line, not empty. It never changes a registration that exists.
        """
        chat = await current.get()
        chat = replace(chat, customer=replace(chat.customer, name=name))
        async with self.timing_mask.padded():
            made = await self.register_prospect(chat)
            await current.put(chat.linked_to(made.id) if made else chat, linked_to=made)
