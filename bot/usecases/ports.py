"""What the product needs from outside, by subject; storage, ERPs, handlers and runtime satisfy it.

Larger ports are composed of smaller ones, so that each use case asks for no more than it uses.
Every method may raise TryLaterError when what is behind it cannot be reached.
"""

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol, TypeVar
from zoneinfo import ZoneInfo

from bot.domain.audit import AuditEntry, AuditFilter, AuditPage
from bot.domain.candidate import Candidate, Update
from bot.domain.card import Card
from bot.domain.conversation import (
    Attendant,
    Chat,
    Conversation,
    ConversationEvent,
    Department,
    Link,
    Question,
    Transfer,
)
from bot.domain.data_subject import Traces
from bot.domain.erp_record import ErpPage
from bot.domain.export import ExportOptions
from bot.domain.job import Batch, ImportOptions, Job
from bot.domain.label import Label, Tag, Written
from bot.domain.outgoing import Outgoing
from bot.domain.panel import Opened, Period, RegisterCount
from bot.domain.registration import Provenance, Registration
from bot.domain.retention import RetentionRun
from bot.domain.row_plan import ExistingRegistration
from bot.domain.search import Query, ResultPage
from bot.domain.sync import SyncState
from bot.domain.tax_id import TaxId
from bot.domain.team import Admin, GroupMember, Invitation

L = TypeVar("L", bound=Label)


# The register, one registration at a time.


class Registrations(Protocol):
    """Registrations to be read."""

    async def by_id(self, registration_id: str) -> Registration | None: ...

    async def by_tax_ids(self, tax_ids: Iterable[TaxId]) -> dict[str, Registration]:
        """Return those that exist, by `TaxId.key`."""


class Register(Registrations, Protocol):
    """Registrations to be written, each change with its audit entry."""

    async def create(self, registration: Registration) -> bool:
        """Return False when the tax id exists already."""

    async def update(self, update: Update) -> bool:
        """Return False when the stored version is not the one planned from, or when another
        registration has the new tax id."""

    async def delete(self, registration: Registration, provenance: Provenance) -> bool:
        """Delete this version and keep a copy in the audit; False when it was not there."""

    async def bring_back(self, registration: Registration) -> bool:
        """Restore a deleted registration; False when it or its tax id exists already."""


class Search(Protocol):
    async def __call__(self, query: Query, *, start: str | None = None) -> ResultPage:
        """Return one page; `start` is a page's `next`, None for the first page."""


class AuditEntries(Protocol):
    async def entry(self, entry_id: str) -> AuditEntry | None: ...


class AuditLog(AuditEntries, Protocol):
    """The audit, newest first. Nothing here changes it."""

    async def audit_of(self, registration_id: str) -> list[AuditEntry]:
        """Return every entry of one registration."""

    async def page(
        self, wanted: AuditFilter, *, timezone: ZoneInfo, start: str | None
    ) -> AuditPage:
        """Return entries of the whole register; `start` is a page's `older`, None the newest."""

    def each(self, wanted: AuditFilter, *, timezone: ZoneInfo) -> AsyncIterator[AuditEntry]:
        """Yield all of them, for a file."""

    async def people(self) -> list[str]:
        """Return each `Provenance.by` of an admin or an ERP that is in the audit."""


class LabelStore(Protocol[L]):
    """Where tags or departments are kept."""

    async def all(self) -> tuple[L, ...]:
        """Return all by name, archived ones too; they may be some seconds old."""

    async def latest(self) -> tuple[L, ...]:
        """Return the same, read now."""

    async def add(self, label: L) -> bool:
        """Return False when its name, its group or its id exists already."""

    async def change(self, before: L, after: L) -> Written: ...


class Tags(Protocol):
    async def all(self) -> Sequence[Tag]:
        """Return every tag by name, archived ones too."""


class Departments(Protocol):
    async def all(self) -> Sequence[Department]:
        """Return every department by name, archived ones too."""

    async def get(self, label_id: str) -> Department | None: ...

    async def of_group(self, group_id: int) -> Department | None: ...

    async def follow(self, old_group_id: int, new_group_id: int) -> Department | None:
        """Link the department of a group that Telegram has renumbered to its new number."""


class RegisterCounts(Protocol):
    async def from_chats(self, registration_ids: Collection[str]) -> Mapping[str, datetime]:
        """Return those that a chat created, by id, with the moment of their creation."""
        ...

    async def counts(self) -> RegisterCount: ...


