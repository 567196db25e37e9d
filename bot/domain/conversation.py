"""Departments, the chats of customers, and the conversations between them."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, Self

from pydantic import BaseModel, ConfigDict

from bot.domain.label import Label
from bot.domain.opening_hours import OpeningHours
from bot.domain.tax_id import TaxId

DEFAULT_DEPARTMENT: Final = "atendimento"
"""The id of the department that exists from the first start."""


class Department(Label):
    """A queue of conversations, linked to a group."""

    group_id: int | None = None
    """The group of its attendants; a department without one is not offered to customers."""
    hours: OpeningHours = OpeningHours()


class Attendant(BaseModel):
    """A member of a department's group, with the name that Telegram shows."""

    model_config = ConfigDict(frozen=True)

    id: int
    name: str


class Identity(StrEnum):
    """The degree to which a customer's identity is known."""

    VERIFIED = "verified"
    """The identity is proven; `VerifiedBy` gives the proof."""
    UNVERIFIED = "unverified"
    """The customer typed a document; nothing proves that it is theirs."""
    NOT_IDENTIFIED = "not_identified"
    """No usable document: three failed attempts, or too many different documents in a day."""


class VerifiedBy(StrEnum):
    """The proof of a customer's identity."""

    PHONE = "phone"
    """The telephone of this Telegram account is on record in the register."""
    PORTAL = "portal"
    """The customer gave the login of the customer portal."""
    ATTENDANT = "attendant"
    """An attendant confirmed the identity."""


class EventKind(StrEnum):
    """The kinds of events of a conversation."""

    OPENED = "opened"
    CLAIMED = "claimed"
    RELEASED = "released"
    TRANSFERRED = "transferred"
    CLOSED = "closed"
    REOPENED = "reopened"
    VERIFIED = "verified"
    UNVERIFIED = "unverified"
    """An attendant or admin took the proof of identity back."""
    SWITCHED = "switched"
    """An attendant switched it to another document that the customer sent."""
    REMINDED = "reminded"


