"""The table: search, filters, sorting and pages. Its state is the form on the page."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final

from aiohttp import web
from multidict import MultiMapping
from pydantic import ValidationError

from bot.console.rendering import page
from bot.console.request import ConsoleRequest, Route
from bot.console.row import row_of
from bot.domain.console import Column, TableOptions
from bot.domain.label import Label
from bot.domain.registration import Kind, Status
from bot.domain.search import Order, Query, ResultPage, SortBy, query_data
from bot.wording.jobs import LOST
from bot.wording.values import Names
from bot.wording.words import KINDS, STATUSES, number

PAGE: Final = 50
_LONGEST_SEARCH: Final = 200
_TICKED: Final = 1_000
COLUMNS: Final = {
    Column.DOCUMENT: "CPF ou CNPJ",
    Column.PHONES: "Telefones",
    Column.KINDS: "Tipo",
    Column.STATUS: "Status",
    Column.TAGS: "Etiquetas",
    Column.PRIORITY: "Prioridade",
    Column.UPDATED: "Alterado em",
}
SORTS: Final = {
    SortBy.NAME: "Nome",
    SortBy.DOCUMENT: "CPF ou CNPJ",
    SortBy.UPDATED: "Alterado em",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What the table shows, as its form says."""

    query: Query
    order: Order
    columns: tuple[Column, ...]
    starts: tuple[str, ...] = ()
    """The cursors of the pages up to this one; none for the first."""
    ticked: frozenset[str] = frozenset()

    @property
    def mark(self) -> str:
        """Return a mark of the results, which changes with them: ticks are for the same ones."""
        return sha256(json.dumps(query_data(self.query)).encode()).hexdigest()[:16]


async def open_table(asked: ConsoleRequest) -> web.StreamResponse:
    """Return the whole table, at the search that a button in chat stands for, or as left."""
    form = await asked.form()
    options = await asked.services.choices.of_table(asked.by) or TableOptions()
    key, notice = form.get("key", ""), ""
    query = options.filters
    if key:
        shown = await asked.services.searches.get(
            key, user_id=asked.user_id, now=asked.services.clock()
        )
        if shown is None:
            notice = "A busca deste botão já passou de um dia. Procure de novo aqui."
        else:
            query = shown
    view = View(query=query, order=options.order, columns=options.columns)
    return page("table", {**await _shown(asked, view), "notice": notice})


async def total(asked: ConsoleRequest) -> web.StreamResponse:
    """Return how many the search and the filters find; the list does not wait for it."""
    try:
        query = read_query(await asked.form())
    except (ValueError, ValidationError) as error:
        raise web.HTTPBadRequest from error
    return page("total", {"total": number(await asked.services.search.count(query))})


async def list_again(asked: ConsoleRequest) -> web.StreamResponse:
    """Return the list after a change of the form, and remember what was chosen."""
    view = read_view(await asked.form())
    options = TableOptions(
        columns=view.columns, order=view.order, filters=replace(view.query, text="")
    )
    if options != await asked.services.choices.of_table(asked.by):
        await asked.services.choices.remember_table(asked.by, options)
    return page("list", await _shown(asked, view))


def read_view(form: MultiMapping[str]) -> View:
    """Return what the form says; raises HTTPBadRequest for what the page cannot send."""
    try:
        by = SortBy(form.get("sort", SortBy.NAME))
        view = View(
            query=read_query(form),
            order=Order(by=by, descending=form.get("descending") == "1"),
            columns=tuple(map(Column, form.getall("column", []))),
            starts=tuple(form.getall("start", [])),
        )
        verb, _, value = form.get("do", "").partition(":")
        if verb == "sort":
            # The same column again turns the order around; the newest change comes first.
            again, newest = SortBy(value) is by, SortBy(value) is SortBy.UPDATED
            order = Order(
                by=SortBy(value), descending=not view.order.descending if again else newest
            )
            view = replace(view, order=order, starts=())
    except (ValueError, ValidationError) as error:
        raise web.HTTPBadRequest from error
    if form.get("mark") != view.mark:
        return replace(view, starts=())
    if verb == "next" and form.get("next"):
        view = replace(view, starts=(*view.starts, form["next"]))
    elif verb == "previous":
        view = replace(view, starts=view.starts[:-1])
    return replace(view, ticked=frozenset(form.getall("tick", [])[:_TICKED]))


