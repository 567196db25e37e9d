"""Departments, the chats of customers, and the conversations between the two."""

import secrets
from datetime import date, datetime
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

from bot.domain.label import Label
from bot.domain.tax_id import TaxId

DEFAULT_DEPARTMENT: Final = "atendimento"
"""The id of the one that is there from the first start."""


class Department(Label):
    """A queue of conversations, tied to a group."""

    group_id: int | None = None
    """Where its attendants are; without one, no customer is offered it."""


class Attendant(BaseModel):
    """A member of a department's group, as Telegram shows them."""

    model_config = ConfigDict(frozen=True)

    id: int
    name: str


class Identity(StrEnum):
    """How sure Balcão is of who is writing."""

    VERIFIED = "verified"
    """The telephone of this Telegram account is on record."""
    UNVERIFIED = "unverified"
    """A document was typed, and nothing more is known."""
    NOT_IDENTIFIED = "not_identified"
    """No usable document: three failures, or too many different ones in a day."""


class Chat(BaseModel):
    """A customer's private chat: who is linked to it, and whether that is proven."""

    model_config = ConfigDict(frozen=True)

    id: int
    privacy_notice_at: datetime | None = None
    tax_id: TaxId | None = None
    """The document typed here; None before the first one and after /sair."""
    registration_id: str | None = None
    identity: Identity = Identity.NOT_IDENTIFIED
    lookup_owed: bool = False
    """The ERP did not answer for this document: whether it knows it is still open."""
    phone: str | None = None
    """E.164, shared by Telegram's own button."""
    given_name: str | None = None
    """What the person said they are called; the record's own name is shown only when verified."""
    attempts: tuple[str, ...] = ()
    """Fingerprints of the different documents typed on `attempts_on`."""
    attempts_on: str | None = None
    """Local date, ISO."""


class LookupState(BaseModel):
    """A look-up that the ERP still owes: repeated in the background until it answers."""

    model_config = ConfigDict(frozen=True)

    attempts: int = 1
    since: datetime
    next_at: datetime


class Conversation(BaseModel):
    """Atendimento: from the customer's choice of department until it is closed."""

    model_config = ConfigDict(frozen=True)

    id: str
    protocol: str
    chat_id: int
    department_id: str
    group_id: int
    identity: Identity
    tax_id: TaxId | None = None
    registration_id: str | None = None
    shown_name: str
    """How the attendants see the customer while no registration tells more."""
    phone: str | None = None
    priority: bool = False
    lookup: LookupState | None = None
    opened_at: datetime
    claimed_by: Attendant | None = None
    claimed_at: datetime | None = None
    closed_by: str | None = None
    """The attendant's name; None when the customer ended it."""
    closed_at: datetime | None = None
    customer_told: bool = False
    """That it was closed, and its protocol."""
    card_message_id: int | None = None

    @property
    def is_open(self) -> bool:
        return self.closed_at is None


class RelayedMessage(BaseModel):
    """A message in a group that stands for a customer's: who replies to it answers them."""

    model_config = ConfigDict(frozen=True)

    group_id: int
    message_id: int
    conversation_id: str


def new_protocol(now: datetime, timezone: ZoneInfo) -> str:
    """A protocol number: the local date and six random digits, `20261124-048213`.

    Random, so that nobody learns from it how many conversations a company has; the store refuses
    one that is taken, and the caller draws again.
    """
    return f"{now.astimezone(timezone):%Y%m%d}-{secrets.randbelow(1_000_000):06d}"


def protocols_of(day: date) -> tuple[str, str]:
    """The protocol numbers of a local date lie from the first of these to below the second."""
    return f"{day:%Y%m%d}-", f"{day:%Y%m%d}."
