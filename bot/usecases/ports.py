"""The ports of the use cases, by subject; storage, ERPs, handlers and runtime implement them.

Larger ports are composed of smaller ones, so that each use case asks for no more than it uses.
Every method may raise TryLaterError when the system behind it cannot be reached.
"""

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar, Unpack
from zoneinfo import ZoneInfo

from bot.domain.audit import AuditEntry, AuditFilter, AuditPage
from bot.domain.candidate import Candidate, Update
from bot.domain.card import Card, QueueEntry
from bot.domain.console import Session, TableOptions
from bot.domain.conversation import (
    Attendant,
    Chat,
    Conversation,
    ConversationEvent,
    Department,
    Link,
    Transfer,
)
from bot.domain.data_subject import Traces
from bot.domain.erp_record import ErpPage
from bot.domain.export import ExportOptions
from bot.domain.file_shape import FileShape, Inspected, Reading
from bot.domain.group import GroupAccess
from bot.domain.job import Batch, ImportOptions, Job
from bot.domain.job_change import JobChange
from bot.domain.label import Label, Tag, Written
from bot.domain.outgoing import Content, Outgoing
from bot.domain.pairs import Outline, Pair, PairPage
from bot.domain.panel import Opened, Period, RegisterCount
from bot.domain.question import Question
from bot.domain.ready_answer import ReadyAnswer
from bot.domain.registration import ErpRef, Provenance, Registration
from bot.domain.reminder import Stage
from bot.domain.retention import RetentionRun
from bot.domain.row_plan import ExistingRegistration
from bot.domain.search import BY_NAME, PAGE, Order, Query, ResultPage
from bot.domain.set_aside import SetAside
from bot.domain.sync import SyncChange, SyncState
from bot.domain.tax_id import TaxId
from bot.domain.team import Admin, GroupMember, Invitation
from bot.domain.transcript import Said, Words
from bot.domain.upload import Upload

L = TypeVar("L", bound=Label)


# The register, one registration at a time.


class Registrations(Protocol):
    """Reads single registrations."""

    async def by_id(self, registration_id: str) -> Registration | None:
        """Return the registration, or the one that it was united into."""

    async def by_tax_ids(self, tax_ids: Iterable[TaxId]) -> dict[str, Registration]:
        """Return the registrations that exist, by `TaxId.key`."""


class Register(Registrations, Protocol):
    """Writes single registrations, each change with its audit entry."""

    async def create(self, registration: Registration) -> bool:
        """Return True if it was created, False if its tax id exists already."""

    async def update(self, update: Update) -> bool:
        """Return True if the update was written.

        Returns False when the stored version is not the one that the update was planned from, or
        when another registration has the new tax id.
        """

    async def delete(self, registration: Registration, provenance: Provenance) -> bool:
        """Delete this version and keep a copy in the audit.

        Returns False when this version is not stored.
        """

    async def bring_back(self, registration: Registration) -> bool:
        """Restore a deleted registration.

        Returns False when the registration or its tax id exists already.
        """


class Search(Protocol):
    """Finds registrations; the same query gives the same ones in each method."""

    async def __call__(
        self,
        query: Query,
        *,
        order: Order = BY_NAME,
        start: str | None = None,
        count: int = PAGE,
    ) -> ResultPage:
        """Return one page of results.

        start: the `next` of the page before, of the same query and order; None for the first page.
        count: registrations on a page.
        """

    async def count(self, query: Query) -> int:
        """Return the exact number of all results."""


class SearchAll(Protocol):
    """Reads all results of a search, for jobs."""

    def each(self, query: Query, *, count: int) -> AsyncIterator[Sequence[Registration]]:
        """Yield all results, `count` at a time."""
        ...

    async def still_found(self, query: Query, some: Sequence[Any]) -> Collection[str]:
        """Return the ids of those `ExistingRegistration`s that the search finds."""
        ...


class AuditEntries(Protocol):
    async def entry(self, entry_id: str) -> AuditEntry | None: ...


