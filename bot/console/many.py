"""Acting on many: on the ticked rows, or on all that the search and the filters find."""

from collections.abc import AsyncIterator, Sequence
from typing import Final, Literal, get_args

from aiohttp import web
from multidict import MultiMapping

from bot.console import texts
from bot.console.jobs import job_page
from bot.console.rendering import page, sentence
from bot.console.request import ConsoleRequest, Route
from bot.console.table import View, read_view
from bot.domain.bulk_change import BulkAction, BulkOptions
from bot.domain.export import ExportOptions, Format
from bot.usecases.jobs.begin_change import BadValue
from bot.wording.words import KINDS, number

Scope = Literal["ticked", "all"]
_LONGEST_VALUE: Final = 4_000


async def choose(asked: ConsoleRequest) -> web.StreamResponse:
    """Return the actions for the chosen registrations."""
    services, form = asked.services, await asked.form()
    view, scope = read_view(form), _scope(form)
    count = len(view.ticked) if scope == "ticked" else await services.search.count(view.query)
    return page(
        "many",
        {
            "scope": scope,
            "count": number(count),
            "is_one": count == 1,
            "nobody": "" if count else texts.NONE_TICKED,
            "tags": [tag for tag in await services.tags.all() if not tag.archived],
            "departments": [one for one in await services.departments.all() if not one.archived],
            "kinds": KINDS,
        },
    )


async def preview(asked: ConsoleRequest) -> web.StreamResponse:
    """Start the preview of a change, and return its job."""
    form = await asked.form()
    view, scope = read_view(form), _scope(form)
    try:
        action = BulkAction(form.get("action", ""))
    except ValueError as error:
        raise web.HTTPBadRequest from error
    if scope == "ticked" and not view.ticked:
        return sentence(texts.NONE_TICKED, 422)
    query, ids = (view.query, None) if scope == "all" else (None, _ids(view))
    value = form.get("value", "").strip()[:_LONGEST_VALUE]
    options = BulkOptions(action=action, value=value, query=query)
    job = await asked.services.begin_change(options, by=asked.by, ids=ids)
    if isinstance(job, BadValue):
        return sentence(texts.BAD_VALUE, 422)
    return await job_page(asked, job)


async def export(asked: ConsoleRequest) -> web.StreamResponse:
    """Start an export, whose file goes to the admin's chat: not every Telegram saves one here."""
    services, form = asked.services, await asked.form()
    view, scope = read_view(form), _scope(form)
    if form.get("format") not in get_args(Format):
        raise web.HTTPBadRequest
    if scope == "ticked" and not view.ticked:
        return sentence(texts.NONE_TICKED, 422)
    ids = _ids(view) if scope == "ticked" else None
    options = await services.choices.of_export(asked.by) or ExportOptions()
    options = ExportOptions.model_validate(
        options.model_dump() | {"format": form["format"], "query": view.query}
    )
    progress = await services.show_in_chat(asked.user_id, texts.EXPORTING)
    job = await services.jobs.begin_export(options, by=asked.by, ids=ids, progress=progress)
    return await job_page(asked, job)


def _scope(form: MultiMapping[str]) -> Scope:
    return "all" if form.get("scope") == "all" else "ticked"


async def _ids(view: View) -> AsyncIterator[Sequence[str]]:
    yield sorted(view.ticked)


ROUTES: Final = (
    Route(method="POST", path="/many", handle=choose),
    Route(method="POST", path="/many/preview", handle=preview),
    Route(method="POST", path="/many/export", handle=export),
)
