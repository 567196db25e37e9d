"""Departments, the chats of customers, and the conversations between the two."""

import hashlib
import re
import secrets
from collections.abc import Iterable
from datetime import date, datetime
from enum import StrEnum
from typing import Final, Self
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
    """It is proven who writes; `VerifiedBy` says by what."""
    UNVERIFIED = "unverified"
    """A document was typed, and nothing more is known."""
    NOT_IDENTIFIED = "not_identified"
    """No usable document: three failures, or too many different ones in a day."""


class VerifiedBy(StrEnum):
    """What proved who is writing."""

    PHONE = "phone"
    """The telephone of this Telegram account is on record."""
    PORTAL = "portal"
    """The login of the customer's portal was given."""
    ATTENDANT = "attendant"
    """An attendant made sure of it."""


class EventKind(StrEnum):
    """What happens to a conversation."""

    OPENED = "opened"
    CLAIMED = "claimed"
    RELEASED = "released"
    TRANSFERRED = "transferred"
    CLOSED = "closed"
    REOPENED = "reopened"
    VERIFIED = "verified"
    REMINDED = "reminded"


class ConversationEvent(BaseModel):
    """One line of a conversation's history, written together with the change it tells of."""

    model_config = ConfigDict(frozen=True)

    at: datetime
    by: str
    """`user:<id>` for an attendant, `chat:<id>` for the customer, `balcao` for the bot itself."""
    what: EventKind
    detail: str = ""


class Chat(BaseModel):
    """A customer's private chat: who is linked to it, and whether that is proven."""

    model_config = ConfigDict(frozen=True)

    id: int
    privacy_notice_at: datetime | None = None
    privacy_notice_version: str | None = None
    """Of the notice that was given last; None from before there were versions."""
    tax_id: TaxId | None = None
    """The document typed here; None before the first one and after /sair."""
    registration_id: str | None = None
    identity: Identity = Identity.NOT_IDENTIFIED
    verified_at: datetime | None = None
    """With `verified_by`, also None for who was verified by telephone before these were kept."""
    verified_by: VerifiedBy | None = None
    verifier: Attendant | None = None
    """Who made sure of it, when an attendant did."""
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

    def verified(self, by: VerifiedBy, *, at: datetime, verifier: Attendant | None = None) -> Self:
        """The chat with the proof of who writes in it."""
        return self._proven(Identity.VERIFIED, at, by, verifier)

    def unproven(self) -> Self:
        """The chat without any proof of who writes in it."""
        identity = Identity.UNVERIFIED if self.tax_id else Identity.NOT_IDENTIFIED
        return self._proven(identity, None, None, None)

    def _proven(
        self,
        identity: Identity,
        at: datetime | None,
        by: VerifiedBy | None,
        verifier: Attendant | None,
    ) -> Self:
        proof = {"verified_at": at, "verified_by": by, "verifier": verifier}
        return self.model_copy(update=proof | {"identity": identity})


class LookupState(BaseModel):
    """A look-up that the ERP still owes: repeated in the background until it answers."""

    model_config = ConfigDict(frozen=True)

    attempts: int = 1
    since: datetime
    next_at: datetime


class Transfer(BaseModel):
    """How a conversation came to where it is."""

    model_config = ConfigDict(frozen=True)

    at: datetime
    by: Attendant
    reason: str = ""
    question: int
    """The message that asked for the reason: the same transfer is not made twice."""
    from_department: str | None = None
    """None when it stayed in the same group."""
    to: str = ""
    """The attendant it was passed to, by name."""
    from_group: int
    from_card: int | None = None
    from_topic: int | None = None
    from_topic_shown: str = ""
    settled: bool = False
    """Cards and customer have been told."""