class AuditLog(AuditEntries, Protocol):
    """Reads the audit, newest entry first; never writes to it."""

    async def audit_of(self, registration_id: str) -> list[AuditEntry]:
        """Return all entries of one registration."""

    async def with_united(self, registration_id: str) -> list[AuditEntry]:
        """Return the entries of the registration and of those that are united into it."""

    async def page(
        self, wanted: AuditFilter, *, timezone: ZoneInfo, start: str | None, count: int = 8
    ) -> AuditPage:
        """Return one page of the entries of the whole register.

        start: the `older` of the page before; None for the newest page.
        """

    def each(self, wanted: AuditFilter, *, timezone: ZoneInfo) -> AsyncIterator[AuditEntry]:
        """Yield all matching entries, for a file."""

    async def people(self) -> list[str]:
        """Return each `Provenance.by` in the audit that is an admin or an ERP."""


class Unions(Protocol):
    """Makes two registrations one, or one two again; each in one transaction with its audit."""

    async def unite(self, update: Update, goes: Registration, provenance: Provenance) -> bool:
        """Store the registration that stays, and remove the one that goes.

        Returns False when one of them has changed since it was read.
        """

    async def separate(self, update: Update, restored: Registration) -> bool:
        """Store the registration that had stayed, and the one that had gone.

        Returns False when one of them has changed since it was read, or a document is taken.
        """


class Pairs(Protocol):
    """The likely double entries that the last search has found."""

    async def page(self, *, start: str | None, count: int) -> PairPage:
        """Return one page, the likeliest first. start: the `next` of the page before."""

    async def count(self) -> int: ...

    async def get(self, pair_id: str) -> Pair | None: ...

    async def replace(self, pairs: Sequence[Pair], *, at: datetime) -> int:
        """Store what a search has found instead of what the one before has; return how many.

        Pairs that are known to be two people are left out.
        """

    async def drop(self, pair_id: str) -> None: ...

    async def mark_different(self, pair_id: str, *, by: str, at: datetime) -> None:
        """Remember that the two are not the same person."""

    async def unmark(self, pair: Pair, *, at: datetime) -> None:
        """Take that back: the pair is listed again."""


class Outlines(Protocol):
    def outlines(self) -> AsyncIterator[Sequence[Outline]]:
        """Yield what tells double entries of the whole register, some hundreds at a time."""
        ...


class Relinking(Protocol):
    """The conversations of a registration that is united into another one."""

    async def to_united(self, registration_id: str, into: str) -> None: ...

    async def back(self, registration_id: str, united_into: str) -> None:
        """Link those again that were linked to the registration before the union."""


class LabelStore(Protocol[L]):
    """Stores tags or departments."""

    async def all(self) -> tuple[L, ...]:
        """Return all labels by name, archived ones too.

        They may come from a cache that is some seconds old.
        """

    async def latest(self) -> tuple[L, ...]:
        """Return the same list as `all`, read from the database now."""

    async def add(self, label: L) -> bool:
        """Return True if it was stored, False if its name, group or id exists already."""

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
        """Link the department to the new id that Telegram gave its group.

        Returns the department, or None when the old group belonged to none.
        """


class ReadyAnswers(Protocol):
    """Stores the ready answers; a word is unique within a department, and among those for all."""

    async def all(self) -> tuple[ReadyAnswer, ...]:
        """Return all answers by word."""

    async def add(self, answer: ReadyAnswer) -> bool:
        """Return True if it was stored, False if its department has the word already."""

    async def change(self, before: ReadyAnswer, after: ReadyAnswer) -> Written: ...

    async def delete(self, seen: ReadyAnswer) -> bool:
        """Delete this version; return False when another one is stored."""


class RegisterCounts(Protocol):
    async def from_chats(self, registration_ids: Collection[str]) -> Mapping[str, datetime]:
        """Return the creation time, by id, of those registrations that a chat created."""
        ...

    async def counts(self) -> RegisterCount: ...


class DataSubjects(Protocol):
    """Finds and deletes the data stored about one person; each deletion is idempotent."""

    async def of_tax_id(self, tax_id: TaxId) -> Traces:
        """Return all data stored about the person with this tax id."""

    async def of_handle(self, handle: str) -> Traces | None:
        """Return the data of the person with this `Traces.handle`, or None if none is left."""

    async def of_registration(self, registration_id: str) -> Traces | None: ...

    async def empty_updates(self, traces: Traces) -> None: ...

    async def empty_reports(self, traces: Traces) -> None: ...

    async def empty_conversation(self, conversation_id: str) -> None: ...

    async def forget_attempt(self, chat_id: int, tax_id: TaxId) -> None: ...

    async def anonymise(
        self, registration_id: str, provenance: Provenance, *, version: int
    ) -> bool:
        """Anonymise the registration and its audit entries.

        version: the version that was read; 0 when the registration is deleted.
        Returns False when the registration has changed since.
        """

    async def record(self, operation: str, provenance: Provenance) -> None:
        """Record in the audit that a person without a registration was anonymised."""


