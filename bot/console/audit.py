"""The audit of the whole register, with filters and pages."""

from datetime import date
from typing import Final

from aiohttp import web
from multidict import MultiMapping

from bot.console.record import entry_shown
from bot.console.rendering import page
from bot.console.request import ConsoleRequest, Route
from bot.domain.audit import AuditFilter, Event
from bot.wording.values import who
from bot.wording.words import EVENTS

_PAGE: Final = 30
_LONGEST_CURSOR: Final = 500


async def show(asked: ConsoleRequest) -> web.StreamResponse:
    """Return one page of the entries, newest first; a page of the form is kept as a cursor."""
    services, form = asked.services, await asked.form()
    wanted = _wanted(form)
    starts = [one[:_LONGEST_CURSOR] for one in form.getall("start", [])]
    if form.get("do") == "older" and form.get("older"):
        starts = [*starts, form["older"][:_LONGEST_CURSOR]]
    elif form.get("do") == "newer":
        starts = starts[:-1]
    elif form.get("do") == "filter":
        starts = []
    found = await services.audit.page(
        wanted,
        timezone=services.timezone,
        start=starts[-1] if starts else None,
        count=_PAGE,
    )
    names, entries = await services.names(), []
    for entry in found.entries:
        # Only a deletion offers more where its registration is not there.
        is_there = entry.deleted is None or bool(
            await services.registrations.by_id(entry.registration_id)
        )
        entries.append(entry_shown(entry, names, is_there=is_there))
    people = {by: who(by, names) for by in await services.audit.people()}
    return page(
        "audit",
        {
            "entries": entries,
            "starts": starts,
            "older": found.older,
            "wanted": wanted,
            "events": EVENTS,
            "people": dict(sorted(people.items(), key=lambda one: one[1])),
        },
    )


def _wanted(form: MultiMapping[str]) -> AuditFilter:
    first, last = _day(form.get("first", "")), _day(form.get("last", ""))
    if first and last and first > last:
        first, last = last, first
    try:
        return AuditFilter(
            by=form.get("by") or None,
            event=Event(form["event"]) if form.get("event") else None,
            first_day=first,
            last_day=last,
        )
    except ValueError as error:
        raise web.HTTPBadRequest from error


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise web.HTTPBadRequest from error


ROUTES: Final = (
    Route(method="GET", path="/audit", handle=show),
    Route(method="POST", path="/audit", handle=show),
)