class Conversation(BaseModel):
    """Atendimento: from the customer's choice of department until it is closed."""

    model_config = ConfigDict(frozen=True)

    id: str
    protocol: str
    chat_id: int
    department_id: str
    group_id: int
    identity: Identity
    verified_at: datetime | None = None
    verified_by: VerifiedBy | None = None
    verifier: Attendant | None = None
    """As the chat's."""
    tax_id: TaxId | None = None
    registration_id: str | None = None
    shown_name: str
    """How the attendants see the customer while no registration tells more."""
    phone: str | None = None
    priority: bool = False
    lookup: LookupState | None = None
    opened_at: datetime
    waiting_since: datetime | None = None
    """When the customer's wait began; None is when it was opened."""
    queued_at: datetime | None = None
    """When it came into this department's queue; None is when it was opened."""
    reminders: int = 0
    """How often the group was reminded of it in this wait."""
    reminded_at: datetime | None = None
    transfer: Transfer | None = None
    claimed_by: Attendant | None = None
    claimed_at: datetime | None = None
    closed_by: str | None = None
    """The attendant's name; None when the customer ended it."""
    closed_at: datetime | None = None
    customer_told: bool = False
    """That it was closed, and its protocol."""
    card_message_id: int | None = None
    topic_id: int | None = None
    """Its topic, in a group with topics."""
    topic_shown: str = ""
    """What the topic was last brought to: its title, and whether it is closed."""
    card_version: int | None = None
    """The registration's version that the card shows; 0 without one, None when not known."""
    card_others: str = ""
    """The registration's other open conversations that the card shows, as `others_mark` has it."""
    events: tuple[ConversationEvent, ...] = ()
    """Oldest first."""

    @property
    def is_open(self) -> bool:
        return self.closed_at is None

    @property
    def waits(self) -> bool:
        """In the queue: open, and nobody has it."""
        return self.is_open and self.claimed_by is None

    @property
    def in_queue_since(self) -> datetime:
        return self.queued_at or self.opened_at

    @property
    def customer_waits_since(self) -> datetime:
        """Since the first wait: being passed on does not make it shorter."""
        return self.waiting_since or self.opened_at


def queue_order(conversation: Conversation) -> tuple[bool, datetime, str]:
    """The key that sorts a department's queue: priority first, then who waits longest."""
    return not conversation.priority, conversation.customer_waits_since, conversation.protocol


def others_mark(others: Iterable[Conversation]) -> str:
    """Changes when anything changes that a card says of open conversations elsewhere."""
    marks = (
        f"{one.protocol} {one.department_id} {one.claimed_by.id if one.claimed_by else ''}"
        for one in others
    )
    return "; ".join(sorted(marks))


class Subject(StrEnum):
    """What an attendant was asked."""

    NOTE = "note"
    REASON = "reason"
    """Why a conversation is passed on."""


class Question(BaseModel):
    """A question of the bot in a group, which is answered by replying to it.

    Kept after it was answered, so that a late reply to it is never taken for one to a customer.
    """

    model_config = ConfigDict(frozen=True)

    group_id: int
    message_id: int
    about: Subject
    conversation_id: str
    asked: Attendant
    asked_at: datetime
    target: str = ""
    """Of a transfer: `d.<beginning of the department's id>`, `a.<user id>`, or `q.` for back into
    the queue."""
    holder_id: int | None = None
    """Who had the conversation when it was asked."""
    menu_id: int | None = None
    """Of a transfer: the message that offered the targets."""
    note_before: str | None = None
    added: str | None = None
    """Of a note: what stood on record when "Guardar?" was asked, and what is to be added."""
    proposal: int = 0
    """Counts what was proposed: only the newest can be confirmed."""
    done: bool = False


class Link(BaseModel):
    """A message in a group and what it stands for in the customer's chat.

    Whoever replies to it answers the customer; a change of one is made to the other.
    """

    model_config = ConfigDict(frozen=True)

    group_id: int
    message_id: int
    conversation_id: str
    customer_chat_id: int = 0
    customer_message_ids: tuple[int, ...] = ()
    """Several when texts were sent on as one; none for a card."""
    by_customer: bool = False
    """Who wrote it: the customer, or an attendant."""


def read_protocol(text: str) -> str | None:
    """The protocol number in what a person typed; None when there is none."""
    found = re.search(r"(?<!\d)(\d{8})\s*-?\s*(\d{6})(?!\d)", text)
    return f"{found[1]}-{found[2]}" if found else None


def fingerprint(tax_id: TaxId) -> str:
    """The fingerprint by which a chat remembers that this document was typed in it."""
    return hashlib.blake2b(tax_id.key.encode(), digest_size=8).hexdigest()


def new_protocol(now: datetime, timezone: ZoneInfo) -> str:
    """A protocol number: the local date and six random digits, `20261124-048213`.

    Random, so that nobody learns from it how many conversations a company has; the store refuses
    one that is taken, and the caller draws again.
    """
    return f"{now.astimezone(timezone):%Y%m%d}-{secrets.randbelow(1_000_000):06d}"


def protocols_of(day: date) -> tuple[str, str]:
    """The protocol numbers of a local date lie from the first of these to below the second."""
    return f"{day:%Y%m%d}-", f"{day:%Y%m%d}."
