"""Jobs (tarefas): bulk runs. A worker may be killed, so their documents hold the whole state."""

from datetime import datetime
from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict

from bot.domain.bulk_change import BulkOptions
from bot.domain.effort import Effort
from bot.domain.export import ExportOptions
from bot.domain.file_shape import FileShape
from bot.domain.registration import ErpRef, Kind

COMMAND_LINE: Final = "cli"
"""`Job.by` of a job that was started from the command line."""
SCHEDULE: Final = "schedule"
"""`Job.by` of a scheduled sync."""
SAMPLES: Final = 3
"""Maximum number of sample changes (old and new value) per field in a preview."""
LINES: Final = 20
"""Maximum number of entries in each list of a report."""


class JobKind(StrEnum):
    IMPORT = "import"
    EXPORT = "export"
    UNDO = "undo"
    SYNC = "sync"
    BACKUP = "backup"
    CHANGE = "change"
    """One change to many registrations."""
    PAIRS = "pairs"
    """A search for double entries."""


class JobState(StrEnum):
    DRAFT = "draft"
    """An import whose admin is still choosing columns and options."""
    CHECKING = "checking"
    """The dry run is in progress."""
    CHECKED = "checked"
    """The dry run is done, and the admin has to confirm it."""
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


ACTIVE: Final = frozenset((JobState.CHECKING, JobState.RUNNING))
"""The states in which a worker works on the job, or has to."""
OVER: Final = frozenset((JobState.DONE, JobState.CANCELLED, JobState.FAILED))


class JobTrouble(StrEnum):
    """The reasons why a job failed."""

    FILE = "file"
    """The file cannot be read; `Job.file_trouble` gives the reason."""
    FILE_GONE = "file_gone"
    DISK_FULL = "disk_full"
    DATABASE = "database"
    TOO_MANY_TRIES = "too_many_tries"
    """Its workers were killed repeatedly at the same point."""
    ERP_AWAY = "erp_away"
    """The ERP did not answer, despite several retries."""
    ERP_REFUSED = "erp_refused"
    ERP_UNREADABLE = "erp_unreadable"
    """The ERP's answer cannot be parsed."""
    ERP_CERTIFICATE = "erp_certificate"
    """The ERP's certificate is self-signed, or signed by nobody known."""
    ERP_CERTIFICATE_DATE = "erp_certificate_date"
    ERP_CERTIFICATE_NAME = "erp_certificate_name"
    NOT_WRITABLE = "not_writable"
    """The worker cannot write to its data folder."""
    DISTURBED = "disturbed"
    """The register changed too much while it was copied for a backup."""
    TOO_LARGE = "too_large"
    """The backup was made, but it is larger than Telegram accepts from a bot."""
    BLOCKED = "blocked"
    """The admin who asked for a backup blocked the bot."""
    NO_RIGHT = "no_right"
    """The user who asked for it is no longer an admin."""
    TELEGRAM = "telegram"
    """Telegram did not take the backup."""
    LABEL_GONE = "label_gone"
    """The tag or department of a change of many was archived meanwhile."""
    INTERRUPTED = "interrupted"
    """The bot was stopped while it made the backup, before backups were jobs."""
    UNKNOWN = "unknown"


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class FileTrouble(_Model):
    """The stored form of a `bot.domain.file_refusal.FileRefused`."""

    reason: str
    line: int | None = None
    names: tuple[str, ...] = ()
    found: int | None = None


class Source(_Model):
    """A file that an admin sent or a job produced, with the id under which it is stored."""

    file_id: str
    """Empty once the file has been deleted."""
    name: str
    size_bytes: int

    def without_file(self) -> "Source":
        """Return it as it is once the file has been deleted."""
        return Source(file_id="", name=self.name, size_bytes=self.size_bytes)


class MendedCell(_Model):
    """A cell of a file that an admin has written anew in the preview."""

    line: int
    column: int
    text: str


class ShownRow(_Model):
    """A row of a file as the preview shows it: only the cells of imported columns, no password."""

    line: int
    cells: tuple[str, ...]


class ImportOptions(_Model):
    """The options of an import: how to read the file and what it may change."""

    columns: tuple[str | None, ...] = ()
    """The path of each column's field; None for a column that is not imported."""
    update: bool = False
    """The answer to "Atualizar registros existentes?"."""
    fields: frozenset[str] = frozenset()
    """Paths that an update may change."""
    default_kind: Kind | None = None
    """Kind of a new registration whose row has none."""
    accepted: frozenset[str] = frozenset()
    """Kinds of problem (`bot.domain.row.ACCEPTED`) with which a row enters without the field."""
    mended: tuple[MendedCell, ...] = ()
    """Cells that are read as they were written in the preview, and not as the file has them."""
    confirm: bool = True
    """True if the job waits for a confirmation after the dry run; the command line does not."""


class SyncMode(StrEnum):
    QUICK = "quick"
    """Only updates existing registrations."""
    FULL = "full"
    """Also creates registrations."""


