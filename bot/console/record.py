"""One registration: everything on record, and its audit below."""

from typing import Final

from aiohttp import web

from bot.console.rendering import page
from bot.console.request import ConsoleRequest, Route
from bot.domain.audit import AuditEntry
from bot.wording.values import (
    EMPTY,
    LABELS,
    WAYS,
    Names,
    provenance_line,
    show_value,
    value_of,
    when,
    who,
)
from bot.wording.words import EVENTS

_SHOWN_ENTRIES: Final = 100


async def show_record(asked: ConsoleRequest) -> web.StreamResponse:
    services, registration_id = asked.services, asked.http.match_info["id"]
    registration = await services.registrations.by_id(registration_id)
    entries, names = await services.audit.audit_of(registration_id), await services.names()
    if registration is None and not entries:
        raise web.HTTPNotFound
    fields = []
    created = ""
    if registration is not None:
        values = [(label, value_of(registration, path, names)) for path, label in LABELS.items()]
        fields = [(label, value) for label, value in values if value != EMPTY]
        created = provenance_line(registration.created, names)
    return page(
        "record",
        {
            "name": registration.name if registration else entries[0].name,
            "is_gone": registration is None,
            "fields": fields,
            "created": created,
            "entries": [entry_shown(entry, names) for entry in entries[:_SHOWN_ENTRIES]],
            "older": max(0, len(entries) - _SHOWN_ENTRIES),
        },
    )


def entry_shown(entry: AuditEntry, names: Names) -> dict[str, object]:
    """Return one audit entry in words: what, when, who, by which way, from what to what."""
    provenance = entry.provenance
    return {
        "event": EVENTS[entry.event],
        "when": when(provenance.at, names),
        "who": who(provenance.by, names),
        "way": WAYS[provenance.way],
        "is_redacted": entry.is_redacted,
        "changes": [
            (
                LABELS.get(one.path, one.path),
                show_value(one.path, one.before, names),
                show_value(one.path, one.after, names),
            )
            for one in entry.changes
        ],
    }


ROUTES: Final = (Route(method="GET", path="/record/{id}", handle=show_record),)
