"""Tarefas: bulk runs, whose documents are the truth about them: a worker may be killed."""

from datetime import datetime
from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict

from bot.domain.export import ExportOptions
from bot.domain.registration import Kind

COMMAND_LINE: Final = "cli"
"""`Job.by` of a job that was begun there."""
SCHEDULE: Final = "schedule"
"""`Job.by` of a sync that nobody asked for."""
SAMPLES: Final = 3
"""Changes shown for each field, from old to new, in a preview."""
LINES: Final = 20
"""Lines that a report names one by one."""


class JobKind(StrEnum):
    IMPORT = "import"
    EXPORT = "export"
    UNDO = "undo"
    SYNC = "sync"


class JobState(StrEnum):
    DRAFT = "draft"
    """An import whose columns and settings its admin is still choosing."""
    CHECKING = "checking"
    """Its dry run is made."""
    CHECKED = "checked"
    """Its dry run is shown and waits for a yes."""
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


ACTIVE: Final = frozenset((JobState.CHECKING, JobState.RUNNING))
"""Somebody works on it, or has to."""
OVER: Final = frozenset((JobState.DONE, JobState.CANCELLED, JobState.FAILED))


class JobTrouble(StrEnum):
    """Why a job failed."""

    FILE = "file"
    """The file cannot be read; `Job.file_trouble` says why."""
    FILE_GONE = "file_gone"
    DISK_FULL = "disk_full"
    DATABASE = "database"
    TOO_MANY_TRIES = "too_many_tries"
    """Whoever worked on it was killed again and again in the same place."""
    ERP_AWAY = "erp_away"
    """It did not answer, again and again."""
    ERP_REFUSED = "erp_refused"
    ERP_UNREADABLE = "erp_unreadable"
    """It answered what we cannot read."""
    UNKNOWN = "unknown"


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class FileTrouble(_Model):
    """Why a file is no table; the reasons are those of `bot.domain.file_refusal`."""

    reason: str
    line: int | None = None
    names: tuple[str, ...] = ()
    found: int | None = None


class Source(_Model):
    """A file that was sent or made, and where it is kept."""

    file_id: str
    """Empty once it is not kept any more."""
    name: str
    size_bytes: int


class ImportOptions(_Model):
    """How a file is to be understood and what it may change."""

    columns: tuple[str | None, ...] = ()
    """For each column the path of its field, None when it is not taken."""
    update: bool = False
    """"Atualizar registros existentes?" """
    fields: frozenset[str] = frozenset()
    """Paths that an update may touch."""
    default_kind: Kind | None = None
    """Of who is new and has none."""
    confirm: bool = True
    """Whether it waits after the dry run; the command line goes on."""


class SyncMode(StrEnum):
    QUICK = "quick"
    """Updates who is in the register."""
    FULL = "full"
    """Creates, too."""


class SyncOptions(_Model):
    """What of the ERP is read."""

    system: str
    mode: SyncMode
    since: datetime | None = None
    """Only what changed from then on, as `bot.domain.erp_record.ErpPage.latest` has it; None reads
    everything."""


class Counts(_Model):
    """What became of the rows; of an undo or an export, of the registrations."""

    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0
    repaired: int = 0
    """Rows whose tax id got its lost zeros back."""
    replanned: int = 0
    """Rows whose registration somebody changed between the preview and the run."""
    passwords: int = 0
    """Rows with a password that is to be hashed or compared."""
    skipped: int = 0
    """Records of the ERP whose people are not in the register, and that a quick sync leaves so."""
    removed: int = 0
    restored: int = 0
    kept: int = 0
    """What an undo left as it is, because somebody changed it since."""
    fields: dict[str, int] = {}
    """How many registrations change in which field."""

    def plus(self, other: "Counts") -> "Counts":
        total = {
            name: getattr(self, name) + getattr(other, name)
            for name in Counts.model_fields
            if name != "fields"
        }
        fields = dict(self.fields)
        for path, count in other.fields.items():
            fields[path] = fields.get(path, 0) + count
        return Counts(**total, fields=fields)


