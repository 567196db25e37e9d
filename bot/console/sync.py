"""Syncs with the ERP, where there is one that lists its customers."""

from typing import Final

from aiohttp import web

from bot.console.jobs import job_page
from bot.console.rendering import page
from bot.console.request import ConsoleRequest, Route
from bot.domain.job import SyncMode
from bot.usecases.jobs.begin_sync import BeginSync, RunsAlready
from bot.wording.sync import BEGINNING, EFFECTS, last_line, runs_already

_MODES: Final = {
    "quick": (SyncMode.QUICK, False),
    "full": (SyncMode.FULL, False),
    "everything": (SyncMode.FULL, True),
}


async def show(asked: ConsoleRequest) -> web.StreamResponse:
    return await _page(asked, _sync(asked))


async def begin(asked: ConsoleRequest) -> web.StreamResponse:
    """Start a sync, whose report also goes to the admin's chat."""
    sync = _sync(asked)
    mode = _MODES.get((await asked.form()).get("mode", ""))
    if mode is None:
        raise web.HTTPBadRequest
    last = await sync.last()
    if last.job is not None and last.job.is_active:
        return await _page(asked, sync, RunsAlready(last.job))
    progress = await asked.services.show_in_chat(asked.user_id, BEGINNING)
    begun = await sync(mode[0], by=asked.by, everything=mode[1], progress=progress)
    if isinstance(begun, RunsAlready):
        return await _page(asked, sync, begun)
    return await job_page(asked, begun)


async def _page(
    asked: ConsoleRequest, sync: BeginSync, running: RunsAlready | None = None
) -> web.Response:
    return page(
        "sync",
        {
            "lists_changes": sync.lists_changes,
            "effects": EFFECTS,
            "last": last_line(await sync.last(), timezone=asked.services.timezone),
            "running": runs_already(running.job) if running else "",
            "job": running.job if running else None,
        },
    )


def _sync(asked: ConsoleRequest) -> BeginSync:
    if asked.services.begin_sync is None:
        raise web.HTTPNotFound
    return asked.services.begin_sync


ROUTES: Final = (
    Route(method="GET", path="/sync", handle=show),
    Route(method="POST", path="/sync", handle=begin),
)
