"""An export with its fields chosen: of the whole register, or of what the table finds."""

from typing import Final

from aiohttp import web
from pydantic import ValidationError

from bot.console import texts
from bot.console.jobs import job_page
from bot.console.rendering import page, sentence
from bot.console.request import ConsoleRequest, Route
from bot.console.table import read_query
from bot.domain.export import EXPORT_COLUMNS, ExportOptions
from bot.domain.search import Query
from bot.wording.jobs import filters
from bot.wording.values import LABELS
from bot.wording.words import number

NO_FIELD: Final = "A exportação precisa de ao menos um campo."


async def choose(asked: ConsoleRequest) -> web.StreamResponse:
    services, query = asked.services, read_query(await asked.form())
    last = await services.choices.of_export(asked.by) or ExportOptions()
    is_narrowed = query != Query()
    return page(
        "export",
        {
            "fields": {path: LABELS[path] for path in EXPORT_COLUMNS.values()},
            "ticked": last.paths,
            "format": last.format,
            "all": number(await services.search.count(Query())),
            "found": number(await services.search.count(query)) if is_narrowed else "",
            "filters": filters(query, await services.names()),
        },
    )


async def begin(asked: ConsoleRequest) -> web.StreamResponse:
    """Start the export; its file goes to the admin's chat."""
    services, form = asked.services, await asked.form()
    ticked = set(form.getall("path", []))
    if not ticked:
        return sentence(NO_FIELD, 422)
    try:
        options = ExportOptions.model_validate(
            {
                "format": form.get("format"),
                # In the order of the template.
                "paths": [path for path in EXPORT_COLUMNS.values() if path in ticked],
                "query": read_query(form) if form.get("scope") == "found" else Query(),
            }
        )
    except (ValueError, ValidationError) as error:
        raise web.HTTPBadRequest from error
    progress = await services.show_in_chat(asked.user_id, texts.EXPORTING)
    job = await services.jobs.begin_export(options, by=asked.by, progress=progress)
    return await job_page(asked, job)


ROUTES: Final = (
    Route(method="POST", path="/export", handle=choose),
    Route(method="POST", path="/export/begin", handle=begin),
)
