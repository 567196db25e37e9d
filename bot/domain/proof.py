"""What proved a customer's identity, and for how long it holds."""

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from bot.domain.conversation import Conversation, Identification, Identity, VerifiedBy
from bot.domain.phone import phone_key
from bot.domain.registration import Portal, Registration

LASTS: Final = timedelta(days=180)
"""A Telegram account may pass to somebody else, and no update says so."""


def phone_proof(e164: str) -> str:
    """Return the fingerprint of a telephone, the same with and without the ninth digit."""
    return _fingerprint(phone_key(e164))


def login_proof(portal: Portal) -> str:
    """Return the fingerprint of a login; it changes with the user name and with the password."""
    return _fingerprint(f"{portal.username}\0{portal.password_hash}")


def holds(customer: Identification, registration: Registration | None, *, at: datetime) -> bool:
    """Return True if the identity is verified, and what proved it is still on record.

    registration: the one that the customer is linked to, as it is now.
    Identifications from before proofs were stored have none: they hold by the telephone that was
    shared, or as long as there is a login. Without a date they count from their next use.
    """
    if customer.identity is not Identity.VERIFIED or registration is None:
        return False
    if registration.id != customer.registration_id or not registration.has_document(
        customer.tax_id
    ):
        return False
    if customer.verified_at is not None and at - customer.verified_at >= LASTS:
        return False
    match customer.verified_by:
        case VerifiedBy.ATTENDANT:
            return True
        case VerifiedBy.PORTAL:
            portal = registration.portal
            if customer.proof is None:
                return bool(portal.username and portal.password_hash)
            return customer.proof == login_proof(portal)
        case _:
            if customer.proof is None:
                return bool(customer.phone and registration.is_reached_at(customer.phone))
            return customer.proof in map(phone_proof, registration.proving_phones())


def checked(
    conversation: Conversation, registration: Registration | None, *, at: datetime
) -> Conversation:
    """Return the conversation, without its proof if that does not hold any more."""
    customer = conversation.customer
    if customer.identity is not Identity.VERIFIED or holds(customer, registration, at=at):
        return conversation
    return replace(conversation, customer=customer.unproven())


def _fingerprint(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
