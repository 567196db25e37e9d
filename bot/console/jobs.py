"""One job: its preview, progress and report, with the ways on and back."""

from typing import Final

from aiohttp import web

from bot.console import texts
from bot.console.import_preview import preview_of
from bot.console.rendering import page, sentence
from bot.console.request import ConsoleRequest, Route
from bot.domain.job import OVER, Job, JobKind, JobState
from bot.wording.job_report import has_something_to_write, report_lines
from bot.wording.jobs import (
    KIND_NAMES,
    cannot_undo,
    doing,
    progress_parts,
    state,
    undo_effects,
)
from bot.wording.words import number

_CONFLICT: Final = 409
_DIGITS: Final = 9


async def show(asked: ConsoleRequest) -> web.StreamResponse:
    return await job_page(asked, await job_of(asked))


async def confirm(asked: ConsoleRequest) -> web.StreamResponse:
    """Write what the preview of a change has shown, or what a sync has asked about."""
    job = await job_of(asked)
    if job.asks_about_losses:
        applied = await asked.services.jobs.apply_losses(job.id)
        return await job_page(asked, applied or await job_of(asked))
    if job.kind is not JobKind.CHANGE or not has_something_to_write(job):
        return sentence(texts.NO_CONFIRM, _CONFLICT)
    begun = await asked.services.jobs.confirm(job.id)
    if begun is None:
        return sentence(texts.NO_CONFIRM, _CONFLICT)
    return await job_page(asked, begun)


async def leave(asked: ConsoleRequest) -> web.StreamResponse:
    """End a sync without taking away what it has asked about."""
    job = await job_of(asked)
    return await job_page(asked, await asked.services.jobs.leave_losses(job.id) or job)


async def cancel(asked: ConsoleRequest) -> web.StreamResponse:
    job = await job_of(asked)
    cancelled = await asked.services.jobs.cancel(job.id)
    if cancelled is None:
        return sentence(texts.NO_CANCEL, _CONFLICT)
    return await job_page(asked, cancelled)


async def undo(asked: ConsoleRequest) -> web.StreamResponse:
    """Start the undo of the job, and return the job that does it."""
    job = await job_of(asked)
    outcome = await asked.services.jobs.undo(job.id, by=asked.by)
    if not isinstance(outcome, Job):
        return sentence(cannot_undo(await job_of(asked)), _CONFLICT)
    return await job_page(asked, outcome)


async def job_page(asked: ConsoleRequest, job: Job) -> web.Response:
    """Return the job as it is now; the page asks again by itself until it waits or is over."""
    services = asked.services
    is_over = job.state in OVER
    shows_report = is_over or job.state is JobState.CHECKED
    lines = []
    if shows_report:
        found = await services.report(job)
        if job.kind is JobKind.IMPORT and not is_over:
            # The table below has them, with the reason in each cell.
            found = found.model_copy(update={"refused": ()})
        lines = list(report_lines(job, found, await services.names()))
    can_confirm = job.state is JobState.CHECKED and job.kind is JobKind.CHANGE
    is_checked_import = job.kind is JobKind.IMPORT and job.state is JobState.CHECKED
    preview = job.preview
    response = page(
        "job",
        {
            "job": job,
            "title": f"{KIND_NAMES[job.kind]} · tarefa {job.id}",
            "state": state(job),
            "lines": lines,
            "is_over": is_over,
            "is_active": job.is_active,
            "doing": doing(job),
            "progress": progress_parts(
                job, job.counts, total=job.total, rows_a_second=0, left_s=None
            )[0],
            "can_confirm": can_confirm and has_something_to_write(job),
            "writes": number(preview.updated + preview.removed) if preview else "",
            "asks_about_losses": job.asks_about_losses,
            "deletes": bool(preview and preview.removed),
            "undo_effects": undo_effects(job) if job.can_be_undone else "",
            "goes_to_chat": job.kind is JobKind.EXPORT,
            "is_import": job.kind is JobKind.IMPORT,
            "table": preview_of(job) if is_checked_import else None,
            "number": number,
        },
    )
    if is_over:
        # The list beside it shows what the job has changed.
        response.headers["HX-Trigger"] = "registerChanged"
    return response


async def job_of(asked: ConsoleRequest) -> Job:
    """Return the job that the address names; raises HTTPNotFound."""
    job_id = asked.http.match_info["id"]
    is_number = job_id.isascii() and job_id.isdigit() and len(job_id) <= _DIGITS
    job = await asked.services.jobs.get(int(job_id)) if is_number else None
    if job is None:
        raise web.HTTPNotFound
    return job


ROUTES: Final = (
    Route(method="GET", path="/job/{id}", handle=show),
    Route(method="POST", path="/job/{id}/confirm", handle=confirm),
    Route(method="POST", path="/job/{id}/leave", handle=leave),
    Route(method="POST", path="/job/{id}/cancel", handle=cancel),
    Route(method="POST", path="/job/{id}/undo", handle=undo),
)