# The register, in bulk.


class BulkLookup(Protocol):
    """Reads registrations in batches."""

    async def by_tax_keys(self, keys: Sequence[str]) -> Mapping[str, ExistingRegistration]: ...

    async def named(self, name: str) -> Sequence[ExistingRegistration]: ...


class BulkRegister(BulkLookup, Protocol):
    """Reads and writes registrations in batches."""

    async def by_ids(self, ids: Sequence[str]) -> Mapping[str, ExistingRegistration]: ...

    async def entries(self, ids: Sequence[str]) -> list[AuditEntry]: ...

    def linked_to(
        self, system: str
    ) -> AsyncIterator[Sequence[tuple[ExistingRegistration, Sequence[ErpRef]]]]:
        """Yield all active registrations that have records in this ERP, with these, some hundreds
        at a time."""
        ...

    def encoded(self, registrations: Sequence[Registration]) -> Sequence[Any]:
        """Return new registrations in the form that `write` takes as `creates`."""
        ...

    def encoded_changes(
        self,
        updates: Sequence[tuple[Any, Update]] = (),
        removes: Sequence[Any] = (),
        *,
        provenance: Provenance,
    ) -> Sequence[Any]:
        """Return changes in the form that `write` takes as `changes`.

        updates: pairs of the `ExistingRegistration` that was read and its update.
        removes: the `ExistingRegistration`s that were read.
        """
        ...

    async def write(
        self,
        batch: Batch,
        *,
        provenance: Provenance,
        creates: Sequence[Any] = (),
        changes: Sequence[Any] = (),
        brings_back: Sequence[tuple[AuditEntry, Registration]] = (),
    ) -> bool:
        """Write the whole batch in one transaction.

        Returns False, and writes nothing, when a registration was changed since it was read.
        Raises LostError when another worker has written this batch.
        """
        ...


# The ERP.


class CustomerLookup(Protocol):
    async def by_tax_id(self, tax_id: TaxId) -> Candidate | None:
        """Return the person with this tax id, or None if the ERP confirms that there is none.

        Raises an AppError when the ERP gives no usable answer.
        """


class ErpRecords(CustomerLookup, Protocol):
    async def page(self, cursor: str, *, since: datetime | None = None) -> ErpPage:
        """Return one page of all records, or of those changed since; raises an AppError.

        cursor: the `next` of the page before; empty for the first page.
        """
        ...


class ErpProbe(Protocol):
    async def probe(self) -> None:
        """Check that the ERP answers and accepts the credentials; raises an AppError if not."""
        ...


class Syncs(Protocol):
    """The state kept between syncs, by the name of the ERP."""

    async def get(self, system: str) -> SyncState: ...

    async def change(self, state: SyncState, **values: Unpack[SyncChange]) -> SyncState | None:
        """Return the changed state, or None if the stored one has changed since it was read."""
        ...

    async def force_update(self, system: str, **values: Unpack[SyncChange]) -> SyncState:
        """Set the values whatever the stored state is now; return the new state."""
        ...


# Jobs.


class JobChanges(Protocol):
    async def get(self, job_id: int) -> Job | None: ...

    async def change(self, job: Job, **values: Unpack[JobChange]) -> Job | None:
        """Return the changed job, or None if the stored one has changed since it was read."""
        ...

    async def force_update(self, job_id: int, **values: Unpack[JobChange]) -> Job | None:
        """Set the values whatever the stored job is now; return it, or None if there is none."""
        ...


class JobStore(JobChanges, Protocol):
    async def add(self, job: Job) -> Job:
        """Store the job; return it with its new id."""
        ...

    async def remove(self, job: Job) -> None:
        """Delete the job, unless it has changed since it was read."""

    async def active(self) -> list[Job]:
        """Return the jobs that are being worked on or need work, oldest first."""
        ...

    async def latest(self, count: int, *, before: int | None = None) -> list[Job]: ...

    async def above(self, job_id: int, count: int) -> list[Job]:
        """Return the oldest jobs with higher numbers, newest first."""


