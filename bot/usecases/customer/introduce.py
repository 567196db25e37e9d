"""Use cases: take the telephone and the name that a customer gives after the document."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from bot.domain.conversation import VerifiedBy
from bot.domain.proof import phone_proof
from bot.domain.registration import Registration
from bot.usecases.customer.current_chat import CurrentChat


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


async def introduce(current: CurrentChat, name: str) -> None:
    """Store the name that a customer gives, one line and not empty.

    It never changes a registration. A person who is new is registered when an attendant takes the
    conversation.
    """
    chat = await current.get()
    await current.put(replace(chat, customer=replace(chat.customer, name=name)))
