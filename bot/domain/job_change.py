"""The changes of a stored job, by keyword."""

from datetime import datetime
from typing import TypedDict

from bot.domain.bulk_change import BulkOptions
from bot.domain.effort import Effort
from bot.domain.file_shape import FileShape
from bot.domain.job import (
    Counts,
    FileTrouble,
    ImportOptions,
    Job,
    JobState,
    JobTrouble,
    Progress,
    RowReport,
    Sample,
    ShownRow,
    Source,
)


class JobChange(TypedDict, total=False):
    """The fields of a job that change, each with its new value."""

    state: JobState
    by: str
    began_at: datetime | None
    ended_at: datetime | None
    source: Source | None
    shape: FileShape | None
    import_options: ImportOptions | None
    bulk_options: BulkOptions | None
    undone_by: int | None
    total: int | None
    preview: Counts | None
    samples: tuple[Sample, ...]
    to_refuse: tuple[RowReport, ...]
    shown_rows: tuple[ShownRow, ...]
    unknown_tags: tuple[str, ...]
    effort: Effort | None
    plan_file_id: str | None
    counts: Counts
    batches: int
    working_s: float
    results: tuple[Source, ...]
    trouble: JobTrouble | None
    file_trouble: FileTrouble | None
    is_cancelled: bool
    progress: Progress | None
    told: bool
    tries: int
    waits_since: datetime | None
    is_summary: bool


def changed(job: Job, change: JobChange) -> Job:
    """Return the next version of the job, with these fields changed."""
    return Job(**{**dict(job), **change, "version": job.version + 1})


def without_file(job: Job) -> JobChange:
    """Return the change that takes out of a job what it holds of its file."""
    values: JobChange = {"plan_file_id": None, "shape": None, "shown_rows": ()}
    if job.source is not None:
        values["source"] = job.source.without_file()
    if job.import_options is not None:
        values["import_options"] = job.import_options.model_copy(update={"mended": ()})
    return values


def failed(trouble: JobTrouble) -> JobChange:
    """Return the change of a job that has failed."""
    return {"state": JobState.FAILED, "trouble": trouble}