class BackupJobs(JobStore, Protocol):
    async def backups(self) -> Sequence[Job]:
        """Return all jobs that are backups."""
        ...


class JobFiles(Protocol):
    async def put(self, path: Path, *, name: str, report: Callable[[int], None] = ...) -> str: ...

    async def put_pieces(self, pieces: AsyncIterator[bytes], *, name: str) -> str:
        """Store a file that comes in pieces, and return its id."""
        ...

    async def fetch(self, file_id: str, path: Path) -> None:
        """Write a job's stored file to the path.

        Raises RefusedError if the file is no longer stored.
        """

    async def delete(self, file_id: str) -> None: ...


class FilePieces(Protocol):
    """Files that are stored piece by piece, in any order and each perhaps repeatedly."""

    async def begin_pieces(self) -> str:
        """Return the id of a new file."""
        ...

    async def put_piece(self, file_id: str, number: int, piece: bytes) -> None: ...

    async def pieces(self, file_id: str) -> int:
        """Return how many pieces are stored."""
        ...

    async def end_pieces(self, file_id: str, *, name: str, size_bytes: int) -> None:
        """Make the pieces a file like those of `JobFiles`."""

    async def drop_pieces(self, file_id: str) -> None: ...


class Uploads(Protocol):
    """The upload that each admin has begun last."""

    async def put(self, upload: Upload) -> None: ...

    async def of(self, by: str) -> Upload | None: ...


class InspectFile(Protocol):
    async def __call__(
        self,
        path: Path,
        *,
        name: str,
        shape: FileShape | None = None,
        reading: Reading | None = None,
    ) -> Inspected:
        """Return the properties of the file; `name` is the name given by its sender.

        With its known shape, only the first rows are read. Raises FileRefused.
        """
        ...


class Choices(Protocol):
    """The last options of each admin, for imports, exports and the table."""

    async def of_import(self, by: str) -> ImportOptions | None: ...

    async def of_export(self, by: str) -> ExportOptions | None: ...

    async def remember_import(self, by: str, options: ImportOptions) -> None: ...

    async def remember_export(self, by: str, options: ExportOptions) -> None: ...

    async def of_table(self, by: str) -> TableOptions | None: ...

    async def remember_table(self, by: str, options: TableOptions) -> None: ...


# Chats and conversations.


class Chats(Protocol):
    async def get(self, chat_id: int) -> Chat | None: ...

    async def put(self, chat: Chat) -> None: ...


class LinkedChats(Chats, Protocol):
    async def of_registration(self, registration_id: str) -> Sequence[Chat]:
        """Return the chats that are linked to this registration, verified or not."""


class CustomerProfiles(Protocol):
    async def name(self, chat_id: int) -> str | None:
        """Return the customer's name in Telegram; None if the bot cannot write to them."""


class LoginTries(Protocol):
    """Counts login tries, and other acts that are bounded, by key and over all replicas."""

    async def take(self, key: str, try_id: str, *, at: datetime, limit: int) -> bool:
        """Count the try; return True if it is among the first `limit` tries of the key.

        The same `try_id` is counted once.
        """

    async def count(self, key: str) -> int: ...


class KeptMessages(Protocol):
    """What customers write before a conversation opens; forgotten after a day."""

    async def put(self, chat_id: int, content: Content, *, at: datetime) -> None: ...

    async def change(self, chat_id: int, content: Content) -> bool:
        """Return True if the message was kept, and is kept with this content now."""

    async def drop(self, chat_id: int, message_id: int) -> None: ...

    async def of(self, chat_id: int, *, since: datetime) -> list[Content]:
        """Return the messages kept since then, oldest first."""

    async def forget(self, chat_id: int) -> None: ...