class SyncOptions(_Model):
    """The options of a sync: which ERP records to read."""

    system: str
    mode: SyncMode
    since: datetime | None = None
    """Read only records changed since this time; None reads all records.

    The time has the same clock as `bot.domain.erp_record.ErpPage.latest`.
    """


class Counts(_Model):
    """The numbers of rows by result; of registrations, for all but imports and syncs.

    For a backup, the number of documents."""

    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0
    repaired: int = 0
    """Rows in whose tax id the lost leading zeros were restored."""
    replanned: int = 0
    """Rows planned anew, because their registration changed between the preview and the run."""
    accepted: int = 0
    """Rows that enter without a field that could not be read."""
    kindless: int = 0
    """For a preview: refused rows that would need a kind."""
    passwords: int = 0
    """Rows with a password to hash, or to compare with the stored hash."""
    skipped: int = 0
    """ERP records that a quick sync skips, because they have no registration yet."""
    removed: int = 0
    restored: int = 0
    emptied: int = 0
    """Registrations with a telephone or e-mail that the ERP has emptied."""
    lost: int = 0
    """Registrations that are not in the ERP any more."""
    kept: int = 0
    """Registrations that an undo left unchanged, in part or whole, because of later changes."""
    pairs: int = 0
    """Likely double entries that a search has found."""
    problems: dict[str, int] = {}
    """Rows refused for kinds of problem with which they could enter without the field.

    For a change of many, the registrations left out, by reason (`bot.domain.bulk_change.Skip`)."""
    fields: dict[str, int] = {}
    """Number of registrations that change, by field; of documents, by collection, for a backup."""

    def plus(self, other: "Counts") -> "Counts":
        total = {
            name: getattr(self, name) + getattr(other, name)
            for name in Counts.model_fields
            if name not in ("fields", "problems")
        }
        return Counts(
            **total,
            fields=_summed(self.fields, other.fields),
            problems=_summed(self.problems, other.problems),
        )


def _summed(one: dict[str, int], other: dict[str, int]) -> dict[str, int]:
    return {**one, **{name: one.get(name, 0) + count for name, count in other.items()}}


class Sample(_Model):
    """One sample change of a preview, with values in stored form."""

    path: str
    line: int
    name: str
    before: object
    after: object


class RowReport(_Model):
    """The reasons why a row was refused, stored with its batch."""

    line: int
    reasons: tuple[tuple[str, str, str], ...]
    """Each is a path, a reason and a detail."""
    ref: str = ""
    """For a sync: the ERP's own reference of the record, because readers know no line numbers.

    For a change of many: the registration's id."""
    name: str = ""
    """For a sync: the name in the ERP record. A change of many stores none."""


class Progress(_Model):
    """The progress message of the job."""

    chat_id: int
    message_id: int