class Sample(_Model):
    """One change of a preview, in its stored form."""

    path: str
    line: int
    name: str
    before: object
    after: object


class RowReport(_Model):
    """Why a row was refused, kept with its batch."""

    line: int
    reasons: tuple[tuple[str, str, str], ...]
    """Each a path, a reason and a detail."""
    ref: str = ""
    """Which record of the ERP it was, where lines mean nothing to anybody."""
    name: str = ""
    """Of that record."""


class Progress(_Model):
    """Where the job is said to be, in whose chat."""

    chat_id: int
    message_id: int


class Job(_Model):
    id: int
    """Counted from 1: people type it."""
    kind: JobKind
    state: JobState
    by: str
    """As `Provenance.by`: `admin:<id>`, or `cli`."""
    created_at: datetime
    began_at: datetime | None = None
    """The stamp of all that it writes, so that doing a batch again writes the same."""
    ended_at: datetime | None = None
    source: Source | None = None
    import_options: ImportOptions | None = None
    export_options: ExportOptions | None = None
    sync_options: SyncOptions | None = None
    undoes: int | None = None
    undone_by: int | None = None
    total: int | None = None
    """Rows to come, when that is known."""
    preview: Counts | None = None
    samples: tuple[Sample, ...] = ()
    to_refuse: tuple[RowReport, ...] = ()
    """The first rows that the preview refuses."""
    plan_file_id: str | None = None
    counts: Counts = Counts()
    batches: int = 0
    """About how many are done; the batches themselves are the truth."""
    working_s: float = 0.0
    """How long it was worked on, killed runs not counted."""
    results: tuple[Source, ...] = ()
    """Files that it made: an export, the refused rows of an import."""
    trouble: JobTrouble | None = None
    file_trouble: FileTrouble | None = None
    is_cancelled: bool = False
    """Somebody asked for it; it ends with its present batch."""
    progress: Progress | None = None
    told: bool = True
    """Whether its person knows of the state that it came to."""
    owner: str | None = None
    until: datetime | None = None
    """Till then the owner has it."""
    tries: int = 0
    """How often it was taken since its last batch."""
    version: int = 1

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE

    @property
    def needs_work(self) -> bool:
        """Whether a worker has something to do: also when only its end has to be told."""
        return self.is_active or not self.told

    @property
    def can_be_undone(self) -> bool:
        """Whether it is over, wrote something, and was not undone yet."""
        wrote = self.counts.created or self.counts.updated
        wrote = wrote or self.counts.removed or self.counts.restored
        return (
            self.kind in (JobKind.IMPORT, JobKind.SYNC, JobKind.UNDO)
            and self.state in OVER
            and bool(wrote)
            and self.undone_by is None
        )

    @property
    def key(self) -> str:
        """As stamps name it."""
        return str(self.id)


class Kept(_Model):
    """What an undo left as somebody made it since."""

    registration_id: str
    name: str
    paths: tuple[str, ...]
    """Fields; none when it is the whole registration that stays."""


class Batch(_Model):
    """What one batch of a job did: written with it or not at all, so it is the checkpoint."""

    job: int
    number: int
    """Counted from 1."""
    last_line: int
    counts: Counts
    created: tuple[str, ...] = ()
    """Ids of registrations that have no audit entry of their creation."""
    entries: tuple[str, ...] = ()
    """Ids of the audit entries of the batch."""
    refused: tuple[RowReport, ...] = ()
    repaired: tuple[int, ...] = ()
    replanned: tuple[int, ...] = ()
    kept: tuple[Kept, ...] = ()
    cursor: str | None = None
    """Of a sync: where the ERP's next page begins; None after the last."""
    latest: datetime | None = None
    """Of a sync: when the latest record so far was changed, by the ERP's clock."""
    tells_changes: bool = True
    """Of a sync: whether all records so far say when they were changed."""


class Report(_Model):
    """What a job that is over did, beyond its counts; of each the first `LINES`."""

    refused: tuple[RowReport, ...] = ()
    repaired: tuple[int, ...] = ()
    replanned: tuple[int, ...] = ()
    kept: tuple[Kept, ...] = ()