class Conversations(Protocol):
    async def get(self, conversation_id: str) -> Conversation | None: ...

    async def open_in(self, chat_id: int) -> Conversation | None:
        """Return the open conversation of this chat, or None; there is at most one."""

    async def add(self, conversation: Conversation) -> bool:
        """Return True if it was stored.

        Returns False when the protocol is taken or the chat has an open conversation.
        """

    async def latest_of(self, registration_id: str, *, count: int) -> list[Conversation]:
        """Return the last `count` conversations of this registration, newest first."""

    async def claim(
        self,
        conversation_id: str,
        attendant: Attendant,
        *,
        at: datetime,
        in_group: int | None = None,
    ) -> bool:
        """Return True if this call gave the conversation to the attendant."""

    async def close(
        self,
        conversation_id: str,
        by: Attendant | None,
        *,
        at: datetime,
        in_group: int | None = None,
    ) -> bool:
        """Return True if this call closed the conversation."""

    async def set_customer_notified(self, conversation_id: str) -> None:
        """Record that the customer was notified of the closing."""

    async def set_hours_told(self, conversation_id: str) -> None:
        """Record that the customer was told when the department opens."""

    async def asked(self, conversation_id: str, *, at: datetime) -> None:
        """Record that the customer waits for an answer, unless that was so before."""

    async def answered(self, conversation: Conversation) -> None:
        """Record that the customer has an answer to what was asked until `conversation` was read;
        the next wait has reminders of its own."""

    async def set_card(self, conversation: Conversation) -> None:
        """Store the place of its card and its topic."""

    async def set_buttons(self, conversation_id: str, message_id: int) -> None:
        """Store below which message the card's buttons stand a second time."""

    async def move(self, conversation_id: str, group_id: int) -> None:
        """Move the conversation to another group, where it has no card yet.

        One that is there already keeps its card: the caller may have read it before it came.
        """

    async def set_other_document(self, conversation_id: str, tax_key: str) -> None:
        """Store the other document that the customer sent, by `TaxId.key`."""

    async def identify(
        self, conversation: Conversation, event: ConversationEvent | None = None
    ) -> None:
        """Store the customer's identity, and the state of the ERP look-up that is still due.

        event: added to the history in the same write.
        """

    async def owed_lookups(self, *, until: datetime) -> list[Conversation]: ...

    async def in_topic(self, group_id: int, topic_id: int) -> Conversation | None:
        """Return the conversation that this topic belongs to."""


class OpenConversations(Protocol):
    async def open_of(self, registration_id: str) -> Sequence[Conversation]:
        """Return the open conversations of a registration, in any chat and department."""


class Queue(OpenConversations, Protocol):
    """Open conversations and their changes; no change is made twice."""

    async def all_open(self) -> list[Conversation]: ...

    async def by_protocol(self, protocol: str) -> Conversation | None: ...

    async def last_closed(self, chat_id: int, *, since: datetime) -> Conversation | None:
        """Return the chat's last closed conversation, or None if it was closed before `since`."""

    async def transfer(
        self, seen: Conversation, to: Conversation, event: ConversationEvent
    ) -> bool:
        """Return True if the transfer was stored, False if `seen` is out of date."""

    async def set_announced(self, conversation_id: str, transfer: Transfer) -> None:
        """Record that the customer and the attendants were notified of this transfer."""

    async def reopen(
        self, closed: Conversation, holder: Attendant | None, event: ConversationEvent
    ) -> bool:
        """Return True if the conversation was reopened.

        Returns False when it is open already, or when the chat has another open conversation.
        """

    async def remind(self, seen: Conversation, stage: Stage, event: ConversationEvent) -> bool:
        """Record that somebody was reminded; return False if it has changed since `seen`."""

    async def prioritise(self, seen: Conversation, *, priority: bool) -> None:
        """Set the priority, unless the conversation has left the department of `seen`."""

    async def drawn(self, conversation_id: str, version: int, *, others: str) -> None:
        """Record what the card shows.

        version: of the registration. others: the mark of the registration's other open
        conversations (`others_mark`).
        """

    async def versions(self, registration_ids: Sequence[str]) -> dict[str, int]:
        """Return the version of each registration that exists, by id."""


class OpenedConversations(Protocol):
    def opened_in(self, period: Period) -> AsyncIterator[Sequence[Opened]]:
        """Yield the conversations that were opened in the period, by day.

        Some of the day before and of the day after may be among them.
        """
        ...


class Verifications(Protocol):
    async def store(self, seen: Conversation, chat: Chat, event: ConversationEvent) -> bool:
        """Store the proof of `chat`, or that it has none, in the chat and in the conversation.

        The event is added to the conversation's history. Returns False when the chat or the
        conversation has changed since it was read.
        """


class Questions(Protocol):
    """Questions of the bot in a group, by the message that asks."""

    async def get(self, group_id: int, message_id: int) -> Question | None: ...

    async def put(self, question: Question) -> None: ...

    async def finish(self, group_id: int, message_id: int) -> bool:
        """Mark the question as answered; return True if it was unanswered until now."""