def read_query(form: MultiMapping[str]) -> Query:
    """Return the search and the filters of the form."""
    return Query(
        text=form.get("text", "").strip()[:_LONGEST_SEARCH],
        kinds=frozenset(map(Kind, form.getall("kind", []))),
        statuses=frozenset(map(Status, form.getall("status", []))),
        tags=frozenset(form.getall("tag", [])),
        without_tag="untagged" in form,
        departments=frozenset(form.getall("department", [])),
        priority="priority" in form,
        left_erp="left_erp" in form,
    )


async def _shown(asked: ConsoleRequest, view: View) -> dict[str, object]:
    services, query = asked.services, view.query
    found, tags, departments = await asyncio.gather(
        _page(asked, view),
        services.tags.all(),
        services.departments.all(),
    )
    if view.starts and not found.registrations:
        # What was on this page was deleted meanwhile.
        view = replace(view, starts=())
        found = await _page(asked, view)
    names = Names(
        tags={tag.id: tag.shown for tag in tags},
        departments={one.id: one.name for one in departments},
        timezone=services.timezone,
    )
    is_narrowed = query != Query()
    on_page = {one.id for one in found.registrations}
    is_whole = found.next is None and not view.starts
    return {
        "view": view,
        "query": query,
        "rows": [row_of(one, names) for one in found.registrations],
        "ticked_elsewhere": sorted(view.ticked - on_page),
        # Else the page asks for it when the list is there.
        "total": number(len(on_page)) if is_whole else "",
        "is_one": is_whole and len(on_page) == 1,
        "first": len(view.starts) * PAGE + 1,
        "last": len(view.starts) * PAGE + len(found.registrations),
        "next": found.next,
        "is_narrowed": is_narrowed,
        "has_erp": services.has_erp,
        "is_empty": not is_narrowed and not found.registrations,
        "columns": COLUMNS,
        "kinds": KINDS,
        "statuses": STATUSES,
        "tags": offered(tags, query.tags),
        "departments": offered(departments, query.departments),
        "sorts": SORTS,
        "chips": _chips(query, names),
    }


async def _page(asked: ConsoleRequest, view: View) -> ResultPage:
    start = view.starts[-1] if view.starts else None
    return await asked.services.search(view.query, order=view.order, start=start, count=PAGE)


def offered(labels: Sequence[Label], chosen: frozenset[str]) -> dict[str, str]:
    """Return the labels to choose from, by id; archived ones only where they are chosen."""
    return {one.id: one.shown for one in labels if not one.archived or one.id in chosen}


def _chips(query: Query, names: Names) -> list[tuple[str, str]]:
    """Return each filter as the id of its box in the form, and its words."""
    tags, departments = names.tags, names.departments
    return [
        *((f"kind-{kind}", KINDS[kind]) for kind in Kind if kind in query.kinds),
        *((f"status-{one}", STATUSES[one]) for one in Status if one in query.statuses),
        *([("priority", "Com prioridade")] if query.priority else []),
        *([("left_erp", LOST)] if query.left_erp else []),
        *(
            (f"department-{one}", f"Prioridade em {departments.get(one, one)}")
            for one in sorted(query.departments)
        ),
        *([("untagged", "Sem etiqueta")] if query.without_tag else []),
        *((f"tag-{tag}", tags.get(tag, tag)) for tag in sorted(query.tags)),
    ]


ROUTES: Final = (
    Route(method="POST", path="/table", handle=open_table),
    Route(method="POST", path="/list", handle=list_again),
    Route(method="POST", path="/total", handle=total),
)