class Job(_Model):
    id: int = 0
    """Numbered from 1, because admins type it; 0 until it is stored."""
    kind: JobKind
    state: JobState
    by: str
    """The same form as `Provenance.by`: `admin:<id>`, or `COMMAND_LINE` or `SCHEDULE`."""
    created_at: datetime
    began_at: datetime | None = None
    """The time in the provenance of everything the job writes; it makes a batch idempotent."""
    ended_at: datetime | None = None
    source: Source | None = None
    shape: FileShape | None = None
    """Of the file to import, as long as that is kept; None if an earlier version began the job."""
    import_options: ImportOptions | None = None
    export_options: ExportOptions | None = None
    sync_options: SyncOptions | None = None
    bulk_options: BulkOptions | None = None
    undoes: int | None = None
    undoes_kind: JobKind | None = None
    undone_by: int | None = None
    total: int | None = None
    """Total number of rows, if known."""
    preview: Counts | None = None
    samples: tuple[Sample, ...] = ()
    to_refuse: tuple[RowReport, ...] = ()
    """The first rows that the preview refused."""
    shown_rows: tuple[ShownRow, ...] = ()
    """The first rows of the file and those of `to_refuse`, as long as the file is kept."""
    unknown_tags: tuple[str, ...] = ()
    """Tags of the file that do not exist, as far as the preview met them."""
    effort: Effort | None = None
    """What the checked import takes, if that is much; None with a MongoDB server."""
    plan_file_id: str | None = None
    """The plan of the preview. For a change of many or an export: the ids of those chosen."""
    counts: Counts = Counts()
    batches: int = 0
    """Approximate number of batches done; the stored batches are authoritative."""
    working_s: float = 0.0
    """Working time in seconds, without killed runs."""
    results: tuple[Source, ...] = ()
    """Files that the job produced: an export, or the refused rows of an import."""
    trouble: JobTrouble | None = None
    file_trouble: FileTrouble | None = None
    is_cancelled: bool = False
    """True once a cancellation was requested; the job stops after its current batch."""
    progress: Progress | None = None
    told: bool = True
    """True once the job's author is notified of its present state."""
    owner: str | None = None
    until: datetime | None = None
    """End of the owner's lease."""
    tries: int = 0
    """Number of times a worker has taken the job since its last batch."""
    waits_since: datetime | None = None
    """Since when it waits for its turn, other jobs being first; None while it is worked on."""
    trace: str = ""
    """The place of what put it into the line in a trace, which its work belongs to; empty without
    traces."""
    is_summary: bool = False
    """True once its details are deleted, so that it can be neither undone nor told in full."""
    version: int = 1

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE

    @property
    def needs_work(self) -> bool:
        """Return True if a worker has work to do, even if only a notification is left."""
        return self.is_active or not self.told

    @property
    def wrote(self) -> bool:
        """Return True if the job changed the register, so that the audit refers to it."""
        counts = self.counts
        changed = counts.created or counts.updated or counts.removed or counts.restored
        is_of_register = self.kind not in (JobKind.EXPORT, JobKind.BACKUP)
        return is_of_register and bool(changed)

    @property
    def can_be_undone(self) -> bool:
        """Return True if the job is over, changed something and was not undone yet."""
        is_whole = self.undone_by is None and not self.is_summary
        return self.state in OVER and self.wrote and is_whole

    @property
    def fits(self) -> bool:
        """Return False if the checked import would fill the disk."""
        return self.effort is None or self.effort.fits

    @property
    def asks_about_losses(self) -> bool:
        """Return True if the job is a sync that has stopped before it takes away so much."""
        is_sync = self.kind is JobKind.SYNC and self.state is JobState.CHECKED
        return is_sync and not self.is_summary

    @property
    def can_go_on(self) -> bool:
        """Return True if the job is an import that was cancelled while it wrote, and whose file is
        kept."""
        has_file = self.source is not None and bool(self.source.file_id)
        was_running = self.state is JobState.CANCELLED and self.began_at is not None
        return was_running and has_file and self.undone_by is None

    @property
    def syncs_on(self) -> bool:
        """Return True if the next sync of this mode goes on where this one stopped: the ERP went
        away, or Ctrl-C stopped it."""
        by_key = self.state is JobState.CANCELLED and self.by == COMMAND_LINE
        was_stopped = self.trouble is JobTrouble.ERP_AWAY or by_key
        is_whole = self.batches > 0 and self.undone_by is None and not self.is_summary
        return self.sync_options is not None and was_stopped and is_whole

    @property
    def key(self) -> str:
        """Return the job's id in the form of `Provenance.job`."""
        return str(self.id)


class Kept(_Model):
    """A registration that an undo left unchanged, in part or whole, because of later changes."""

    registration_id: str
    name: str
    paths: tuple[str, ...]
    """The fields that keep their present values; empty when the whole registration stays."""


class Suspect(_Model):
    """A registration of which the ERP's list has not all that the register has.

    Nothing is taken away from it until the sync has read everything.
    """

    registration_id: str
    paths: tuple[str, ...] = ()
    """The fields that the ERP had filled and now gives blank."""
    refs: tuple[ErpRef, ...] = ()
    """The records that did not come, or have another document now."""


class Batch(_Model):
    """The result of one batch of a job.

    It is written in one transaction with the batch's changes, so it is the job's checkpoint.
    """

    job: int
    number: int
    """Numbered from 1."""
    last_line: int
    counts: Counts
    created: tuple[str, ...] = ()
    """Ids of the registrations that the batch created; these have no audit entry of it."""
    entries: tuple[str, ...] = ()
    """Ids of the audit entries of the batch."""
    refused: tuple[RowReport, ...] = ()
    repaired: tuple[int, ...] = ()
    replanned: tuple[int, ...] = ()
    accepted: tuple[RowReport, ...] = ()
    """The cells without which rows entered."""
    kept: tuple[Kept, ...] = ()
    cursor: str | None = None
    """For a sync: the cursor of the ERP's next page; None after the last page."""
    latest: datetime | None = None
    """For a sync: the latest time of change of all records so far, by the ERP's clock."""
    newest: datetime | None = None
    """For a sync: the time of the newest change when it began, as `ErpPage.newest`."""
    tells_changes: bool = True
    """For a sync: True if every page of records so far had a time of change."""
    is_whole: bool = False
    """For a sync: True if it lists all that the ERP has, and all pages so far were complete."""
    seen: bytes = b""
    """For such a sync: a key of 8 bytes for each record (`bot.usecases.jobs.take_away`)."""
    suspects: tuple[Suspect, ...] = ()
    suspected: int = 0
    """For a sync: the number of suspects of all batches so far."""
    is_compared: bool = False
    """For a sync: True once the register was compared with what came."""
    settled: tuple[int, int] | None = None
    """For a sync, once it takes away: the batch up to whose suspect of this place it has."""


class Report(_Model):
    """Details of a finished job beyond its counts: the first `LINES` entries of each list."""

    refused: tuple[RowReport, ...] = ()
    repaired: tuple[int, ...] = ()
    replanned: tuple[int, ...] = ()
    accepted: tuple[RowReport, ...] = ()
    kept: tuple[Kept, ...] = ()