class ConversationEvent(BaseModel):
    """One entry of a conversation's history, written together with the change it records."""

    model_config = ConfigDict(frozen=True)

    at: datetime
    by: str
    """`user:<id>` for attendants, `chat:<id>` or `customer` for customers, or `balcao` itself."""
    what: EventKind
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identification:
    """The person behind a chat: what is known of them, and how far it is proven."""

    tax_id: TaxId | None = None
    """The document typed in this chat; None before the first one and after /sair."""
    registration_id: str | None = None
    identity: Identity = Identity.NOT_IDENTIFIED
    verified_at: datetime | None = None
    """Time of the proof.

    This and `verified_by` are also None when the customer was verified by telephone before the
    two fields existed.
    """
    verified_by: VerifiedBy | None = None
    verifier: Attendant | None = None
    """The attendant who confirmed the identity, if one did."""
    proof: str | None = None
    """The fingerprint of the telephone or login that proved the identity: `bot.domain.proof`.

    None for an attendant's confirmation, and for proofs from before the field existed.
    """
    phone: str | None = None
    """The telephone shared with Telegram's own button, in E.164."""
    name: str | None = None
    """The name that the customer gave; in a conversation, else the one in Telegram."""

    @property
    def link(self) -> tuple[TaxId | None, str | None]:
        """Return the document and the registration that the chat belongs to."""
        return self.tax_id, self.registration_id

    def verified(
        self,
        by: VerifiedBy,
        *,
        at: datetime,
        verifier: Attendant | None = None,
        proof: str | None = None,
    ) -> Self:
        """Return it with this proof of the customer's identity."""
        return replace(
            self,
            identity=Identity.VERIFIED,
            verified_at=at,
            verified_by=by,
            verifier=verifier,
            proof=proof,
        )

    def unproven(self) -> Self:
        """Return it without any proof of the customer's identity."""
        identity = Identity.UNVERIFIED if self.tax_id else Identity.NOT_IDENTIFIED
        return replace(
            self,
            identity=identity,
            verified_at=None,
            verified_by=None,
            verifier=None,
            proof=None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """A customer's private chat."""

    id: int
    customer: Identification = Identification()
    privacy_notice_at: datetime | None = None
    privacy_notice_version: str | None = None
    """Version of the notice sent last; None for a notice sent before versions existed."""
    lookup_owed: bool = False
    """True while the ERP has not answered the look-up of this document."""
    attempts: tuple[str, ...] = ()
    """Fingerprints of the different documents typed on `attempts_on`."""
    attempts_on: str | None = None
    """The local date of `attempts`, in ISO format."""
    united_from: tuple[str, ...] = ()
    """The registrations that it was linked to before each union, the last one at the end."""

    def noticed(self, version: str, *, at: datetime) -> Self:
        """Return the chat as having received this version of the privacy notice."""
        return replace(self, privacy_notice_at=at, privacy_notice_version=version)

    def linked_to(self, registration_id: str | None, *, lookup_owed: bool = False) -> Self:
        """Return the chat linked to the registration of its document, or to none."""
        customer = replace(self.customer, registration_id=registration_id)
        return replace(self, customer=customer, lookup_owed=lookup_owed, united_from=())

    def unlinked(self) -> Self:
        """Return the chat with no document, no registration and no verification."""
        return replace(self, customer=Identification(), lookup_owed=False, united_from=())

    def moved_to(self, registration_id: str) -> Self:
        """Return the chat linked to the registration that its own was united into."""
        customer = replace(self.customer, registration_id=registration_id)
        before = (*self.united_from, self.customer.registration_id or "")
        return replace(self, customer=customer, united_from=before)

    def moved_back(self) -> Self:
        """Return the chat linked as it was before the last union."""
        *before, own = self.united_from
        customer = replace(self.customer, registration_id=own)
        return replace(self, customer=customer, united_from=tuple(before))


class LookupState(BaseModel):
    """A pending look-up, retried in the background until the ERP answers."""

    model_config = ConfigDict(frozen=True)

    attempts: int = 1
    since: datetime
    next_at: datetime


class Transfer(BaseModel):
    """The latest transfer of a conversation to another department, group or attendant."""

    model_config = ConfigDict(frozen=True)

    at: datetime
    by: Attendant
    reason: str = ""
    question: int
    """The message that asked for the reason; it makes the transfer idempotent."""
    from_department: str | None = None
    """None when the conversation stayed in the same group."""
    to: str = ""
    """Name of the attendant who received the conversation."""
    from_group: int
    from_card: int | None = None
    from_topic: int | None = None
    from_topic_shown: str = ""
    from_buttons: int | None = None
    """As `Conversation.buttons_at`, of the group that it left."""
    settled: bool = False
    """True once the cards are updated and the customer is notified."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """Atendimento: it lasts from the customer's choice of a department until it is closed."""

    id: str
    protocol: str
    chat_id: int
    department_id: str
    group_id: int
    customer: Identification
    other_document: str = ""
    """Another document that the customer sent, by `TaxId.key`, until an attendant switches."""
    priority: bool = False
    lookup: LookupState | None = None
    opened_at: datetime
    waiting_since: datetime | None = None
    """Start of the customer's wait; None means `opened_at`."""
    queued_at: datetime | None = None
    """Time when it entered this department's queue; None means `opened_at`."""
    asked_at: datetime | None = None
    """Time of the customer's first word that no attendant has answered; None if all are."""
    reminders: int = 0
    """The highest stage (`bot.domain.reminder`) reached during the present wait; 0 for none."""
    reminded_at: datetime | None = None
    transfer: Transfer | None = None
    claimed_by: Attendant | None = None
    claimed_at: datetime | None = None
    closed_by: str | None = None
    """Name of the attendant who closed it; None when the customer did."""
    closed_at: datetime | None = None
    hours_told: bool = False
    """True once the customer is told that the department is closed, and when it opens."""
    customer_told: bool = False
    """True once the customer is notified of the closing and of the protocol number."""
    card_message_id: int | None = None
    """None until the card is posted; 0 if Telegram did not take it."""
    buttons_at: int | None = None
    """The message of the customer below which the card's buttons stand a second time."""
    topic_id: int | None = None
    """The conversation's topic, in a group with topics."""
    topic_shown: str = ""
    """The topic's last known state in Telegram: its title, and open or closed."""
    card_version: int | None = None
    """Version of the registration on the card; 0 without a registration, None if unknown."""
    card_others: str = ""
    """The other open conversations that the card shows, in the form of `others_mark`."""
    earlier_departments: tuple[str, ...] = ()
    """The departments that had it before, by id."""
    events: tuple[ConversationEvent, ...] = ()
    """Oldest first."""

    @property
    def shown_name(self) -> str:
        """Return the customer's name for attendants, as long as no registration is linked."""
        return self.customer.name or ""

    @property
    def is_open(self) -> bool:
        return self.closed_at is None

    @property
    def waits(self) -> bool:
        """Return True if it is in the queue: open and not claimed by an attendant."""
        return self.is_open and self.claimed_by is None

    @property
    def in_queue_since(self) -> datetime:
        return self.queued_at or self.opened_at

    @property
    def customer_waits_since(self) -> datetime:
        """Return the start of the customer's wait; a transfer does not reset it."""
        return self.waiting_since or self.opened_at

    def was_in(self, department_id: str) -> bool:
        """Return True if the department has or had it.

        Of the transfers of earlier versions only the last one is known.
        """
        last = self.transfer.from_department if self.transfer else None
        return department_id in (self.department_id, *self.earlier_departments, last)

    @property
    def waits_for_staff_since(self) -> datetime | None:
        """Return the start of the wait for an attendant, or for the one who has it; None if
        nobody waits."""
        if self.waits:
            return self.in_queue_since
        if not self.is_open or self.asked_at is None:
            return None
        return max(self.asked_at, self.claimed_at or self.asked_at)

    def without_card(self) -> Self:
        """Return it with neither card nor topic, as it is before the card is posted."""
        return replace(self, card_message_id=None, buttons_at=None, topic_id=None, topic_shown="")


def queue_order(conversation: Conversation) -> tuple[bool, datetime, str]:
    """Return the sort key of a department's queue: priority first, then the longest wait."""
    return not conversation.priority, conversation.customer_waits_since, conversation.protocol


def others_mark(others: Iterable[Conversation]) -> str:
    """Return a text that changes whenever the card's list of other open conversations changes."""
    marks = (
        f"{one.protocol} {one.department_id} {one.claimed_by.id if one.claimed_by else ''}"
        for one in others
    )
    return "; ".join(sorted(marks))


NOTICE: Final = "told:"
"""Begins the id of a notice to the writer of a message that was not delivered."""


class Link(BaseModel):
    """A link between a message in a group and its conversation, with its counterparts there.

    A reply to a message of the bot that has one goes to the customer, unless it is a notice. An
    edit or deletion of one counterpart is applied to the other.
    """

    model_config = ConfigDict(frozen=True)

    group_id: int
    message_id: int
    conversation_id: str
    customer_chat_id: int = 0
    customer_message_ids: tuple[int, ...] = ()
    """The counterparts: several when texts were joined into one message, none for a card."""
    by_customer: bool = False
    """True if the customer wrote the message, False if an attendant did."""
    item: str = ""
    """The id of the outbox item that it marks as sent, if that is not the key of the customer's
    message: for a sentence, a ready answer, or a message that was sent in another conversation
    before."""

    @property
    def is_notice(self) -> bool:
        """Return True if the message speaks to an attendant only, and replies to it go nowhere."""
        return self.item.startswith(NOTICE)

    def at_customer(self, chat_id: int) -> int:
        """Return the latest counterpart in this customer's chat; 0 for none."""
        is_there = self.customer_message_ids and self.customer_chat_id == chat_id
        return self.customer_message_ids[-1] if is_there else 0


def fingerprint(tax_id: TaxId) -> str:
    """Return the document's fingerprint, as `Chat.attempts` stores it."""
    return hashlib.blake2b(tax_id.key.encode(), digest_size=8).hexdigest()