class DataSubjects(Protocol):
    """Everything stored about one person. Every method that deletes is safe to repeat."""

    async def of_tax_id(self, tax_id: TaxId) -> Traces:
        """Return all that is stored about the person with this document."""

    async def of_handle(self, handle: str) -> Traces | None:
        """Return the same by `Traces.handle`; None when it names nothing any more."""

    async def of_registration(self, registration_id: str) -> Traces | None: ...

    async def empty_updates(self, traces: Traces) -> None: ...

    async def empty_reports(self, traces: Traces) -> None: ...

    async def empty_conversation(self, conversation_id: str) -> None: ...

    async def forget_attempt(self, chat_id: int, tax_id: TaxId) -> None: ...

    async def anonymise(
        self, registration_id: str, provenance: Provenance, *, version: int
    ) -> bool:
        """Anonymise the registration and its audit; False when it has changed since `version`
        (0: it is deleted)."""

    async def record(self, operation: str, provenance: Provenance) -> None:
        """Record that a person without a registration was anonymised."""


# The register, in bulk.


class BulkLookup(Protocol):
    """Registrations to be read a batch at a time."""

    async def by_tax_keys(self, keys: Sequence[str]) -> Mapping[str, ExistingRegistration]: ...

    async def named(self, name: str) -> Sequence[ExistingRegistration]: ...


class BulkRegister(BulkLookup, Protocol):
    """Registrations to be read and written a batch at a time."""

    async def by_ids(self, ids: Sequence[str]) -> Mapping[str, ExistingRegistration]: ...

    async def entries(self, ids: Sequence[str]) -> list[AuditEntry]: ...

    def encoded(self, registrations: Sequence[Registration]) -> Sequence[Any]:
        """Return new registrations in the form that `write` takes."""
        ...

    async def write(
        self,
        batch: Batch,
        *,
        provenance: Provenance,
        creates: Sequence[Any] = (),
        updates: Sequence[tuple[Any, Update]] = (),
        removes: Sequence[Any] = (),
        brings_back: Sequence[tuple[AuditEntry, Registration]] = (),
    ) -> bool:
        """Write all of it, or nothing and return False when somebody else changed a part of it.

        updates, removes: each with the `ExistingRegistration` that was read.
        Raises LostError when another worker has written this batch.
        """
        ...


# The ERP.


class CustomerLookup(Protocol):
    async def by_tax_id(self, tax_id: TaxId) -> Candidate | None:
        """Return the person with this document, or None when the ERP says that there is none.

        Raises an AppError when the ERP did not answer that question.
        """


class ErpRecords(CustomerLookup, Protocol):
    async def page(self, cursor: str, *, since: datetime | None = None) -> ErpPage:
        """Return one page of all records, or of those changed since; raises an AppError."""
        ...


class ErpProbe(Protocol):
    async def probe(self) -> None:
        """Return when the ERP answers and accepts the credentials; raises an AppError."""
        ...


class Syncs(Protocol):
    """What is kept from one sync to the next, by the name of the ERP."""

    async def get(self, system: str) -> SyncState: ...

    async def change(self, state: SyncState, **values: Any) -> SyncState | None:
        """Return the changed state; None when somebody has changed it since it was read."""
        ...

    async def force_update(self, system: str, **values: Any) -> SyncState:
        """Return the changed state, whoever changed it meanwhile."""
        ...


# Jobs.


class JobChanges(Protocol):
    async def get(self, job_id: int) -> Job | None: ...

    async def change(self, job: Job, **values: Any) -> Job | None:
        """Return the changed job; None when somebody has changed it since it was read."""
        ...

    async def force_update(self, job_id: int, **values: Any) -> Job | None:
        """Return the changed job, whoever changed it meanwhile; None when there is none."""
        ...


class JobStore(JobChanges, Protocol):
    async def add(self, job: Job) -> Job:
        """Store it and return it with its id."""
        ...

    async def latest(self, count: int, *, before: int | None = None) -> list[Job]: ...


class JobFiles(Protocol):
    async def put(self, path: Path, *, name: str, report: Callable[[int], None] = ...) -> str: ...

    async def fetch(self, file_id: str, path: Path) -> None: ...

    async def delete(self, file_id: str) -> None: ...