class DailyRuns(Protocol):
    """Records the runs of something that is done once a day, so that one replica does each."""

    async def last(self) -> RetentionRun | None: ...

    async def begin(self, run: RetentionRun, *, after: RetentionRun | None) -> bool:
        """Return True if the run was recorded, False if another one began since `after`."""

    async def end(self, run: RetentionRun) -> None: ...


class RetentionStore(DailyRuns, Protocol):
    """Deletes old conversations."""

    def closed_before(self, moment: datetime) -> AsyncIterator[Sequence[str]]:
        """Yield the ids of conversations closed before the moment, in batches."""

    async def delete(self, ids: Sequence[str], *, closed_before: datetime) -> tuple[int, int]:
        """Delete these; return the numbers of deleted conversations and messages.

        An open conversation is never deleted.
        """


class SetAsideStore(Protocol):
    """The updates that were set aside, by key."""

    async def count(self) -> int: ...

    async def all(self, *, until: datetime | None = None) -> list[str]:
        """Return the keys of those that were set aside until then, in the order of their ids."""

    async def some(self, keys: list[str]) -> list[SetAside]:
        """Return those of the keys that are set aside, in the order of the keys."""

    async def repeat(self, key: str) -> str | None:
        """Return the key of the chat in which the update waits again.

        Returns None when it is not set aside any more, or has no content that could be handled.
        """

    async def drop(self, key: str, *, at: datetime) -> bool:
        """Return True if the update's content was deleted now."""


# The attendants' groups.


class AttendantsGroup(Protocol):
    async def open_topic(self, card: Card) -> Conversation:
        """Create the conversation's topic if the group has topics.

        Returns the conversation with the topic's id.
        Raises RefusedError when the group is closed to the bot.
        """

    async def reopen_topic(self, conversation: Conversation) -> Conversation | None:
        """Open the closed topic; return the conversation, or None where the bot may not."""

    async def show(self, card: Card) -> Conversation:
        """Post the card, in its topic if there is one.

        Returns the conversation with the card's message id.
        Raises RefusedError when the group is closed to the bot, and UnknownRefusalError when
        Telegram takes other messages there and not this one.
        """

    async def refresh(self, card: Card) -> Conversation:
        """Edit card and topic to the current data; return the conversation.

        A card or topic that was deleted in Telegram stays deleted.
        """

    async def take_buttons(self, group_id: int, message_id: int) -> None:
        """Take the card's buttons from a message that no longer is the customer's latest."""


class Links(Protocol):
    """Pairs of a message in a group and the matching message in a customer's chat."""

    async def add(self, links: Sequence[Link]) -> None: ...

    async def of_group(self, group_id: int, message_id: int) -> Link | None: ...

    async def of_customer(self, chat_id: int, message_id: int) -> Link | None: ...


class Outbox(Protocol):
    async def put(self, *items: Outgoing, conversation: Conversation | None = None) -> None:
        """Queue the items to be sent in this order; skip ids that were queued before.

        conversation: theirs, if it was read just now.
        """

    async def waiting(self, item_id: str) -> Outgoing | None:
        """Return the item if it is not sent yet, else None."""

    async def failed(self, item_id: str) -> list[Outgoing]:
        """Return this undelivered item and those that failed together with it (an album)."""

    async def again(self, item_id: str, *, notice: tuple[int, int]) -> bool:
        """Queue an undelivered item once more, with the rest of its album.

        notice: chat and id of the message that tells of it, to be deleted when the item has
        arrived.
        Returns True if this call did it.
        """

    def backlog(self, chat_id: int, conversation_id: str) -> int:
        """Return how many messages of the conversation's customer are known to wait there."""

    def retry(self, chat_id: int) -> None:
        """Retry a chat that may accept messages again."""


class Transcripts(Protocol):
    """The words of conversations, as long as they are kept."""

    async def of(self, conversation_id: str) -> Sequence[Said]:
        """Return what was said, as it was written, oldest first."""

    async def edit(self, item_id: str, words: Words) -> None:
        """Keep the latest words of a message, by the id of its outbox item."""

    async def erase(self, item_id: str) -> None:
        """Delete the words of a message that its writer took back."""


