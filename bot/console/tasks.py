"""The list of jobs, newest first."""

from typing import Final

from aiohttp import web

from bot.console.rendering import page
from bot.console.request import ConsoleRequest, Route
from bot.domain.job import Job, JobState
from bot.wording.jobs import state, subject, summary
from bot.wording.values import Names, when, who

_PAGE: Final = 20
_DIGITS: Final = 9


async def list_jobs(asked: ConsoleRequest) -> web.StreamResponse:
    """Return one page of the list; `before` is the number of the oldest job of the page before."""
    before = (await asked.form()).get("before", "")
    if before and not (before.isascii() and before.isdigit() and len(before) <= _DIGITS):
        raise web.HTTPBadRequest
    found = await asked.services.jobs.latest(_PAGE + 1, before=int(before) if before else None)
    names = await asked.services.names()
    return page(
        "tasks",
        {
            "jobs": [_shown(job, names) for job in found[:_PAGE]],
            "older": found[_PAGE - 1].id if len(found) > _PAGE else 0,
            "is_first": not before,
        },
    )


def _shown(job: Job, names: Names) -> dict[str, object]:
    words = subject(job)
    return {
        "id": job.id,
        "subject": words[:1].upper() + words[1:],
        "state": state(job),
        "is_active": job.is_active,
        "is_failed": job.state is JobState.FAILED,
        "summary": summary(job) if job.state is JobState.DONE else "",
        "when": when(job.created_at, names),
        "who": who(job.by, names),
        "undone_by": job.undone_by,
    }


ROUTES: Final = (
    Route(method="GET", path="/jobs", handle=list_jobs),
    Route(method="POST", path="/jobs", handle=list_jobs),
)