class Choices(Protocol):
    """What each person chose the last time."""

    async def of_import(self, by: str) -> ImportOptions | None: ...

    async def of_export(self, by: str) -> ExportOptions | None: ...

    async def remember_import(self, by: str, options: ImportOptions) -> None: ...

    async def remember_export(self, by: str, options: ExportOptions) -> None: ...


# Chats and conversations.


class Chats(Protocol):
    async def get(self, chat_id: int) -> Chat | None: ...

    async def put(self, chat: Chat) -> None: ...


class LoginTries(Protocol):
    """Tries by what they count against, over all replicas."""

    async def take(self, key: str, try_id: str, *, at: datetime, limit: int) -> bool:
        """Return True for one of the first `limit` tries of the key; repeating a try is no new
        one."""

    async def count(self, key: str) -> int: ...


class Conversations(Protocol):
    async def get(self, conversation_id: str) -> Conversation | None: ...

    async def open_in(self, chat_id: int) -> Conversation | None:
        """Return the open one of this chat; there is at most one."""

    async def add(self, conversation: Conversation) -> bool:
        """Return False when the protocol is taken or the chat has one open."""

    async def latest_of(self, registration_id: str, *, count: int) -> list[Conversation]:
        """Return them newest first."""

    async def claim(
        self,
        conversation_id: str,
        attendant: Attendant,
        *,
        at: datetime,
        in_group: int | None = None,
    ) -> bool:
        """Return True when this attendant has it now."""

    async def close(
        self,
        conversation_id: str,
        by: Attendant | None,
        *,
        at: datetime,
        in_group: int | None = None,
    ) -> bool:
        """Return True when it was open until now."""

    async def set_customer_notified(self, conversation_id: str) -> None:
        """Remember that the customer was notified of the end."""

    async def set_card(self, conversation: Conversation) -> None:
        """Store where its card is, and its topic."""

    async def move(self, conversation_id: str, group_id: int) -> None:
        """Continue it in another group, where it has no card yet."""

    async def identify(self, conversation: Conversation) -> None:
        """Store who the customer is by now, and the look-up that is still owed."""

    async def owed_lookups(self, *, until: datetime) -> list[Conversation]: ...

    async def in_topic(self, group_id: int, topic_id: int) -> Conversation | None:
        """Return the conversation that this topic belongs to."""


class OpenConversations(Protocol):
    async def open_of(self, registration_id: str) -> Sequence[Conversation]:
        """Return the open ones of a registration, in any chat and department."""


class Queue(OpenConversations, Protocol):
    """Open conversations, and how they move on: each change is made once."""

    async def all_open(self) -> list[Conversation]: ...

    async def by_protocol(self, protocol: str) -> Conversation | None: ...

    async def last_closed(self, chat_id: int, *, since: datetime) -> Conversation | None:
        """Return the chat's conversation that was closed last, if that was at `since` or later."""

    async def transfer(
        self, seen: Conversation, to: Conversation, event: ConversationEvent
    ) -> bool:
        """Return False when it is no longer as it was seen."""

    async def set_announced(self, conversation_id: str, transfer: Transfer) -> None:
        """Remember that everybody was notified of this transfer."""

    async def reopen(
        self, closed: Conversation, holder: Attendant | None, event: ConversationEvent
    ) -> bool:
        """Return False when it is open already, or when the chat has another one open."""

    async def remind(self, seen: Conversation, event: ConversationEvent) -> bool:
        """Return True when it still waits as it was seen, and nobody else sends this reminder."""

    async def prioritise(self, seen: Conversation, *, priority: bool) -> None:
        """Set the priority in the department in which it was seen."""

    async def drawn(self, conversation_id: str, version: int, *, others: str) -> None:
        """Remember which version of the registration and which other conversations the card
        shows."""

    async def versions(self, registration_ids: Sequence[str]) -> dict[str, int]:
        """Return the version of each registration that exists, by id."""


class OpenedConversations(Protocol):
    def opened_in(self, period: Period) -> AsyncIterator[Sequence[Opened]]:
        """Yield each conversation that was opened in the period, by day; some of the day before
        and of the day after may be among them."""
        ...


class Verifications(Protocol):
    async def store(self, conversation_id: str, chat: Chat, event: ConversationEvent) -> bool:
        """Verify conversation and chat as `chat` is, both or neither, with the event in the
        conversation's history; False when one of them has changed since."""


class Questions(Protocol):
    """Questions of the bot in a group, by the message that asked."""

    async def get(self, group_id: int, message_id: int) -> Question | None: ...

    async def put(self, question: Question) -> None: ...

    async def finish(self, group_id: int, message_id: int) -> bool:
        """Return True when it was still to be answered."""