class TransferNews(Protocol):
    """Notices of a transfer, in addition to the cards."""

    async def bring_words(self, conversation: Conversation, said: Sequence[Said]) -> None:
        """Post what was said before in the new group, as much as one message holds."""

    async def notify_customer(self, conversation: Conversation, department: Department) -> None:
        """Tell the customer the new department."""

    async def notify_attendant(self, conversation: Conversation, transfer: Transfer) -> None:
        """Mention the attendant who now has the conversation, below its card."""


class Reminders(Protocol):
    """Messages about customers who wait; one with the same id is sent once."""

    async def remind_group(
        self,
        group_id: int,
        waiting: Sequence[QueueEntry],
        *,
        at: datetime,
        id: str,  # noqa: A002
    ) -> None:
        """Say in one message who of the group's customers wait, and for how long."""

    async def remind_admins(
        self,
        waiting: Sequence[QueueEntry],
        departments: Sequence[Department],
        *,
        at: datetime,
        id: str,  # noqa: A002
    ) -> None:
        """Tell every admin in one message who wait, by department."""

    async def announce_opening(
        self,
        group_id: int,
        first: Sequence[QueueEntry],
        *,
        total: int,
        at: datetime,
        id: str,  # noqa: A002
    ) -> None:
        """Say who wait now that the department has opened.

        first: the first of the `total` that wait, in the queue's order.
        """


class RegisterAlerts(Protocol):
    async def prospects_stopped(self, limit: int) -> None:
        """Notify the admins that no more people of chats are registered in this hour."""


class GroupAlerts(Protocol):
    async def group_unreachable(self, department: Department) -> None:
        """Notify the admins that no message reaches the department's group."""

    async def card_undelivered(self, protocol: str) -> None:
        """Notify the admins that Telegram does not take the conversation's card.

        Raises TryLaterError while no admin can be reached; so does the next one.
        """

    async def nobody_told(self, protocol: str) -> None:
        """Notify the admins that a message was not delivered, nor the notice to its writer."""


# People who work here.


class Attends(Protocol):
    async def __call__(self, user_id: int, group_id: int) -> bool: ...


class Groups(Protocol):
    """Asks Telegram for the members of a group.

    Raises RefusedError when Telegram refuses to answer the bot.
    """

    async def member(self, group_id: int, user_id: int) -> tuple[str, bool]:
        """Return the user's name, and True if the user is in the group now."""

    async def administrators(self, group_id: int) -> list[tuple[int, str]]:
        """Return the id and name of each administrator of the group."""


class AccessToGroup(Protocol):
    async def __call__(self, group_id: int) -> GroupAccess:
        """Return the bot's rights in the group. Raises RefusedError if the bot cannot reach it."""


class Members(Protocol):
    """The users seen in each group, as a cache of Telegram's answers."""

    async def get(self, group_id: int, user_id: int) -> GroupMember | None: ...

    async def put(self, member: GroupMember) -> None: ...

    async def of_group(self, group_id: int) -> list[GroupMember]:
        """Return every user seen in the group, also those who have left it."""

    async def forget_group(self, group_id: int) -> None: ...


class Admins(Protocol):
    """The admins who accepted an invitation."""

    async def all(self) -> list[Admin]: ...

    async def get(self, user_id: int) -> Admin | None: ...

    async def put(self, admin: Admin) -> None: ...

    async def remove(self, user_id: int) -> bool:
        """Remove the admin; return True if the user was one until now."""


class Invitations(Protocol):
    async def add(self, invitation: Invitation) -> None: ...

    async def get(self, invitation_id: str) -> Invitation | None: ...

    async def all(self) -> list[Invitation]: ...

    async def use(self, invitation_id: str, user_id: int, *, at: datetime) -> bool:
        """Return True if this call took the invitation for the user; it must be open."""

    async def fulfil(self, invitation_id: str) -> None: ...

    async def revoke(self, invitation_id: str) -> bool:
        """Revoke it; return True if it was unused and not revoked until now."""


class ConsoleSessions(Protocol):
    async def add(self, session: Session, *, token: str, signature: str) -> bool:
        """Store it; return False if the launch with this signature has opened one before."""

    async def get(self, token: str) -> Session | None:
        """Return the session of this token, also an ended one."""


class ShownSearches(Protocol):
    """Searches in chat that a button opens in the table, by the key in its address."""

    async def put(self, key: str, query: Query, *, user_id: int, ends_at: datetime) -> None: ...

    async def get(self, key: str, *, user_id: int, now: datetime) -> Query | None:
        """Return the search, unless it is another user's or has ended."""