class RetentionStore(Protocol):
    """Conversations to be deleted, and where replicas agree on who does it."""

    async def last(self) -> RetentionRun | None: ...

    async def begin(self, run: RetentionRun, *, after: RetentionRun | None) -> bool:
        """Return False when somebody has begun a run since `after` was read."""

    async def end(self, run: RetentionRun) -> None: ...

    def closed_before(self, moment: datetime) -> AsyncIterator[Sequence[str]]:
        """Yield ids of closed conversations, a batch at a time."""

    async def delete(self, ids: Sequence[str], *, closed_before: datetime) -> tuple[int, int]:
        """Return how many conversations and messages were deleted; an open one never is."""


# The attendants' groups.


class AttendantsGroup(Protocol):
    async def open_topic(self, card: Card) -> Conversation:
        """Create the conversation's topic where the group has topics; return the conversation
        with its place. Raises as `show`."""

    async def show(self, card: Card) -> Conversation:
        """Post the card, in its topic if there is one; return the conversation with its place.

        Raises RefusedError when the group is closed to the bot.
        """

    async def refresh(self, card: Card) -> Conversation:
        """Edit card and topic to what is known now; what somebody deleted stays deleted."""


class Links(Protocol):
    """Which message in a group stands for which in a customer's chat."""

    async def add(self, links: Sequence[Link]) -> None: ...

    async def of_group(self, group_id: int, message_id: int) -> Link | None: ...

    async def of_customer(self, chat_id: int, message_id: int) -> Link | None: ...


class Outbox(Protocol):
    async def put(self, *items: Outgoing) -> None:
        """Have them sent in order; an id that was put before is not put again."""

    async def waiting(self, item_id: str) -> Outgoing | None:
        """Return one that is not sent yet."""

    async def failed(self, item_id: str) -> list[Outgoing]:
        """Return what was not delivered together with this, itself included."""

    async def again(self, item_id: str) -> bool:
        """Send once more what was not delivered; True when this call did it."""

    def retry(self, chat_id: int) -> None:
        """Try a chat again that may take messages by now."""


class TransferNews(Protocol):
    """Who is notified of a transfer, besides what the cards say."""

    async def tell_customer(self, conversation: Conversation, department: Department) -> None:
        """Send one sentence with the new department."""

    async def tell_attendant(self, conversation: Conversation, transfer: Transfer) -> None:
        """Mention the attendant who has it now, below its card."""


class Reminders(Protocol):
    async def remind(self, card: Card, *, waited: timedelta) -> None:
        """Tell the group, below the card, how long somebody with priority has waited."""


# People who work here.


class Attends(Protocol):
    async def __call__(self, user_id: int, group_id: int) -> bool: ...


class Groups(Protocol):
    """Telegram's answers about who is in a group.

    Raises RefusedError when Telegram does not tell the bot.
    """

    async def member(self, group_id: int, user_id: int) -> tuple[str, bool]:
        """Return the user's name, and True when the user is in the group now."""

    async def administrators(self, group_id: int) -> list[tuple[int, str]]:
        """Return id and name of each."""


class Members(Protocol):
    """Who was seen in which group."""

    async def get(self, group_id: int, user_id: int) -> GroupMember | None: ...

    async def put(self, member: GroupMember) -> None: ...

    async def of_group(self, group_id: int) -> list[GroupMember]:
        """Return everybody who was seen in the group, also who has left it."""

    async def forget_group(self, group_id: int) -> None: ...


class Admins(Protocol):
    """Who has accepted an invitation."""

    async def all(self) -> list[Admin]: ...

    async def get(self, user_id: int) -> Admin | None: ...

    async def put(self, admin: Admin) -> None: ...

    async def remove(self, user_id: int) -> bool:
        """Return True when the user was an admin until now."""


class Invitations(Protocol):
    async def add(self, invitation: Invitation) -> None: ...

    async def get(self, invitation_id: str) -> Invitation | None: ...

    async def all(self) -> list[Invitation]: ...

    async def use(self, invitation_id: str, user_id: int, *, at: datetime) -> bool:
        """Return True when the user has it now: it was open, and nobody else was quicker."""

    async def fulfil(self, invitation_id: str) -> None: ...

    async def revoke(self, invitation_id: str) -> bool:
        """Return True when it was unused and not revoked until now."""
